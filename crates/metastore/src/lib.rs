//! All SQL: tracking, registry, cycles, signals, decisions, audit.
//!
//! A [`Metastore`] is opened on a SQLite file or a Postgres database. [`Metastore::write`] runs a closure in a transaction and returns when its
//! effects are on disk; many writers share one commit. [`Metastore::read`] runs a closure on a snapshot, beside the
//! writer. Inside, a [`Transaction`] leads to the resources, one file each: `tx.runs().get(&id)?`.
//!
//! Ids and times are made by the caller. Nothing here knows JSON of a wire format.

mod audit;
mod changes;
mod connection;
mod cycles;
mod decisions;
mod deliveries;
mod error;
mod experiments;
mod exports;
mod foreign;
mod happenings;
mod identity;
mod imports;
mod labels;
mod logged_models;
mod migrations;
mod models;
mod notes;
mod place;
mod readers;
mod runs;
pub mod search;
mod session;
mod signals;
mod stages;
mod store;
mod traces;
mod transaction;
mod trash;
mod values;
mod versions;
mod webhooks;
mod writer;

pub use audit::{Audit, Entry, Sealed};
pub use changes::{Changes, Cursor};
pub use cycles::{Cycle, Cycles, NewCycle};
pub use decisions::{Decision, Decisions};
pub use deliveries::{Deliveries, Delivery, Lease};
pub use error::{DatabaseError, Error};
pub use experiments::{EXPERIMENT_COLUMNS, Experiment, Experiments, Lifecycle, View};
pub use exports::Exports;
pub use foreign::{FoundVersion, MlflowDatabase};
pub use happenings::Happening;
pub use imports::{Came, Imports, WholeModel, WholeRun};
pub use labels::{Label, Labels};
pub use logged_models::{
    LOGGED_MODEL_COLUMNS, LoggedModel, LoggedModels, ModelMetric, NewLoggedModel,
};
pub use migrations::Schema;
pub use models::{MODEL_COLUMNS, Models, RegisteredModel};
pub use notes::Notes;
pub use runs::{
    DATASET_COLUMNS, Dataset, DatasetInput, Metric, NewRun, Output, RUN_COLUMNS, Reading, Run,
    RunInfo, Runs,
};
pub use signals::{Signal, SignalPlace, Signals};
pub use stages::{Stage, StagePlace, Stages, WantedStages};
pub use store::Metastore;
pub use traces::{
    Arrival, Assessment, AssessmentKind, SPAN_COLUMNS, Span, TRACE_COLUMNS, Trace, TraceSelection,
    TraceState, Traces,
};
pub use transaction::Transaction;
pub use trash::{Deleted, Trash};
pub use versions::{ModelVersion, NewVersion, VERSION_COLUMNS};
pub use webhooks::{Webhook, Webhooks};
