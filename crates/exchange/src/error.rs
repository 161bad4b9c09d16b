//! Why something could not be taken over.

use std::path::Path;

use everloop_domain::ErrorKind;

/// An error of an exchange.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The source is nothing that can be read.
    #[error(
        "`{source_name}` is no MLflow store: {problem}; name a directory `mlruns`, a file `mlflow.db`, `sqlite:///…` or `postgresql://…`"
    )]
    Source {
        /// What was named.
        source_name: String,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// A file cannot be read.
    #[error("cannot read `{path}`")]
    Read {
        /// The file.
        path: String,
        /// The reason.
        #[source]
        source: std::io::Error,
    },
    /// A file holds something else than expected.
    #[error("`{path}` makes no sense: {problem}")]
    Nonsense {
        /// The file.
        path: String,
        /// What is wrong with it.
        problem: String,
    },
    /// The metastore, or MLflow's database, refused or failed.
    #[error(transparent)]
    Metastore(#[from] everloop_metastore::Error),
    /// An artifact could not be kept.
    #[error(transparent)]
    Artifacts(#[from] everloop_artifacts::Error),
}

impl Error {
    /// The kind of the error.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Source { .. } | Self::Nonsense { .. } => ErrorKind::Invalid,
            Self::Read { source, .. } if source.kind() == std::io::ErrorKind::NotFound => {
                ErrorKind::NotFound
            }
            Self::Read { .. } => ErrorKind::Unavailable,
            Self::Metastore(error) => error.kind(),
            Self::Artifacts(error) => error.kind(),
        }
    }

    pub(crate) fn read(path: &Path, source: std::io::Error) -> Self {
        let path = path.display().to_string();
        Self::Read { path, source }
    }

    pub(crate) fn nonsense(path: &Path, problem: impl std::fmt::Display) -> Self {
        Self::Nonsense {
            path: path.display().to_string(),
            problem: problem.to_string(),
        }
    }
}
