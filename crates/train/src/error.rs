//! Why a model could not be fitted.

use everloop_domain::ErrorKind;

/// An error of training.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no such trainer.
    #[error("there is no trainer `{name}`; there are {}", names())]
    Trainer {
        /// The name.
        name: String,
    },
    /// A parameter is wrong.
    #[error("parameter `{name}`: {problem}")]
    Parameter {
        /// The parameter.
        name: String,
        /// What is wrong with it.
        problem: String,
    },
    /// The target cannot be learnt.
    #[error("target `{column}`: {problem}")]
    Target {
        /// The column.
        column: String,
        /// Why not.
        problem: String,
    },
    /// The rows cannot be weighted.
    #[error("weight `{column}`: {problem}")]
    Weight {
        /// The column.
        column: String,
        /// Why not.
        problem: String,
    },
    /// The inputs cannot be learnt from.
    #[error("{0}")]
    Inputs(String),
    /// Parameters cannot be searched in this way.
    #[error("{0}")]
    Search(String),
    /// More memory would be needed than may be used.
    #[error(
        "training on {n_rows} rows of {n_columns} encoded columns needs about {needed} MiB, at most {limit} MiB may be used: exclude columns or rows, or raise `train.max_memory`"
    )]
    Memory {
        /// The rows.
        n_rows: usize,
        /// The encoded columns.
        n_columns: usize,
        /// What is needed, in MiB.
        needed: usize,
        /// What may be used, in MiB.
        limit: usize,
    },
    /// Training did not converge to numbers.
    #[error("`{trainer}` diverged at step {step}; {hint}")]
    Diverged {
        /// The trainer.
        trainer: &'static str,
        /// The step.
        step: usize,
        /// What to try.
        hint: &'static str,
    },
    /// Training was cancelled.
    #[error("training was cancelled at step {step}")]
    Cancelled {
        /// The step.
        step: usize,
    },
    /// From the graph.
    #[error(transparent)]
    Package(#[from] everloop_package::Error),
    /// From Arrow.
    #[error("columns do not fit together")]
    Arrow(#[from] arrow::error::ArrowError),
}

fn names() -> String {
    let names: Vec<&str> = crate::trainers().map(|trainer| trainer.name).collect();
    names.join(", ")
}

impl Error {
    /// The kind of the error.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Package(error) => error.kind(),
            Self::Arrow(_) => ErrorKind::Internal,
            Self::Memory { .. } => ErrorKind::Exhausted,
            _ => ErrorKind::Invalid,
        }
    }
}
