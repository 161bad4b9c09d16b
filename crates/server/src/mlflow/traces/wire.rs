//! Traces and their spans as JSON: protobuf's form of MLflow's and OpenTelemetry's messages.

mod spans;

use everloop_domain::Timestamp;
use everloop_metastore::{Span, Trace};
use serde_json::{Value, json};

pub(in crate::mlflow) use spans::base64;
pub(super) use spans::file;

use super::assessments;
use crate::mlflow::error::MlflowError;
use crate::mlflow::experiments::id as experiment_id;
use crate::mlflow::ids::Ids;
use crate::mlflow::parameters::Parameters;
use crate::mlflow::trimmed;

/// The longest id that a client may give a trace.
const MAX_ID: usize = 50;
/// Metadata that says that the client has told what the trace was.
const FINALIZED: &str = "mlflow.trace.infoFinalized";

/// A trace without its spans.
pub(super) fn info(trace: &Trace) -> Value {
    let experiment = trace.experiment.to_string();
    let assessments: Vec<Value> = trace.assessments.iter().map(assessments::wire).collect();
    trimmed(json!({
        "trace_id": trace.id, "client_request_id": trace.client_request,
        "trace_location": {"type": "MLFLOW_EXPERIMENT", "mlflow_experiment": {"experiment_id": experiment}},
        "request_preview": trace.request_preview, "response_preview": trace.response_preview,
        "request_time": trace.requested_at.to_string(), "execution_duration": trace.duration_ms.map(seconds),
        "state": trace.state.as_str(), "trace_metadata": trace.metadata, "tags": trace.tags, "assessments": assessments,
    }))
}

/// A trace with its spans.
pub(super) fn trace(trace: &Trace, spans: &[Span]) -> Value {
    let spans: Vec<Value> = spans.iter().map(spans::wire).collect();
    trimmed(json!({"trace_info": info(trace), "spans": spans}))
}

/// Reads what a client tells of a trace.
pub(super) fn read_info(
    info: &Parameters,
    ids: &Ids,
    now: Timestamp,
) -> Result<Trace, MlflowError> {
    let id = checked_id(info.required("trace_id")?)?;
    let location = info
        .object("trace_location")?
        .object("mlflow_experiment")?
        .required("experiment_id")?;
    let given = info.objects("assessments")?;
    let assessments = given
        .iter()
        .map(|given| assessments::read(given, &id, ids, now))
        .collect::<Result<_, _>>()?;
    let mut metadata: std::collections::BTreeMap<_, _> = info.map("trace_metadata")?;
    metadata.insert(FINALIZED.to_owned(), "true".to_owned());
    let requested_at = info.text("request_time")?;
    let state = info.text("state")?;
    Ok(Trace {
        experiment: experiment_id(&location)?,
        requested_at: requested_at.map_or(Ok(now), |text| moment(&text))?,
        duration_ms: info
            .text("execution_duration")?
            .map(|text| millis(&text))
            .transpose()?,
        state: state
            .and_then(|state| state.parse().ok())
            .unwrap_or_default(),
        client_request: info.text("client_request_id")?,
        request_preview: info.text("request_preview")?,
        response_preview: info.text("response_preview")?,
        tags: info.map("tags")?,
        metadata,
        assessments,
        id,
    })
}

/// An id becomes part of the path of the trace's files.
fn checked_id(id: String) -> Result<String, MlflowError> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    if id.len() <= MAX_ID && id.chars().all(is_plain) {
        return Ok(id);
    }
    Err(MlflowError::invalid(format!(
        "`{id}` is no id of a trace: expected at most {MAX_ID} letters, digits, `-` and `_`"
    )))
}

/// A moment in protobuf's JSON.
pub(super) fn moment(text: &str) -> Result<Timestamp, MlflowError> {
    text.parse().map_err(MlflowError::invalid)
}

/// A duration in protobuf's JSON: `1.500s`.
fn seconds(millis: i64) -> String {
    let sign = if millis < 0 { "-" } else { "" };
    let (whole, rest) = (millis.unsigned_abs() / 1000, millis.unsigned_abs() % 1000);
    match rest {
        0 => format!("{sign}{whole}s"),
        rest => format!("{sign}{whole}.{rest:03}s"),
    }
}

/// Reads what [`seconds`] writes, in milliseconds.
fn millis(text: &str) -> Result<i64, MlflowError> {
    let seconds = text.strip_suffix('s').and_then(|text| text.parse().ok());
    match seconds.filter(|seconds: &f64| seconds.is_finite()) {
        Some(seconds) => Ok((seconds * 1000.0).round() as i64),
        None => Err(MlflowError::invalid(format!(
            "`{text}` is no duration: expected seconds, like `1.5s`"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(shown: &str, expected: i64) {
        assert_eq!(millis(shown).unwrap(), expected);
        assert_eq!(millis(&seconds(expected)).unwrap(), expected, "{shown}");
    }

    #[test]
    fn durations_are_seconds_as_text() {
        check("1.5s", 1500);
        check("1.500s", 1500);
        check("0s", 0);
        check("0.001s", 1);
        check("-0.250s", -250);
        check("86400s", 86_400_000);
        assert_eq!(
            (seconds(1500), seconds(2000)),
            ("1.500s".to_owned(), "2s".to_owned())
        );
        for text in ["", "s", "1.5", "infs", "NaNs", "1m"] {
            assert!(millis(text).is_err(), "{text}");
        }
    }

    #[test]
    fn ids_that_could_lead_elsewhere_are_refused() {
        for id in ["tr-4e33f85bf69c4ad1a6e3f798e01c56df", "my_trace-1"] {
            assert!(checked_id(id.to_owned()).is_ok(), "{id}");
        }
        let long = "a".repeat(MAX_ID + 1);
        for id in ["..", "a/b", "a%2e", "trace:/x/1", "ä", &long] {
            assert!(checked_id(id.to_owned()).is_err(), "{id}");
        }
    }
}
