//! Errors as MLflow's client reads them: `{"error_code": "…", "message": "…"}`.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use everloop_domain::ErrorKind;
use serde_json::json;

use crate::error::shown;

/// Why a request of MLflow's client was refused.
#[derive(Debug)]
pub(crate) struct MlflowError {
    status: StatusCode,
    code: &'static str,
    message: String,
}

/// The one table from kinds of failures to MLflow's statuses and codes.
fn code(kind: ErrorKind) -> (StatusCode, &'static str) {
    match kind {
        ErrorKind::NotFound => (StatusCode::NOT_FOUND, "RESOURCE_DOES_NOT_EXIST"),
        // MLflow's client swallows exactly this code when it registers a model again.
        ErrorKind::AlreadyExists => (StatusCode::BAD_REQUEST, "RESOURCE_ALREADY_EXISTS"),
        ErrorKind::Invalid => (StatusCode::BAD_REQUEST, "INVALID_PARAMETER_VALUE"),
        ErrorKind::Conflict => (StatusCode::CONFLICT, "RESOURCE_CONFLICT"),
        ErrorKind::Unauthenticated => (StatusCode::UNAUTHORIZED, "UNAUTHENTICATED"),
        ErrorKind::Forbidden => (StatusCode::FORBIDDEN, "PERMISSION_DENIED"),
        ErrorKind::Unavailable => (StatusCode::SERVICE_UNAVAILABLE, "TEMPORARILY_UNAVAILABLE"),
        ErrorKind::Exhausted => (StatusCode::TOO_MANY_REQUESTS, "RESOURCE_EXHAUSTED"),
        ErrorKind::Internal => (StatusCode::INTERNAL_SERVER_ERROR, "INTERNAL_ERROR"),
    }
}

impl MlflowError {
    pub(crate) fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        let (status, code) = code(kind);
        let message = message.into();
        Self {
            status,
            code,
            message,
        }
    }

    pub(crate) fn invalid(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Invalid, message)
    }

    /// The code that clients read.
    pub(crate) fn code(&self) -> &'static str {
        self.code
    }

    /// What people read.
    pub(crate) fn message(&self) -> &str {
        &self.message
    }

    /// A refusal with a code of its own.
    pub(crate) fn with_code(
        status: StatusCode,
        code: &'static str,
        message: impl Into<String>,
    ) -> Self {
        let message = message.into();
        Self {
            status,
            code,
            message,
        }
    }

    pub(crate) fn endpoint(message: String) -> Self {
        Self {
            status: StatusCode::NOT_FOUND,
            code: "ENDPOINT_NOT_FOUND",
            message,
        }
    }

    pub(crate) fn not_implemented(message: &str) -> Self {
        Self {
            status: StatusCode::NOT_IMPLEMENTED,
            code: "NOT_IMPLEMENTED",
            message: message.to_owned(),
        }
    }
}

impl IntoResponse for MlflowError {
    fn into_response(self) -> Response {
        let body = json!({"error_code": self.code, "message": self.message});
        (self.status, Json(body)).into_response()
    }
}

impl From<everloop_metastore::Error> for MlflowError {
    fn from(error: everloop_metastore::Error) -> Self {
        if let everloop_metastore::Error::NotFound { what, name } = &error {
            return Self::new(ErrorKind::NotFound, not_found(what, name));
        }
        Self::new(error.kind(), shown(error.kind(), &error))
    }
}

/// What is not there, in the words that clients of MLflow look for.
fn not_found(what: &str, name: &str) -> String {
    match what {
        "run" => format!("Run with id={name} not found"),
        "experiment" => format!("No Experiment with id={name} exists"),
        "logged model" => format!("Logged model with ID '{name}' not found."),
        "webhook" => format!("Webhook with ID {name} not found."),
        "registered model" => format!("Registered Model with name={name} not found"),
        "trace" => format!("Trace with ID '{name}' not found."),
        "assessment" => format!("Assessment with ID '{name}' not found"),
        "trace tag" => format!("No trace tag with key '{name}'"),
        "tag" => format!("No tag with name: {name}"),
        "logged model tag" => format!("No tag with key {name:?} found"),
        _ => format!("{what} `{name}` does not exist"),
    }
}

impl From<everloop_artifacts::Error> for MlflowError {
    fn from(error: everloop_artifacts::Error) -> Self {
        if matches!(error, everloop_artifacts::Error::Range { .. }) {
            let code = "INVALID_PARAMETER_VALUE";
            return Self::with_code(StatusCode::RANGE_NOT_SATISFIABLE, code, error.to_string());
        }
        Self::new(error.kind(), shown(error.kind(), &error))
    }
}
