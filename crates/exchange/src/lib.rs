//! What MLflow recorded, read into the metastore; and what the metastore has, written as a file store of MLflow.
//!
//! A [`Source`] is opened by what people call it (`mlruns`, `mlflow.db`, `sqlite:///…`, `postgresql://…`, `http://…`);
//! [`Importer::run`] takes over what is in it. Each thing is taken whole or not at all, and what is here already is left as
//! it is, so an import can be repeated at any time. [`Exporter::run`] is the way out: a directory that is there whole or not
//! at all. What cannot come is named in the [`Report`] with the reason.

mod copy;
mod error;
mod exporter;
mod files;
mod importer;
mod report;
mod server;
mod source;

pub use error::Error;
pub use exporter::Exporter;
pub use importer::Importer;
pub use report::{Counts, Report};
pub use server::Login;
pub use source::Source;
