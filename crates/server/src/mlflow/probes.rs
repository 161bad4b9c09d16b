//! What MLflow's page asks before it shows a feature that this server does not have: the answers say that there is none.

use axum::routing::get;
use axum::{Json, Router};
use serde_json::json;

use crate::state::AppState;

/// Probes below `/3.0/mlflow`.
pub(super) fn newer() -> Router<AppState> {
    Router::new()
        .route(
            "/assistant/config",
            get(|| async {
                Json(json!({"providers": {}, "projects": {}, "remote_access_allowed": false}))
            }),
        )
        .route(
            "/assistant/providers",
            get(|| async {
                Json(json!({"providers": [], "resolved": null, "gateway_vendor_options": {}}))
            }),
        )
}

/// Probes below `/2.0/mlflow`.
pub(super) fn older() -> Router<AppState> {
    // Without authentication there is nobody to be named.
    let nobody = get(|| async { Json(json!({"user": null})) });
    let no_gateway = get(|| async { Json(json!({"endpoints": []})) });
    Router::new()
        .route("/users/current", nobody)
        .route("/gateway-proxy", no_gateway)
}
