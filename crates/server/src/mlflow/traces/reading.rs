//! Reading traces: by id, in batches, by search; with their spans or without.

use std::collections::BTreeMap;
use std::time::Duration;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::header;
use axum::response::{IntoResponse as _, Response};
use everloop_artifacts::StorageKey;
use everloop_domain::{ErrorKind, ExperimentId};
use everloop_metastore::{Span, Trace};
use serde_json::{Value, json};

use super::wire;
use crate::mlflow::error::MlflowError;
use crate::mlflow::experiments::{id as experiment_id, ids as experiment_ids};
use crate::mlflow::filter::{Grammar, Resource, condition, order};
use crate::mlflow::paging::Page;
use crate::mlflow::parameters::Parameters;
use crate::mlflow::{Answer, artifacts, trimmed};
use crate::state::AppState;

/// How many traces a search shows if it is not told, and at most.
const DEFAULT_PAGE: i64 = 100;
const MAX_PAGE: i64 = 500;

/// How many traces a client may name at once.
const MAX_BATCH: usize = 1000;

/// Clients send spans in the background: a trace is looked for again after these times until all have come.
const PATIENCE: [Duration; 3] = [
    Duration::from_millis(200),
    Duration::from_millis(800),
    Duration::from_secs(2),
];

/// The file in which an older client keeps the spans of a trace.
const SPANS_FILE: &str = "traces.json";

/// A trace and its spans.
type Whole = (Trace, Vec<Span>);

pub(super) async fn by_id(State(state): State<AppState>, Path(id): Path<String>) -> Answer {
    let trace = find(&state, id).await?;
    Ok(Json(json!({"trace": {"trace_info": wire::info(&trace)}})))
}

pub(super) async fn find(state: &AppState, id: String) -> Result<Trace, MlflowError> {
    Ok(state
        .metastore()
        .read(move |tx| tx.traces().get(&id))
        .await?)
}

/// These traces with the spans that are in the store.
async fn whole(state: &AppState, ids: Vec<String>) -> Result<Vec<Whole>, MlflowError> {
    let read = move |tx: &everloop_metastore::Transaction<'_>| {
        let traces = tx.traces().list(&ids)?;
        let mut spans = tx.traces().spans(&ids)?;
        let whole = traces.into_iter().map(|trace| {
            let spans = spans.remove(&trace.id).unwrap_or_default();
            (trace, spans)
        });
        Ok(whole.collect())
    };
    Ok(state.metastore().read(read).await?)
}

/// Whether all spans have come that the client has counted.
fn is_complete((trace, spans): &Whole) -> bool {
    let stats = trace.metadata.get("mlflow.trace.sizeStats");
    let stats: Value = stats
        .and_then(|stats| serde_json::from_str(stats).ok())
        .unwrap_or_default();
    let n_expected = stats["num_spans"].as_u64().unwrap_or(0);
    spans.len() as u64 >= n_expected
}

/// `GET traces/get`: a trace with its spans; with `allow_partial` also if some have not come yet.
pub(super) async fn with_spans(State(state): State<AppState>, parameters: Parameters) -> Answer {
    let id = parameters.required("trace_id")?;
    let is_partial_enough = parameters.boolean("allow_partial", false)?;
    let mut patience = PATIENCE.iter();
    loop {
        let found = whole(&state, vec![id.clone()]).await?.pop();
        let found = found.ok_or_else(|| absent(format!("Trace with ID {id} is not found.")))?;
        if !found.0.has_spans_here() {
            return Err(absent(format!(
                "the spans of trace '{id}' are among its files, not in the tracking store"
            )));
        }
        if is_partial_enough || is_complete(&found) {
            return Ok(Json(json!({"trace": wire::trace(&found.0, &found.1)})));
        }
        match patience.next() {
            Some(pause) => tokio::time::sleep(*pause).await,
            None => {
                return Err(absent(format!(
                    "Trace with ID {id} is not fully exported yet, please try again later."
                )));
            }
        }
    }
}

fn absent(message: String) -> MlflowError {
    MlflowError::new(ErrorKind::NotFound, message)
}

/// The ids that a request names.
fn ids(parameters: &Parameters) -> Result<Vec<String>, MlflowError> {
    let ids = parameters.texts("trace_ids")?;
    if ids.is_empty() {
        parameters.required("trace_ids")?;
    }
    if ids.len() > MAX_BATCH {
        return Err(MlflowError::invalid(format!(
            "{} traces are asked for at once; {MAX_BATCH} are allowed",
            ids.len()
        )));
    }
    Ok(ids)
}

