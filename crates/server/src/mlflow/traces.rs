//! `traces/…`: what requests to models and agents went through.
//!
//! Clients tell what a trace was by [`changes::start`], and its spans at `/v1/traces` (see [`super::otlp`]), in any order. An older
//! client keeps the spans among the files of the trace instead; those are read from there.

mod assessments;
mod changes;
mod legacy;
mod reading;
mod wire;

use axum::Router;
use axum::routing::{any, get, patch, post};

pub(super) use changes::checked_tags;
pub(super) use wire::base64;

use super::unknown;
use crate::state::AppState;

/// Routes below `/3.0/mlflow`.
pub(super) fn newer() -> Router<AppState> {
    Router::new()
        .route("/traces", post(changes::start).fallback(unknown))
        .route("/traces/get", get(reading::with_spans))
        .route("/traces/batchGet", get(reading::batch))
        .route("/traces/batchGetInfos", post(reading::batch_infos))
        .route("/traces/search", post(reading::search))
        .route("/traces/delete-traces", post(changes::delete))
        // These are not there, and no ids either.
        .route("/traces/calculate-filter-correlation", any(unknown))
        .route("/traces/metrics", any(unknown))
        .route("/traces/{id}", get(reading::by_id).fallback(unknown))
        .route("/get-trace-artifact", get(reading::artifact))
        .merge(tags())
        .merge(links())
        .merge(assessments::router())
}

/// Routes below `/2.0/mlflow`, which newer clients call, too.
pub(super) fn older() -> Router<AppState> {
    Router::new()
        .route(
            "/traces",
            get(legacy::search).post(legacy::start).fallback(unknown),
        )
        .route("/traces/delete-traces", post(changes::delete))
        .route("/traces/{id}", patch(legacy::end).fallback(unknown))
        .route("/traces/{id}/info", get(legacy::by_id).fallback(unknown))
        .route("/get-trace-artifact", get(reading::artifact))
        .merge(tags())
        .merge(links())
}

fn tags() -> Router<AppState> {
    let methods = patch(changes::set_tag).delete(changes::delete_tag);
    Router::new().route("/traces/{id}/tags", methods)
}

fn links() -> Router<AppState> {
    Router::new()
        .route("/traces/link-to-run", post(changes::link_to_run))
        .route("/traces/link-prompts", post(changes::link_prompts))
}
