//! Signals: monitored scores over windows of the prediction log.

use axum::Json;
use axum::extract::State;
use everloop_domain::{ErrorKind, ModelName, Timestamp, VersionNumber};
use everloop_metastore::SignalPlace;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::openapi::schema::Object;
use utoipa::{IntoParams, ToSchema};

use super::asked::Asked;
use super::openapi::{Absent, Refused};
use super::paging;
use super::shapes::Number;
use crate::error::ApiError;
use crate::state::LoopState;

/// Which signals are wanted.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Wanted {
    /// The model that is watched; the project's if absent.
    #[param(value_type = String, required = false)]
    model: Option<String>,
    #[param(schema_with = paging::max_results)]
    max_results: Option<String>,
    #[param(schema_with = token)]
    page_token: Option<String>,
}

fn token() -> Object {
    paging::token("^-?[0-9]{1,15}\\.[0-9]{1,15}\\.")
}

/// A score over a window.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Signal {
    model: String,
    /// The version that was served in the window.
    version: u64,
    /// What was scored: `drift:temp`, `rmse`, `p99_ms`.
    name: String,
    /// `drift`, `quality` or `service`.
    kind: String,
    #[schema(format = DateTime)]
    window_start: String,
    /// The moment after the last of the window.
    #[schema(format = DateTime)]
    window_end: String,
    /// Null where it could not be computed.
    value: Option<Number>,
    /// What it is compared with.
    threshold: Option<Number>,
    /// `ok`, `alarm` or `unknown`.
    verdict: String,
    /// More about it, as the kind has it.
    details: Value,
}

impl From<everloop_metastore::Signal> for Signal {
    fn from(signal: everloop_metastore::Signal) -> Self {
        Self {
            model: signal.model.to_string(),
            version: signal.version.0,
            name: signal.name,
            kind: signal.kind,
            window_start: signal.window_start.to_string(),
            window_end: signal.window_end.to_string(),
            value: signal.value.map(Number),
            threshold: signal.threshold.map(Number),
            verdict: signal.verdict,
            details: signal.details,
        }
    }
}

/// A page of signals.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Signals {
    signals: Vec<Signal>,
    /// Absent on the last page.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    next_page_token: Option<String>,
}

/// `GET /api/v1/signals`.
#[utoipa::path(
    get,
    path = "/api/v1/signals",
    tag = "loop",
    operation_id = "list_signals",
    summary = "Signals of a model: the newest window first, then by name",
    params(Wanted),
    responses((status = 200, description = "A page of signals.", body = Signals), Refused, Absent)
)]
pub(super) async fn list(
    State(state): State<LoopState>,
    Asked(asked): Asked<Wanted>,
) -> Result<Json<Signals>, ApiError> {
    let size = paging::size(asked.max_results.as_deref())?;
    let place = asked.page_token.as_deref().map(place).transpose()?;
    let model = match asked.model {
        None => state.deployment.model.clone(),
        Some(name) => model(&name)?,
    };
    let mut found = state
        .metastore()
        .read(move |tx| tx.signals().after(&model, place.as_ref(), size + 1))
        .await?;
    let next_page_token = paging::next(&mut found, size, |signal| {
        let place = signal.place();
        let end = place.window_end.as_millis();
        format!("{end}.{}.{}", place.version, place.name)
    });
    Ok(Json(Signals {
        signals: found.into_iter().map(Signal::from).collect(),
        next_page_token,
    }))
}

/// A model of a name: there is none of a name that no model can have.
pub(super) fn model(name: &str) -> Result<ModelName, ApiError> {
    name.parse()
        .map_err(|problem: String| ApiError::new(ErrorKind::NotFound, problem))
}

fn place(token: &str) -> Result<SignalPlace, ApiError> {
    let mut parts = token.splitn(3, '.');
    let mut place = || {
        Some(SignalPlace {
            window_end: Timestamp::from_millis(parts.next()?.parse().ok()?),
            version: VersionNumber(parts.next()?.parse().ok()?),
            name: parts.next()?.to_owned(),
        })
    };
    place().ok_or_else(|| paging::bad_token(token))
}
