//! Spans as JSON, in the two forms that clients read: protobuf's, and MLflow's file of spans.
//!
//! The content of a stored span is `{"attributes": {…}, "events": [{"name", "time_unix_nano", "attributes"}], "links":
//! [{"trace_id", "span_id", "attributes"}], "message": …}`; values are plain JSON.

use everloop_metastore::Span;
use serde_json::{Map, Value, json};

use crate::mlflow::trimmed;

/// A span as an OpenTelemetry message.
pub(super) fn wire(span: &Span) -> Value {
    let events: Vec<Value> = each(span, "events")
        .map(|event| {
            trimmed(json!({
                "time_unix_nano": event["time_unix_nano"], "name": event["name"], "attributes": pairs(&event["attributes"]),
            }))
        })
        .collect();
    let links: Vec<Value> = each(span, "links")
        .map(|link| {
            trimmed(json!({
                "trace_id": id(&link["trace_id"]), "span_id": id(&link["span_id"]), "attributes": pairs(&link["attributes"]),
            }))
        })
        .collect();
    trimmed(json!({
        "trace_id": base64(&bytes(&span.trace)), "span_id": base64(&bytes(&span.id)),
        "parent_span_id": span.parent.as_ref().map(|parent| base64(&bytes(parent))),
        "name": span.name, "start_time_unix_nano": span.start_ns, "end_time_unix_nano": span.end_ns,
        "attributes": pairs(&span.content["attributes"]), "events": events, "links": links,
        "status": trimmed(json!({"code": code(&span.status), "message": span.content["message"]})),
    }))
}

/// All spans as MLflow's file of them: attributes are JSON in texts.
pub(in crate::mlflow::traces) fn file<'s>(spans: impl Iterator<Item = &'s Span>) -> Value {
    let shown: Vec<Value> = spans.map(entry).collect();
    json!({"spans": shown})
}

fn entry(span: &Span) -> Value {
    let attributes: Map<String, Value> = object(&span.content["attributes"])
        .map(|(key, value)| (key.clone(), value.to_string().into()))
        .collect();
    let empty = || json!([]);
    json!({
        "trace_id": base64(&bytes(&span.trace)), "span_id": base64(&bytes(&span.id)),
        "parent_span_id": span.parent.as_ref().map(|parent| base64(&bytes(parent))),
        "name": span.name, "start_time_unix_nano": span.start_ns, "end_time_unix_nano": span.end_ns,
        "events": span.content.get("events").cloned().unwrap_or_else(empty),
        "status": {"code": code(&span.status), "message": span.content["message"].as_str().unwrap_or_default()},
        "attributes": attributes,
        "links": span.content.get("links").cloned().unwrap_or_else(empty),
    })
}

fn code(status: &str) -> String {
    format!("STATUS_CODE_{status}")
}

fn each<'s>(span: &'s Span, field: &str) -> impl Iterator<Item = &'s Value> {
    span.content[field].as_array().into_iter().flatten()
}

fn object(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flatten()
}

/// Attributes as pairs of OpenTelemetry.
fn pairs(attributes: &Value) -> Vec<Value> {
    object(attributes)
        .map(|(key, value)| json!({"key": key, "value": any_value(value)}))
        .collect()
}

/// A value of OpenTelemetry, which names its type.
fn any_value(value: &Value) -> Value {
    match value {
        Value::Null => json!({}),
        Value::Bool(value) => json!({"bool_value": value}),
        Value::String(text) => json!({"string_value": text}),
        Value::Number(number) if number.is_i64() => json!({"int_value": number}),
        Value::Number(number) => json!({"double_value": number.as_f64()}),
        Value::Array(list) => {
            let values: Vec<Value> = list.iter().map(any_value).collect();
            json!({"array_value": {"values": values}})
        }
        Value::Object(_) => json!({"kvlist_value": {"values": pairs(value)}}),
    }
}

/// An id in hexadecimal as protobuf's bytes.
fn id(text: &Value) -> Option<String> {
    text.as_str().map(|text| base64(&bytes(text)))
}

/// The bytes of an id: what follows `tr-`, in hexadecimal; other ids of traces have none.
fn bytes(id: &str) -> Vec<u8> {
    let digits = id.strip_prefix("tr-").unwrap_or(id).as_bytes();
    let pair = |pair: &[u8]| {
        let text = std::str::from_utf8(pair).ok()?;
        u8::from_str_radix(text, 16).ok()
    };
    let found: Option<Vec<u8>> = digits.chunks(2).map(pair).collect();
    found.unwrap_or_default()
}

const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Bytes in base 64, as protobuf writes them in JSON.
pub(in crate::mlflow) fn base64(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let byte = |place: usize| u32::from(chunk.get(place).copied().unwrap_or(0));
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for place in 0..4 {
            let letter = LETTERS[(bits >> (18 - 6 * place) & 63) as usize];
            text.push(if place <= chunk.len() {
                char::from(letter)
            } else {
                '='
            });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_in_base_64() {
        for (bytes, text) in [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foobar", "Zm9vYmFy"),
        ] {
            assert_eq!(base64(bytes.as_bytes()), text);
        }
        assert_eq!(base64(&[0xff, 0xfe]), "//4=");
    }

    #[test]
    fn values_name_their_types() {
        let shown = any_value(&json!({"a": [1, 2.5, "x", null, true], "b": {}}));
        let expected = json!({"kvlist_value": {"values": [
            {"key": "a", "value": {"array_value": {"values": [
                {"int_value": 1}, {"double_value": 2.5}, {"string_value": "x"}, {}, {"bool_value": true},
            ]}}},
            {"key": "b", "value": {"kvlist_value": {"values": []}}},
        ]}});
        assert_eq!(shown, expected);
    }

    #[test]
    fn both_forms_of_a_span_say_the_same() {
        let span = Span {
            trace: format!("tr-{}", "0a".repeat(16)),
            id: "00000000000000ff".to_owned(),
            parent: None,
            name: "root".to_owned(),
            kind: Some("CHAIN".to_owned()),
            status: "ERROR".to_owned(),
            start_ns: 1,
            end_ns: Some(2),
            content: json!({
                "attributes": {"x": {"y": 1}}, "message": "broken",
                "events": [{"name": "e", "time_unix_nano": 2, "attributes": {"k": "v"}}],
                "links": [{"trace_id": "tr-00", "span_id": "01", "attributes": {}}],
            }),
        };
        let shown = wire(&span);
        assert_eq!(shown["trace_id"], "CgoKCgoKCgoKCgoKCgoKCg==");
        assert_eq!(shown["span_id"], "AAAAAAAAAP8=");
        assert_eq!(shown.get("parent_span_id"), None);
        assert_eq!(
            shown["status"],
            json!({"code": "STATUS_CODE_ERROR", "message": "broken"})
        );
        assert_eq!(
            shown["events"][0]["attributes"][0]["value"],
            json!({"string_value": "v"})
        );
        assert_eq!(
            shown["links"][0],
            json!({"trace_id": "AA==", "span_id": "AQ=="})
        );
        let file = file([&span].into_iter());
        let entry = &file["spans"][0];
        assert_eq!(entry["attributes"], json!({"x": "{\"y\":1}"}));
        assert_eq!(entry["parent_span_id"], Value::Null);
        assert_eq!(entry["status"]["code"], "STATUS_CODE_ERROR");
    }
}
