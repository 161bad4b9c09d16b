//! Signals, decisions, retraining.
//!
//! [`Controller::tick`] looks at the windows of the prediction log that have closed, keeps a signal for each
//! score, asks the pure [`planner`] what to do, and does it: each decision is a durable row that is done once, and an
//! audit row that says why. A process that dies in between finds its cycle unfinished and resumes it.
//!
//! The controller deploys by moving an alias ([`promotion`]); it never talks to what serves.

mod controller;
mod decisions;
mod error;
mod log;
pub mod planner;
pub mod promotion;
mod signals;
mod windows;

pub use controller::{Controller, Tick};
pub use error::Error;
