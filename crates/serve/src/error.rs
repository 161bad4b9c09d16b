//! What can go wrong while models are loaded and served.

use std::path::PathBuf;

use everloop_domain::{ErrorKind, ModelName};

/// A failure of this crate.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The package, the rows or the engine.
    #[error(transparent)]
    Package(#[from] everloop_package::Error),
    /// There is no ONNX Runtime for a model that needs it.
    #[error(
        "the native engine cannot run this model ({reason}) and ONNX Runtime was not found: {looked}; \
         install it (`pip install onnxruntime`) or name the library in `ORT_DYLIB_PATH`"
    )]
    NoRuntime {
        /// Why the native engine does not do.
        reason: String,
        /// Where was looked.
        looked: String,
    },
    /// ONNX Runtime refuses the library or the model.
    #[error("ONNX Runtime cannot load `{}`", .path.display())]
    Runtime {
        /// The library or the model.
        path: PathBuf,
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The Python worker of a package does not start.
    #[error("cannot run the Python model `{}` with `{}`: {problem}", .dir.display(), .python.display())]
    Worker {
        /// The package.
        dir: PathBuf,
        /// The interpreter.
        python: PathBuf,
        /// What happened and what to do.
        problem: String,
        /// What the worker wrote.
        #[source]
        source: Option<Box<dyn std::error::Error + Send + Sync>>,
    },
    /// No model of that name (and version) is served.
    #[error("no model `{0}` is served")]
    NoModel(String),
    /// A request names no model and none is the default.
    #[error("{}", no_default(.0))]
    NoDefaultModel(Vec<ModelName>),
    /// A request cannot be understood.
    #[error("{0}")]
    Request(String),
    /// A file or directory of the prediction log cannot be written.
    #[error("cannot {action} `{}` of the prediction log", .path.display())]
    Log {
        /// What was tried.
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// Why it failed.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// Serving broke off.
    #[error("the server stopped unexpectedly")]
    Stopped(#[source] std::io::Error),
    /// A part of the program ended early.
    #[error("{0}")]
    Broken(&'static str),
}

impl Error {
    /// The kind of failure, for exit codes and HTTP statuses.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Package(error) => error.kind(),
            Self::NoRuntime { .. } | Self::Worker { .. } => ErrorKind::Unavailable,
            Self::NoModel(_) => ErrorKind::NotFound,
            Self::NoDefaultModel(names) if names.is_empty() => ErrorKind::NotFound,
            Self::Runtime { .. } | Self::NoDefaultModel(_) | Self::Request(_) => ErrorKind::Invalid,
            Self::Log { source, .. } => match source.downcast_ref::<std::io::Error>() {
                Some(error) if error.kind() == std::io::ErrorKind::StorageFull => {
                    ErrorKind::Exhausted
                }
                _ => ErrorKind::Internal,
            },
            Self::Stopped(_) | Self::Broken(_) => ErrorKind::Internal,
        }
    }
}

fn no_default(names: &[ModelName]) -> String {
    if names.is_empty() {
        return "no model is served yet".to_owned();
    }
    let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    format!(
        "several models are served: name one with `?model=`, of {}",
        names.join(", ")
    )
}
