//! Errors as the protocols answer them.

use axum::http::StatusCode;
use everloop_domain::ErrorKind;

use crate::Error;

/// What a client is told.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) status: StatusCode,
    /// MLflow's `error_code`.
    pub(crate) code: &'static str,
    pub(crate) message: String,
}

impl Failure {
    pub(crate) fn too_long(max_body_bytes: usize) -> Self {
        Self {
            status: StatusCode::PAYLOAD_TOO_LARGE,
            code: "REQUEST_LIMIT_EXCEEDED",
            message: format!(
                "the body is longer than {max_body_bytes} bytes: send fewer rows at a time"
            ),
        }
    }

    pub(crate) fn unreadable() -> Self {
        Self {
            status: StatusCode::BAD_REQUEST,
            code: "BAD_REQUEST",
            message: "the body ended early".to_owned(),
        }
    }

    pub(crate) fn content_type(message: String) -> Self {
        Self {
            status: StatusCode::UNSUPPORTED_MEDIA_TYPE,
            code: "BAD_REQUEST",
            message,
        }
    }
}

impl From<Error> for Failure {
    /// Details of our own failures stay in the log of the server.
    fn from(error: Error) -> Self {
        let (status, code) = match error.kind() {
            ErrorKind::NotFound => (StatusCode::NOT_FOUND, "RESOURCE_DOES_NOT_EXIST"),
            ErrorKind::Invalid => (StatusCode::BAD_REQUEST, "BAD_REQUEST"),
            ErrorKind::Unavailable => (StatusCode::SERVICE_UNAVAILABLE, "TEMPORARILY_UNAVAILABLE"),
            ErrorKind::Exhausted => (StatusCode::SERVICE_UNAVAILABLE, "RESOURCE_EXHAUSTED"),
            _ => (StatusCode::INTERNAL_SERVER_ERROR, "INTERNAL_ERROR"),
        };
        if status.is_server_error() {
            tracing::error!(error = &error as &dyn std::error::Error, "a request failed");
        }
        let message = if status == StatusCode::INTERNAL_SERVER_ERROR {
            "internal error; the server's log has the details".to_owned()
        } else {
            error.to_string()
        };
        Self {
            status,
            code,
            message,
        }
    }
}
