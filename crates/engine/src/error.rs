//! Why a cycle stopped.

use everloop_domain::{CycleNumber, ErrorKind, StageName};

/// An error of the engine.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A stage failed; the source says why.
    #[error("stage `{stage}` of cycle {cycle} failed")]
    Stage {
        /// The cycle.
        cycle: CycleNumber,
        /// The stage.
        stage: StageName,
        /// Why.
        #[source]
        source: Box<Error>,
    },
    /// Checks of severity `error` do not hold.
    #[error("{n_failed} of {n_checks} checks do not hold: {first}; the rows are in `{quarantine}`")]
    Checks {
        /// Checks that failed.
        n_failed: usize,
        /// Checks that ran.
        n_checks: usize,
        /// The first that failed, with counts and examples.
        first: String,
        /// Where the failing rows are.
        quarantine: String,
    },
    /// A command of the lifecycle file failed.
    #[error("command `{command}` {problem}; its log is `{log}`")]
    Command {
        /// The command line.
        command: String,
        /// What happened, with the last words of its log.
        problem: String,
        /// The log file.
        log: String,
    },
    /// Another process runs a cycle of this project.
    #[error(
        "another everloop ({holder}) is running a cycle of this project; wait for it or stop it"
    )]
    Locked {
        /// What the lock file says of its holder.
        holder: String,
    },
    /// Something is wrong with the request or the project.
    #[error("{0}")]
    Invalid(String),
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
    /// A task was cancelled or panicked.
    #[error("stage work stopped unexpectedly")]
    Stopped(#[source] tokio::task::JoinError),
    /// From `data`.
    #[error(transparent)]
    Data(#[from] everloop_data::Error),
    /// From `metastore`.
    #[error(transparent)]
    Metastore(#[from] everloop_metastore::Error),
    /// From `artifacts`.
    #[error(transparent)]
    Artifacts(#[from] everloop_artifacts::Error),
    /// From `package` and `train` and `measure`.
    #[error(transparent)]
    Model(#[from] ModelError),
}

/// An error on the way from rows to scores.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    /// From `train`.
    #[error(transparent)]
    Train(#[from] everloop_train::Error),
    /// From `package`.
    #[error(transparent)]
    Package(#[from] everloop_package::Error),
    /// From `measure`.
    #[error(transparent)]
    Measure(#[from] everloop_measure::Error),
    /// From whoever loads packages.
    #[error("cannot load the model in `{path}`: {problem}")]
    Load {
        /// The package directory.
        path: String,
        /// The reason.
        problem: String,
    },
}

impl Error {
    /// The kind of the error.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Stage { source, .. } => source.kind(),
            Self::Checks { .. } | Self::Invalid(_) | Self::Command { .. } => ErrorKind::Invalid,
            Self::Locked { .. } => ErrorKind::Conflict,
            Self::File { source, .. } => ErrorKind::of_file(source.kind()),
            Self::Stopped(_) => ErrorKind::Internal,
            Self::Data(error) => error.kind(),
            Self::Metastore(error) => error.kind(),
            Self::Artifacts(error) => error.kind(),
            Self::Model(error) => error.kind(),
        }
    }

    /// The stage that failed, if the error comes from one.
    #[must_use]
    pub fn stage(&self) -> Option<StageName> {
        match self {
            Self::Stage { stage, .. } => Some(*stage),
            _ => None,
        }
    }

    pub(crate) fn file(
        action: &'static str,
        path: &std::path::Path,
        source: std::io::Error,
    ) -> Self {
        Self::File {
            action,
            path: path.display().to_string(),
            source,
        }
    }
}

impl ModelError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Train(error) => error.kind(),
            Self::Package(error) => error.kind(),
            Self::Measure(error) => error.kind(),
            Self::Load { .. } => ErrorKind::Invalid,
        }
    }
}

macro_rules! from_model {
    ($($source:ty),+) => {
        $(impl From<$source> for Error {
            fn from(error: $source) -> Self {
                Self::Model(error.into())
            }
        })+
    };
}

from_model!(
    everloop_train::Error,
    everloop_package::Error,
    everloop_measure::Error
);
