//! From OpenTelemetry's messages to the spans that are kept, and to what they tell of their traces.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use everloop_metastore::{Arrival, Span, TraceState};
use serde_json::{Map, Value, json};

use super::proto;
use crate::mlflow::error::MlflowError;
use crate::mlflow::runs::check_key;
use crate::mlflow::traces::{base64, checked_tags};

/// Attributes of MLflow that mean something to the server.
const TRACE_ID: &str = "mlflow.traceRequestId";
const KIND: &str = "mlflow.spanType";
const INPUTS: &str = "mlflow.spanInputs";
const OUTPUTS: &str = "mlflow.spanOutputs";
/// What follows it in the name of an attribute of the root is a tag of the trace.
const TAG_PREFIX: &str = "mlflow.traceTag.";
/// Attributes that name a session or a user, with the metadata of the trace that they become.
const PEOPLE: [(&str, &str); 4] = [
    ("session.id", "mlflow.trace.session"),
    ("gen_ai.conversation.id", "mlflow.trace.session"),
    ("mlflow.trace.session", "mlflow.trace.session"),
    ("user.id", "mlflow.trace.user"),
];
/// Attributes of a resource with these beginnings speak of the exporter, or are the server's own.
const SKIPPED: [&str; 2] = ["telemetry.sdk.", "mlflow."];
/// The longest preview, in characters, as in MLflow.
const MAX_PREVIEW: usize = 1000;

/// The spans by trace, in the order in which traces come first.
pub(super) fn read(request: proto::ExportRequest) -> Result<Vec<Arrival>, MlflowError> {
    let mut arrivals: BTreeMap<String, Arrival> = BTreeMap::new();
    for block in request.resource_spans {
        let resource = object(block.resource.unwrap_or_default().attributes);
        let tags = resource_tags(&resource)?;
        for span in block.scope_spans.into_iter().flat_map(|scope| scope.spans) {
            let span = self::span(span)?;
            let arrival = arrivals.entry(span.trace.clone()).or_default();
            arrival.trace.clone_from(&span.trace);
            for (key, value) in &tags {
                let free = arrival.tags.entry(key.clone());
                free.or_insert_with(|| value.clone());
            }
            learn(arrival, &span)?;
            arrival.spans.push(span);
        }
    }
    Ok(arrivals.into_values().collect())
}

/// What was running, as tags.
fn resource_tags(resource: &Map<String, Value>) -> Result<BTreeMap<String, String>, MlflowError> {
    let tags = resource
        .iter()
        .filter(|(key, _)| !SKIPPED.iter().any(|beginning| key.starts_with(beginning)))
        .filter(|(key, _)| check_key(key, "key").is_ok())
        .map(|(key, value)| (key.clone(), plain(value)));
    checked_tags(tags.collect())
}

/// A value as text: texts without their quotes.
fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// Takes over what a span tells of its trace.
fn learn(arrival: &mut Arrival, span: &Span) -> Result<(), MlflowError> {
    let attributes = &span.content["attributes"];
    for (attribute, key) in PEOPLE {
        let value = attributes[attribute]
            .as_str()
            .filter(|value| !value.is_empty());
        if let Some(value) = value {
            let free = arrival.metadata.entry(key.to_owned());
            free.or_insert_with(|| value.to_owned());
        }
    }
    if span.parent.is_some() {
        return Ok(());
    }
    arrival.state = Some(match span.status.as_str() {
        "ERROR" => TraceState::Error,
        _ => TraceState::Ok,
    });
    arrival.request_preview = preview(&attributes[INPUTS]);
    arrival.response_preview = preview(&attributes[OUTPUTS]);
    let tags: Vec<(String, String)> = attributes
        .as_object()
        .into_iter()
        .flatten()
        .filter_map(|(key, value)| {
            let key = key.strip_prefix(TAG_PREFIX)?;
            check_key(key, "key").ok()?;
            Some((key.to_owned(), plain(value)))
        })
        .collect();
    arrival.tags.extend(checked_tags(tags)?);
    Ok(())
}

