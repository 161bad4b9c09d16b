//! Why the metastore refused or failed.

use everloop_domain::ErrorKind;

/// What a database said.
#[derive(Debug, thiserror::Error)]
pub enum DatabaseError {
    /// SQLite.
    #[error(transparent)]
    Sqlite(#[from] rusqlite::Error),
    /// Postgres, or the way to it.
    #[error(transparent)]
    Postgres(#[from] postgres::Error),
    /// The file was taken away while it was open.
    #[error("the file `{path}` was moved or deleted: {problem}")]
    Moved {
        /// The file.
        path: String,
        /// What stands there now, and what to do.
        problem: &'static str,
    },
    /// The transaction ended before its commit, with the connection or by the database's own decision.
    #[error("the database ended the transaction")]
    Ended,
    /// A query gave a value of another kind than the one that is kept there.
    #[error("column {column} of the result holds a value of another kind")]
    Value {
        /// The column, counted from 0.
        column: usize,
    },
}

/// An error of the metastore.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The named thing does not exist.
    #[error("{what} `{name}` does not exist")]
    NotFound {
        /// What kind of thing.
        what: &'static str,
        /// Its name.
        name: String,
    },
    /// The named thing exists already.
    #[error("{what} `{name}` exists already")]
    AlreadyExists {
        /// What kind of thing.
        what: &'static str,
        /// Its name.
        name: String,
    },
    /// The call contradicts what is stored.
    #[error("{0}")]
    Invalid(String),
    /// Somebody else was first.
    #[error("{0}")]
    Conflict(String),
    /// A stored value makes no sense.
    #[error("table `{table}` holds nonsense in column `{column}`, row `{row}`: {problem}")]
    Corrupt {
        /// The table.
        table: &'static str,
        /// The column.
        column: &'static str,
        /// The row's key.
        row: String,
        /// What is wrong.
        problem: String,
    },
    /// The file was written by a newer Everloop.
    #[error(
        "`{path}` has schema version {found}, this program knows {known}; use a newer everloop"
    )]
    NewerSchema {
        /// The file.
        path: String,
        /// Its version.
        found: i64,
        /// Ours.
        known: i64,
    },
    /// The file holds something else.
    #[error("`{path}` is not a metastore: {problem}; name another file or move this one away")]
    NotAMetastore {
        /// The file.
        path: String,
        /// What it is instead.
        problem: &'static str,
    },
    /// The file cannot be opened.
    #[error("cannot open the metastore `{path}`")]
    Open {
        /// The file.
        path: String,
        /// The reason.
        #[source]
        source: DatabaseError,
    },
    /// A directory for the file cannot be made.
    #[error("cannot create `{path}`")]
    Directory {
        /// The directory.
        path: String,
        /// The reason.
        #[source]
        source: std::io::Error,
    },
    /// The database failed.
    #[error("the metastore failed")]
    Sql(#[source] DatabaseError),
    /// A transaction could not be begun or committed; nothing of it remains.
    #[error("the metastore could not commit")]
    Commit(#[source] std::sync::Arc<DatabaseError>),
    /// The writer is gone, or the work panicked; nothing of the work remains.
    #[error("the metastore's {0}")]
    Stopped(&'static str),
}

impl Error {
    /// The kind of the error.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::NotFound { .. } => ErrorKind::NotFound,
            Self::AlreadyExists { .. } => ErrorKind::AlreadyExists,
            Self::Invalid(_) | Self::NewerSchema { .. } | Self::NotAMetastore { .. } => {
                ErrorKind::Invalid
            }
            Self::Conflict(_) => ErrorKind::Conflict,
            Self::Directory { source, .. } => {
                ErrorKind::of_machine(source.kind()).unwrap_or(ErrorKind::Unavailable)
            }
            Self::Corrupt { .. } | Self::Stopped(_) => ErrorKind::Internal,
            Self::Open { source, .. } => source.kind().unwrap_or(ErrorKind::Unavailable),
            Self::Commit(source) => source.kind().unwrap_or(ErrorKind::Internal),
            Self::Sql(source) => source.kind().unwrap_or(ErrorKind::Internal),
        }
    }

    pub(crate) fn not_found(what: &'static str, name: &(impl ToString + ?Sized)) -> Self {
        Self::NotFound {
            what,
            name: name.to_string(),
        }
    }
}

