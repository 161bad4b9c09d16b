//! `experiments/…`.

use axum::extract::State;
use axum::routing::{get, post};
use axum::{Json, Router};
use everloop_domain::{ErrorKind, ExperimentId};
use everloop_metastore::{Experiment, View};
use serde_json::{Value, json};

use super::error::MlflowError;
use super::filter::{Grammar, Resource, condition, order};
use super::paging::Page;
use super::parameters::Parameters;
use super::{Answer, pairs, trimmed};
use crate::state::AppState;

/// How many experiments a search shows at most.
const MAX_PAGE: i64 = 50_000;
/// How many datasets of an experiment are shown.
const MAX_DATASETS: usize = 1000;
/// How many experiments a search for datasets may name.
const MAX_EXPERIMENTS: usize = 20;
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
        .route("/experiments/delete-experiment-tag", post(delete_tag))
        .route("/experiments/search-datasets", post(search_datasets))
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
    let location = location.map(|place| located(&place)).transpose()?;
    let tags = parameters.pairs("tags")?;
    let now = state.parts.clock.now();
    let root = state.parts.places.root().to_owned();
    let work = move |tx: &everloop_metastore::Transaction<'_>| {
        let id = match &location {
            Some(location) => tx.experiments().create(&name, Some(location), now)?,
            None => tx.experiments().create_below(&root, &name, now)?,
        };
        for (key, value) in &tags {
            tx.experiments().set_tag(id, key, value)?;
        }
        Ok(id)
    };
    let id = state.metastore().write(work).await?;
    Ok(Json(json!({"experiment_id": id.to_string()})))
}

/// A place for artifacts; a path is made absolute, because its meaning must not change with the server's directory.
fn located(place: &str) -> Result<String, MlflowError> {
    if place.contains(['?', '#']) || place.split('/').any(|part| part == "..") {
        return Err(MlflowError::invalid(format!(
            "Invalid artifact location '{place}': query strings, fragments and `..` are not allowed"
        )));
    }
    if place.contains(":/") {
        return Ok(place.to_owned());
    }
    let path = std::path::absolute(place).map_err(|error| {
        MlflowError::invalid(format!("Invalid artifact location '{place}': {error}"))
    })?;
    Ok(path.display().to_string())
}

pub(super) async fn by_id(State(state): State<AppState>, parameters: Parameters) -> Answer {
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

async fn search(State(state): State<AppState>, parameters: Parameters) -> Answer {
    let view = view(&parameters, "view_type")?;
    if !parameters.has("max_results") {
        return Err(MlflowError::invalid(
            "Invalid value for parameter 'max_results' supplied. It must be a positive integer, but got None",
        ));
    }
    let page = Page::read(&parameters, 0, MAX_PAGE)?;
    let filter = parameters.text("filter")?;
    let query = page.query(
        condition(Resource::Experiments, Grammar::Mlflow, filter.as_deref())?,
        order(Resource::Experiments, &parameters.texts("order_by")?)?,
    );
    let mut found = state
        .metastore()
        .read(move |tx| tx.experiments().search(view, &query))
        .await?;
    let next = page.next(&mut found);
    let shown: Vec<Value> = found.iter().map(wire).collect();
    Ok(Json(trimmed(
        json!({"experiments": shown, "next_page_token": next}),
    )))
}

/// The datasets that runs of some experiments read; for MLflow's page.
pub(super) async fn search_datasets(
    State(state): State<AppState>,
    parameters: Parameters,
) -> Answer {
    let n_experiments = parameters.texts("experiment_ids")?.len();
    if n_experiments == 0 {
        return Err(MlflowError::invalid(
            "SearchDatasets request must specify at least one experiment_id.",
        ));
    }
    if n_experiments > MAX_EXPERIMENTS {
        return Err(MlflowError::invalid(format!(
            "SearchDatasets request cannot specify more than {MAX_EXPERIMENTS} experiment_ids. Received {n_experiments} \
             experiment_ids."
        )));
    }
    let experiments = ids(&parameters)?;
    let found = state
        .metastore()
        .read(move |tx| {
            let mut summaries = Vec::new();
            for experiment in experiments {
                for (name, digest, context) in
                    tx.runs().dataset_summaries(experiment, MAX_DATASETS)?
                {
                    summaries.push(json!({
                        "experiment_id": experiment.to_string(), "name": name, "digest": digest, "context": context,
                    }));
                }
            }
            Ok(summaries)
        })
        .await?;
    Ok(Json(trimmed(json!({"dataset_summaries": found}))))
}

/// The experiments that a search names.
pub(super) fn ids(parameters: &Parameters) -> Result<Vec<ExperimentId>, MlflowError> {
    let texts = parameters.texts("experiment_ids")?;
    texts.iter().map(|text| id(text)).collect()
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

async fn delete_tag(State(state): State<AppState>, parameters: Parameters) -> Answer {
    let id = id(&parameters.required("experiment_id")?)?;
    let key = parameters.required("key")?;
    state
        .metastore()
        .write(move |tx| tx.experiments().delete_tag(id, &key))
        .await?;
    Ok(Json(json!({})))
}
