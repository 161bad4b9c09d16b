//! MLflow's scoring protocol: `POST /invocations` and `GET /ping`.
//!
//! A body is JSON with one of `dataframe_split`, `dataframe_records`, `instances` and `inputs`
//! (see [`rows`]), or CSV. The answer is `{"predictions": […], "ids": […]}`: a list of values if the
//! model has one output, else a list of records; NaN is null. `ids` is ours: the id of each
//! prediction, for labels to come. Errors are `{"error_code": …, "message": …}`.

mod answer;
mod csv;
mod rows;
#[cfg(test)]
mod tests;

use axum::Router;
use axum::body::Body;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, HeaderValue, Request, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use everloop_package::Signature;
use serde::Deserialize;
use serde_json::json;

use super::failure::Failure;
use super::{json, request};
use crate::Serving;
use crate::serving::Parsed;

pub(super) fn router() -> Router<Serving> {
    Router::new()
        .route("/invocations", post(invoke))
        .route("/ping", get(async || "\n"))
}

/// Which model is asked.
#[derive(Deserialize)]
struct Which {
    model: Option<String>,
}

/// The two forms of a body.
#[derive(Clone, Copy)]
enum Form {
    Json,
    Csv,
}

async fn invoke(
    State(serving): State<Serving>,
    Query(which): Query<Which>,
    request: Request<Body>,
) -> Response {
    match answer(&serving, which, request).await {
        Ok(response) => response,
        Err(failure) => {
            let body = json!({"error_code": failure.code, "message": failure.message});
            (failure.status, axum::Json(body)).into_response()
        }
    }
}

async fn answer(
    serving: &Serving,
    which: Which,
    request: Request<Body>,
) -> Result<Response, Failure> {
    let form = form(request.headers())?;
    let served = serving.find(which.model.as_deref())?;
    let id = request::id(request.headers());
    let body = request::body(request, serving.max_body_bytes()).await?;
    let n_bytes = body.len();
    let parse = move |signature: &Signature| {
        let table = match form {
            Form::Json => rows::parse(json::parse(&body)?, signature)?,
            Form::Csv => csv::parse(&body, signature)?,
        };
        Ok(Parsed {
            table,
            request_id: None,
            extra: (),
        })
    };
    let answer = serving.predict(served, id, n_bytes, parse).await?;
    let body = answer::body(&answer.predictions, &answer.ids);
    let version = HeaderValue::from(answer.served.version.0);
    Ok(([("x-everloop-model-version", version)], axum::Json(body)).into_response())
}

fn form(headers: &HeaderMap) -> Result<Form, Failure> {
    let named = headers.get(header::CONTENT_TYPE);
    let named = named.and_then(|value| value.to_str().ok()).unwrap_or("");
    let essence = named.split(';').next().unwrap_or("").trim();
    match essence.to_ascii_lowercase().as_str() {
        "application/json" => Ok(Form::Json),
        "text/csv" => Ok(Form::Csv),
        _ => Err(Failure::content_type(format!(
            "content type `{named}` is not supported: send `application/json` or `text/csv`"
        ))),
    }
}
