//! What requests ask for, refused in our one form where it is not understood.

use axum::extract::{FromRequestParts, Path, Query};
use axum::http::request::Parts;
use everloop_domain::ErrorKind;
use serde::de::DeserializeOwned;

use crate::error::ApiError;

/// The query of a request.
#[derive(Debug)]
pub(super) struct Asked<T>(pub(super) T);

/// The names and numbers in the path of a request.
#[derive(Debug)]
pub(super) struct Named<T>(pub(super) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Asked<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        Query::try_from_uri(&parts.uri)
            .map(|Query(asked)| Self(asked))
            .map_err(|refused| not_understood("query", &refused.body_text()))
    }
}

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Named<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        Path::from_request_parts(parts, state)
            .await
            .map(|Path(named)| Self(named))
            .map_err(|refused| not_understood("path", &refused.body_text()))
    }
}

fn not_understood(what: &str, words: &str) -> ApiError {
    // What axum says before the reason depends on where it is; the reason follows the first colon.
    let reason = words.split_once(": ").map_or(words, |(_, reason)| reason);
    invalid(format!("the {what} is not understood: {reason}"))
}

/// A refusal.
pub(super) fn invalid(message: String) -> ApiError {
    ApiError::new(ErrorKind::Invalid, message)
}

/// The parts of a text between commas.
pub(super) fn parts(text: Option<&str>) -> Vec<String> {
    let parts = text.unwrap_or_default().split(',').map(str::trim);
    parts
        .filter(|part| !part.is_empty())
        .map(str::to_owned)
        .collect()
}
