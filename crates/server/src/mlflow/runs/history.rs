//! `metrics/get-history…`: the points of metrics.

mod whole;

use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use axum::{Json, Router};
use everloop_domain::RunId;
use serde_json::{Value, json};

use super::{run_id, wire};
use crate::mlflow::error::MlflowError;
use crate::mlflow::paging::Page;
use crate::mlflow::parameters::Parameters;
use crate::mlflow::{Answer, trimmed};
use crate::state::AppState;

/// How many runs one request may ask for.
const MAX_RUNS: usize = 100;
/// How many points of several runs are shown.
const MAX_BULK: usize = 25_000;
/// How many points of a run a chart shows at most.
const MAX_SAMPLE: i64 = 2500;

pub(super) fn router() -> Router<AppState> {
    Router::new()
        .route("/metrics/get-history", get(history))
        .route("/metrics/get-history-bulk", get(bulk))
        .route("/metrics/get-history-bulk-interval", get(sample))
}

/// A page of the points of a metric, or all of them as a stream if no size is given; none for an unknown run or key.
async fn history(
    State(state): State<AppState>,
    parameters: Parameters,
) -> Result<Response, MlflowError> {
    let id = run_id(&parameters)?;
    let key = parameters.required("metric_key")?;
    let page = Page::read(&parameters, 1, i64::from(i32::MAX))?;
    if !parameters.has("max_results") {
        return whole::answer(state.metastore(), id, key).await;
    }
    let (limit, offset) = page.window();
    let mut points = state
        .metastore()
        .read(move |tx| tx.runs().metric_page(&id, &key, limit, offset))
        .await?;
    let next = page.next(&mut points);
    let points: Vec<Value> = points.iter().map(wire::metric).collect();
    let answer = trimmed(json!({"metrics": points, "next_page_token": next}));
    Ok(Json(answer).into_response())
}

/// Reads ids of runs; those that cannot be one have no points.
fn existing(texts: &[String]) -> Vec<RunId> {
    texts.iter().filter_map(|text| text.parse().ok()).collect()
}

fn of_run(point: &everloop_metastore::Metric, run: &RunId) -> Value {
    let mut shown = wire::metric(point);
    shown["run_id"] = json!(run);
    shown
}

/// All points of a metric of several runs, up to a limit.
async fn bulk(State(state): State<AppState>, parameters: Parameters) -> Answer {
    let refused = |what: String| {
        Err(MlflowError::invalid(format!(
            "GetMetricHistoryBulk request {what}"
        )))
    };
    let runs = parameters.texts("run_id")?;
    if runs.is_empty() {
        return refused("must specify at least one run_id.".to_owned());
    }
    if runs.len() > MAX_RUNS {
        return refused(format!(
            "cannot specify more than {MAX_RUNS} run_ids. Received {} run_ids.",
            runs.len()
        ));
    }
    let Some(key) = parameters.text("metric_key")? else {
        return refused("must specify a metric_key.".to_owned());
    };
    let mut runs = existing(&runs);
    runs.sort_by(|left, right| left.as_str().cmp(right.as_str()));
    let limit = parameters
        .integer("max_results")?
        .unwrap_or(MAX_BULK as i64);
    let limit = limit.clamp(0, MAX_BULK as i64) as usize;
    let points = state
        .metastore()
        .read(move |tx| {
            let mut shown: Vec<Value> = Vec::new();
            for run in runs {
                let rest = limit - shown.len();
                let points = tx.runs().metric_page(&run, &key, rest, 0)?;
                shown.extend(points.iter().map(|point| of_run(point, &run)));
            }
            Ok(shown)
        })
        .await?;
    Ok(Json(json!({"metrics": points})))
}

/// Points of a metric of several runs, evenly spread over the steps, for a chart.
pub(in crate::mlflow) async fn sample(
    State(state): State<AppState>,
    parameters: Parameters,
) -> Answer {
    let runs = parameters.texts("run_ids")?;
    if runs.is_empty() {
        parameters.required("run_ids")?;
    }
    if runs.len() > MAX_RUNS {
        return Err(MlflowError::invalid(format!(
            "GetMetricHistoryBulkInterval request must specify at most {MAX_RUNS} run_ids. Received {} run_ids.",
            runs.len()
        )));
    }
    let runs = existing(&runs);
    let key = parameters.required("metric_key")?;
    let (start, end) = (
        parameters.integer("start_step")?,
        parameters.integer("end_step")?,
    );
    let steps = match (start, end) {
        (None, None) => i64::MIN..=i64::MAX,
        (Some(start), Some(end)) if start <= end => start..=end,
        (Some(start), Some(end)) => {
            return Err(MlflowError::invalid(format!(
                "end_step must be greater than start_step. Found start_step={start} and end_step={end}."
            )));
        }
        _ => {
            return Err(MlflowError::invalid(
                "If either start step or end step are specified, both must be specified.",
            ));
        }
    };
    let limit = parameters.integer("max_results")?.unwrap_or(MAX_SAMPLE);
    if !(1..=MAX_SAMPLE).contains(&limit) {
        return Err(MlflowError::invalid(format!(
            "max_results must be between 1 and {MAX_SAMPLE}. Found {limit}."
        )));
    }
    let points = state
        .metastore()
        .read(move |tx| {
            let mut shown: Vec<Value> = Vec::new();
            for run in runs {
                let points = tx
                    .runs()
                    .metric_sample(&run, &key, steps.clone(), limit as usize)?;
                shown.extend(points.iter().map(|point| of_run(point, &run)));
            }
            Ok(shown)
        })
        .await?;
    Ok(Json(trimmed(json!({"metrics": points}))))
}
