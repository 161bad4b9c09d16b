//! Why a model at the edge has no answer.

use std::path::PathBuf;

use arrow::error::ArrowError;

/// An error of the runner.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The model's file cannot be read.
    #[error("cannot read the model `{path}`")]
    Read {
        /// The file.
        path: PathBuf,
        /// The reason.
        #[source]
        source: std::io::Error,
    },
    /// The file is no model that runs here, or a row does not fit it.
    #[error(transparent)]
    Model(#[from] everloop_package::Error),
    /// The rows cannot be read.
    #[error("the rows are not JSON objects with the model's columns")]
    Rows(#[source] ArrowError),
    /// The predictions cannot be written.
    #[error("cannot write the predictions")]
    Write(#[source] ArrowError),
    /// A caller in C gave what is no text.
    #[error("{0} is null or not UTF-8")]
    Text(&'static str),
}

impl Error {
    /// The error with what it comes from, on one line.
    #[must_use]
    pub fn whole(&self) -> String {
        let mut text = self.to_string();
        let mut source = std::error::Error::source(self);
        while let Some(cause) = source {
            text = format!("{text}: {cause}");
            source = cause.source();
        }
        text
    }
}
