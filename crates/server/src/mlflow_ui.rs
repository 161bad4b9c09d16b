//! MLflow's own web page: the static files of an installed `mlflow` wheel, served from where they are.
//!
//! Nothing of them is part of this program. The page expects its files below `/static-files`, and itself at `/`.

use std::path::PathBuf;
use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use everloop_artifacts::StorageKey;
use everloop_domain::ErrorKind;

use crate::error::ApiError;

/// Files whose names hold a digest of their content never change.
const FOREVER: &str = "public, max-age=31536000, immutable";

/// The page's routes, from the directory with its `index.html`.
pub(crate) fn router<S: Clone + Send + Sync + 'static>(dir: PathBuf) -> Router<S> {
    Router::new()
        .route("/", get(index))
        .route("/static-files/{*path}", get(file))
        .with_state(Arc::new(dir))
}

async fn index(State(dir): State<Arc<PathBuf>>) -> Response {
    read(&dir, "index.html", "no-cache").await
}

async fn file(State(dir): State<Arc<PathBuf>>, Path(path): Path<String>) -> Response {
    let lifetime = if path.starts_with("static/") {
        FOREVER
    } else {
        "no-cache"
    };
    match StorageKey::from_outside(&path) {
        Ok(key) => read(&dir, key.as_str(), lifetime).await,
        Err(error) => ApiError::new(ErrorKind::Invalid, error.to_string()).into_response(),
    }
}

async fn read(dir: &std::path::Path, name: &str, lifetime: &'static str) -> Response {
    let absent = || {
        let message = format!("MLflow's page has no file `{name}`");
        ApiError::new(ErrorKind::NotFound, message).into_response()
    };
    // A link must not lead out of the directory.
    let (Ok(dir), Ok(path)) = (dir.canonicalize(), dir.join(name).canonicalize()) else {
        return absent();
    };
    if !path.starts_with(dir) {
        return absent();
    }
    match tokio::fs::read(&path).await {
        Ok(bytes) => {
            let headers = [(CONTENT_TYPE, media_type(name)), (CACHE_CONTROL, lifetime)];
            (headers, bytes).into_response()
        }
        Err(_) => absent(),
    }
}

/// The media type of a file of the page, by the end of its name.
fn media_type(name: &str) -> &'static str {
    match name.rsplit('.').next().unwrap_or_default() {
        "html" => "text/html; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "json" | "map" => "application/json",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "gif" => "image/gif",
        "ico" => "image/vnd.microsoft.icon",
        "woff" => "font/woff",
        "woff2" => "font/woff2",
        "wasm" => "application/wasm",
        "txt" => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}
