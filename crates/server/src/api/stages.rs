//! Stages of cycles.

use axum::Json;
use axum::extract::State;
use everloop_domain::CycleNumber;
use everloop_engine::status::StageStatus;
use everloop_metastore::{StagePlace, WantedStages};
use serde::{Deserialize, Serialize};
use utoipa::openapi::schema::Object;
use utoipa::{IntoParams, ToSchema};

use super::asked::{Asked, Named, invalid};
use super::openapi::{Absent, Refused};
use super::shapes::{StageName, StageState};
use super::{cycles, paging};
use crate::error::ApiError;
use crate::state::LoopState;

/// A stage of a cycle.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Stage {
    name: StageName,
    state: StageState,
    /// What it does or did, in words.
    action: String,
    /// Whether its result came from the cache.
    cached: bool,
    /// When it began last.
    #[schema(format = DateTime)]
    started_at: Option<String>,
    /// How long it took.
    duration_ms: u64,
    /// Why it failed.
    message: Option<String>,
}

impl From<StageStatus> for Stage {
    fn from(stage: StageStatus) -> Self {
        Self {
            name: stage.name.into(),
            state: stage.state.into(),
            action: stage.action,
            cached: stage.cached,
            started_at: stage.started_at,
            duration_ms: stage.duration_ms,
            message: stage.message,
        }
    }
}

/// The stages of a cycle.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct StagesOfCycle {
    stages: Vec<Stage>,
}

/// `GET /api/v1/cycles/{number}/stages`.
#[utoipa::path(
    get,
    path = "/api/v1/cycles/{number}/stages",
    tag = "loop",
    operation_id = "list_stages_of_cycle",
    summary = "The stages of a cycle, in their order",
    params(("number" = inline(cycles::Numbered), Path, description = "The number of the cycle.")),
    responses((status = 200, description = "Its stages.", body = StagesOfCycle), Refused, Absent)
)]
pub(super) async fn of_cycle(
    State(state): State<LoopState>,
    Named(number): Named<u64>,
) -> Result<Json<StagesOfCycle>, ApiError> {
    let number = CycleNumber(number);
    let stages = state
        .metastore()
        .read(move |tx| {
            tx.cycles().get(number)?;
            tx.stages().list(number)
        })
        .await?;
    let stages = stages.into_iter().map(StageStatus::from).map(Stage::from);
    Ok(Json(StagesOfCycle {
        stages: stages.collect(),
    }))
}

/// Which stages are wanted.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Wanted {
    /// Only those of this name.
    #[param(value_type = StageName, required = false)]
    name: Option<String>,
    /// Only those that have come so far.
    #[param(value_type = StageState, required = false)]
    state: Option<String>,
    #[param(schema_with = paging::max_results)]
    max_results: Option<String>,
    #[param(schema_with = token)]
    page_token: Option<String>,
}

fn token() -> Object {
    paging::token("^[0-9]{1,18}\\.[0-9]{1,9}$")
}

/// A stage, with its cycle.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct StageOfCycle {
    /// The number of its cycle.
    cycle: u64,
    stage: Stage,
}

/// A page of stages.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Stages {
    stages: Vec<StageOfCycle>,
    /// Absent on the last page.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    next_page_token: Option<String>,
}

/// `GET /api/v1/stages`.
#[utoipa::path(
    get,
    path = "/api/v1/stages",
    tag = "loop",
    operation_id = "list_stages",
    summary = "Stages of all cycles: the newest cycle first, each in its order",
    params(Wanted),
    responses((status = 200, description = "A page of stages.", body = Stages), Refused)
)]
pub(super) async fn list(
    State(state): State<LoopState>,
    Asked(asked): Asked<Wanted>,
) -> Result<Json<Stages>, ApiError> {
    let size = paging::size(asked.max_results.as_deref())?;
    let place = asked.page_token.as_deref().map(place).transpose()?;
    let wanted = WantedStages {
        name: word("name", asked.name.as_deref())?,
        state: word("state", asked.state.as_deref())?,
    };
    let mut found = state
        .metastore()
        .read(move |tx| tx.stages().after(place, wanted, size + 1))
        .await?;
    let next_page_token = paging::next(&mut found, size, |(place, _)| {
        format!("{}.{}", place.cycle, place.position)
    });
    let stages = found.into_iter().map(|(place, stage)| StageOfCycle {
        cycle: place.cycle.0,
        stage: StageStatus::from(stage).into(),
    });
    Ok(Json(Stages {
        stages: stages.collect(),
        next_page_token,
    }))
}

fn place(token: &str) -> Result<StagePlace, ApiError> {
    let numbers = token
        .split_once('.')
        .and_then(|(cycle, position)| Some((cycle.parse().ok()?, position.parse().ok()?)));
    numbers
        .map(|(cycle, position)| StagePlace { cycle, position })
        .ok_or_else(|| paging::bad_token(token))
}

fn word<T: std::str::FromStr<Err = String>>(
    name: &str,
    text: Option<&str>,
) -> Result<Option<T>, ApiError> {
    text.map(|text| {
        text.parse()
            .map_err(|problem| invalid(format!("`{name}`: {problem}")))
    })
    .transpose()
}