impl<E: Into<DatabaseError>> From<E> for Error {
    fn from(error: E) -> Self {
        match error.into() {
            DatabaseError::Postgres(error) if is_bad_pattern(&error) => {
                Self::Invalid(format!("Postgres cannot take the pattern: {error}"))
            }
            error => Self::Sql(error),
        }
    }
}

impl DatabaseError {
    /// What it says of the machine; nothing if it speaks of our own statement.
    fn kind(&self) -> Option<ErrorKind> {
        match self {
            Self::Sqlite(error) => sqlite_kind(error),
            Self::Postgres(error) => postgres_kind(error),
            Self::Ended | Self::Moved { .. } => Some(ErrorKind::Unavailable),
            Self::Value { .. } => None,
        }
    }
}

fn sqlite_kind(error: &rusqlite::Error) -> Option<ErrorKind> {
    use rusqlite::ErrorCode as Code;
    match error.sqlite_error_code()? {
        Code::DiskFull => Some(ErrorKind::Exhausted),
        Code::ReadOnly | Code::PermissionDenied => Some(ErrorKind::Forbidden),
        Code::DatabaseBusy | Code::DatabaseLocked | Code::CannotOpen | Code::SystemIoFailure => {
            Some(ErrorKind::Unavailable)
        }
        _ => None,
    }
}

/// Whether a regular expression was too much for Postgres: our own limit is as near to its as an estimate can be.
fn is_bad_pattern(error: &postgres::Error) -> bool {
    error.code().is_some_and(|state| state.code() == "2201B")
}

/// Classes and codes are those of appendix A of Postgres' documentation.
fn postgres_kind(error: &postgres::Error) -> Option<ErrorKind> {
    let Some(state) = error.code() else {
        // Not an answer of the server: the way to it is broken.
        return Some(ErrorKind::Unavailable);
    };
    match state.code() {
        "53100" | "53200" => Some(ErrorKind::Exhausted),
        "25006" | "42501" | "28000" | "28P01" => Some(ErrorKind::Forbidden),
        // Serialisation failures and deadlocks: the same again may succeed.
        "40001" | "40P01" => Some(ErrorKind::Unavailable),
        code if ["08", "53", "57", "58"]
            .iter()
            .any(|class| code.starts_with(class)) =>
        {
            Some(ErrorKind::Unavailable)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use rusqlite::ffi;

    use super::*;

    #[track_caller]
    fn check(code: i32, kind: ErrorKind) {
        let failure =
            || DatabaseError::from(rusqlite::Error::SqliteFailure(ffi::Error::new(code), None));
        assert_eq!(Error::Sql(failure()).kind(), kind);
        assert_eq!(Error::Commit(std::sync::Arc::new(failure())).kind(), kind);
    }

    #[test]
    fn the_machine_is_told_from_our_own_mistakes() {
        check(ffi::SQLITE_FULL, ErrorKind::Exhausted);
        check(ffi::SQLITE_READONLY, ErrorKind::Forbidden);
        check(ffi::SQLITE_PERM, ErrorKind::Forbidden);
        check(ffi::SQLITE_BUSY, ErrorKind::Unavailable);
        check(ffi::SQLITE_IOERR, ErrorKind::Unavailable);
        check(ffi::SQLITE_CANTOPEN, ErrorKind::Unavailable);
        check(ffi::SQLITE_CORRUPT, ErrorKind::Internal);
        check(ffi::SQLITE_CONSTRAINT, ErrorKind::Internal);
    }

    #[test]
    fn directories_fail_as_their_machine_does() {
        let kind = |kind: std::io::ErrorKind| {
            let path = "x".to_owned();
            let source = kind.into();
            Error::Directory { path, source }.kind()
        };
        assert_eq!(
            kind(std::io::ErrorKind::PermissionDenied),
            ErrorKind::Forbidden
        );
        assert_eq!(kind(std::io::ErrorKind::StorageFull), ErrorKind::Exhausted);
        assert_eq!(
            kind(std::io::ErrorKind::NotADirectory),
            ErrorKind::Unavailable
        );
    }

    #[test]
    fn the_reason_is_linked_and_not_printed() {
        let source = DatabaseError::from(rusqlite::Error::InvalidQuery);
        let reason = source.to_string();
        let path = "m.db".to_owned();
        let error = Error::Open { path, source };
        assert_eq!(error.to_string(), "cannot open the metastore `m.db`");
        let linked = std::error::Error::source(&error).map(ToString::to_string);
        assert_eq!(linked, Some(reason));
    }
}
