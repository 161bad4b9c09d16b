//! What other programs recorded, read into the metastore: MLflow's file stores and databases.
//!
//! A [`Source`] is opened by what people call it (`mlruns`, `mlflow.db`, `sqlite:///…`, `postgresql://…`);
//! [`Importer::run`] takes over what is in it. Each thing is taken whole or not at all, and what is here already is left as
//! it is, so an import can be repeated at any time. What cannot come is named in the [`Report`] with the reason.

mod copy;
mod error;
mod files;
mod importer;
mod source;

pub use error::Error;
pub use importer::{Counts, Importer, Report};
pub use source::Source;
