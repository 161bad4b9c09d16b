//! `mlflow-artifacts/…`: files of runs and models, through this server.
//!
//! Paths come from outside. A path that could lead out of its place is refused before the store is asked.

mod mime;
mod multipart;
pub(super) mod presigned;

use std::time::Duration;

use axum::body::Body;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::Response;
use axum::routing::get;
use axum::{Json, Router};
use everloop_artifacts::{Part, StorageKey, Store};
use everloop_domain::{ErrorKind, ModelName, VersionNumber};
use serde::Deserialize;
use serde_json::{Value, json};

use super::error::MlflowError;
use super::parameters::Parameters;
use super::runs::{find_run_id, run_id};
use super::{Answer, trimmed};
use crate::source;
use crate::state::AppState;

/// How long an address of the object store can be used.
const PRESIGNED_LIFETIME: Duration = Duration::from_mins(15);

pub(super) fn router() -> Router<AppState> {
    Router::new()
        .route("/artifacts", get(list))
        .route(
            "/artifacts/{*path}",
            get(download).put(upload).delete(remove),
        )
        .route("/presigned/{*path}", get(presigned::of_path))
        .merge(multipart::router())
}

/// The key of a path from outside.
fn key(path: &str) -> Result<StorageKey, MlflowError> {
    StorageKey::from_outside(path).map_err(|_| MlflowError::invalid("Invalid path"))
}

async fn list(State(state): State<AppState>, parameters: Parameters) -> Answer {
    let path = parameters.text("path")?;
    let key = path.as_deref().map(key).transpose()?;
    let files = files(state.parts.places.own(), key.as_ref(), "").await?;
    Ok(Json(trimmed(json!({"files": files}))))
}

/// The entries of a directory; empty for a file and for what is not there.
async fn files(
    store: &Store,
    key: Option<&StorageKey>,
    prefix: &str,
) -> Result<Vec<Value>, MlflowError> {
    let entries = store.list(key).await?;
    let shown = entries.into_iter().map(|entry| {
        let size = (!entry.is_dir).then_some(entry.size_bytes);
        trimmed(json!({"path": format!("{prefix}{}", entry.name), "is_dir": entry.is_dir, "file_size": size}))
    });
    Ok(shown.collect())
}

/// `artifacts/list`: of a run, with paths relative to its root.
pub(super) async fn list_of_run(State(state): State<AppState>, parameters: Parameters) -> Answer {
    let id = run_id(&parameters)?;
    let path = parameters.text("path")?;
    let run = state
        .metastore()
        .read(move |tx| tx.runs().info(&id))
        .await?;
    list_below(&state, &run.artifact_uri, path.as_deref()).await
}

/// `logged-models/…/artifacts/directories`: of a model, with paths relative to its root.
pub(super) async fn list_of_model(
    State(state): State<AppState>,
    Path(id): Path<String>,
    parameters: Parameters,
) -> Answer {
    let path = parameters.text("artifact_directory_path")?;
    let model = state
        .metastore()
        .read(move |tx| tx.logged_models().get(&id))
        .await?;
    list_below(&state, &model.artifact_location, path.as_deref()).await
}

async fn list_below(state: &AppState, root: &str, path: Option<&str>) -> Answer {
    let below = path.map(key).transpose()?;
    let place = state.parts.places.find(root)?;
    let (full, prefix) = match &below {
        None => (place.key.clone(), String::new()),
        Some(path) => (Some(place.join(path)?), format!("{path}/")),
    };
    let files = files(&place.store, full.as_ref(), &prefix).await?;
    Ok(Json(trimmed(json!({"root_uri": root, "files": files}))))
}

/// `get-artifact`: a file of a run, by its path below the run's root.
pub(super) async fn get_of_run(
    State(state): State<AppState>,
    parameters: Parameters,
) -> Result<Response, MlflowError> {
    let id = run_id(&parameters)?;
    let path = key(&parameters.required("path")?)?;
    let run = state
        .metastore()
        .read(move |tx| tx.runs().info(&id))
        .await?;
    let place = state.parts.places.find(&run.artifact_uri)?;
    attachment(&place.store, &place.join(&path)?, None).await
}

/// `model-versions/get-artifact`: a file of a version, by its path below the version's files.
pub(super) async fn get_of_version(
    State(state): State<AppState>,
    parameters: Parameters,
) -> Result<Response, MlflowError> {
    let name: ModelName = parameters.parsed("name")?;
    let number: VersionNumber = parameters.parsed("version")?;
    let path = key(&parameters.required("path")?)?;
    let root = state
        .metastore()
        .read(move |tx| {
            let version = tx.models().get_version(&name, number)?;
            let root = source::resolve(tx, &version.source)?;
            if source::is_readable(tx, &version, &root)? {
                return Ok(root);
            }
            Err(everloop_metastore::Error::Invalid(format!(
                "the files of version {number} of `{name}` are at `{root}`, which is not below the run or the logged model that it \
                 names: they are not read for clients"
            )))
        })
        .await?;
    let place = state.parts.places.find(&root)?;
    attachment(&place.store, &place.join(&path)?, None).await
}

