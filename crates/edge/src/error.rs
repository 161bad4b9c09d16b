//! Why a model at the edge has no answer.

use std::path::PathBuf;

use arrow::error::ArrowError;

/// An error of the runner.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The model's file cannot be read.
    #[error("cannot read the model `{path}`: {source}")]
    Read {
        /// The file.
        path: PathBuf,
        /// The reason.
        source: std::io::Error,
    },
    /// The file is no model that runs here, or a row does not fit it.
    #[error(transparent)]
    Model(#[from] everloop_package::Error),
    /// The rows cannot be read.
    #[error("the rows are not JSON objects with the model's columns: {0}")]
    Rows(ArrowError),
    /// The predictions cannot be written.
    #[error("cannot write the predictions: {0}")]
    Write(ArrowError),
    /// A caller in C gave what is no text.
    #[error("{0} is null or not UTF-8")]
    Text(&'static str),
}
