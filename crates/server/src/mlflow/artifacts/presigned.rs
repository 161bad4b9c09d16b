//! Addresses of the object store for clients that reach it themselves.

use std::time::Duration;

use axum::Json;
use axum::extract::{Path, State};
use everloop_artifacts::{Place, StorageKey};
use serde_json::json;

use super::{Answer, PRESIGNED_LIFETIME, key, mime};
use crate::mlflow::error::MlflowError;
use crate::mlflow::parameters::Parameters;
use crate::mlflow::runs::run_id;
use crate::mlflow::trimmed;
use crate::state::AppState;

/// The longest lifetime that stores grant, in seconds.
const MAX_LIFETIME: i64 = 604_800;

/// `mlflow-artifacts/presigned/…`: where the bytes can be got, for some minutes.
pub(super) async fn of_path(State(state): State<AppState>, Path(path): Path<String>) -> Answer {
    let (store, key) = (state.parts.places.own(), key(&path)?);
    let url = store.signed_url(&key, PRESIGNED_LIFETIME).await?;
    let url = url.ok_or_else(|| unsupported("download"))?;
    let size = store.read(&key, None).await?.size_bytes;
    Ok(Json(json!({"url": url, "headers": {}, "file_size": size})))
}

/// `artifacts/presigned-download-url`: where a file of a run can be got.
pub(in crate::mlflow) async fn download(
    State(state): State<AppState>,
    parameters: Parameters,
) -> Answer {
    let id = run_id(&parameters)?;
    let path = key(&parameters.required("path")?)?;
    let lifetime = lifetime(&parameters)?;
    let run = state
        .metastore()
        .read(move |tx| tx.runs().info(&id))
        .await?;
    let (place, key) = outside(&state, &run.artifact_uri, &path)?;
    let url = place.store.signed_url(&key, lifetime).await?;
    let url = url.ok_or_else(|| unsupported("download"))?;
    let size = place.store.read(&key, None).await?.size_bytes;
    let size = (size > 0).then_some(size);
    Ok(Json(trimmed(
        json!({"presigned_url": url, "file_size": size}),
    )))
}

/// `artifacts/presigned-upload-url`: where a file of a run or of a logged model can be put.
pub(in crate::mlflow) async fn upload(
    State(state): State<AppState>,
    parameters: Parameters,
) -> Answer {
    let path = key(&parameters.required("path")?)?;
    let lifetime = lifetime(&parameters)?;
    let (run, model) = (parameters.text("run_id")?, parameters.text("model_id")?);
    let root = match (run, model) {
        (Some(_), None) => {
            let id = run_id(&parameters)?;
            let run = state
                .metastore()
                .read(move |tx| tx.runs().info(&id))
                .await?;
            run.artifact_uri
        }
        (None, Some(id)) => {
            let model = state
                .metastore()
                .read(move |tx| tx.logged_models().get(&id));
            model.await?.artifact_location
        }
        _ => {
            return Err(MlflowError::invalid(
                "Exactly one of run_id and model_id must be provided.",
            ));
        }
    };
    let (place, key) = outside(&state, &root, &path)?;
    let url = place.store.signed_upload_url(&key, lifetime).await?;
    let url = url.ok_or_else(|| unsupported("upload"))?;
    let name = path.as_str().rsplit('/').next().unwrap_or_default();
    let headers = json!({"Content-Type": mime::of(name)});
    Ok(Json(json!({"presigned_url": url, "headers": headers})))
}

/// The place of a file that clients reach without this server.
fn outside(
    state: &AppState,
    root: &str,
    path: &StorageKey,
) -> Result<(Place, StorageKey), MlflowError> {
    let scheme = root.split_once(':').map_or("", |(scheme, _)| scheme);
    if ["http", "https", "mlflow-artifacts"].contains(&scheme) {
        return Err(MlflowError::invalid(format!(
            "the artifacts at `{root}` go through the server: there is no address of the object store for them"
        )));
    }
    let place = state.parts.places.find(root)?;
    let key = place.join(path)?;
    Ok((place, key))
}

fn lifetime(parameters: &Parameters) -> Result<Duration, MlflowError> {
    match parameters.integer("expiration")? {
        None => Ok(PRESIGNED_LIFETIME),
        Some(seconds) if (1..=MAX_LIFETIME).contains(&seconds) => {
            Ok(Duration::from_secs(seconds.unsigned_abs()))
        }
        Some(seconds) => Err(MlflowError::invalid(format!(
            "expiration must be between 1 and {MAX_LIFETIME} seconds (got {seconds})."
        ))),
    }
}

fn unsupported(way: &str) -> MlflowError {
    MlflowError::not_implemented(&format!(
        "Presigned {way} is not supported for the current artifact repository"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lifetimes_are_those_that_stores_grant() {
        let read = |body: &str| lifetime(&Parameters::from_json(body)).ok();
        assert_eq!(read("{}"), Some(PRESIGNED_LIFETIME));
        assert_eq!(
            read(r#"{"expiration": "60"}"#),
            Some(Duration::from_mins(1))
        );
        for odd in ["0", "-1", "604801", "\"x\""] {
            assert_eq!(read(&format!("{{\"expiration\": {odd}}}")), None, "{odd}");
        }
    }
}