/// `logged-models/…/artifacts/files`: a file of a model, by its path below the model's root.
pub(super) async fn get_of_model(
    State(state): State<AppState>,
    Path(id): Path<String>,
    parameters: Parameters,
) -> Result<Response, MlflowError> {
    let path = key(&parameters.required("artifact_file_path")?)?;
    let model = state
        .metastore()
        .read(move |tx| tx.logged_models().get(&id))
        .await?;
    let place = state.parts.places.find(&model.artifact_location)?;
    attachment(&place.store, &place.join(&path)?, None).await
}

/// A file below a place that this server has named itself.
pub(super) async fn get_below(
    state: &AppState,
    root: &str,
    path: &StorageKey,
) -> Result<Response, MlflowError> {
    let place = state.parts.places.find(root)?;
    attachment(&place.store, &place.join(path)?, None).await
}

/// `upload-artifact`: a file of a run, from MLflow's page.
pub(super) async fn upload_to_run(
    State(state): State<AppState>,
    Query(target): Query<Target>,
    headers: HeaderMap,
    body: Body,
) -> Answer {
    let given = |field: &Option<String>, name: &str| {
        let text = field.clone().filter(|text| !text.is_empty());
        text.ok_or_else(|| MlflowError::invalid(format!("Request must specify {name}.")))
    };
    let run = given(&target.run_uuid, "run_uuid")?;
    let path = key(&given(&target.path, "path")?)?;
    let length = headers.get(header::CONTENT_LENGTH);
    if length.is_none_or(|length| length == "0") && !headers.contains_key(header::TRANSFER_ENCODING)
    {
        return Err(MlflowError::invalid("Request must specify data."));
    }
    let id = find_run_id(&run)?;
    let run = state
        .metastore()
        .read(move |tx| tx.runs().info(&id))
        .await?;
    let place = state.parts.places.find(&run.artifact_uri)?;
    place
        .store
        .put_stream(&place.join(&path)?, body.into_data_stream())
        .await?;
    Ok(Json(json!({})))
}

/// Where an upload goes.
#[derive(Debug, Deserialize)]
pub(super) struct Target {
    run_uuid: Option<String>,
    path: Option<String>,
}

/// The bytes, always as an attachment: what people upload must not run in a browser.
async fn download(
    State(state): State<AppState>,
    Path(path): Path<String>,
    headers: HeaderMap,
) -> Result<Response, MlflowError> {
    attachment(state.parts.places.own(), &key(&path)?, part(&headers)).await
}

async fn attachment(
    store: &Store,
    key: &StorageKey,
    part: Option<Part>,
) -> Result<Response, MlflowError> {
    let is_part = part.is_some();
    let reading = store.read(key, part).await?;
    let name = key.as_str().rsplit('/').next().unwrap_or_default();
    let n_bytes = reading.range.end - reading.range.start;
    let mut response = Response::builder()
        .header(header::CONTENT_TYPE, mime::of(name))
        .header(header::CONTENT_DISPOSITION, disposition(name))
        .header(header::CONTENT_LENGTH, n_bytes)
        .header(header::ACCEPT_RANGES, "bytes")
        .header(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    if is_part {
        let last = reading.range.end.saturating_sub(1);
        let range = format!(
            "bytes {}-{last}/{}",
            reading.range.start, reading.size_bytes
        );
        response = response
            .status(StatusCode::PARTIAL_CONTENT)
            .header(header::CONTENT_RANGE, range);
    }
    response
        .body(Body::from_stream(reading.pieces))
        .map_err(|error| MlflowError::new(ErrorKind::Internal, error.to_string()))
}

/// The part that a request asks for; a range that is not understood counts as none, as HTTP says.
fn part(headers: &HeaderMap) -> Option<Part> {
    let text = headers.get(header::RANGE)?.to_str().ok()?;
    let (first, last) = text.strip_prefix("bytes=")?.split_once('-')?;
    match (first.parse().ok(), last.parse::<u64>().ok()) {
        (Some(first), Some(last)) if first <= last => {
            Some(Part::Between(first..last.saturating_add(1)))
        }
        (Some(first), None) if last.is_empty() => Some(Part::From(first)),
        (None, Some(last)) if first.is_empty() && last > 0 => Some(Part::Last(last)),
        _ => None,
    }
}

/// The name of the attachment; other than plain characters are encoded as RFC 5987 says.
fn disposition(name: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$&+-.^_|~".contains(&byte);
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
    body: Body,
) -> Result<Body, MlflowError> {
    let stream = body.into_data_stream();
    state
        .parts
        .places
        .own()
        .put_stream(&key(&path)?, stream)
        .await?;
    Ok(Body::empty())
}

async fn remove(State(state): State<AppState>, Path(path): Path<String>) -> Answer {
    state.parts.places.own().delete(&key(&path)?).await?;
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

    #[track_caller]
    fn check_part(range: &'static str, expected: Option<&Part>) {
        let mut headers = HeaderMap::new();
        headers.insert(header::RANGE, header::HeaderValue::from_static(range));
        assert_eq!(part(&headers).as_ref(), expected, "{range}");
    }

    #[test]
    fn ranges_are_read() {
        check_part("bytes=0-4", Some(&Part::Between(0..5)));
        check_part("bytes=7-", Some(&Part::From(7)));
        check_part("bytes=-3", Some(&Part::Last(3)));
        for odd in [
            "bytes=5-2",
            "bytes=-",
            "bytes=-0",
            "lines=1-2",
            "bytes=0-1,3-4",
            "bytes=a-b",
        ] {
            check_part(odd, None);
        }
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
