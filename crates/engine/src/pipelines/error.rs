//! Why stages could not be run.

use everloop_domain::ErrorKind;

/// An error of stages.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A `dvc.yaml` or `dvc.lock` is wrong.
    #[error("{problems}")]
    File {
        /// All problems, with their places, as text for people.
        problems: String,
    },
    /// The stages of all files do not fit together.
    #[error("the stages do not fit together: {problems}")]
    Graph {
        /// All problems.
        problems: String,
    },
    /// Nothing is named so.
    #[error("`{target}` is no stage, group or file of stages; `dvc.yaml` names the stages")]
    NotFound {
        /// What was named.
        target: String,
    },
    /// A command failed.
    #[error("stage `{stage}` failed: `{line}` {problem}")]
    Command {
        /// The stage.
        stage: String,
        /// What was run.
        line: String,
        /// With which code or signal it stopped.
        problem: String,
    },
    /// What a stage needs or promises is not there.
    #[error("stage `{stage}`: {problem}")]
    Stage {
        /// The stage.
        stage: String,
        /// What is missing, and the way out.
        problem: String,
    },
    /// Somebody asked to stop.
    #[error("interrupted; the same command goes on from here")]
    Stopped,
    /// Data could not be kept or found.
    #[error(transparent)]
    Versions(#[from] everloop_versions::Error),
    /// A file could not be written.
    #[error(transparent)]
    Artifacts(#[from] everloop_artifacts::Error),
}

impl Error {
    /// The kind of the error.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::File { .. } | Self::Graph { .. } | Self::Stage { .. } => ErrorKind::Invalid,
            Self::NotFound { .. } => ErrorKind::NotFound,
            Self::Command { .. } | Self::Stopped => ErrorKind::Internal,
            Self::Versions(error) => error.kind(),
            Self::Artifacts(error) => error.kind(),
        }
    }
}
