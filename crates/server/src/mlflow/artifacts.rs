//! `mlflow-artifacts/…`: files of runs and models, through this server.
//!
//! Paths come from outside. A path that could lead out of its place is refused before the store is asked.

use axum::body::{Body, Bytes};
use axum::extract::{Path, State};
use axum::http::header;
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use axum::{Json, Router};
use everloop_artifacts::StorageKey;
use everloop_domain::RunId;
use serde_json::{Value, json};

use super::error::MlflowError;
use super::parameters::Parameters;
use super::{Answer, trimmed};
use crate::state::AppState;

pub(super) fn router() -> Router<AppState> {
    Router::new().route("/artifacts", get(list)).route(
        "/artifacts/{*path}",
        get(download).put(upload).delete(remove),
    )
}

/// The key of a path from outside.
fn key(path: &str) -> Result<StorageKey, MlflowError> {
    // A path that was encoded twice must not become hostile at the next reader.
    let decoded = path
        .to_lowercase()
        .replace("%2e", ".")
        .replace("%2f", "/")
        .replace("%5c", "\\");
    StorageKey::parse(&decoded)
        .and_then(|_| StorageKey::parse(path))
        .map_err(|error| MlflowError::invalid(format!("Invalid path: {error}")))
}

async fn list(State(state): State<AppState>, parameters: Parameters) -> Answer {
    let path = parameters.text("path")?;
    let key = path.as_deref().map(key).transpose()?;
    let files = files(&state, key.as_ref(), "").await?;
    Ok(Json(trimmed(json!({"files": files}))))
}

/// The entries of a directory; empty for a file and for what is not there.
async fn files(
    state: &AppState,
    key: Option<&StorageKey>,
    prefix: &str,
) -> Result<Vec<Value>, MlflowError> {
    let entries = state.parts.artifacts.list(key).await?;
    let shown = entries.into_iter().map(|entry| {
        let size = (!entry.is_dir).then_some(entry.size_bytes);
        trimmed(json!({"path": format!("{prefix}{}", entry.name), "is_dir": entry.is_dir, "file_size": size}))
    });
    Ok(shown.collect())
}

/// `artifacts/list`: of a run, with paths relative to its root.
pub(super) async fn list_of_run(State(state): State<AppState>, parameters: Parameters) -> Answer {
    let id: RunId = parameters.parsed("run_id")?;
    let path = parameters.text("path")?;
    let run = state
        .metastore()
        .read(move |tx| tx.runs().info(&id))
        .await?;
    let below = path.as_deref().map(key).transpose()?;
    let root = run
        .artifact_uri
        .strip_prefix("mlflow-artifacts:/")
        .ok_or_else(|| {
            MlflowError::invalid(format!(
                "the artifacts of the run are elsewhere: `{}`",
                run.artifact_uri
            ))
        })?;
    let (full, prefix) = match &below {
        None => (root.to_owned(), String::new()),
        Some(path) => (format!("{root}/{path}"), format!("{path}/")),
    };
    let files = files(&state, Some(&key(&full)?), &prefix).await?;
    Ok(Json(trimmed(
        json!({"root_uri": run.artifact_uri, "files": files}),
    )))
}

/// The bytes, always as an attachment: what people upload must not run in a browser.
async fn download(
    State(state): State<AppState>,
    Path(path): Path<String>,
) -> Result<Response, MlflowError> {
    let key = key(&path)?;
    let bytes = state.parts.artifacts.get(&key).await?;
    let name = key.as_str().rsplit('/').next().unwrap_or_default();
    let headers = [
        (header::CONTENT_TYPE, "application/octet-stream".to_owned()),
        (header::CONTENT_DISPOSITION, disposition(name)),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff".to_owned()),
    ];
    Ok((headers, bytes).into_response())
}

/// The name of the attachment; other than plain characters are encoded as RFC 5987 says.
fn disposition(name: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    if name.bytes().all(is_plain) {
        return format!("attachment; filename={name}");
    }
    let encoded: String = name
        .bytes()
        .map(|byte| {
            if is_plain(byte) {
                char::from(byte).to_string()
            } else {
                format!("%{byte:02X}")
            }
        })
        .collect();
    format!("attachment; filename*=UTF-8''{encoded}")
}

async fn upload(
    State(state): State<AppState>,
    Path(path): Path<String>,
    bytes: Bytes,
) -> Result<Body, MlflowError> {
    state.parts.artifacts.put(&key(&path)?, bytes).await?;
    Ok(Body::empty())
}

async fn remove(State(state): State<AppState>, Path(path): Path<String>) -> Answer {
    state.parts.artifacts.delete(&key(&path)?).await?;
    Ok(Json(json!({})))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn path_traversal_is_refused() {
        for path in [
            "../x",
            "1/../../x",
            "/etc/passwd",
            "a/%2e%2e/b",
            "a%2f..%2fb",
            "a/..%5Cb",
            "C:/x",
            "a\\..\\b",
            "a/./b",
            "a\0b",
            "",
        ] {
            assert!(key(path).is_err(), "{path}");
        }
        assert!(key("1/run/artifacts/größe 50%.txt").is_ok());
    }

    #[test]
    fn names_of_attachments_cannot_break_the_header() {
        assert_eq!(disposition("a.txt"), "attachment; filename=a.txt");
        assert_eq!(
            disposition("ä\"b.txt"),
            "attachment; filename*=UTF-8''%C3%A4%22b.txt"
        );
    }
}
