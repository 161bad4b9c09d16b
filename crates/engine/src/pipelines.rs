//! Runs the stages of `dvc.yaml`, and records them in `dvc.lock` as DVC does.
//!
//! It joins what `lifecycle` reads with what `versions` keeps, and neither may know the other. The graph of all files is
//! one more [`Plan`](everloop_lifecycle::Plan), and the executor of cycles runs it. Nothing prints, and no variable of the
//! environment is read; commands inherit it.
//!
//! - [`Project`]: all stages of a repository.
//! - [`Project::reproduce`]: runs those that must run.
//! - [`Project::why`]: what has changed for a stage.
//! - [`Snapshot`]: pipelines and files as they are or were, for comparisons of versions.
//! - [`run_cache_entries`]: what the run cache holds.

mod commands;
mod drawing;
mod error;
mod journal;
mod look;
mod project;
mod record;
mod report;
mod reproduce;
mod run;
mod run_cache;
mod snapshot;
mod targets;

pub use drawing::{Drawing, Thing, ThingKind};
pub use error::Error;
pub use project::Project;
pub use report::{Outcome, Progress, Report, StageReport};
pub use reproduce::{Besides, Request};
pub use run_cache::{Entry, run_cache_entries};
pub use snapshot::{Problem, Snapshot};
