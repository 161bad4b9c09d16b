//! Tests of trainers through the public interface.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "helpers of tests fail like tests"
)]

mod bad_input;
mod bounds;
mod contract;
mod dates;
mod fold_properties;
mod functions;
mod golden;
mod invariants;
mod learners;
mod matrix;
mod neural;
mod options;
mod pruning;
mod quality;
mod rows;
mod search_front;
mod search_properties;
mod search_resume;
mod searches;
mod trees;
mod tuning;
mod weights;
mod weights_as_rows;
