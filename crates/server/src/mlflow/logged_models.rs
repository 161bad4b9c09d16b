//! `logged-models/…`: models that runs log, made pending and then ready.

use axum::extract::{Path, State};
use axum::routing::{get, patch, post};
use axum::{Json, Router};
use everloop_domain::RunId;
use everloop_metastore::{LoggedModel, NewLoggedModel};
use serde_json::{Value, json};

use super::error::MlflowError;
use super::experiments::id as experiment_id;
use super::filter::{equalities, matches};
use super::parameters::Parameters;
use super::{Answer, pairs, trimmed};
use crate::state::AppState;

/// The statuses that a client may set.
const STATUSES: [&str; 3] = [
    "LOGGED_MODEL_PENDING",
    "LOGGED_MODEL_READY",
    "LOGGED_MODEL_UPLOAD_FAILED",
];

pub(super) fn router() -> Router<AppState> {
    Router::new()
        .route("/logged-models", post(create))
        .route("/logged-models/search", post(search))
        .route("/logged-models/{id}", get(by_id).patch(finalize))
        .route("/logged-models/{id}/tags", patch(set_tags))
        .route("/logged-models/{id}/params", post(log_params))
}

fn wire(model: &LoggedModel) -> Value {
    let info = trimmed(json!({
        "model_id": model.id, "experiment_id": model.experiment.to_string(), "name": model.name,
        "creation_timestamp_ms": model.created_at.as_millis(), "last_updated_timestamp_ms": model.updated_at.as_millis(),
        "artifact_uri": model.artifact_location, "status": model.status, "model_type": model.model_type,
        "source_run_id": model.source_run, "tags": pairs(&model.tags),
    }));
    json!({"info": info, "data": trimmed(json!({"params": pairs(&model.params)}))})
}

async fn create(State(state): State<AppState>, parameters: Parameters) -> Answer {
    let named = parameters.text("name")?;
    if let Some(name) = named
        .as_deref()
        .filter(|name| name.contains(['/', ':', '.', '%', '"', '\'']))
    {
        return Err(MlflowError::invalid(format!(
            "Invalid model name ('{name}') provided. Model name must be a non-empty string and cannot contain the following \
             characters: ('/', ':', '.', '%', '\"', \"'\")"
        )));
    }
    let id = format!("m-{}", RunId::from_bytes(state.ids.bytes()));
    let new = NewLoggedModel {
        id: id.clone(),
        experiment: experiment_id(&parameters.required("experiment_id")?)?,
        name: named.unwrap_or_else(|| state.ids.run_name()),
        model_type: parameters.text("model_type")?,
        source_run: parameters.parsed_option("source_run_id")?,
        tags: parameters.pairs("tags")?.into_iter().collect(),
        params: parameters.pairs("params")?.into_iter().collect(),
        now: state.parts.clock.now(),
    };
    let model = state
        .metastore()
        .write(move |tx| {
            tx.logged_models().create(&new)?;
            tx.logged_models().get(&id)
        })
        .await?;
    Ok(Json(json!({"model": wire(&model)})))
}

async fn by_id(State(state): State<AppState>, Path(id): Path<String>) -> Answer {
    let model = state
        .metastore()
        .read(move |tx| tx.logged_models().get(&id))
        .await?;
    Ok(Json(json!({"model": wire(&model)})))
}

async fn finalize(
    State(state): State<AppState>,
    Path(id): Path<String>,
    parameters: Parameters,
) -> Answer {
    let status = parameters.required("status")?;
    if !STATUSES.contains(&status.as_str()) {
        return Err(MlflowError::invalid(format!(
            "`{status}` is not a status of a logged model: expected one of `{}`",
            STATUSES.join("`, `")
        )));
    }
    let now = state.parts.clock.now();
    let model = state
        .metastore()
        .write(move |tx| {
            tx.logged_models().set_status(&id, &status, now)?;
            tx.logged_models().get(&id)
        })
        .await?;
    Ok(Json(json!({"model": wire(&model)})))
}

async fn set_tags(
    State(state): State<AppState>,
    Path(id): Path<String>,
    parameters: Parameters,
) -> Answer {
    let tags = parameters.pairs("tags")?.into_iter().collect();
    let model = state
        .metastore()
        .write(move |tx| {
            tx.logged_models().set_tags(&id, &tags)?;
            tx.logged_models().get(&id)
        })
        .await?;
    Ok(Json(json!({"model": wire(&model)})))
}

async fn log_params(
    State(state): State<AppState>,
    Path(id): Path<String>,
    parameters: Parameters,
) -> Answer {
    let params = parameters.pairs("params")?.into_iter().collect();
    state
        .metastore()
        .write(move |tx| tx.logged_models().log_params(&id, &params))
        .await?;
    Ok(Json(json!({})))
}

/// All that match at once, newest first: there is no next page.
async fn search(State(state): State<AppState>, parameters: Parameters) -> Answer {
    let filter = parameters.text("filter")?;
    let wanted = equalities(filter.as_deref(), &["name", "model_id", "source_run_id"])?;
    let experiments = parameters
        .texts("experiment_ids")?
        .iter()
        .map(|text| experiment_id(text))
        .collect::<Result<Vec<_>, _>>()?;
    let all = state
        .metastore()
        .read(move |tx| tx.logged_models().list(&experiments))
        .await?;
    let value = |model: &LoggedModel, name: &str| match name {
        "name" => Some(model.name.clone()),
        "model_id" => Some(model.id.clone()),
        _ => model.source_run.as_ref().map(ToString::to_string),
    };
    let shown: Vec<Value> = all
        .iter()
        .filter(|model| matches(&wanted, |name| value(model, name)))
        .map(wire)
        .collect();
    Ok(Json(trimmed(json!({"models": shown}))))
}
