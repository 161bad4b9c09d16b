//! The protocols over HTTP. Wire formats stay in here.
//!
//! | path | |
//! |---|---|
//! | `POST /invocations[?model=NAME]`, `GET /ping` | MLflow's scoring protocol |
//! | `GET /v2`, `/v2/health/live`, `/v2/health/ready` | Open Inference Protocol, server |
//! | `GET /v2/models/{name}[/versions/{version}][/ready]`, `POST …/infer` | the same, models |

pub(crate) mod failure;
mod invocations;
mod json;
mod open_inference;
mod request;
pub(crate) mod table;

use std::future::Future;

use axum::Router;
use axum::extract::State;
use axum::routing::get;
use tokio::net::TcpListener;

use crate::{Error, Serving};

/// The routes of both protocols. It has no `/health` and no `/metrics`: those belong to whoever
/// puts the server together ([`serve`] does for itself).
pub fn router(serving: Serving) -> Router {
    Router::new()
        .merge(invocations::router())
        .merge(open_inference::router())
        .with_state(serving)
}

/// Answers requests until `stop` is done, with nothing but this crate: also at `/health` and
/// `/metrics`. Requests in flight are finished and the log is flushed.
///
/// # Errors
///
/// Fails if the listener breaks or the log cannot be flushed.
pub async fn serve(
    listener: TcpListener,
    serving: Serving,
    stop: impl Future<Output = ()> + Send + 'static,
) -> Result<(), Error> {
    let own = Router::new()
        .route("/health", get(async || "OK"))
        .route("/metrics", get(metrics))
        .with_state(serving.clone());
    axum::serve(listener, own.merge(router(serving.clone())))
        .with_graceful_shutdown(stop)
        .await
        .map_err(Error::Stopped)?;
    serving.flush().await
}

async fn metrics(State(serving): State<Serving>) -> String {
    serving.metrics_text()
}
