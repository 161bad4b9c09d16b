//! `GET /api/v1/runs`: searches in the full grammar, with a count and a choice of columns.

use axum::Json;
use axum::extract::{Query, State};
use everloop_domain::{ErrorKind, ExperimentId};
use everloop_metastore::{Run, View};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::error::ApiError;
use crate::mlflow::filter::run_query;
use crate::state::AppState;

/// How many runs are shown at most.
const MAX_LIMIT: usize = 10_000;

/// What is looked for.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Search {
    /// Names of experiments, with commas between them; all if absent.
    experiments: Option<String>,
    filter: Option<String>,
    /// `metrics.rmse ASC, start_time DESC`.
    order_by: Option<String>,
    #[serde(default = "default_limit")]
    limit: usize,
    #[serde(default)]
    offset: usize,
    /// `info`, `params`, `metrics`, `tags`, with commas between them; all if absent.
    columns: Option<String>,
}

fn default_limit() -> usize {
    100
}

/// The parts of a text between commas.
fn parts(text: Option<&str>) -> Vec<String> {
    let parts = text.unwrap_or_default().split(',').map(str::trim);
    parts
        .filter(|part| !part.is_empty())
        .map(str::to_owned)
        .collect()
}

/// Gives `{"count": …, "runs": […]}`; the count is of all that match.
pub(super) async fn list(
    State(state): State<AppState>,
    Query(search): Query<Search>,
) -> Result<Json<Value>, ApiError> {
    let invalid = |problem: String| ApiError::new(ErrorKind::Invalid, problem);
    if search.limit > MAX_LIMIT {
        let found = search.limit;
        return Err(invalid(format!(
            "`limit={found}`: at most {MAX_LIMIT} runs are shown; use `offset`"
        )));
    }
    let order = parts(search.order_by.as_deref());
    let query = run_query(
        search.filter.as_deref(),
        &order,
        search.limit,
        search.offset,
    )
    .map_err(invalid)?;
    let columns = parts(search.columns.as_deref());
    if let Some(odd) = columns
        .iter()
        .find(|column| !COLUMNS.contains(&column.as_str()))
    {
        return Err(invalid(format!(
            "there is no column `{odd}`: choose from `{}`",
            COLUMNS.join("`, `")
        )));
    }
    let names = parts(search.experiments.as_deref());
    let (count, runs) = state
        .metastore()
        .read(move |tx| {
            let all = tx.experiments().list(View::Active)?;
            let wanted = all
                .iter()
                .filter(|one| names.is_empty() || names.contains(&one.name));
            let ids: Vec<ExperimentId> = wanted.map(|one| one.id).collect();
            let count = tx.runs().count(&ids, View::Active, &query.condition)?;
            Ok((count, tx.runs().search(&ids, View::Active, &query)?))
        })
        .await?;
    let shown: Vec<Value> = runs.iter().map(|run| wire(run, &columns)).collect();
    Ok(Json(json!({"count": count, "runs": shown})))
}

const COLUMNS: [&str; 4] = ["info", "params", "metrics", "tags"];

fn wire(run: &Run, columns: &[String]) -> Value {
    let info = &run.info;
    let metrics: Map<String, Value> = run
        .metrics
        .iter()
        .map(|metric| (metric.key.clone(), number(metric.value)))
        .collect();
    let all = [
        json!({
            "name": info.name, "experiment_id": info.experiment, "user": info.user, "status": info.status.as_str(),
            "start_time": info.start_time.to_string(), "end_time": info.end_time.map(|end| end.to_string()),
            "artifact_uri": info.artifact_uri,
        }),
        json!(run.params),
        Value::Object(metrics),
        json!(run.tags),
    ];
    let mut shown = Map::new();
    shown.insert("id".to_owned(), json!(info.id));
    for (name, value) in COLUMNS.into_iter().zip(all) {
        if columns.is_empty() || columns.iter().any(|column| column == name) {
            shown.insert(name.to_owned(), value);
        }
    }
    Value::Object(shown)
}

/// A number; those that JSON does not know are texts.
fn number(value: f64) -> Value {
    if value.is_finite() {
        return json!(value);
    }
    json!(value.to_string())
}
