//! Tests of trainers through the public interface.

mod bad_input;
mod contract;
mod options;
mod quality;
mod rows;
