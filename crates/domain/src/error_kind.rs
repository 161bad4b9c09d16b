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
