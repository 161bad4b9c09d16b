//! Why an artifact could not be kept or found.

use std::path::Path;

use everloop_domain::ErrorKind;

/// An error of artifacts.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The path would lead out of its place.
    #[error("`{path}` is not an artifact path: {problem}")]
    Path {
        /// The path.
        path: String,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// A location is no place of artifacts, or none of ours.
    #[error("cannot use `{uri}` as a place of artifacts: {problem}")]
    Place {
        /// The location.
        uri: String,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// There is no such artifact.
    #[error("no such artifact: `{path}`")]
    NotFound {
        /// The path.
        path: String,
    },
    /// A file of ours could not be used.
    #[error("cannot {action} `{path}`")]
    File {
        /// `read`, `write`, `rename` …
        action: &'static str,
        /// The file.
        path: String,
        /// The reason.
        #[source]
        source: std::io::Error,
    },
    /// The bytes that were to be kept broke off; nothing of them is kept.
    #[error("the upload of `{path}` broke off; nothing of it is kept")]
    BrokenOff {
        /// The path.
        path: String,
        /// The reason.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The wanted part is not in the artifact.
    #[error("`{path}` has no bytes in the range that was asked for")]
    Range {
        /// The path.
        path: String,
    },
    /// The object store failed.
    #[error("the artifact store failed on `{path}`")]
    Store {
        /// The path.
        path: String,
        /// The reason.
        #[source]
        source: object_store::Error,
    },
}

impl Error {
    /// The kind of the error.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Path { .. }
            | Self::Place { .. }
            | Self::BrokenOff { .. }
            | Self::Range { .. } => ErrorKind::Invalid,
            Self::NotFound { .. } => ErrorKind::NotFound,
            Self::File { source, .. } => match source.kind() {
                std::io::ErrorKind::NotFound => ErrorKind::NotFound,
                std::io::ErrorKind::PermissionDenied | std::io::ErrorKind::ReadOnlyFilesystem => {
                    ErrorKind::Forbidden
                }
                std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => {
                    ErrorKind::Exhausted
                }
                _ => ErrorKind::Internal,
            },
            Self::Store { source, .. } => match source {
                object_store::Error::NotFound { .. } => ErrorKind::NotFound,
                object_store::Error::PermissionDenied { .. } => ErrorKind::Forbidden,
                object_store::Error::Unauthenticated { .. } => ErrorKind::Unauthenticated,
                _ => ErrorKind::Unavailable,
            },
        }
    }

    pub(crate) fn file(action: &'static str, path: &Path, source: std::io::Error) -> Self {
        Self::File {
            action,
            path: path.display().to_string(),
            source,
        }
    }
}
