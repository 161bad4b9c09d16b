//! `experiments/…`.

use axum::extract::State;
use axum::routing::{get, post};
use axum::{Json, Router};
use everloop_domain::{ErrorKind, ExperimentId};
use everloop_metastore::{Experiment, View};
use serde_json::{Value, json};

use super::error::MlflowError;
use super::filter::equalities;
use super::parameters::Parameters;
use super::{Answer, pairs, trimmed};
use crate::state::AppState;

/// The longest name.
const MAX_NAME: usize = 500;

pub(super) fn router() -> Router<AppState> {
    Router::new()
        .route("/experiments/create", post(create))
        .route("/experiments/get", get(by_id))
        .route("/experiments/get-by-name", get(by_name))
        .route("/experiments/search", get(search).post(search))
        .route("/experiments/update", post(update))
        .route("/experiments/delete", post(delete))
        .route("/experiments/restore", post(restore))
        .route("/experiments/set-experiment-tag", post(set_tag))
}

fn wire(experiment: &Experiment) -> Value {
    trimmed(json!({
        "experiment_id": experiment.id.to_string(), "name": experiment.name,
        "artifact_location": experiment.artifact_location, "lifecycle_stage": experiment.lifecycle.as_str(),
        "creation_time": experiment.created_at.as_millis(), "last_update_time": experiment.updated_at.as_millis(),
        "tags": pairs(&experiment.tags),
    }))
}

/// The id of an experiment, with MLflow's words if it is none.
pub(super) fn id(text: &str) -> Result<ExperimentId, MlflowError> {
    text.parse().map_err(|_| {
        MlflowError::invalid(format!(
            "Invalid experiment ID '{text}'. Experiment ID must be a valid integer."
        ))
    })
}

/// Which things a search shows; an unknown word counts as the active ones.
pub(super) fn view(parameters: &Parameters, name: &str) -> Result<View, MlflowError> {
    Ok(match parameters.text(name)?.as_deref() {
        Some("DELETED_ONLY") => View::Deleted,
        Some("ALL") => View::All,
        _ => View::Active,
    })
}

async fn create(State(state): State<AppState>, parameters: Parameters) -> Answer {
    let name = parameters.required("name")?;
    if name.chars().count() > MAX_NAME {
        let message = format!("'name' exceeds the maximum length of {MAX_NAME} characters");
        return Err(MlflowError::invalid(message));
    }
    let location = parameters.text("artifact_location")?;
    let tags = parameters.pairs("tags")?;
    let now = state.parts.clock.now();
    let work = move |tx: &everloop_metastore::Transaction<'_>| {
        let id = tx.experiments().create(&name, location.as_deref(), now)?;
        for (key, value) in &tags {
            tx.experiments().set_tag(id, key, value)?;
        }
        Ok(id)
    };
    let id = state.metastore().write(work).await?;
    Ok(Json(json!({"experiment_id": id.to_string()})))
}

async fn by_id(State(state): State<AppState>, parameters: Parameters) -> Answer {
    let id = id(&parameters.required("experiment_id")?)?;
    let experiment = state
        .metastore()
        .read(move |tx| tx.experiments().get(id))
        .await?;
    Ok(Json(json!({"experiment": wire(&experiment)})))
}

async fn by_name(State(state): State<AppState>, parameters: Parameters) -> Answer {
    let name = parameters.required("experiment_name")?;
    let shown = name.clone();
    let found = state
        .metastore()
        .read(move |tx| tx.experiments().find_by_name(&name))
        .await?;
    let experiment = found.ok_or_else(|| {
        let message = format!("Could not find experiment with name '{shown}'");
        MlflowError::new(ErrorKind::NotFound, message)
    })?;
    Ok(Json(json!({"experiment": wire(&experiment)})))
}

/// All at once: there is no next page.
async fn search(State(state): State<AppState>, parameters: Parameters) -> Answer {
    let wanted = equalities(parameters.text("filter")?.as_deref(), &["name"])?;
    let view = view(&parameters, "view_type")?;
    let all = state
        .metastore()
        .read(move |tx| tx.experiments().list(view))
        .await?;
    let shown: Vec<Value> = all
        .iter()
        .filter(|one| wanted.iter().all(|(_, name)| *name == one.name))
        .map(wire)
        .collect();
    Ok(Json(trimmed(json!({"experiments": shown}))))
}

async fn update(State(state): State<AppState>, parameters: Parameters) -> Answer {
    let id = id(&parameters.required("experiment_id")?)?;
    let name = parameters.required("new_name")?;
    let now = state.parts.clock.now();
    state
        .metastore()
        .write(move |tx| tx.experiments().rename(id, &name, now))
        .await?;
    Ok(Json(json!({})))
}

async fn delete(State(state): State<AppState>, parameters: Parameters) -> Answer {
    let id = id(&parameters.required("experiment_id")?)?;
    let now = state.parts.clock.now();
    state
        .metastore()
        .write(move |tx| tx.experiments().delete(id, now))
        .await?;
    Ok(Json(json!({})))
}

async fn restore(State(state): State<AppState>, parameters: Parameters) -> Answer {
    let id = id(&parameters.required("experiment_id")?)?;
    let now = state.parts.clock.now();
    state
        .metastore()
        .write(move |tx| tx.experiments().restore(id, now))
        .await?;
    Ok(Json(json!({})))
}

async fn set_tag(State(state): State<AppState>, parameters: Parameters) -> Answer {
    let id = id(&parameters.required("experiment_id")?)?;
    let key = parameters.required("key")?;
    let value = parameters.text("value")?.unwrap_or_default();
    state
        .metastore()
        .write(move |tx| tx.experiments().set_tag(id, &key, &value))
        .await?;
    Ok(Json(json!({})))
}
