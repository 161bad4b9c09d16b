//! Health, version, and metrics for Prometheus.

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};

use crate::state::{AppState, LoopState};

/// The version of the MLflow API that is spoken; clients parse it to know what they may send.
const MLFLOW_VERSION: &str = "3.18.0";

/// `GET /health`: 200 while the metastore answers.
pub(super) async fn health(State(state): State<AppState>) -> Response {
    match state
        .metastore()
        .read(|tx| tx.cycles().list(1).map(|_| ()))
        .await
    {
        Ok(()) => "OK".into_response(),
        Err(error) => {
            tracing::error!(
                error = &error as &dyn std::error::Error,
                "the metastore does not answer"
            );
            (
                StatusCode::SERVICE_UNAVAILABLE,
                "the metastore does not answer",
            )
                .into_response()
        }
    }
}

/// `GET /version`, as MLflow's client reads it.
pub(super) async fn version() -> &'static str {
    MLFLOW_VERSION
}

/// `GET /metrics` in Prometheus' text format.
pub(super) async fn metrics(State(state): State<LoopState>) -> Response {
    let text = state.serving.metrics_text();
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], text).into_response()
}
