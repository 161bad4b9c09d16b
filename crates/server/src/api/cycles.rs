//! Cycles, signals and audit rows.

use axum::Json;
use axum::extract::{Path, Query, State};
use everloop_domain::{ErrorKind, ModelName};
use everloop_engine::status::{CycleStatus, Status};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::error::ApiError;
use crate::state::LoopState;

/// How many rows are wanted.
#[derive(Debug, Deserialize)]
pub(super) struct Limit {
    #[serde(default = "default_limit")]
    limit: usize,
    model: Option<ModelName>,
}

fn default_limit() -> usize {
    100
}

/// `GET /api/v1/status`: the same as `everloop status --format json`.
pub(super) async fn status(
    State(state): State<LoopState>,
    Query(limit): Query<Limit>,
) -> Result<Json<Status>, ApiError> {
    Ok(Json(
        Status::load(state.metastore(), &state.deployment.project, limit.limit).await?,
    ))
}

/// `GET /api/v1/cycles`: newest first.
pub(super) async fn cycles(
    State(state): State<LoopState>,
    Query(limit): Query<Limit>,
) -> Result<Json<Vec<CycleStatus>>, ApiError> {
    Ok(Json(
        Status::load(state.metastore(), &state.deployment.project, limit.limit)
            .await?
            .cycles,
    ))
}

/// `GET /api/v1/cycles/{number}`.
pub(super) async fn cycle(
    State(state): State<LoopState>,
    Path(number): Path<u64>,
) -> Result<Json<CycleStatus>, ApiError> {
    let all = Status::load(
        state.metastore(),
        &state.deployment.project,
        usize::MAX >> 1,
    )
    .await?;
    let found = all
        .cycles
        .into_iter()
        .find(|cycle| cycle.number.0 == number);
    found
        .map(Json)
        .ok_or_else(|| ApiError::new(ErrorKind::NotFound, format!("there is no cycle {number}")))
}

/// `GET /api/v1/signals?model=`: newest first.
pub(super) async fn signals(
    State(state): State<LoopState>,
    Query(limit): Query<Limit>,
) -> Result<Json<Value>, ApiError> {
    let model = limit
        .model
        .unwrap_or_else(|| state.deployment.model.clone());
    let signals = state
        .metastore()
        .read(move |tx| tx.signals().list(&model, limit.limit))
        .await?;
    let rows: Vec<Value> = signals
        .iter()
        .map(|signal| {
            json!({
                "model": signal.model, "version": signal.version, "name": signal.name, "kind": signal.kind,
                "window_start": signal.window_start.to_string(), "window_end": signal.window_end.to_string(),
                "value": signal.value, "threshold": signal.threshold, "verdict": signal.verdict, "details": signal.details,
            })
        })
        .collect();
    Ok(Json(Value::Array(rows)))
}

/// `GET /api/v1/audit`: newest first.
pub(super) async fn audit(
    State(state): State<LoopState>,
    Query(limit): Query<Limit>,
) -> Result<Json<Value>, ApiError> {
    let entries = state
        .metastore()
        .read(move |tx| tx.audit().list(limit.limit))
        .await?;
    let rows: Vec<Value> = entries
        .iter()
        .map(|entry| {
            json!({
                "at": entry.at.to_string(), "actor": entry.actor, "action": entry.action, "subject": entry.subject,
                "why": entry.why, "details": entry.details,
            })
        })
        .collect();
    Ok(Json(Value::Array(rows)))
}
