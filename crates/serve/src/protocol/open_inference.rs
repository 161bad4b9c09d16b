//! The Open Inference Protocol, version 2, over REST.
//!
//! Each input and output is a tensor of shape `[N]` (or `[N, 1]`) under its column's name; missing
//! numbers are null. The ids of the predictions are `parameters.ids` of the answer. The binary data
//! extension is refused by name; gRPC is not here. Errors are `{"error": …}`.

mod describe;
mod tensors;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, Request, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde::Deserialize;
use serde_json::{Value, json};

use super::failure::Failure;
use super::{json, request};
use crate::{Error, Served, Serving};

pub(super) fn router() -> axum::Router<Serving> {
    axum::Router::new()
        .route("/v2", get(async || axum::Json(describe::server())))
        .route(
            "/v2/health/live",
            get(async || axum::Json(json!({"live": true}))),
        )
        .route("/v2/health/ready", get(ready))
        .route("/v2/models/{name}", get(model))
        .route("/v2/models/{name}/ready", get(model_ready))
        .route("/v2/models/{name}/infer", post(infer))
        .route("/v2/models/{name}/versions/{version}", get(model))
        .route(
            "/v2/models/{name}/versions/{version}/ready",
            get(model_ready),
        )
        .route("/v2/models/{name}/versions/{version}/infer", post(infer))
}

/// Which model a path names.
#[derive(Deserialize)]
struct Named {
    name: String,
    version: Option<String>,
}

impl Named {
    /// The model, if its served version is the named one.
    fn find(&self, serving: &Serving) -> Result<Arc<Served>, Error> {
        let served = serving.find(Some(&self.name))?;
        match &self.version {
            Some(version) if *version != served.version.to_string() => {
                Err(Error::NoModel(format!("{}` version `{version}", self.name)))
            }
            _ => Ok(served),
        }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        (self.0.status, axum::Json(json!({"error": self.0.message}))).into_response()
    }
}

/// A failure in the words of this protocol.
struct Refusal(Failure);

impl<E: Into<Failure>> From<E> for Refusal {
    fn from(error: E) -> Self {
        Self(error.into())
    }
}

/// Ready as soon as there is a model to ask.
async fn ready(State(serving): State<Serving>) -> Response {
    let is_ready = !serving.models().names().is_empty();
    let status = if is_ready {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    (status, axum::Json(json!({"ready": is_ready}))).into_response()
}

async fn model(
    State(serving): State<Serving>,
    Path(named): Path<Named>,
) -> Result<axum::Json<Value>, Refusal> {
    Ok(axum::Json(describe::model(&*named.find(&serving)?)))
}

async fn model_ready(
    State(serving): State<Serving>,
    Path(named): Path<Named>,
) -> Result<axum::Json<Value>, Refusal> {
    let served = named.find(&serving)?;
    Ok(axum::Json(json!({"name": served.name, "ready": true})))
}

async fn infer(
    State(serving): State<Serving>,
    Path(named): Path<Named>,
    request: Request<Body>,
) -> Result<Response, Refusal> {
    let served = named.find(&serving)?;
    refuse_binary(request.headers())?;
    let id = request::id(request.headers());
    let body = request::body(request, serving.max_body_bytes()).await?;
    let n_bytes = body.len();
    let parse = move |_: &_| tensors::parse(json::parse(&body)?);
    let answer = serving.predict(served, id, n_bytes, parse).await?;
    let body = tensors::answer(&answer)?;
    let version = HeaderValue::from(answer.served.version.0);
    Ok(([("x-everloop-model-version", version)], axum::Json(body)).into_response())
}

fn refuse_binary(headers: &HeaderMap) -> Result<(), Failure> {
    let is_binary = headers.contains_key("inference-header-content-length");
    let is_bytes = headers
        .get(axum::http::header::CONTENT_TYPE)
        .is_some_and(|value| value.as_bytes().starts_with(b"application/octet-stream"));
    if is_binary || is_bytes {
        return Err(Failure::content_type(
            "the binary tensor data extension is not supported: send tensors as JSON".to_owned(),
        ));
    }
    Ok(())
}
