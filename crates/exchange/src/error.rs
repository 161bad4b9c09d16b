//! Why something could not be taken over.

use std::path::Path;

use everloop_domain::ErrorKind;

/// An error of an exchange.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The source is nothing that can be read.
    #[error(
        "`{source_name}` is no MLflow store: {problem}; name a directory `mlruns`, a file `mlflow.db`, `sqlite:///…`, \
         `postgresql://…` or a server's `http://host:port`"
    )]
    Source {
        /// What was named, without a password.
        source_name: String,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// A directory cannot become a file store.
    #[error("cannot export to `{path}`: {problem}")]
    Target {
        /// The directory.
        path: String,
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
    /// A file cannot be written.
    #[error("cannot write `{path}`")]
    Write {
        /// The file.
        path: String,
        /// The reason.
        #[source]
        source: std::io::Error,
    },
    /// A file, or an answer of a server, holds something else than expected.
    #[error("`{path}` makes no sense: {problem}")]
    Nonsense {
        /// The file or the address.
        path: String,
        /// What is wrong with it.
        problem: String,
    },
    /// A server does not answer.
    #[error("cannot reach `{server}`; what has come stays, and the import can be repeated")]
    Unreachable {
        /// Its address.
        server: String,
        /// The reason.
        #[source]
        source: reqwest::Error,
    },
    /// A server answers with an error.
    #[error("`{request}` was refused with status {status}: {words}")]
    Refused {
        /// What was asked.
        request: String,
        /// The status of the answer.
        status: u16,
        /// What the server said.
        words: String,
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
            Self::Target { .. } => ErrorKind::AlreadyExists,
            Self::Read { source, .. } | Self::Write { source, .. } => match source.kind() {
                std::io::ErrorKind::NotFound => ErrorKind::NotFound,
                std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => {
                    ErrorKind::Exhausted
                }
                _ => ErrorKind::Unavailable,
            },
            Self::Unreachable { .. } => ErrorKind::Unavailable,
            Self::Refused { status, .. } => match status {
                401 => ErrorKind::Unauthenticated,
                403 => ErrorKind::Forbidden,
                404 => ErrorKind::NotFound,
                429 | 500.. => ErrorKind::Unavailable,
                _ => ErrorKind::Invalid,
            },
            Self::Metastore(error) => error.kind(),
            Self::Artifacts(error) => error.kind(),
        }
    }

    /// Whether others than the thing at hand may still come.
    pub(crate) fn spoils_one_thing(&self) -> bool {
        match self {
            Self::Read { .. } | Self::Nonsense { .. } => true,
            // What is busy or away, or lets nobody in, does so for everything.
            Self::Refused { status, .. } => !matches!(status, 401 | 403 | 429 | 502..=504),
            Self::Metastore(error) => !matches!(
                error.kind(),
                ErrorKind::Unavailable | ErrorKind::Exhausted | ErrorKind::Forbidden
            ),
            Self::Artifacts(error) => {
                matches!(error.kind(), ErrorKind::Invalid | ErrorKind::NotFound)
            }
            _ => false,
        }
    }

    pub(crate) fn read(path: &Path, source: std::io::Error) -> Self {
        let path = path.display().to_string();
        Self::Read { path, source }
    }

    pub(crate) fn write(path: &Path, source: std::io::Error) -> Self {
        let path = path.display().to_string();
        Self::Write { path, source }
    }

    pub(crate) fn nonsense(path: &Path, problem: impl std::fmt::Display) -> Self {
        Self::Nonsense {
            path: path.display().to_string(),
            problem: problem.to_string(),
        }
    }
}
