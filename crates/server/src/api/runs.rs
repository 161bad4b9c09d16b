//! Searches for runs in the full grammar, with a choice of columns and a count.

mod columns;

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use everloop_domain::{ExperimentId, RunId};
use everloop_metastore::{Error, RunInfo, Transaction, View};
use serde::{Deserialize, Serialize};
use utoipa::openapi::SchemaFormat;
use utoipa::openapi::schema::{Object, ObjectBuilder, Type};
use utoipa::{IntoParams, ToSchema};

use self::columns::Columns;
use super::asked::{Asked, invalid, parts};
use super::openapi::Refused;
use super::paging;
use super::shapes::{Number, RunStatus};
use crate::error::ApiError;
use crate::mlflow::filter::run_query;
use crate::state::AppState;

/// What is looked for.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Wanted {
    /// Names of experiments, with commas between them; all if absent.
    #[param(value_type = String, required = false)]
    experiments: Option<String>,
    #[param(schema_with = filter)]
    filter: Option<String>,
    #[param(schema_with = order)]
    order_by: Option<String>,
    #[param(schema_with = columns::schema)]
    select: Option<String>,
    /// Whether to count all runs that match, on all pages.
    #[serde(default)]
    #[param(required = false)]
    count: bool,
    #[param(schema_with = paging::max_results)]
    max_results: Option<String>,
    #[param(schema_with = token)]
    page_token: Option<String>,
}

fn filter() -> Object {
    text(
        "everloop-filter",
        "Which runs: `metrics.rmse < 1 and (tags.team in ('a', 'b') or not params.depth is null)`. `docs/search.md` has the grammar.",
    )
}

fn order() -> Object {
    text(
        "everloop-order",
        "In which order, with commas between several: `metrics.rmse ASC, start_time DESC`. The latest start first if absent.",
    )
}

fn text(format: &str, about: &str) -> Object {
    let format = SchemaFormat::Custom(format.to_owned());
    ObjectBuilder::new()
        .schema_type(Type::String)
        .format(Some(format))
        .description(Some(about))
        .build()
}

fn token() -> Object {
    paging::token("^[0-9]{1,9}$")
}

/// A run; what was not selected is absent.
#[derive(Debug, Default, Serialize, ToSchema)]
#[schema(as = Run)]
pub(super) struct Selected {
    #[schema(pattern = "^[0-9a-f]{32}$")]
    run_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    run_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    experiment_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    user_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = RunStatus, required = false)]
    status: Option<RunStatus>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    artifact_uri: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, format = DateTime)]
    start_time: Option<String>,
    /// Absent while it runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, format = DateTime)]
    end_time: Option<String>,
    /// The latest value of each metric.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    metrics: Option<BTreeMap<String, Number>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    params: Option<BTreeMap<String, String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    tags: Option<BTreeMap<String, String>>,
}

/// A page of runs.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Runs)]
pub(super) struct Page {
    runs: Vec<Selected>,
    /// How many match, on all pages; absent if nobody asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    count: Option<u64>,
    /// Absent on the last page.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    next_page_token: Option<String>,
}

/// `GET /api/v1/runs`.
#[utoipa::path(
    get,
    path = "/api/v1/runs",
    tag = "tracking",
    operation_id = "search_runs",
    summary = "Searches for runs",
    params(Wanted),
    responses((status = 200, description = "A page of runs.", body = Page), Refused)
)]
pub(super) async fn list(
    State(state): State<AppState>,
    Asked(asked): Asked<Wanted>,
) -> Result<Json<Page>, ApiError> {
    let size = paging::size(asked.max_results.as_deref())?;
    let offset = paging::number::<u32>(asked.page_token.as_deref())?.unwrap_or(0) as usize;
    let order = parts(asked.order_by.as_deref());
    let query = run_query(asked.filter.as_deref(), &order, size + 1, offset).map_err(invalid)?;
    let columns = Columns::read(asked.select.as_deref())?;
    let names = parts(asked.experiments.as_deref());
    let (count, mut runs) = state
        .metastore()
        .read(move |tx| {
            let experiments = experiments(tx, &names)?;
            let condition = &query.condition;
            let count = asked
                .count
                .then(|| tx.runs().count(&experiments, View::Active, condition))
                .transpose()?;
            let infos = tx.runs().search_infos(&experiments, View::Active, &query)?;
            let runs = infos.into_iter().map(|info| columns.of(tx, info));
            Ok((count, runs.collect::<Result<Vec<_>, Error>>()?))
        })
        .await?;
    let next_page_token = paging::next(&mut runs, size, |_| (offset + size).to_string());
    Ok(Json(Page {
        runs,
        count,
        next_page_token,
    }))
}

/// The experiments of some names; all if none is named.
fn experiments(tx: &Transaction<'_>, names: &[String]) -> Result<Vec<ExperimentId>, Error> {
    let all = tx.experiments().list(View::Active)?;
    let wanted = all
        .iter()
        .filter(|one| names.is_empty() || names.contains(&one.name));
    Ok(wanted.map(|one| one.id).collect())
}
