//! Messages in, spans out.

use super::*;
use proto::{AnyValue, ExportRequest, KeyValue, Resource, ResourceSpans, ScopeSpans, Status};

fn any(value: proto::Value) -> AnyValue {
    AnyValue { value: Some(value) }
}

fn pair(key: &str, value: &str) -> KeyValue {
    let value = Some(any(proto::Value::Text(value.to_owned())));
    KeyValue {
        key: key.to_owned(),
        value,
    }
}

fn new_span(id: u8, parent: Option<u8>, attributes: Vec<KeyValue>) -> proto::Span {
    proto::Span {
        trace_id: vec![7; 16],
        id: vec![id; 8],
        parent_id: parent.map_or(Vec::new(), |parent| vec![parent; 8]),
        name: "step".to_owned(),
        start_time_unix_nano: 5,
        end_time_unix_nano: 9,
        attributes,
        ..proto::Span::default()
    }
}

fn request(resource: Vec<KeyValue>, spans: Vec<proto::Span>) -> ExportRequest {
    let scope_spans = vec![ScopeSpans { spans }];
    ExportRequest {
        resource_spans: vec![ResourceSpans {
            resource: Some(Resource {
                attributes: resource,
            }),
            scope_spans,
        }],
    }
}

#[test]
fn spans_of_a_trace_arrive_together() {
    let mut child = new_span(2, Some(1), vec![pair("session.id", "s")]);
    child.status = Some(Status {
        message: "no".to_owned(),
        code: 2,
    });
    let root = new_span(
        1,
        None,
        vec![
            pair(INPUTS, "question"),
            pair(KIND, "AGENT"),
            pair(TRACE_ID, "tr-of-another"),
            pair("mlflow.traceTag.team", "red"),
            pair("mlflow.traceTag.mlflow.artifactLocation", "file:///etc"),
        ],
    );
    let resource = vec![
        pair("service.name", "shop"),
        pair("telemetry.sdk.name", "x"),
        pair("mlflow.trace.spansLocation", "elsewhere"),
    ];
    let found = read(request(resource, vec![child, root])).unwrap();
    assert_eq!(found.len(), 1);
    let arrival = &found[0];
    assert_eq!(arrival.trace, format!("tr-{}", "07".repeat(16)));
    assert_eq!(arrival.state, Some(TraceState::Ok));
    assert_eq!(arrival.request_preview.as_deref(), Some("\"question\""));
    assert_eq!(arrival.response_preview, None);
    let tags = [("service.name", "shop"), ("team", "red")];
    let tags = tags.map(|(key, value)| (key.to_owned(), value.to_owned()));
    assert_eq!(arrival.tags, tags.into());
    assert_eq!(arrival.metadata["mlflow.trace.session"], "s");
    let [child, root] = &arrival.spans[..] else {
        panic!("two spans")
    };
    assert_eq!(
        (child.status.as_str(), root.status.as_str()),
        ("ERROR", "UNSET")
    );
    assert_eq!(child.parent.as_deref(), Some("0101010101010101"));
    assert_eq!(child.content["message"], "no");
    assert_eq!(root.kind.as_deref(), Some("AGENT"));
    assert_eq!(root.content["attributes"][TRACE_ID], arrival.trace);
    assert_eq!((root.start_ns, root.end_ns), (5, Some(9)));
}

#[test]
fn values_become_plain_json() {
    let of = |found| value(any(found));
    assert_eq!(of(proto::Value::Text("a\0b".to_owned())), "a\u{fffd}b");
    assert_eq!(of(proto::Value::Int(i64::MAX)), json!(i64::MAX));
    assert_eq!(of(proto::Value::Double(f64::NAN)), "NaN");
    assert_eq!(of(proto::Value::Bytes(vec![0xff])), "/w==");
    let list = proto::ArrayValue {
        values: vec![AnyValue::default(), any(proto::Value::Bool(true))],
    };
    assert_eq!(of(proto::Value::Array(list)), json!([null, true]));
    let pairs = proto::KeyValueList {
        values: vec![pair("k", "1"), pair("k", "2")],
    };
    assert_eq!(of(proto::Value::Pairs(pairs)), json!({"k": "2"}));
}

#[test]
fn long_requests_are_cut() {
    let shown = preview(&json!("ä".repeat(5000))).unwrap();
    assert_eq!(shown.chars().count(), MAX_PREVIEW);
    assert!(shown.ends_with("..."));
}

#[test]
fn ids_of_another_length_are_refused() {
    for (trace, span) in [(0, 8), (8, 8), (16, 0), (16, 9)] {
        let mut span_of = new_span(1, None, Vec::new());
        span_of.trace_id = vec![1; trace];
        span_of.id = vec![1; span];
        let error = read(request(Vec::new(), vec![span_of])).unwrap_err();
        assert!(error.message().contains("are expected"), "{error:?}");
    }
}
