//! Inference: engines, protocols, prediction log.
//!
//! [`load`] makes an [`Engine`] of a package directory; [`Models`] holds what is served and swaps
//! versions without dropping a request; [`router`] answers MLflow's scoring protocol and the Open
//! Inference Protocol; [`PredictionLog`] keeps each prediction, off the request path.
//!
//! Promises: a request that was begun is finished with the version it began with; scoring never
//! waits for the log; the log is bounded in memory and counts what it had to drop; nothing here
//! needs a database. The present is taken from the clock that was given.

mod engine;
mod error;
mod log;
mod metrics;
mod models;
mod protocol;
mod serving;

pub use engine::{Engine, EngineChoice, EngineSettings, load};
pub use error::Error;
pub use log::{FORMAT_VERSION, LogSettings, LogStats, PredictionLog};
pub use models::{Models, Served};
pub use protocol::{router, serve};
pub use serving::Serving;
