//! `mlflow-artifacts/mpu/…`: uploads whose parts clients send to the object store themselves.
//!
//! The path of an endpoint is the directory of the artifact; the body names the file as the client has it, of which the last part
//! counts. Where the store cannot do it, the client is told so in the words that make it upload plainly.

use axum::extract::{Path, State};
use axum::routing::post;
use axum::{Json, Router};
use everloop_artifacts::{MAX_PARTS, StorageKey, Store, Uploads};
use serde_json::{Value, json};

use super::{Answer, PRESIGNED_LIFETIME, key};
use crate::mlflow::error::MlflowError;
use crate::mlflow::parameters::Parameters;
use crate::state::AppState;

pub(super) fn router() -> Router<AppState> {
    Router::new()
        .route("/mpu/create/{*path}", post(create))
        .route("/mpu/complete/{*path}", post(complete))
        .route("/mpu/abort/{*path}", post(abort))
}

/// The key of the file that a request names.
fn target(dir: &str, parameters: &Parameters) -> Result<StorageKey, MlflowError> {
    let dir = key(dir)?;
    let file = parameters.required("path")?;
    match file.rsplit(['/', '\\']).next() {
        Some(name) if !name.is_empty() => key(&format!("{dir}/{name}")),
        _ => Err(MlflowError::invalid("Invalid path")),
    }
}

fn uploads(store: &Store) -> Result<Uploads<'_>, MlflowError> {
    store.uploads().ok_or_else(|| {
        MlflowError::not_implemented(
            "Multipart upload is not supported for the current artifact repository",
        )
    })
}

async fn create(
    State(state): State<AppState>,
    Path(dir): Path<String>,
    parameters: Parameters,
) -> Answer {
    let uploads = uploads(state.parts.places.own())?;
    let key = target(&dir, &parameters)?;
    let n_parts = parameters.integer("num_parts")?.unwrap_or(1);
    let n_parts = usize::try_from(n_parts)
        .ok()
        .filter(|n_parts| (1..=MAX_PARTS).contains(n_parts))
        .ok_or_else(|| {
            MlflowError::invalid(format!(
                "Invalid value {n_parts} for parameter 'num_parts' supplied: an upload has 1 to {MAX_PARTS} parts"
            ))
        })?;
    let begun = uploads.begin(&key, n_parts, PRESIGNED_LIFETIME).await?;
    let credentials: Vec<Value> = begun
        .urls
        .iter()
        .zip(1..)
        .map(|(url, number)| json!({"url": url, "part_number": number}))
        .collect();
    Ok(Json(
        json!({"upload_id": begun.id, "credentials": credentials}),
    ))
}

async fn complete(
    State(state): State<AppState>,
    Path(dir): Path<String>,
    parameters: Parameters,
) -> Answer {
    let uploads = uploads(state.parts.places.own())?;
    let key = target(&dir, &parameters)?;
    let tags = tags(&parameters)?;
    let id = parameters.required("upload_id")?;
    uploads.complete(&key, &id, tags).await?;
    Ok(Json(json!({})))
}

async fn abort(
    State(state): State<AppState>,
    Path(dir): Path<String>,
    parameters: Parameters,
) -> Answer {
    let uploads = uploads(state.parts.places.own())?;
    let key = target(&dir, &parameters)?;
    let id = parameters.required("upload_id")?;
    uploads.abort(&key, &id).await?;
    Ok(Json(json!({})))
}

/// The entity tags of the parts, which are to be all from the first on, in any order.
fn tags(parameters: &Parameters) -> Result<Vec<String>, MlflowError> {
    let mut parts = Vec::new();
    for part in parameters.objects("parts")? {
        parts.push((part.integer("part_number")?, part.required("etag")?));
    }
    parts.sort();
    let is_whole = parts
        .iter()
        .map(|(number, _)| *number)
        .eq((1..).map(Some).take(parts.len()));
    if parts.is_empty() || !is_whole {
        return Err(MlflowError::invalid(
            "Invalid value for parameter 'parts' supplied: all parts from 1 on are needed, each once",
        ));
    }
    Ok(parts.into_iter().map(|(_, tag)| tag).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(parts: &str, expected: Option<&[&str]>) {
        let parameters = Parameters::from_json(&format!("{{\"parts\": {parts}}}"));
        let found = tags(&parameters).ok();
        let found = found
            .as_ref()
            .map(|tags| tags.iter().map(String::as_str).collect::<Vec<_>>());
        assert_eq!(found.as_deref(), expected, "{parts}");
    }

    #[test]
    fn parts_are_taken_in_their_order() {
        check(
            r#"[{"part_number": 2, "etag": "b"}, {"part_number": "1", "etag": "a"}]"#,
            Some(&["a", "b"]),
        );
        check("[]", None);
        check(r#"[{"part_number": 2, "etag": "b"}]"#, None);
        check(r#"[{"part_number": 1, "etag": ""}]"#, None);
        check(
            r#"[{"part_number": 1, "etag": "a"}, {"part_number": 1, "etag": "b"}]"#,
            None,
        );
        check(r#"[{"etag": "a"}]"#, None);
    }

    #[test]
    fn the_file_is_named_by_its_last_part() {
        let name = |path: &str| {
            let parameters =
                Parameters::from_fields(json!({"path": path}).as_object().unwrap().clone());
            target("1/run/artifacts", &parameters).map(|key| key.to_string())
        };
        for path in ["/home/me/a.bin", "a.bin", "C:\\me\\a.bin"] {
            assert_eq!(name(path).unwrap(), "1/run/artifacts/a.bin");
        }
        for path in ["/home/..", "dir/", "a/%2e%2e"] {
            assert!(name(path).is_err(), "{path}");
        }
    }
}
