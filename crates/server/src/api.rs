//! Everloop's own API: `/api/v1/…`, `/feedback`, health and metrics.

mod cycles;
mod events;
mod feedback;
mod health;
mod models;
mod runs;

use axum::Router;
use axum::routing::{get, post};

use crate::state::{AppState, LoopState};

/// The routes that every server has.
pub(crate) fn common() -> Router<AppState> {
    Router::new()
        .route("/health", get(health::health))
        .route("/version", get(health::version))
        .route("/api/v1/runs", get(runs::list))
        .route("/api/v1/events", get(events::listen))
}

/// The routes of a project.
pub(crate) fn router() -> Router<LoopState> {
    Router::new()
        .route("/feedback", post(feedback::post))
        .route("/metrics", get(health::metrics))
        .route("/api/v1/status", get(cycles::status))
        .route("/api/v1/cycles", get(cycles::cycles))
        .route("/api/v1/cycles/{number}", get(cycles::cycle))
        .route("/api/v1/signals", get(cycles::signals))
        .route("/api/v1/audit", get(cycles::audit))
        .route("/api/v1/models", get(models::list))
}
