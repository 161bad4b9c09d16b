//! `POST /v1/traces`: spans as OpenTelemetry's exporters send them (OTLP over HTTP, protobuf).
//!
//! The header `x-mlflow-experiment-id` says where they go, `x-mlflow-run-id` to which run their traces belong. All spans of a
//! request are kept, or none.

mod arrivals;
mod proto;

use std::io::Read;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::post;
use everloop_domain::ErrorKind;
use flate2::read::{DeflateDecoder, MultiGzDecoder, ZlibDecoder};
use prost::Message as _;

use super::MAX_BODY_BYTES;
use super::error::MlflowError;
use super::experiments::id as experiment_id;
use super::runs::find_run_id;
use crate::state::AppState;

/// The only encoding of bodies and answers.
const PROTOBUF: &str = "application/x-protobuf";
/// What a body may become when it is unpacked.
const MAX_UNPACKED_BYTES: u64 = 2 * MAX_BODY_BYTES as u64;

pub(super) fn router() -> Router<AppState> {
    let limit = DefaultBodyLimit::max(MAX_BODY_BYTES);
    Router::new().route("/v1/traces", post(export).layer(limit))
}

async fn export(
    State(state): State<AppState>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, MlflowError> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    require_protobuf(text("content-type"))?;
    let experiment = text("x-mlflow-experiment-id").ok_or_else(|| {
        MlflowError::invalid(
            "the header `x-mlflow-experiment-id` is missing; it names the experiment of the spans",
        )
    })?;
    let experiment = experiment_id(experiment)?;
    let run = text("x-mlflow-run-id").map(find_run_id).transpose()?;
    let body = unpacked(&body, text("content-encoding"))?;
    let request = proto::ExportRequest::decode(body.as_ref()).map_err(|problem| {
        MlflowError::invalid(format!("Invalid OpenTelemetry format: {problem}"))
    })?;
    if request.resource_spans.is_empty() {
        return Err(MlflowError::invalid(
            "Invalid OpenTelemetry format - no spans found",
        ));
    }
    let arrivals = arrivals::read(request)?;
    state
        .metastore()
        .write(move |tx| {
            for arrival in &arrivals {
                tx.traces().log(experiment, arrival)?;
            }
            match run {
                None => Ok(()),
                Some(run) => {
                    let ids: Vec<String> =
                        arrivals.into_iter().map(|arrival| arrival.trace).collect();
                    tx.traces().link_to_run(&ids, &run)
                }
            }
        })
        .await?;
    // An answer without fields has no bytes.
    Ok(([(header::CONTENT_TYPE, PROTOBUF)], Bytes::new()).into_response())
}

fn require_protobuf(content_type: Option<&str>) -> Result<(), MlflowError> {
    let kind = content_type.and_then(|kind| kind.split(';').next());
    match kind.map(str::trim) {
        Some(PROTOBUF) => Ok(()),
        _ => Err(MlflowError::invalid(format!(
            "Invalid Content-Type: {}. Expected: {PROTOBUF}",
            content_type.unwrap_or("none")
        ))),
    }
}

/// The body without its encoding.
fn unpacked(body: &Bytes, encoding: Option<&str>) -> Result<Bytes, MlflowError> {
    let encoding = encoding.unwrap_or("identity").to_lowercase();
    match encoding.as_str() {
        "identity" => Ok(body.clone()),
        "gzip" => unpack(MultiGzDecoder::new(body.as_ref()), &encoding),
        // Some clients leave the frame out.
        "deflate" => unpack(ZlibDecoder::new(body.as_ref()), &encoding)
            .or_else(|_| unpack(DeflateDecoder::new(body.as_ref()), &encoding)),
        _ => Err(MlflowError::invalid(format!(
            "Unsupported Content-Encoding: {encoding}. Expected: gzip or deflate"
        ))),
    }
}

fn unpack(reader: impl Read, encoding: &str) -> Result<Bytes, MlflowError> {
    let mut unpacked = Vec::new();
    let read = reader
        .take(MAX_UNPACKED_BYTES + 1)
        .read_to_end(&mut unpacked);
    if read.is_err() {
        return Err(MlflowError::invalid(format!(
            "Failed to decompress {encoding} payload"
        )));
    }
    if unpacked.len() as u64 > MAX_UNPACKED_BYTES {
        return Err(MlflowError::with_code(
            StatusCode::PAYLOAD_TOO_LARGE,
            MlflowError::new(ErrorKind::Invalid, "").code(),
            format!(
                "the payload has more than {MAX_UNPACKED_BYTES} bytes; send fewer spans at once"
            ),
        ));
    }
    Ok(unpacked.into())
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use flate2::Compression;
    use flate2::write::{GzEncoder, ZlibEncoder};

    use super::*;

    #[test]
    fn bodies_are_unpacked() {
        let plain = Bytes::from_static(b"spans");
        let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
        gzip.write_all(&plain).unwrap();
        let mut deflate = ZlibEncoder::new(Vec::new(), Compression::fast());
        deflate.write_all(&plain).unwrap();
        let gzip = gzip.finish().unwrap().into();
        let deflate = deflate.finish().unwrap().into();
        assert_eq!(unpacked(&plain, None).unwrap(), plain);
        assert_eq!(unpacked(&gzip, Some("gzip")).unwrap(), plain);
        assert_eq!(unpacked(&deflate, Some("Deflate")).unwrap(), plain);
        for (body, encoding) in [(&plain, "gzip"), (&plain, "deflate"), (&gzip, "br")] {
            assert!(unpacked(body, Some(encoding)).is_err(), "{encoding}");
        }
    }

    #[test]
    fn a_bomb_is_refused() {
        let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
        let zeros = vec![0; 1 << 20];
        for _ in 0..=MAX_UNPACKED_BYTES >> 20 {
            gzip.write_all(&zeros).unwrap();
        }
        let error = unpacked(&gzip.finish().unwrap().into(), Some("gzip")).unwrap_err();
        assert!(error.message().contains("send fewer spans"), "{error:?}");
    }
}