/// Those of some experiments, if the request names any.
fn scoped<T>(
    parameters: &Parameters,
    found: Vec<T>,
    trace: fn(&T) -> &Trace,
) -> Result<Vec<T>, MlflowError> {
    if !parameters.has("experiment_ids") {
        return Ok(found);
    }
    let experiments = experiment_ids(parameters)?;
    let is_wanted = |one: &T| experiments.contains(&trace(one).experiment);
    Ok(found.into_iter().filter(is_wanted).collect())
}

/// `GET traces/batchGet`: those of which all spans have come.
pub(super) async fn batch(State(state): State<AppState>, parameters: Parameters) -> Answer {
    let found = whole(&state, ids(&parameters)?).await?;
    let found = scoped(&parameters, found, |(trace, _)| trace)?;
    let shown: Vec<Value> = found
        .iter()
        .filter(|whole| whole.0.has_spans_here() && is_complete(whole))
        .map(|(trace, spans)| wire::trace(trace, spans))
        .collect();
    Ok(Json(trimmed(json!({"traces": shown}))))
}

/// `POST traces/batchGetInfos`
pub(super) async fn batch_infos(State(state): State<AppState>, parameters: Parameters) -> Answer {
    let ids = ids(&parameters)?;
    let found = state
        .metastore()
        .read(move |tx| tx.traces().list(&ids))
        .await?;
    let found = scoped(&parameters, found, |trace| trace)?;
    let shown: Vec<Value> = found.iter().map(wire::info).collect();
    Ok(Json(trimmed(json!({"trace_infos": shown}))))
}

pub(super) async fn search(State(state): State<AppState>, parameters: Parameters) -> Answer {
    Page::read(&parameters, DEFAULT_PAGE, MAX_PAGE)?;
    let locations = parameters.objects("locations")?;
    if locations.is_empty() {
        parameters.required("locations")?;
    }
    let mut experiments = Vec::new();
    for location in &locations {
        let experiment = location.object("mlflow_experiment")?;
        if let Some(id) = experiment.text("experiment_id")? {
            experiments.push(experiment_id(&id)?);
        }
    }
    page(&state, &parameters, experiments, wire::info).await
}

/// A page of the traces of some experiments, latest first if no order says otherwise.
pub(super) async fn page(
    state: &AppState,
    parameters: &Parameters,
    experiments: Vec<ExperimentId>,
    wire: fn(&Trace) -> Value,
) -> Answer {
    let page = Page::read(parameters, DEFAULT_PAGE, MAX_PAGE)?;
    let filter = parameters.text("filter")?;
    let query = page.query(
        condition(Resource::Traces, Grammar::Mlflow, filter.as_deref())?,
        order(Resource::Traces, &parameters.texts("order_by")?)?,
    );
    let mut found = state
        .metastore()
        .read(move |tx| tx.traces().search(&experiments, &query))
        .await?;
    let next = page.next(&mut found);
    let shown: Vec<Value> = found.iter().map(wire).collect();
    Ok(Json(trimmed(
        json!({"traces": shown, "next_page_token": next}),
    )))
}

/// `get-trace-artifact`: the spans as a file, as MLflow's page reads them; with a path, a file that was attached to a span.
pub(super) async fn artifact(
    State(state): State<AppState>,
    parameters: Parameters,
) -> Result<Response, MlflowError> {
    let id = parameters.required("request_id")?;
    let attachment = parameters.text("path")?;
    let trace = find(&state, id.clone()).await?;
    if attachment.is_none() && trace.has_spans_here() {
        let read = move |tx: &everloop_metastore::Transaction<'_>| tx.traces().spans(&[id]);
        let spans: BTreeMap<String, Vec<Span>> = state.metastore().read(read).await?;
        let spans = wire::file(spans.values().flatten());
        let name = format!("attachment; filename={SPANS_FILE}");
        let headers = [
            (header::CONTENT_TYPE, "application/octet-stream".to_owned()),
            (header::CONTENT_DISPOSITION, name),
            (header::X_CONTENT_TYPE_OPTIONS, "nosniff".to_owned()),
        ];
        return Ok((headers, spans.to_string()).into_response());
    }
    let file = match &attachment {
        None => SPANS_FILE.to_owned(),
        Some(path) => format!("attachments/{path}"),
    };
    let key = StorageKey::from_outside(&file).map_err(|_| MlflowError::invalid("Invalid path"))?;
    let location = trace.tags.get("mlflow.artifactLocation");
    let location =
        location.ok_or_else(|| absent(format!("Trace with ID '{}' has no files", trace.id)))?;
    artifacts::get_below(&state, location, &key).await
}
