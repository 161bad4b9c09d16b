//! Tables: sources are read, checked, profiled, prepared by SQL and split, on DataFusion.
//!
//! A [`Session`] holds the tables of one piece of work. Every table has the *canonical types* only: whole numbers are
//! `Int64`, other numbers `Float64`, text `Utf8`, then `Boolean`, `Date32` and `Timestamp(ms, UTC)`; rows keep the
//! order of their files. So the same files give the same bytes, whatever wrote them.
//!
//! In SQL, names are taken as they are written: `cnt` is the column `cnt`, and a name with spaces or capitals may be
//! quoted: `"SALE PRICE"`.

mod canonical;
mod checks;
mod compare;
mod error;
mod profile;
mod session;
mod snapshot;
mod sources;
mod split;

pub use checks::{CheckReport, CheckResult};
pub use compare::{ChangedRow, ColumnChanges, RowChanges, TableVersion, compare_tables};
pub use error::Error;
pub use profile::{ColumnProfile, Profile};
pub use session::{Session, Settings};
pub use snapshot::{TableDigest, read_parquet, write_parquet};
pub use sources::SourceSummary;
pub use split::{AsOf, PartReport, SplitReport};
