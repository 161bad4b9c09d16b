//! Trainers: from a table to a fitted model and its graph.
