//! Signals, decisions, retraining.
