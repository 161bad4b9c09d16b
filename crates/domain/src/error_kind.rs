//! What kind of failure an error is, for programs: exit codes and HTTP statuses hang on it.

use std::fmt;

/// The kind of a failure. Two tables map it: `server` to HTTP, `cli` to exit codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// The named thing does not exist.
    NotFound,
    /// The named thing exists already.
    AlreadyExists,
    /// The input is wrong; the same call will fail again.
    Invalid,
    /// Somebody else holds or has changed the thing.
    Conflict,
    /// The caller did not say who they are.
    Unauthenticated,
    /// The caller may not do this.
    Forbidden,
    /// A part that is needed cannot be reached now; try again.
    Unavailable,
    /// A limit is reached: space, memory, time.
    Exhausted,
    /// A defect of ours or of the machine.
    Internal,
}

impl ErrorKind {
    /// What a failure of the machine says, if it is one that the operator can mend: rights and space.
    #[must_use]
    pub fn of_machine(error: std::io::ErrorKind) -> Option<Self> {
        use std::io::ErrorKind as Io;
        match error {
            Io::PermissionDenied | Io::ReadOnlyFilesystem => Some(Self::Forbidden),
            Io::StorageFull | Io::QuotaExceeded => Some(Self::Exhausted),
            _ => None,
        }
    }

    /// The kind of a failure on a file of ours: beyond rights and space, whether it is there.
    #[must_use]
    pub fn of_file(error: std::io::ErrorKind) -> Self {
        match error {
            std::io::ErrorKind::NotFound => Self::NotFound,
            error => Self::of_machine(error).unwrap_or(Self::Internal),
        }
    }

    /// The stable name in snake case.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NotFound => "not_found",
            Self::AlreadyExists => "already_exists",
            Self::Invalid => "invalid",
            Self::Conflict => "conflict",
            Self::Unauthenticated => "unauthenticated",
            Self::Forbidden => "forbidden",
            Self::Unavailable => "unavailable",
            Self::Exhausted => "exhausted",
            Self::Internal => "internal",
        }
    }
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use std::io::ErrorKind as Io;

    use super::*;

    #[test]
    fn failures_of_the_machine_are_told_from_defects() {
        for (error, of_machine, of_file) in [
            (Io::NotFound, None, ErrorKind::NotFound),
            (
                Io::PermissionDenied,
                Some(ErrorKind::Forbidden),
                ErrorKind::Forbidden,
            ),
            (
                Io::ReadOnlyFilesystem,
                Some(ErrorKind::Forbidden),
                ErrorKind::Forbidden,
            ),
            (
                Io::StorageFull,
                Some(ErrorKind::Exhausted),
                ErrorKind::Exhausted,
            ),
            (
                Io::QuotaExceeded,
                Some(ErrorKind::Exhausted),
                ErrorKind::Exhausted,
            ),
            (Io::TimedOut, None, ErrorKind::Internal),
        ] {
            assert_eq!(ErrorKind::of_machine(error), of_machine, "{error}");
            assert_eq!(ErrorKind::of_file(error), of_file, "{error}");
        }
    }
}
