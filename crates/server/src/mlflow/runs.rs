//! `runs/…` and `metrics/…`.

pub(super) mod history;
mod log;
pub(super) mod wire;

pub(super) use log::check_key;

use axum::extract::State;
use axum::routing::{get, post};
use axum::{Json, Router};
use everloop_domain::{ErrorKind, RunId, Timestamp};
use everloop_metastore::{NewRun, RunInfo, View};
use serde_json::{Value, json};

use super::error::MlflowError;
use super::experiments::{id as experiment_id, ids as experiment_ids, view};
use super::filter::{Grammar, Resource, condition, order};
use super::paging::Page;
use super::parameters::Parameters;
use super::{Answer, trimmed};
use crate::state::AppState;

/// How many runs a search shows if it is not told.
const DEFAULT_PAGE: i64 = 1000;
/// How many it shows at most.
const MAX_PAGE: i64 = 50_000;

pub(super) fn router() -> Router<AppState> {
    Router::new()
        .route("/runs/create", post(create))
        .route("/runs/get", get(by_id))
        .route("/runs/update", post(update))
        .route("/runs/search", post(search))
        .route("/runs/delete", post(delete))
        .route("/runs/restore", post(restore))
        .merge(history::router())
        .merge(log::router())
}

/// The run that a request names, also by its old name.
pub(super) fn run_id(parameters: &Parameters) -> Result<RunId, MlflowError> {
    let id = match parameters.text("run_id")? {
        Some(id) => id,
        None => match parameters.text("run_uuid")? {
            Some(id) => id,
            None => parameters.required("run_id")?,
        },
    };
    find_run_id(&id)
}

/// The id of a run; what cannot be one is not found.
pub(super) fn find_run_id(text: &str) -> Result<RunId, MlflowError> {
    text.parse()
        .map_err(|_| MlflowError::new(ErrorKind::NotFound, format!("Run with id={text} not found")))
}

async fn create(State(state): State<AppState>, parameters: Parameters) -> Answer {
    let id = RunId::from_bytes(state.ids.bytes());
    let tags = parameters.pairs("tags")?.into_iter().collect();
    let named = parameters.text("run_name")?;
    let tagged = std::collections::BTreeMap::get(&tags, "mlflow.runName").cloned();
    if let (Some(named), Some(tagged)) = (&named, &tagged)
        && named != tagged
    {
        return Err(MlflowError::invalid(format!(
            "Both 'run_name' argument and 'mlflow.runName' tag are specified, but with different values (run_name='{named}', \
             mlflow.runName='{tagged}')."
        )));
    }
    let experiment = parameters.text("experiment_id")?;
    let new = NewRun {
        id: id.clone(),
        experiment: experiment_id(experiment.as_deref().unwrap_or("0"))?,
        name: named.or(tagged).or_else(|| Some(state.ids.run_name())),
        user: parameters.text("user_id")?,
        start_time: parameters.moment("start_time")?.unwrap_or_default(),
        artifact_uri: None,
        tags,
    };
    let run = state
        .metastore()
        .write(move |tx| {
            tx.runs().create(&new)?;
            tx.runs().get(&id)
        })
        .await?;
    Ok(Json(json!({"run": wire::run(&run)})))
}

pub(super) async fn by_id(State(state): State<AppState>, parameters: Parameters) -> Answer {
    let id = run_id(&parameters)?;
    let run = state.metastore().read(move |tx| tx.runs().get(&id)).await?;
    Ok(Json(json!({"run": wire::run(&run)})))
}

/// An unknown status changes nothing, as in MLflow.
async fn update(State(state): State<AppState>, parameters: Parameters) -> Answer {
    let id = run_id(&parameters)?;
    let status = parameters
        .text("status")?
        .and_then(|text| text.parse().ok());
    let end_time = parameters.moment("end_time")?;
    let name = parameters.text("run_name")?;
    let info: RunInfo = state
        .metastore()
        .write(move |tx| tx.runs().update(&id, status, end_time, name.as_deref()))
        .await?;
    Ok(Json(json!({"run_info": wire::info(&info)})))
}

pub(super) async fn search(State(state): State<AppState>, parameters: Parameters) -> Answer {
    let page = Page::read(&parameters, DEFAULT_PAGE, MAX_PAGE)?;
    let filter = parameters.text("filter")?;
    let query = page.query(
        condition(Resource::Runs, Grammar::Mlflow, filter.as_deref())?,
        order(Resource::Runs, &parameters.texts("order_by")?)?,
    );
    let experiments = experiment_ids(&parameters)?;
    let view: View = view(&parameters, "run_view_type")?;
    let mut found = state
        .metastore()
        .read(move |tx| tx.runs().search(&experiments, view, &query))
        .await?;
    let next = page.next(&mut found);
    let shown: Vec<Value> = found.iter().map(wire::run).collect();
    Ok(Json(trimmed(
        json!({"runs": shown, "next_page_token": next}),
    )))
}

async fn delete(State(state): State<AppState>, parameters: Parameters) -> Answer {
    let id = run_id(&parameters)?;
    let now = state.parts.clock.now();
    state
        .metastore()
        .write(move |tx| tx.runs().delete(&id, now))
        .await?;
    Ok(Json(json!({})))
}

async fn restore(State(state): State<AppState>, parameters: Parameters) -> Answer {
    let id = run_id(&parameters)?;
    state
        .metastore()
        .write(move |tx| tx.runs().restore(&id))
        .await?;
    Ok(Json(json!({})))
}

/// A moment in milliseconds that MLflow always writes.
fn millis(moment: Timestamp) -> i64 {
    moment.as_millis()
}
