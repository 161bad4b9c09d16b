//! Runs the stages of `dvc.yaml`, and records them in `dvc.lock` as DVC does.
//!
//! A crate of its own, because it joins what `lifecycle` reads with what `versions` keeps, and neither may know the other.
//! Nothing is asynchronous, nothing prints, and no variable of the environment is read; commands inherit it.
//!
//! - [`Project`]: all stages of a repository.
//! - [`Project::reproduce`]: runs those that must run, one after the other; [`Stop`] ends it from elsewhere.
//! - [`Project::why`]: what has changed for a stage.
//! - [`Snapshot`]: pipelines and files as they are or were, for comparisons of versions.

mod command;
mod error;
mod look;
mod project;
mod record;
mod reproduce;
mod snapshot;

pub use command::Stop;
pub use error::Error;
pub use project::Project;
pub use reproduce::{Besides, Outcome, Progress, Report, Request, StageReport};
pub use snapshot::{Problem, Snapshot};
