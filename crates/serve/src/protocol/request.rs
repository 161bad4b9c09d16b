//! What both protocols take from a request besides its rows.

use axum::body::{Body, Bytes, to_bytes};
use axum::http::{HeaderMap, Request, header};

use super::failure::Failure;

/// The longest id that a caller may give.
const MAX_ID_BYTES: usize = 200;

/// The whole body, if it is not too long.
pub(super) async fn body(request: Request<Body>, max_bytes: usize) -> Result<Bytes, Failure> {
    let declared = request
        .headers()
        .get(header::CONTENT_LENGTH)
        .and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
    if declared.is_some_and(|length| length > max_bytes) {
        return Err(Failure::too_long(max_bytes));
    }
    let read = to_bytes(request.into_body(), max_bytes).await;
    read.map_err(|error| {
        // Axum has no type for it.
        let is_limit = std::error::Error::source(&error)
            .is_some_and(|source| source.to_string().contains("limit"));
        if is_limit {
            Failure::too_long(max_bytes)
        } else {
            Failure::unreadable()
        }
    })
}

/// The id that the caller gave the request: visible ASCII, not too long.
pub(super) fn id(headers: &HeaderMap) -> Option<String> {
    let id = headers.get("x-request-id")?.to_str().ok()?.trim();
    is_id(id).then(|| id.to_owned())
}

/// Whether a text can be the id of a request.
pub(super) fn is_id(text: &str) -> bool {
    !text.is_empty() && text.len() <= MAX_ID_BYTES
}
