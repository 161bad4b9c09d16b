//! The state of the loop, and its cycles.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use everloop_domain::CycleNumber;
use everloop_engine::status::{self, CycleStatus};
use everloop_engine::{GateOutcome, GateVerdict};
use serde::{Deserialize, Serialize};
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};
use utoipa::{IntoParams, PartialSchema, ToSchema};

use super::asked::{Asked, Named};
use super::openapi::{Absent, Refused};
use super::paging;
use super::shapes::{CycleOutcome, CycleReason, Number};
use super::stages::Stage;
use crate::error::ApiError;
use crate::state::LoopState;

/// A number that counts from 1, in a path.
pub(super) enum Numbered {}

impl PartialSchema for Numbered {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::Integer)
            .minimum(Some(1))
            .maximum(Some(i64::MAX))
            .into()
    }
}

impl ToSchema for Numbered {}

/// A pass through the loop.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Cycle {
    number: u64,
    reason: CycleReason,
    /// Null while it runs.
    outcome: Option<CycleOutcome>,
    /// Why it was started and why it ended so, in words.
    why: String,
    /// Its stages, in their order.
    stages: Vec<Stage>,
    /// The candidate's scores.
    metrics: BTreeMap<String, Number>,
    /// The gates with their numbers, in the order of the file.
    gates: Vec<Gate>,
    /// The version that was served after it.
    champion_version: Option<u64>,
    /// The run that holds its details.
    run_id: Option<String>,
    #[schema(format = DateTime)]
    started_at: String,
    #[schema(format = DateTime)]
    finished_at: Option<String>,
}

impl From<CycleStatus> for Cycle {
    fn from(cycle: CycleStatus) -> Self {
        let metrics = cycle.metrics.into_iter();
        Self {
            number: cycle.number.0,
            reason: cycle.reason.into(),
            outcome: cycle.outcome.map(CycleOutcome::from),
            why: cycle.why,
            stages: cycle.stages.into_iter().map(Stage::from).collect(),
            metrics: metrics.map(|(name, value)| (name, Number(value))).collect(),
            gates: cycle.gates.into_iter().map(Gate::from).collect(),
            champion_version: cycle.champion_version.map(|version| version.0),
            run_id: cycle.run_id,
            started_at: cycle.started_at,
            finished_at: cycle.finished_at,
        }
    }
}

/// A condition on a candidate, and what it found.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Gate {
    /// The gate as written.
    text: String,
    /// Whether the candidate may pass: true of a warning.
    passed: bool,
    /// What it came to.
    verdict: Verdict,
    /// The gate with its numbers.
    shown: String,
}

/// What a gate came to.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Verdict {
    Pass,
    Warn,
    Refuse,
}

impl From<GateOutcome> for Gate {
    fn from(gate: GateOutcome) -> Self {
        Self {
            text: gate.text,
            passed: gate.passed,
            verdict: match gate.verdict {
                GateVerdict::Pass => Verdict::Pass,
                GateVerdict::Warn => Verdict::Warn,
                GateVerdict::Refuse => Verdict::Refuse,
            },
            shown: gate.shown,
        }
    }
}

/// The state of the loop.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Status {
    /// The project's name.
    project: String,
    /// The last cycles, newest first.
    cycles: Vec<Cycle>,
    /// What happens next, in words.
    next: String,
}

/// How many cycles are wanted.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Many {
    #[param(schema_with = paging::max_results)]
    max_results: Option<String>,
}

/// `GET /api/v1/status`.
#[utoipa::path(
    get,
    path = "/api/v1/status",
    tag = "loop",
    operation_id = "get_status",
    summary = "The state of the loop: its last cycles, and what comes next",
    params(Many),
    responses((status = 200, description = "The state.", body = Status), Refused)
)]
pub(super) async fn status(
    State(state): State<LoopState>,
    Asked(asked): Asked<Many>,
) -> Result<Json<Status>, ApiError> {
    let size = paging::size(asked.max_results.as_deref())?;
    let status = status::Status::load(state.metastore(), &state.deployment.project, size).await?;
    Ok(Json(Status {
        project: status.project,
        cycles: status.cycles.into_iter().map(Cycle::from).collect(),
        next: status.next,
    }))
}

/// Which cycles are wanted.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Wanted {
    #[param(schema_with = paging::max_results)]
    max_results: Option<String>,
    #[param(schema_with = paging::number_token)]
    page_token: Option<String>,
}

/// A page of cycles.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Cycles {
    cycles: Vec<Cycle>,
    /// Absent on the last page.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    next_page_token: Option<String>,
}

/// `GET /api/v1/cycles`.
#[utoipa::path(
    get,
    path = "/api/v1/cycles",
    tag = "loop",
    operation_id = "list_cycles",
    summary = "The cycles, newest first",
    params(Wanted),
    responses((status = 200, description = "A page of cycles.", body = Cycles), Refused)
)]
pub(super) async fn list(
    State(state): State<LoopState>,
    Asked(asked): Asked<Wanted>,
) -> Result<Json<Cycles>, ApiError> {
    let size = paging::size(asked.max_results.as_deref())?;
    let before = paging::number(asked.page_token.as_deref())?.unwrap_or(u64::MAX);
    let mut found = state
        .metastore()
        .read(move |tx| {
            let cycles = tx.cycles().before(CycleNumber(before), size + 1)?;
            let read = cycles.into_iter().map(|cycle| CycleStatus::read(tx, cycle));
            read.collect::<Result<Vec<_>, everloop_metastore::Error>>()
        })
        .await?;
    let next_page_token = paging::next(&mut found, size, |cycle| cycle.number.to_string());
    Ok(Json(Cycles {
        cycles: found.into_iter().map(Cycle::from).collect(),
        next_page_token,
    }))
}

/// `GET /api/v1/cycles/{number}`.
#[utoipa::path(
    get,
    path = "/api/v1/cycles/{number}",
    tag = "loop",
    operation_id = "get_cycle",
    summary = "One cycle",
    params(("number" = inline(Numbered), Path, description = "Its number.")),
    responses((status = 200, description = "The cycle.", body = Cycle), Refused, Absent)
)]
pub(super) async fn one(
    State(state): State<LoopState>,
    Named(number): Named<u64>,
) -> Result<Json<Cycle>, ApiError> {
    let number = CycleNumber(number);
    let cycle = state
        .metastore()
        .read(move |tx| {
            let cycle = tx.cycles().get(number)?;
            CycleStatus::read(tx, cycle)
        })
        .await?;
    Ok(Json(cycle.into()))
}
