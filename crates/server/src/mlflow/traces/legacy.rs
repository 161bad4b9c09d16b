//! Traces as clients of MLflow 2 know them: one call begins a trace, another ends it.

use axum::Json;
use axum::extract::{Path, State};
use everloop_domain::RunId;
use everloop_metastore::{Trace, TraceState};
use serde_json::{Value, json};

use super::changes::checked_tags;
use super::reading;
use crate::mlflow::experiments::{id as experiment_id, ids as experiment_ids};
use crate::mlflow::parameters::Parameters;
use crate::mlflow::{Answer, pairs, trimmed};
use crate::state::AppState;

fn wire(trace: &Trace) -> Value {
    let status = match trace.state {
        TraceState::Unspecified => "TRACE_STATUS_UNSPECIFIED",
        state => state.as_str(),
    };
    trimmed(json!({
        "request_id": trace.id, "experiment_id": trace.experiment.to_string(),
        "timestamp_ms": trace.requested_at.as_millis(), "execution_time_ms": trace.duration_ms.unwrap_or(0),
        "status": status, "request_metadata": pairs(&trace.metadata), "tags": pairs(&trace.tags),
    }))
}

pub(super) async fn start(State(state): State<AppState>, parameters: Parameters) -> Answer {
    let now = state.parts.clock.now();
    let trace = Trace {
        id: format!("tr-{}", RunId::from_bytes(state.ids.bytes())),
        experiment: experiment_id(&parameters.required("experiment_id")?)?,
        requested_at: parameters.moment("timestamp_ms")?.unwrap_or(now),
        duration_ms: None,
        state: TraceState::InProgress,
        client_request: None,
        request_preview: None,
        response_preview: None,
        tags: checked_tags(parameters.pairs("tags")?)?
            .into_iter()
            .collect(),
        metadata: parameters.pairs("request_metadata")?.into_iter().collect(),
        assessments: Vec::new(),
    };
    let made = state
        .metastore()
        .write(move |tx| {
            tx.traces().start(&trace)?;
            tx.traces().get(&trace.id)
        })
        .await?;
    Ok(Json(json!({"trace_info": wire(&made)})))
}

pub(super) async fn end(
    State(state): State<AppState>,
    Path(id): Path<String>,
    parameters: Parameters,
) -> Answer {
    let end = parameters.moment("timestamp_ms")?;
    let status = parameters.text("status")?;
    let outcome = status.and_then(|status| status.parse().ok());
    let tags = checked_tags(parameters.pairs("tags")?)?;
    let metadata = parameters.pairs("request_metadata")?;
    let ended = state
        .metastore()
        .write(move |tx| {
            let mut trace = tx.traces().get(&id)?;
            let lasted = |end: everloop_domain::Timestamp| {
                end.as_millis()
                    .saturating_sub(trace.requested_at.as_millis())
            };
            trace.duration_ms = end.map(lasted);
            trace.state = outcome.unwrap_or_default();
            trace.tags.extend(tags);
            trace.metadata.extend(metadata);
            tx.traces().start(&trace)?;
            tx.traces().get(&id)
        })
        .await?;
    Ok(Json(json!({"trace_info": wire(&ended)})))
}

pub(super) async fn by_id(State(state): State<AppState>, Path(id): Path<String>) -> Answer {
    let trace = reading::find(&state, id).await?;
    Ok(Json(json!({"trace_info": wire(&trace)})))
}

pub(super) async fn search(State(state): State<AppState>, parameters: Parameters) -> Answer {
    let experiments = experiment_ids(&parameters)?;
    if experiments.is_empty() {
        parameters.required("experiment_ids")?;
    }
    reading::page(&state, &parameters, experiments, wire).await
}
