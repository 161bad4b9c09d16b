//! MLflow's REST API: what its Python client calls to track runs, keep artifacts and register models.
//!
//! Each resource has a file; [`parameters`] reads requests as leniently as MLflow does, [`error`] holds the one table from
//! kinds of failures to its codes. Where MLflow answers what no client relies on, the answer may differ; an endpoint
//! that is not there answers `ENDPOINT_NOT_FOUND`, and a filter that is not understood is refused, never ignored.

mod artifacts;
pub(crate) mod endpoints;
mod error;
mod experiments;
pub(crate) mod filter;
mod graphql;
pub(crate) mod ids;
mod logged_models;
mod model_versions;
mod otlp;
mod paging;
mod parameters;
mod probes;
mod registered_models;
mod runs;
mod traces;
pub(crate) mod webhooks;

use axum::extract::DefaultBodyLimit;
use axum::http::Uri;
use axum::routing::{any, get, post};
use axum::{Json, Router};
use serde_json::{Value, json};

use self::error::MlflowError;
use crate::state::AppState;

/// The longest JSON body: MLflow allows a profile of 16 MB in it.
const MAX_BODY_BYTES: usize = 32 << 20;

/// What handlers answer.
type Answer = Result<Json<Value>, MlflowError>;

/// The routes.
pub(crate) fn router() -> Router<AppState> {
    let mut router = Router::new();
    for root in ["/api", "/ajax-api"] {
        let resources = Router::new()
            .merge(experiments::router())
            .merge(runs::router())
            .merge(logged_models::router())
            .merge(registered_models::router())
            .merge(model_versions::router())
            .merge(webhooks::router())
            .merge(traces::older())
            .merge(probes::older())
            .route("/artifacts/list", get(artifacts::list_of_run))
            .route("/upload-artifact", post(artifacts::upload_to_run))
            .route(
                "/artifacts/presigned-download-url",
                post(artifacts::presigned::download),
            )
            .route(
                "/artifacts/presigned-upload-url",
                post(artifacts::presigned::upload),
            )
            .fallback(any(unknown))
            .layer(DefaultBodyLimit::max(MAX_BODY_BYTES));
        let newer = Router::new()
            .route("/server-info", get(server_info))
            .merge(traces::newer())
            .merge(probes::newer())
            .fallback(any(unknown))
            .layer(DefaultBodyLimit::max(MAX_BODY_BYTES));
        let files = artifacts::router().fallback(any(unknown));
        router = router
            .nest(&format!("{root}/2.0/mlflow"), resources)
            .nest(&format!("{root}/3.0/mlflow"), newer)
            .nest(&format!("{root}/2.0/mlflow-artifacts"), files);
    }
    router
        .merge(graphql::router())
        .merge(otlp::router())
        .route("/get-artifact", get(artifacts::get_of_run))
        .route(
            "/model-versions/get-artifact",
            get(artifacts::get_of_version),
        )
}

/// An endpoint that is not there; the path is what follows the prefix of the API.
async fn unknown(uri: Uri) -> MlflowError {
    MlflowError::endpoint(format!("there is no endpoint `{}`", uri.path()))
}

/// `GET server-info`: what the client need not try.
async fn server_info() -> Json<Value> {
    Json(json!({
        "store_type": "SqlStore", "workspaces_enabled": false, "trace_archival_enabled": false,
        "multipart_uploads_enabled": false, "multipart_downloads_enabled": false,
        "artifact_serving_enabled": true, "presigned_upload_run_id_supported": true,
        "artifacts_presigned_only": false, "tracking_auth": "", "features_enabled": {},
    }))
}

/// Pairs of `key` and `value`, as MLflow writes maps.
fn pairs<'a>(map: impl IntoIterator<Item = (&'a String, &'a String)>) -> Value {
    map.into_iter()
        .map(|(key, value)| json!({"key": key, "value": value}))
        .collect()
}

/// An object without the fields that are null or empty lists, which protobuf leaves out.
fn trimmed(mut value: Value) -> Value {
    if let Value::Object(fields) = &mut value {
        fields.retain(|_, field| {
            !field.is_null() && field.as_array().is_none_or(|list| !list.is_empty())
        });
    }
    value
}
