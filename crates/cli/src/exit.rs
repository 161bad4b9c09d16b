//! Exit codes, and how an error is told.

use std::fmt::Write as _;
use std::process::ExitCode;

use everloop_domain::ErrorKind;

/// What the process says to its caller. The numbers are stable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Exit {
    /// All went well.
    Ok = 0,
    /// A defect of ours, or of the machine.
    Internal = 1,
    /// The command line is wrong.
    Usage = 2,
    /// The lifecycle file has errors.
    LifecycleFile = 10,
    /// A stage of the cycle failed.
    StageFailed = 20,
    /// A gate refused the candidate.
    GateNotPassed = 21,
    /// Some of what was to be done could not be; the output names it.
    Incomplete = 22,
    /// A named thing does not exist.
    NotFound = 30,
    /// Somebody else holds or has changed it.
    Conflict = 31,
    /// A part that is needed cannot be reached.
    Unavailable = 40,
    /// Not allowed.
    NotAllowed = 41,
    /// Interrupted by the user.
    Interrupted = 130,
}

impl Exit {
    /// All codes with their meaning, for the reference pages.
    pub(crate) const MEANINGS: [(Self, &str); 12] = [
        (Self::Ok, "all went well"),
        (Self::Internal, "a defect of Everloop or of the machine"),
        (Self::Usage, "the command line is wrong"),
        (Self::LifecycleFile, "the lifecycle file has errors"),
        (Self::StageFailed, "a stage of the cycle failed"),
        (Self::GateNotPassed, "a gate refused the candidate"),
        (
            Self::Incomplete,
            "some of it could not be done, and is named",
        ),
        (Self::NotFound, "a named thing does not exist"),
        (Self::Conflict, "somebody else holds or has changed it"),
        (Self::Unavailable, "a part that is needed cannot be reached"),
        (Self::NotAllowed, "not allowed"),
        (Self::Interrupted, "interrupted"),
    ];

    fn of_kind(kind: ErrorKind) -> Self {
        match kind {
            ErrorKind::NotFound => Self::NotFound,
            ErrorKind::AlreadyExists | ErrorKind::Conflict => Self::Conflict,
            ErrorKind::Invalid => Self::Usage,
            ErrorKind::Unauthenticated | ErrorKind::Forbidden => Self::NotAllowed,
            ErrorKind::Unavailable | ErrorKind::Exhausted => Self::Unavailable,
            ErrorKind::Internal => Self::Internal,
        }
    }

    /// The code that an error stands for.
    fn of(error: &anyhow::Error) -> Self {
        if let Some(failure) = error.downcast_ref::<Failure>() {
            return failure.exit;
        }
        error
            .chain()
            .find_map(code_of_source)
            .unwrap_or(Self::Internal)
    }
}

fn code_of_source(error: &(dyn std::error::Error + 'static)) -> Option<Exit> {
    if let Some(error) = error.downcast_ref::<everloop_engine::Error>() {
        let is_stage = error.stage().is_some() && error.kind() != ErrorKind::Conflict;
        return Some(if is_stage {
            Exit::StageFailed
        } else {
            Exit::of_kind(error.kind())
        });
    }
    let kind = None
        .or_else(|| {
            error
                .downcast_ref::<everloop_metastore::Error>()
                .map(everloop_metastore::Error::kind)
        })
        .or_else(|| {
            error
                .downcast_ref::<everloop_artifacts::Error>()
                .map(everloop_artifacts::Error::kind)
        })
        .or_else(|| {
            error
                .downcast_ref::<everloop_data::Error>()
                .map(everloop_data::Error::kind)
        })
        .or_else(|| {
            error
                .downcast_ref::<everloop_package::Error>()
                .map(everloop_package::Error::kind)
        })
        .or_else(|| {
            error
                .downcast_ref::<everloop_serve::Error>()
                .map(everloop_serve::Error::kind)
        })
        .or_else(|| {
            error
                .downcast_ref::<everloop_versions::Error>()
                .map(everloop_versions::Error::kind)
        })
        .or_else(|| {
            error
                .downcast_ref::<everloop_engine::pipelines::Error>()
                .map(everloop_engine::pipelines::Error::kind)
        })
        .or_else(|| {
            error
                .downcast_ref::<everloop_exchange::Error>()
                .map(everloop_exchange::Error::kind)
        })
        .or_else(|| {
            error
                .downcast_ref::<everloop_server::Error>()
                .map(everloop_server::Error::kind)
        })
        .or_else(|| {
            error
                .downcast_ref::<everloop_controller::Error>()
                .map(everloop_controller::Error::kind)
        });
    kind.map(Exit::of_kind)
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// An error of a command with the code to leave with and the way out.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub(crate) struct Failure {
    exit: Exit,
    message: String,
    hints: Vec<String>,
}

impl Failure {
    /// An error that leaves with `exit`.
    pub(crate) fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self {
            exit,
            message: message.into(),
            hints: Vec::new(),
        }
    }

    /// Adds a way out.
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }
}

/// Tells an error with its causes and hints, and gives the code to leave with.
pub(crate) fn report(error: &anyhow::Error) -> ExitCode {
    eprint!("{}", describe(error));
    Exit::of(error).into()
}

fn describe(error: &anyhow::Error) -> String {
    let mut text = format!("error: {error}\n");
    let mut last = error.to_string();
    for cause in error.chain().skip(1) {
        let cause = cause.to_string();
        if cause != last {
            let _ = writeln!(text, "  caused by: {cause}");
        }
        last = cause;
    }
    if let Some(failure) = error.downcast_ref::<Failure>() {
        for hint in &failure.hints {
            let _ = writeln!(text, "hint: {hint}");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_shows_its_hints_and_keeps_its_code() {
        let error = anyhow::Error::new(
            Failure::new(Exit::NotFound, "no project here").hint("run `everloop init`"),
        );
        assert_eq!(
            describe(&error),
            "error: no project here\nhint: run `everloop init`\n"
        );
        assert_eq!(Exit::of(&error), Exit::NotFound);
    }

    #[test]
    fn causes_are_told_once() {
        let error = anyhow::anyhow!("disk full")
            .context("cannot write `x`")
            .context("cannot write `x`");
        assert_eq!(
            describe(&error),
            "error: cannot write `x`\n  caused by: disk full\n"
        );
        assert_eq!(Exit::of(&error), Exit::Internal);
    }

    #[test]
    fn every_code_has_one_meaning() {
        let codes: std::collections::BTreeSet<u8> =
            Exit::MEANINGS.iter().map(|(exit, _)| *exit as u8).collect();
        assert_eq!(codes.len(), Exit::MEANINGS.len());
    }
}
