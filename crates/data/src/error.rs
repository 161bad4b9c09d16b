//! Why a table could not be read, checked or made.

use std::path::Path;

use everloop_domain::ErrorKind;

/// An error of tables.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No file matches a source.
    #[error("source `{named}`: nothing matches `{path}`{hint}")]
    NoFiles {
        /// The source.
        named: String,
        /// The path or pattern.
        path: String,
        /// Nearby names, or nothing.
        hint: String,
    },
    /// A file is not what it should be.
    #[error("`{file}`, line {line}: {problem}")]
    Line {
        /// The file.
        file: String,
        /// The line, counted from 1.
        line: u64,
        /// What was found and what was expected.
        problem: String,
    },
    /// A file as a whole is not what it should be.
    #[error("`{file}`: {problem}")]
    Content {
        /// The file.
        file: String,
        /// What is wrong.
        problem: String,
    },
    /// A file could not be read or written.
    #[error("cannot {action} `{path}`")]
    File {
        /// `read`, `write` …
        action: &'static str,
        /// The file.
        path: String,
        /// The reason.
        #[source]
        source: std::io::Error,
    },
    /// A Parquet or Arrow file is damaged.
    #[error("`{file}` is damaged or not a {format} file")]
    Damaged {
        /// The file.
        file: String,
        /// What it should be.
        format: &'static str,
        /// The reason.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A query cannot be planned or run.
    #[error("{what}: {problem}")]
    Sql {
        /// Whose query: ``table `hourly` ``.
        what: String,
        /// DataFusion's words, and the columns that there are.
        problem: String,
    },
    /// There is no such table.
    #[error("there is no table `{0}`")]
    NoTable(String),
    /// The rows cannot be split as wished.
    #[error("cannot split `{table}`: {problem}")]
    Split {
        /// The table.
        table: String,
        /// Why, with counts.
        problem: String,
    },
    /// Two versions of a table cannot be compared as wished.
    #[error("cannot compare `{table}`: {problem}")]
    Compare {
        /// The version.
        table: String,
        /// Why, and the way out.
        problem: String,
    },
    /// Columns cannot be put together.
    #[error("columns do not fit together")]
    Arrow(#[from] arrow::error::ArrowError),
    /// A file could not be put in place.
    #[error(transparent)]
    Artifacts(#[from] everloop_artifacts::Error),
}

impl Error {
    /// The kind of the error.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::NoFiles { .. } | Self::NoTable(_) => ErrorKind::NotFound,
            Self::Line { .. }
            | Self::Content { .. }
            | Self::Damaged { .. }
            | Self::Sql { .. }
            | Self::Split { .. }
            | Self::Compare { .. } => ErrorKind::Invalid,
            Self::File { source, .. } => match source.kind() {
                std::io::ErrorKind::NotFound => ErrorKind::NotFound,
                std::io::ErrorKind::PermissionDenied => ErrorKind::Forbidden,
                std::io::ErrorKind::StorageFull => ErrorKind::Exhausted,
                _ => ErrorKind::Unavailable,
            },
            Self::Arrow(_) => ErrorKind::Internal,
            Self::Artifacts(error) => error.kind(),
        }
    }

    pub(crate) fn file(action: &'static str, path: &Path, source: std::io::Error) -> Self {
        Self::File {
            action,
            path: path.display().to_string(),
            source,
        }
    }

    pub(crate) fn content(file: &Path, problem: impl Into<String>) -> Self {
        Self::Content {
            file: file.display().to_string(),
            problem: problem.into(),
        }
    }

    pub(crate) fn damaged(
        file: &Path,
        format: &'static str,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        Self::Damaged {
            file: file.display().to_string(),
            format,
            source: source.into(),
        }
    }
}
