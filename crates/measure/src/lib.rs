//! Scores, fairness, drift statistics and gate expressions.
