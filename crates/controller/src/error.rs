//! Why a tick could not be finished.

use everloop_domain::ErrorKind;

/// An error of the controller.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is nothing to go back to, or the version is the champion already.
    #[error("{0}")]
    Invalid(String),
    /// From `metastore`.
    #[error(transparent)]
    Metastore(#[from] everloop_metastore::Error),
    /// From `data`.
    #[error(transparent)]
    Data(#[from] everloop_data::Error),
    /// From `engine`.
    #[error(transparent)]
    Engine(#[from] everloop_engine::Error),
    /// From `measure`.
    #[error(transparent)]
    Measure(#[from] everloop_measure::Error),
    /// Columns do not fit together.
    #[error("the prediction log cannot be read")]
    Arrow(#[from] arrow::error::ArrowError),
    /// The prediction log cannot be listed.
    #[error("cannot read `{path}`")]
    File {
        /// The directory.
        path: String,
        /// The reason.
        #[source]
        source: std::io::Error,
    },
}

impl Error {
    /// The kind of the error.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Invalid(_) | Self::Measure(_) => ErrorKind::Invalid,
            Self::Metastore(error) => error.kind(),
            Self::Data(error) => error.kind(),
            Self::Engine(error) => error.kind(),
            Self::Arrow(_) => ErrorKind::Internal,
            Self::File { .. } => ErrorKind::Unavailable,
        }
    }
}
