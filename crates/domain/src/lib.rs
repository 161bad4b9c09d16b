//! The words of Everloop as types: ids, names, digests, time, statuses, expressions.
//!
//! Everything here is pure: no I/O, no async, no Arrow, and never the system clock. Other crates
//! exchange these types; none of them depends on a wire format or on SQL.
//!
//! Start with [`Cycle`-related statuses](status) and [`expression`], the little language of
//! features, gates and conditions.

pub mod clock;
pub mod column;
pub mod dataset;
pub mod digest;
pub mod error_kind;
pub mod expression;
pub mod ids;
pub mod parameter;
pub mod search;
pub mod status;
pub mod task;

pub use clock::{Clock, ManualClock, Timestamp};
pub use column::{ColumnType, Value};
pub use digest::{Digest, DigestBuilder};
pub use error_kind::ErrorKind;
pub use ids::{CycleNumber, ExperimentId, ModelName, RequestId, RunId, VersionNumber};
pub use parameter::ParameterValue;
pub use status::{CycleOutcome, CycleReason, RegistryEvent, RunStatus, StageName, StageState};
pub use task::Task;
