//! `runs/…` and `metrics/…`.

mod log;
mod wire;

use axum::extract::State;
use axum::routing::{get, post};
use axum::{Json, Router};
use everloop_domain::{RunId, Timestamp};
use everloop_metastore::{NewRun, RunInfo, View};
use serde_json::{Value, json};

use super::error::MlflowError;
use super::experiments::{id as experiment_id, view};
use super::filter::equalities;
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
        .route("/metrics/get-history", get(history))
        .merge(log::router())
}

/// The run that a request names, also by its old name.
fn run_id(parameters: &Parameters) -> Result<RunId, MlflowError> {
    match parameters.text("run_uuid")? {
        Some(id) if parameters.text("run_id")?.is_none() => {
            id.parse().map_err(MlflowError::invalid)
        }
        _ => parameters.parsed("run_id"),
    }
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

async fn by_id(State(state): State<AppState>, parameters: Parameters) -> Answer {
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

/// Runs without a filter, the latest start first.
async fn search(State(state): State<AppState>, parameters: Parameters) -> Answer {
    equalities(parameters.text("filter")?.as_deref(), &[])?;
    refuse_order(&parameters.texts("order_by")?)?;
    let experiments = parameters
        .texts("experiment_ids")?
        .iter()
        .map(|text| experiment_id(text))
        .collect::<Result<Vec<_>, _>>()?;
    let page = parameters.integer("max_results")?.unwrap_or(DEFAULT_PAGE);
    if !(1..=MAX_PAGE).contains(&page) {
        return Err(MlflowError::invalid(format!(
            "Invalid value {page} for parameter 'max_results' supplied. It must be a positive integer, at most {MAX_PAGE}"
        )));
    }
    let page = page as usize;
    let offset = offset(parameters.text("page_token")?.as_deref())?;
    let view: View = view(&parameters, "run_view_type")?;
    let limit = offset + page + 1;
    let mut runs = state
        .metastore()
        .read(move |tx| tx.runs().list(&experiments, view, limit))
        .await?;
    let next = (runs.len() == limit).then(|| (offset + page).to_string());
    runs.truncate(offset + page);
    let shown: Vec<Value> = runs.iter().skip(offset).map(wire::run).collect();
    Ok(Json(trimmed(
        json!({"runs": shown, "next_page_token": next}),
    )))
}

fn offset(token: Option<&str>) -> Result<usize, MlflowError> {
    token.map_or(Ok(0), |token| {
        token
            .parse::<u32>()
            .map(|offset| offset as usize)
            .map_err(|_| MlflowError::invalid(format!("Invalid page token `{token}`")))
    })
}

/// Any order but the one that there is.
fn refuse_order(order: &[String]) -> Result<(), MlflowError> {
    let is_default = |clause: &String| {
        let clause = clause.trim().to_lowercase();
        matches!(
            clause.as_str(),
            "start_time desc" | "attributes.start_time desc" | "attribute.start_time desc"
        )
    };
    match order.iter().find(|clause| !is_default(clause)) {
        None => Ok(()),
        Some(clause) => Err(MlflowError::invalid(format!(
            "Invalid order_by clause `{clause}`: runs are ordered by `start_time DESC` only, for now"
        ))),
    }
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

/// All points of a metric at once; none for an unknown run or key.
async fn history(State(state): State<AppState>, parameters: Parameters) -> Answer {
    let id = run_id(&parameters)?;
    let key = parameters.required("metric_key")?;
    let points = state
        .metastore()
        .read(move |tx| tx.runs().metric_history(&id, &key))
        .await?;
    let points: Vec<Value> = points.iter().map(wire::metric).collect();
    Ok(Json(trimmed(json!({"metrics": points}))))
}

/// A moment in milliseconds that MLflow always writes.
fn millis(moment: Timestamp) -> i64 {
    moment.as_millis()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orders_that_are_not_kept_are_refused() {
        assert!(refuse_order(&["start_time DESC".to_owned()]).is_ok());
        assert!(refuse_order(&["metrics.rmse ASC".to_owned()]).is_err());
    }

    #[test]
    fn page_tokens_are_checked() {
        assert_eq!(offset(None).unwrap(), 0);
        assert_eq!(offset(Some("20")).unwrap(), 20);
        assert!(offset(Some("-1")).is_err());
    }
}
