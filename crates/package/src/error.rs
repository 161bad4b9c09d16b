//! What can go wrong with a package.

use std::path::PathBuf;

use everloop_domain::ErrorKind;
use everloop_domain::expression::Span;

/// Why an expression cannot be part of a model graph.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ExpressionError {
    /// What is wrong and what to do about it.
    pub message: String,
    /// Where in the text of the expression.
    pub span: Span,
}

/// The first row on which a graph and its trainer disagree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mismatch {
    /// The output column.
    pub output: String,
    /// The row, counted from 0.
    pub row: usize,
    /// What the trainer predicted.
    pub expected: String,
    /// What the graph gives.
    pub found: String,
    /// The raw inputs of the row, as `name=value` pairs.
    pub inputs: String,
}

/// A failure of this crate.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// An expression cannot become operators.
    #[error(transparent)]
    Expression(#[from] ExpressionError),
    /// The graph builder was used wrongly, or what a package is to be made of does not fit together.
    #[error("cannot build the model: {0}")]
    Build(String),
    /// The native engine does not know an operator (or a form of it): use ONNX Runtime.
    #[error(
        "operator `{operator}` of node `{node}` is not supported by the native engine: {reason}"
    )]
    Unsupported {
        /// The operator, with its domain if it is not ONNX's own.
        operator: String,
        /// The node's name or its first output.
        node: String,
        /// What exactly is not supported.
        reason: String,
    },
    /// An ONNX model contradicts itself or cannot be read.
    #[error("malformed ONNX model: {0}")]
    Model(String),
    /// An ONNX graph cannot be run on these rows.
    #[error("cannot run the model: {0}")]
    Run(String),
    /// An engine other than the native one failed: ONNX Runtime, a Python worker.
    #[error("{problem}")]
    Engine {
        /// What failed, in words.
        problem: String,
        /// What kind of failure it is.
        kind: ErrorKind,
        /// Why it failed.
        source: Option<Box<dyn std::error::Error + Send + Sync>>,
    },
    /// A column is absent or of the wrong type.
    #[error("input column `{column}` {problem}")]
    Column {
        /// The column.
        column: String,
        /// What is wrong with it and what was expected.
        problem: String,
    },
    /// A value cannot be taken.
    #[error("input column `{column}`, row {row}: {problem}")]
    Value {
        /// The column.
        column: String,
        /// The row, counted from 0.
        row: usize,
        /// What is wrong with the value, the value included.
        problem: String,
    },
    /// The graph does not repeat what the trainer predicted.
    #[error(
        "the graph disagrees with the trainer in output `{}`, row {}: the trainer predicted `{}`, the graph gives `{}`; inputs: {}",
        .0.output, .0.row, .0.expected, .0.found, .0.inputs
    )]
    Parity(Box<Mismatch>),
    /// A file of a package is not what it should be.
    #[error("`{}` is not a readable model package: {problem}", .path.display())]
    Package {
        /// The file or directory.
        path: PathBuf,
        /// What was found and what was expected.
        problem: String,
    },
    /// A package is there already and differs.
    #[error("a different package is already at `{}`: choose another directory", .path.display())]
    AlreadyExists {
        /// The directory.
        path: PathBuf,
    },
    /// The file system refused.
    #[error("cannot {action} `{}`", .path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// Why it failed.
        source: std::io::Error,
    },
}

impl Error {
    /// The kind of failure, for exit codes and HTTP statuses.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Expression(_)
            | Self::Build(_)
            | Self::Unsupported { .. }
            | Self::Model(_)
            | Self::Run(_)
            | Self::Column { .. }
            | Self::Value { .. }
            | Self::Package { .. } => ErrorKind::Invalid,
            Self::Engine { kind, .. } => *kind,
            Self::Parity(_) => ErrorKind::Internal,
            Self::AlreadyExists { .. } => ErrorKind::AlreadyExists,
            Self::Io { source, .. } => match source.kind() {
                std::io::ErrorKind::NotFound => ErrorKind::NotFound,
                std::io::ErrorKind::PermissionDenied => ErrorKind::Forbidden,
                std::io::ErrorKind::StorageFull => ErrorKind::Exhausted,
                _ => ErrorKind::Internal,
            },
        }
    }
}
