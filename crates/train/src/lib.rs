//! Trainers: from a table to a fitted model and its graph.
//!
//! [`fit()`] computes the feature expressions with the very graph that will serve, encodes the columns, fits a trainer,
//! and appends encoder and model to the graph. Everything is seeded: the same rows and parameters give the same bytes,
//! on any number of threads.
//!
//! [`tuning`] looks for better parameters; it trains nothing itself.
//!
//! Start with [`fit()`], then `encoder.rs`, then one file a trainer.

mod algebra;
mod encoder;
mod error;
mod fit;
mod memory;
mod model;
mod naive;
mod parameters;
mod permutation;
mod predictions;
mod space;
mod table;
mod target;
mod trainers;
mod trees;
pub mod tuning;
mod weights;

pub use error::Error;
pub use fit::{FitRequest, Fitted, Progress, fit};
pub use naive::Naive;
pub use parameters::{
    ParameterInfo, ParameterKind, ParameterProblem, TrainerInfo, check_parameters, trainers,
};
pub use permutation::permutation_importances;
pub use space::{Points, points};
pub use weights::sample_weights;
