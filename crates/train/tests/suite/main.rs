//! Tests of trainers through the public interface.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "helpers of tests fail like tests"
)]

mod bad_input;
mod contract;
mod neural;
mod options;
mod quality;
mod rows;
