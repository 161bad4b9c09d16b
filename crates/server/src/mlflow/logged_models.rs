//! `logged-models/…`: models that runs log, made pending and then ready.

use axum::extract::{Path, State};
use axum::routing::{delete as routing_delete, get, patch, post};
use axum::{Json, Router};
use everloop_domain::RunId;
use everloop_metastore::{LoggedModel, ModelMetric, NewLoggedModel};
use serde_json::{Value, json};

use super::error::MlflowError;
use super::experiments::{id as experiment_id, ids as experiment_ids};
use super::filter::{Grammar, Resource, condition, fields};
use super::paging::Page;
use super::parameters::Parameters;
use super::{Answer, artifacts, pairs, runs, trimmed};
use crate::state::AppState;

/// The statuses that a client may set.
const STATUSES: [&str; 3] = [
    "LOGGED_MODEL_PENDING",
    "LOGGED_MODEL_READY",
    "LOGGED_MODEL_UPLOAD_FAILED",
];

/// How many models a search shows if it is not told, and at most.
const DEFAULT_PAGE: i64 = 100;
const MAX_PAGE: i64 = 1000;

pub(super) fn router() -> Router<AppState> {
    Router::new()
        .route("/logged-models", post(create))
        .route("/logged-models/search", post(search))
        .route(
            "/logged-models/{id}",
            get(by_id).patch(finalize).delete(delete),
        )
        .route("/logged-models/{id}/tags", patch(set_tags))
        .route("/logged-models/{id}/tags/{key}", routing_delete(delete_tag))
        .route(
            "/logged-models/{id}/artifacts/directories",
            get(artifacts::list_of_model),
        )
        .route(
            "/logged-models/{id}/artifacts/files",
            get(artifacts::get_of_model),
        )
        .route("/logged-models/{id}/params", post(log_params))
}

fn wire(model: &LoggedModel) -> Value {
    let info = trimmed(json!({
        "model_id": model.id, "experiment_id": model.experiment.to_string(), "name": model.name,
        "creation_timestamp_ms": model.created_at.as_millis(), "last_updated_timestamp_ms": model.updated_at.as_millis(),
        "artifact_uri": model.artifact_location, "status": model.status, "model_type": model.model_type,
        "source_run_id": model.source_run, "status_message": model.status_message, "tags": pairs(&model.tags),
    }));
    let metrics: Vec<Value> = model
        .metrics
        .iter()
        .map(|found| metric(&model.id, found))
        .collect();
    let data = trimmed(json!({"params": pairs(&model.params), "metrics": metrics}));
    json!({"info": info, "data": data})
}

fn metric(model: &str, found: &ModelMetric) -> Value {
    let mut shown = runs::wire::metric(&found.metric);
    shown["run_id"] = json!(found.run);
    shown["model_id"] = json!(model);
    if !found.dataset_name.is_empty() {
        shown["dataset_name"] = json!(found.dataset_name);
        shown["dataset_digest"] = json!(found.dataset_digest);
    }
    shown
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
        source_run: parameters.text("source_run_id")?,
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

async fn by_id(
    State(state): State<AppState>,
    Path(id): Path<String>,
    parameters: Parameters,
) -> Answer {
    let even_deleted = parameters.boolean("allow_deleted", false)?;
    let model = state
        .metastore()
        .read(move |tx| {
            if even_deleted {
                tx.logged_models().get_even_deleted(&id)
            } else {
                tx.logged_models().get(&id)
            }
        })
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

/// Newest first if no order says otherwise; with `datasets` only metrics measured on them count.
async fn search(State(state): State<AppState>, parameters: Parameters) -> Answer {
    let page = Page::read(&parameters, DEFAULT_PAGE, MAX_PAGE)?;
    let filter = parameters.text("filter")?;
    let query = page.query(
        condition(Resource::LoggedModels, Grammar::Mlflow, filter.as_deref())?,
        fields(&parameters.objects("order_by")?)?,
    );
    let experiments = experiment_ids(&parameters)?;
    let datasets = parameters.objects("datasets")?;
    let datasets = datasets
        .iter()
        .map(|dataset| {
            Ok((
                dataset.required("dataset_name")?,
                dataset.text("dataset_digest")?,
            ))
        })
        .collect::<Result<Vec<_>, MlflowError>>()?;
    let mut found = state
        .metastore()
        .read(move |tx| tx.logged_models().search(&experiments, &datasets, &query))
        .await?;
    let next = page.next(&mut found);
    let shown: Vec<Value> = found.iter().map(wire).collect();
    Ok(Json(trimmed(
        json!({"models": shown, "next_page_token": next}),
    )))
}

async fn delete(State(state): State<AppState>, Path(id): Path<String>) -> Answer {
    let now = state.parts.clock.now();
    state
        .metastore()
        .write(move |tx| tx.logged_models().delete(&id, now))
        .await?;
    Ok(Json(json!({})))
}

async fn delete_tag(
    State(state): State<AppState>,
    Path((id, key)): Path<(String, String)>,
) -> Answer {
    state
        .metastore()
        .write(move |tx| tx.logged_models().delete_tag(&id, &key))
        .await?;
    Ok(Json(json!({})))
}