fn preview(value: &Value) -> Option<String> {
    if value.is_null() {
        return None;
    }
    let text = value.to_string();
    if text.chars().count() <= MAX_PREVIEW {
        return Some(text);
    }
    let beginning: String = text.chars().take(MAX_PREVIEW - 3).collect();
    Some(format!("{beginning}..."))
}

fn span(span: proto::Span) -> Result<Span, MlflowError> {
    let trace = format!("tr-{}", id(&span.trace_id, 16, "trace_id")?);
    let parent = match span.parent_id.as_slice() {
        [] => None,
        bytes => Some(id(bytes, 8, "parent_span_id")?),
    };
    let mut attributes = object(span.attributes);
    // Whatever the client says, a span belongs to the trace of its own id.
    attributes.insert(TRACE_ID.to_owned(), json!(trace));
    let kind = attributes
        .get(KIND)
        .and_then(Value::as_str)
        .map(str::to_owned);
    let events: Vec<Value> = span.events.into_iter().map(event).collect();
    let links: Vec<Value> = span.links.into_iter().map(link).collect();
    let status = span.status.unwrap_or_default();
    let name = text(span.name);
    Ok(Span {
        id: id(&span.id, 8, "span_id")?,
        parent,
        kind,
        status: match status.code {
            1 => "OK",
            2 => "ERROR",
            _ => "UNSET",
        }
        .to_owned(),
        start_ns: nanos(span.start_time_unix_nano),
        end_ns: (span.end_time_unix_nano > 0).then(|| nanos(span.end_time_unix_nano)),
        content: json!({
            "name": name, "attributes": attributes, "events": events, "links": links,
            "message": text(status.message),
        }),
        name,
        trace,
    })
}

/// An id of so many bytes in hexadecimal.
fn id(bytes: &[u8], n_bytes: usize, what: &str) -> Result<String, MlflowError> {
    if bytes.len() != n_bytes {
        return Err(MlflowError::invalid(format!(
            "Cannot convert OpenTelemetry span to MLflow span: {what} has {} bytes, {n_bytes} are expected",
            bytes.len()
        )));
    }
    Ok(hex(bytes))
}

fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        // Writing to a text does not fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

fn event(event: proto::Event) -> Value {
    json!({
        "name": text(event.name), "time_unix_nano": event.time_unix_nano, "attributes": object(event.attributes),
    })
}

fn link(link: proto::Link) -> Value {
    json!({
        "trace_id": format!("tr-{}", hex(&link.trace_id)), "span_id": hex(&link.span_id),
        "attributes": object(link.attributes),
    })
}

fn nanos(nanos: u64) -> i64 {
    i64::try_from(nanos).unwrap_or(i64::MAX)
}

/// Attributes as an object; of two of a name the last counts.
fn object(pairs: Vec<proto::KeyValue>) -> Map<String, Value> {
    pairs
        .into_iter()
        .map(|pair| (text(pair.key), value(pair.value.unwrap_or_default())))
        .collect()
}

fn value(found: proto::AnyValue) -> Value {
    match found.value {
        None => Value::Null,
        Some(proto::Value::Text(found)) => text(found).into(),
        Some(proto::Value::Bool(found)) => found.into(),
        Some(proto::Value::Int(found)) => found.into(),
        Some(proto::Value::Double(found)) if found.is_finite() => found.into(),
        // JSON knows no such numbers.
        Some(proto::Value::Double(found)) => found.to_string().into(),
        Some(proto::Value::Bytes(found)) => base64(&found).into(),
        Some(proto::Value::Array(found)) => found.values.into_iter().map(value).collect(),
        Some(proto::Value::Pairs(found)) => object(found.values).into(),
    }
}

/// Text that every database can keep.
fn text(text: String) -> String {
    if text.contains('\0') {
        text.replace('\0', "\u{fffd}")
    } else {
        text
    }
}

#[cfg(test)]
mod tests;
