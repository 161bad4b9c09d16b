//! Why an artifact could not be kept or found.

use std::path::Path;

use everloop_domain::ErrorKind;

/// How S3, Azure and Google say that the bucket itself is not there.
const NO_BUCKET: [&str; 3] = [
    "NoSuchBucket",
    "ContainerNotFound",
    "The specified bucket does not exist",
];

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
    /// The store has no such bucket.
    #[error(
        "cannot keep or find `{path}`: its bucket does not exist; make it, or name another with `--artifacts-destination`"
    )]
    NoBucket {
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
            Self::NotFound { .. } | Self::NoBucket { .. } => ErrorKind::NotFound,
            Self::File { source, .. } => ErrorKind::of_file(source.kind()),
            Self::Store { source, .. } => match source {
                object_store::Error::PermissionDenied { .. } => ErrorKind::Forbidden,
                object_store::Error::Unauthenticated { .. } => ErrorKind::Unauthenticated,
                source => machine_beneath(source).unwrap_or(ErrorKind::Unavailable),
            },
        }
    }

    /// What an object store said, which also says "not found" of a bucket.
    pub(crate) fn store(path: String, source: object_store::Error) -> Self {
        use object_store::Error as Of;
        // Asked for a list, stores say it in a failure of no kind.
        if matches!(source, Of::NotFound { .. } | Of::Generic { .. }) {
            let words = source.to_string();
            if NO_BUCKET.iter().any(|code| words.contains(code)) {
                return Self::NoBucket { path };
            }
        }
        if !matches!(source, Of::NotFound { .. }) {
            return Self::Store { path, source };
        }
        Self::NotFound { path }
    }

    pub(crate) fn file(action: &'static str, path: &Path, source: std::io::Error) -> Self {
        Self::File {
            action,
            path: path.display().to_string(),
            source,
        }
    }
}

/// The failure of the machine that lies beneath an error of a store.
fn machine_beneath(error: &(dyn std::error::Error + 'static)) -> Option<ErrorKind> {
    std::iter::successors(Some(error), |error| error.source())
        .filter_map(|error| error.downcast_ref::<std::io::Error>())
        .find_map(|error| ErrorKind::of_machine(error.kind()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(source: object_store::Error, kind: ErrorKind) {
        let error = Error::store("a".to_owned(), source);
        assert_eq!(error.kind(), kind, "{error:?}");
    }

    fn absent(words: &str) -> object_store::Error {
        object_store::Error::NotFound {
            path: "a".to_owned(),
            source: words.into(),
        }
    }

    fn generic(kind: std::io::ErrorKind) -> object_store::Error {
        object_store::Error::Generic {
            store: "disk",
            source: Box::new(std::io::Error::from(kind)),
        }
    }

    #[test]
    fn what_the_machine_refused_is_found_beneath_the_store() {
        check(
            generic(std::io::ErrorKind::StorageFull),
            ErrorKind::Exhausted,
        );
        check(
            generic(std::io::ErrorKind::ReadOnlyFilesystem),
            ErrorKind::Forbidden,
        );
        check(
            generic(std::io::ErrorKind::TimedOut),
            ErrorKind::Unavailable,
        );
    }

    #[test]
    fn an_absent_bucket_is_no_absent_artifact() {
        check(absent("<Code>NoSuchKey</Code>"), ErrorKind::NotFound);
        let error = Error::store("a".to_owned(), absent("<Code>NoSuchBucket</Code>"));
        assert!(matches!(error, Error::NoBucket { .. }), "{error:?}");
        let listed = object_store::Error::Generic {
            store: "S3",
            source: "404: <Code>NoSuchBucket</Code>".into(),
        };
        let error = Error::store("a".to_owned(), listed);
        assert!(matches!(error, Error::NoBucket { .. }), "{error:?}");
    }
}
