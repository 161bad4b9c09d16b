//! Why a version of data could not be kept or found.

use std::path::Path;

use everloop_domain::ErrorKind;

/// An error of versions.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No repository of DVC's format is here or above.
    #[error("`{dir}` is in no repository with data versions; `everloop data init` makes one")]
    NoRepository {
        /// Where it was looked for.
        dir: String,
    },
    /// A file does not have the form that it must have.
    #[error("`{path}` cannot be used: {problem}")]
    Form {
        /// The file.
        path: String,
        /// What is wrong with it.
        problem: String,
    },
    /// A path would lead out of the repository or into its inner files.
    #[error("`{path}` is no path of data: {problem}")]
    Path {
        /// The path, as it was written.
        path: String,
        /// What is wrong with it.
        problem: String,
    },
    /// A named thing does not exist.
    #[error("{what}")]
    NotFound {
        /// What was looked for, where, and the way out.
        what: String,
    },
    /// What is there forbids it.
    #[error("{what}")]
    Conflict {
        /// What stands in the way, and the way out.
        what: String,
    },
    /// Somebody else works in the repository.
    #[error("the repository is locked by {holder}; wait until it is done")]
    Locked {
        /// Process number and command, as far as they are known.
        holder: String,
    },
    /// An object does not hold what its name says.
    #[error(
        "the object `{object}` in `{place}` is damaged: {problem}; delete that file, and get the object from elsewhere"
    )]
    Damaged {
        /// The digest that names the object.
        object: String,
        /// The file.
        place: String,
        /// What was found.
        problem: String,
    },
    /// A commit of git could not be read.
    #[error("the commit {revision} cannot be read, so nothing is done")]
    Revision {
        /// Its hash.
        revision: String,
        /// What is wrong in it.
        #[source]
        source: Box<Error>,
    },
    /// A file or directory could not be used.
    #[error("cannot {action} `{path}`")]
    File {
        /// `read`, `write`, `link` …
        action: &'static str,
        /// The file.
        path: String,
        /// The reason.
        #[source]
        source: std::io::Error,
    },
    /// A remote could not do what was asked.
    #[error("cannot {action} `{object}` of remote `{remote}`")]
    Remote {
        /// The name of the remote.
        remote: String,
        /// `get`, `send`, `list` …
        action: &'static str,
        /// The file of the remote.
        object: String,
        /// The reason.
        #[source]
        source: Box<everloop_artifacts::Error>,
    },
    /// A place of artifacts failed.
    #[error(transparent)]
    Artifacts(#[from] everloop_artifacts::Error),
}

impl Error {
    /// The kind of the error.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Form { .. } | Self::Path { .. } | Self::Damaged { .. } => ErrorKind::Invalid,
            Self::NoRepository { .. } | Self::NotFound { .. } => ErrorKind::NotFound,
            Self::Conflict { .. } | Self::Locked { .. } => ErrorKind::Conflict,
            Self::Revision { source, .. } => source.kind(),
            Self::File { source, .. } => ErrorKind::of_file(source.kind()),
            Self::Artifacts(error) => error.kind(),
            Self::Remote { source, .. } => source.kind(),
        }
    }

    pub(crate) fn file(action: &'static str, path: &Path, source: std::io::Error) -> Self {
        Self::File {
            action,
            path: path.display().to_string(),
            source,
        }
    }

    pub(crate) fn form(path: impl std::fmt::Display, problem: impl Into<String>) -> Self {
        Self::Form {
            path: path.to_string(),
            problem: problem.into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(io: std::io::ErrorKind, kind: ErrorKind) {
        let error = Error::file("read", Path::new("a"), io.into());
        assert_eq!(error.kind(), kind, "{error:?}");
        assert_eq!(error.to_string(), "cannot read `a`");
    }

    #[test]
    fn failures_of_the_machine_have_their_kinds() {
        check(std::io::ErrorKind::NotFound, ErrorKind::NotFound);
        check(std::io::ErrorKind::PermissionDenied, ErrorKind::Forbidden);
        check(std::io::ErrorKind::StorageFull, ErrorKind::Exhausted);
        check(std::io::ErrorKind::Other, ErrorKind::Internal);
    }
}
