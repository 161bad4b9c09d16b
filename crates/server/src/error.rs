//! Errors of the server itself, and how any error becomes an answer of our own API.

use axum::Json;
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse, Response};
use everloop_domain::ErrorKind;
use serde::Serialize;
use utoipa::ToSchema;

/// Why the server could not start or go on.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The address is taken or not ours.
    #[error("cannot listen on {address}; choose another port with `--port`")]
    Listen {
        /// The address.
        address: std::net::SocketAddr,
        /// The reason.
        #[source]
        source: std::io::Error,
    },
    /// The prediction log cannot be opened or flushed.
    #[error(transparent)]
    Serve(#[from] everloop_serve::Error),
    /// The metastore refused or failed.
    #[error(transparent)]
    Metastore(#[from] everloop_metastore::Error),
    /// Artifacts cannot be read or written.
    #[error(transparent)]
    Artifacts(#[from] everloop_artifacts::Error),
    /// The key for the secrets of webhooks is too easy to guess.
    #[error(
        "the key for the secrets of webhooks has {n_characters} characters; choose one of at least {needed}"
    )]
    WebhookKey {
        /// Its length.
        n_characters: usize,
        /// The shortest.
        needed: usize,
    },
}

impl Error {
    /// The kind of the error.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Listen { .. } => ErrorKind::Unavailable,
            Self::Serve(error) => error.kind(),
            Self::Metastore(error) => error.kind(),
            Self::Artifacts(error) => error.kind(),
            Self::WebhookKey { .. } => ErrorKind::Invalid,
        }
    }
}

/// The status of each kind of failure. MLflow's own codes are in `mlflow::error`.
pub(crate) fn status(kind: ErrorKind) -> StatusCode {
    match kind {
        ErrorKind::NotFound => StatusCode::NOT_FOUND,
        ErrorKind::AlreadyExists | ErrorKind::Conflict => StatusCode::CONFLICT,
        ErrorKind::Invalid => StatusCode::BAD_REQUEST,
        ErrorKind::Unauthenticated => StatusCode::UNAUTHORIZED,
        ErrorKind::Forbidden => StatusCode::FORBIDDEN,
        ErrorKind::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        ErrorKind::Exhausted => StatusCode::INSUFFICIENT_STORAGE,
        ErrorKind::Internal => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

/// What people see of an error: details of our own failures stay in the log, what the machine refused is told whole.
pub(crate) fn shown(kind: ErrorKind, error: &dyn std::error::Error) -> String {
    match kind {
        ErrorKind::Internal => {
            tracing::error!(error = %chain(error), "a request failed");
            "internal error; the server's log has the details".to_owned()
        }
        ErrorKind::Exhausted | ErrorKind::Unavailable => {
            let words = chain(error);
            tracing::warn!(error = %words, "a request met a machine that could not");
            words
        }
        ErrorKind::Forbidden => chain(error),
        _ => error.to_string(),
    }
}

fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        // Some errors print what lies beneath them by themselves.
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text = format!("{text}: {cause_text}");
        }
        source = cause.source();
    }
    text
}

/// An error of our own API: `{"error": {"kind": "not_found", "message": "…"}}`.
#[derive(Debug)]
pub(crate) struct ApiError {
    status: StatusCode,
    kind: ErrorKind,
    message: String,
}

/// The form of every error.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Error)]
pub(crate) struct ErrorBody {
    error: Problem,
}

/// What is wrong.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Problem {
    /// What kind of failure, for programs: `invalid`, `not_found`, `conflict`, `unavailable`, `internal` and others.
    kind: &'static str,
    /// What it is about and what to do, for people.
    message: String,
}

impl ApiError {
    pub(crate) fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self {
            status: status(kind),
            kind,
            message: message.into(),
        }
    }

    /// The refusal of a method that a path does not take.
    pub(crate) fn method_not_allowed(method: &Method, path: &str) -> Self {
        let message =
            format!("`{path}` does not take `{method}`; the header `Allow` names what it takes");
        Self {
            status: StatusCode::METHOD_NOT_ALLOWED,
            ..Self::new(ErrorKind::Invalid, message)
        }
    }

    /// What people read.
    #[cfg(test)]
    pub(crate) fn message(&self) -> &str {
        &self.message
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let kind = self.kind.as_str();
        let message = self.message;
        let error = Problem { kind, message };
        (self.status, Json(ErrorBody { error })).into_response()
    }
}

impl From<everloop_metastore::Error> for ApiError {
    fn from(error: everloop_metastore::Error) -> Self {
        Self::new(error.kind(), shown(error.kind(), &error))
    }
}

impl From<everloop_engine::Error> for ApiError {
    fn from(error: everloop_engine::Error) -> Self {
        Self::new(error.kind(), shown(error.kind(), &error))
    }
}
