//! Runs the stages of a cycle: fingerprints, cache, external processes, tracking, resume.
//!
//! A stage is a function of its [`Fingerprint`]. If a result with the same fingerprint is in the
//! cache, nothing runs; otherwise the stage works in a staging directory that becomes visible in one
//! rename. So a process may be killed at any instruction: the next [`Runner::run_cycle`] finds the
//! cycle unfinished, takes its number again, and goes on with the first stage that is not cached.
//!
//! Start reading at [`Runner::run_cycle`], then `stages/`, one file a stage.

mod cycle;
mod error;
mod executor;
mod fingerprint;
mod inputs;
mod learning;
mod lock;
mod origin;
pub mod pipelines;
mod process;
mod project;
mod provenance;
mod quantization;
mod report;
mod runner;
mod scoring;
mod stages;
pub mod status;
mod tracking;

pub use cycle::{CycleReport, CycleRequest};
pub use error::Error;
pub use executor::OnFailure;
pub use fingerprint::Fingerprint;
pub use lock::CycleLock;
pub use origin::{Origin, SeenData};
pub use process::Stop;
pub use project::Project;
pub use quantization::{BeforeAfter, KeptRows, MetricLoss, QuantizationLoss};
pub use runner::{Deps, LoadModel, Progress, Runner};
pub use scoring::{Scored, texts};
pub use stages::deploy::{CANDIDATE, CHAMPION, CYCLE_TAG, METRICS_TAG, PACKAGE_TAG, PREVIOUS};
pub use stages::evaluate::{
    Curves, Dependence, Disturbance, DrawnInput, Evaluation, Explanation, GateOutcome, GateVerdict,
    GroupComparison, GroupRates, MetricInterval, NaiveScores, Paired, Robustness, Shap,
};
pub use stages::train::Tuned;
pub use stages::train::decide::Decided;
