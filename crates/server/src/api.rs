//! Everloop's own API: `/api/v1/…`, `/feedback`, health and metrics.
//!
//! What is asked is read by [`asked`], which refuses what it does not know; lists are cut into pages by [`paging`]; what is
//! answered has a type, so that [`mod@openapi`] can describe it. Errors have one form, [`crate::error::ApiError`].

mod asked;
mod audit;
mod cycles;
mod events;
mod feedback;
mod health;
mod lineage;
mod models;
mod openapi;
mod paging;
mod runs;
mod shapes;
mod signals;
mod stages;

use axum::Router;
use axum::http::{Method, Uri};
use axum::routing::{get, post};

use crate::error::ApiError;
use crate::state::{AppState, LoopState};

pub use openapi::openapi;

/// The routes that every server has.
pub(crate) fn common() -> Router<AppState> {
    Router::new()
        .route("/health", get(health::health))
        .route("/version", get(health::version))
        .route("/api/v1/openapi.json", get(openapi::show))
        .route("/api/v1/runs", get(runs::list))
        .route("/api/v1/events", get(events::listen))
        .route("/api/v1/lineage/runs/{run_id}", get(lineage::of_run))
        .route("/api/v1/lineage/cycles/{number}", get(lineage::of_cycle))
        .route(
            "/api/v1/lineage/models/{name}/versions/{version}",
            get(lineage::of_version),
        )
        .method_not_allowed_fallback(other_method)
}

/// The routes of a project.
pub(crate) fn router() -> Router<LoopState> {
    Router::new()
        .route("/feedback", post(feedback::post))
        .route("/metrics", get(health::metrics))
        .route("/api/v1/status", get(cycles::status))
        .route("/api/v1/cycles", get(cycles::list))
        .route("/api/v1/cycles/{number}", get(cycles::one))
        .route("/api/v1/cycles/{number}/stages", get(stages::of_cycle))
        .route("/api/v1/stages", get(stages::list))
        .route("/api/v1/signals", get(signals::list))
        .route("/api/v1/audit", get(audit::list))
        .route("/api/v1/models", get(models::list))
        .method_not_allowed_fallback(other_method)
}

/// A path that is there, but not for this method; the header `Allow` names those that it takes.
async fn other_method(method: Method, uri: Uri) -> ApiError {
    ApiError::method_not_allowed(&method, uri.path())
}
