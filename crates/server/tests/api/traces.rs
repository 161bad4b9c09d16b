//! `traces/…` and `/v1/traces`.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::server::{TestServer, answer};

const TRACE: &str = "tr-07070707070707070707070707070707";
const V3: &str = "/api/3.0/mlflow/traces";

/// A field of a protobuf message whose length stands before it.
fn field(number: u8, content: &[u8]) -> Vec<u8> {
    let mut bytes = vec![number << 3 | 2, content.len() as u8];
    bytes.extend(content);
    bytes
}

fn fixed(number: u8, value: u64) -> Vec<u8> {
    let mut bytes = vec![number << 3 | 1];
    bytes.extend(value.to_le_bytes());
    bytes
}

/// A request with one span, which has an attribute.
fn export(id: u8, parent: Option<u8>) -> Vec<u8> {
    let text = field(1, b"big");
    let attribute = [field(1, b"model"), field(2, &text)].concat();
    let span = [
        field(1, &[7; 16]),
        field(2, &[id; 8]),
        parent.map_or(Vec::new(), |parent| field(4, &[parent; 8])),
        field(5, b"step"),
        fixed(7, 5_000_000),
        fixed(8, 9_000_000),
        field(9, &attribute),
    ]
    .concat();
    field(1, &field(2, &field(2, &span)))
}

async fn send(server: &TestServer, headers: &[(&str, &str)], body: Vec<u8>) -> (StatusCode, Value) {
    let mut request = server.request(Method::POST, "/v1/traces").body(body);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    answer(request).await
}

const PROTOBUF: (&str, &str) = ("content-type", "application/x-protobuf");
const EXPERIMENT: (&str, &str) = ("x-mlflow-experiment-id", "0");

/// A trace, told by its client.
async fn start(server: &TestServer, id: &str, stats: &str) -> Value {
    let body = json!({"trace": {"trace_info": {
        "trace_id": id, "trace_location": {"type": "MLFLOW_EXPERIMENT", "mlflow_experiment": {"experiment_id": "0"}},
        "request_time": "2025-01-01T00:00:00Z", "execution_duration": "1.5s", "state": "OK", "tags": {"k": "v"},
        "trace_metadata": {"mlflow.trace.sizeStats": stats},
    }}});
    let (status, made) = server.post(V3, body).await;
    assert_eq!(status, StatusCode::OK, "{made}");
    made["trace"]["trace_info"].clone()
}

#[tokio::test]
async fn spans_of_other_clients_become_a_trace() {
    let server = TestServer::start().await;
    let (status, said) = send(&server, &[PROTOBUF, EXPERIMENT], export(1, None)).await;
    assert_eq!((status, said), (StatusCode::OK, json!("")));
    let (_, found) = server.get(&format!("{V3}/get?trace_id={TRACE}")).await;
    let info = &found["trace"]["trace_info"];
    assert_eq!(info["request_time"], "1970-01-01T00:00:00.005Z");
    assert_eq!(
        (&info["execution_duration"], &info["state"]),
        (&json!("0.004s"), &json!("OK"))
    );
    let span = &found["trace"]["spans"][0];
    assert_eq!(span["trace_id"], "BwcHBwcHBwcHBwcHBwcHBw==");
    assert_eq!(
        span["attributes"][0],
        json!({"key": "model", "value": {"string_value": "big"}})
    );
    let path = format!("/ajax-api/3.0/mlflow/get-trace-artifact?request_id={TRACE}");
    let (_, file) = server.get(&path).await;
    let attributes = &file["spans"][0]["attributes"];
    assert_eq!(attributes["model"], "\"big\"");
    assert_eq!(attributes["mlflow.traceRequestId"], format!("\"{TRACE}\""));
}

#[tokio::test]
async fn a_trace_is_not_shown_before_all_its_spans_have_come() {
    let server = TestServer::start().await;
    send(&server, &[PROTOBUF, EXPERIMENT], export(1, None)).await;
    let info = start(&server, TRACE, "{\"num_spans\": 2}").await;
    assert_eq!(info["execution_duration"], "1.500s");
    assert_eq!(info["tags"]["mlflow.trace.spansLocation"], "TRACKING_STORE");
    let batch = format!("{V3}/batchGet?trace_ids={TRACE}&trace_ids=tr-9");
    assert_eq!(server.get(&batch).await.1, json!({}));
    let partial = format!("{V3}/get?trace_id={TRACE}&allow_partial=true");
    let (_, found) = server.get(&partial).await;
    assert_eq!(found["trace"]["spans"].as_array().unwrap().len(), 1);
    let late = async {
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        send(&server, &[PROTOBUF, EXPERIMENT], export(2, Some(1))).await
    };
    let path = format!("{V3}/get?trace_id={TRACE}");
    let ((status, found), _) = tokio::join!(server.get(&path), late);
    assert_eq!(status, StatusCode::OK, "{found}");
    assert_eq!(found["trace"]["spans"].as_array().unwrap().len(), 2);
    let (_, batch) = server.get(&batch).await;
    assert_eq!(batch["traces"].as_array().unwrap().len(), 1);
    let body = json!({"trace_ids": [TRACE], "experiment_ids": ["1"]});
    let elsewhere = server.post(&format!("{V3}/batchGetInfos"), body).await;
    assert_eq!(elsewhere.1, json!({}));
}

#[tokio::test]
async fn what_is_no_export_is_refused() {
    let server = TestServer::start().await;
    let whole = export(1, None);
    let json_type = ("content-type", "application/json");
    let absent = ("x-mlflow-experiment-id", "77");
    let gzip = ("content-encoding", "gzip");
    for (headers, body, expected, words) in [
        (
            vec![json_type, EXPERIMENT],
            whole.clone(),
            400,
            "Invalid Content-Type",
        ),
        (vec![PROTOBUF], whole.clone(), 400, "x-mlflow-experiment-id"),
        (
            vec![PROTOBUF, EXPERIMENT],
            vec![0xff; 9],
            400,
            "Invalid OpenTelemetry format",
        ),
        (
            vec![PROTOBUF, EXPERIMENT],
            Vec::new(),
            400,
            "no spans found",
        ),
        (
            vec![PROTOBUF, EXPERIMENT, gzip],
            whole.clone(),
            400,
            "Failed to decompress gzip",
        ),
        (
            vec![PROTOBUF, absent],
            whole.clone(),
            404,
            "No Experiment with id=77 exists",
        ),
    ] {
        let (status, said) = send(&server, &headers, body).await;
        assert_eq!(status.as_u16(), expected, "{words}: {said}");
        assert!(said["message"].as_str().unwrap().contains(words), "{said}");
    }
    let (status, _) = server.get(&format!("{V3}/{TRACE}")).await;
    assert_eq!(status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn files_of_a_trace_are_where_the_server_says_and_go_with_it() {
    let server = TestServer::start().await;
    let info = start(&server, "tr-1", "").await;
    let place = "mlflow-artifacts:/0/traces/tr-1/artifacts";
    assert_eq!(info["tags"]["mlflow.artifactLocation"], place);
    let path = "/api/2.0/mlflow-artifacts/artifacts/0/traces/tr-1/artifacts/traces.json";
    let put = server.request(Method::PUT, path).body(r#"{"spans": []}"#);
    assert_eq!(answer(put).await.0, StatusCode::OK);
    let read = "/ajax-api/2.0/mlflow/get-trace-artifact?request_id=tr-1";
    assert_eq!(server.get(read).await.1, json!({"spans": []}));
    let outside = server.get(&format!("{read}&path=../../x")).await;
    assert_eq!(outside.0, StatusCode::BAD_REQUEST);
    for key in ["mlflow.artifactLocation", "mlflow.trace.spansLocation"] {
        let body = json!({"key": key, "value": "file:///etc"});
        let tag = server
            .request(Method::PATCH, &format!("{V3}/tr-1/tags"))
            .json(&body);
        let (status, said) = answer(tag).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{said}");
    }
    let body = json!({"experiment_id": "0", "request_ids": ["tr-1", "tr-2"]});
    let gone = server.mlflow("traces/delete-traces", body).await;
    assert_eq!(gone, json!({"traces_deleted": 1}));
    assert_eq!(server.get(read).await.0, StatusCode::NOT_FOUND);
    assert_eq!(server.get(path).await.0, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn wrong_requests_are_refused_with_a_reason() {
    let server = TestServer::start().await;
    let locations = json!([{"mlflow_experiment": {"experiment_id": "0"}}]);
    for (path, body, words) in [
        ("", json!({}), "'trace'"),
        (
            "",
            json!({"trace": {"trace_info": {"trace_id": "../x"}}}),
            "is no id of a trace",
        ),
        ("/search", json!({}), "'locations'"),
        (
            "/search",
            json!({"locations": locations, "max_results": 501}),
            "501",
        ),
        (
            "/delete-traces",
            json!({"experiment_id": "0"}),
            "Either `max_timestamp_millis`",
        ),
        (
            "/delete-traces",
            json!({"experiment_id": "0", "max_timestamp_millis": 1, "request_ids": ["a"]}),
            "Only one of",
        ),
        (
            "/delete-traces",
            json!({"experiment_id": "0", "max_timestamp_millis": 1, "max_traces": 0}),
            "positive integer",
        ),
        (
            "/link-to-run",
            json!({"trace_ids": vec!["x"; 101]}),
            "more than 100",
        ),
        (
            "/tr-1/assessments",
            json!({"assessment": {"assessment_name": "x"}}),
            "Exactly one of",
        ),
    ] {
        let (status, said) = server.post(&format!("{V3}{path}"), body).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{path}: {said}");
        assert!(said["message"].as_str().unwrap().contains(words), "{said}");
    }
}

#[tokio::test]
async fn an_assessment_is_changed_where_the_mask_says() {
    let server = TestServer::start().await;
    start(&server, "tr-1", "").await;
    let given = json!({"assessment": {
        "assessment_name": "f", "source": {"source_type": "HUMAN", "source_id": "u"}, "feedback": {"value": 5.0},
        "create_time": "2025-01-01T00:00:00Z", "last_update_time": "2025-01-01T00:00:00Z",
    }});
    let path = format!("{V3}/tr-1/assessments");
    let (_, made) = server.post(&path, given).await;
    let made = &made["assessment"];
    assert_eq!(
        (&made["feedback"], &made["valid"]),
        (&json!({"value": 5}), &json!(true))
    );
    let path = format!("{path}/{}", made["assessment_id"].as_str().unwrap());
    let change = |mask: &str, fields: Value| {
        let body = json!({"assessment": fields, "update_mask": mask});
        answer(server.request(Method::PATCH, &path).json(&body))
    };
    let fields = json!({"assessment_name": "g", "feedback": {"value": "x"}, "rationale": "r"});
    let (_, changed) = change("assessmentName,rationale", fields.clone()).await;
    let changed = &changed["assessment"];
    assert_eq!(
        (&changed["assessment_name"], &changed["rationale"]),
        (&json!("g"), &json!("r"))
    );
    assert_eq!(changed["feedback"], json!({"value": 5}));
    let (status, said) = change("expectation", json!({"expectation": {"value": 1}})).await;
    assert_eq!(status, StatusCode::BAD_REQUEST, "{said}");
    assert_eq!(
        server.get(&path).await.1["assessment"]["assessment_name"],
        "g"
    );
    let delete = || answer(server.request(Method::DELETE, &path));
    assert_eq!(delete().await, (StatusCode::OK, json!({})));
    assert_eq!(delete().await, (StatusCode::OK, json!({})));
    assert_eq!(server.get(&path).await.0, StatusCode::NOT_FOUND);
}

/// As clients of MLflow 2 do: a trace begins, gets its files, and ends.
#[tokio::test]
async fn a_trace_of_an_older_client_begins_and_ends() {
    let server = TestServer::start().await;
    let pairs = |key: &str| json!([{"key": key, "value": "1"}]);
    let body = json!({"experiment_id": "0", "timestamp_ms": 1000, "request_metadata": pairs("m"), "tags": pairs("t")});
    let made = server.mlflow("traces", body).await;
    let info = &made["trace_info"];
    assert_eq!(info["status"], "IN_PROGRESS");
    let id = info["request_id"].as_str().unwrap();
    let path = format!("/api/2.0/mlflow/traces/{id}");
    let body = json!({"timestamp_ms": 1500, "status": "ERROR", "tags": pairs("u")});
    let (_, ended) = answer(server.request(Method::PATCH, &path).json(&body)).await;
    let ended = &ended["trace_info"];
    assert_eq!(
        (&ended["status"], &ended["execution_time_ms"]),
        (&json!("ERROR"), &json!(500))
    );
    let (_, read) = server.get(&format!("{path}/info")).await;
    assert_eq!(&read["trace_info"], ended);
    assert_eq!(ended["request_metadata"], pairs("m"));
    let search =
        "/api/2.0/mlflow/traces?experiment_ids=0&filter=tags.u%20=%20%271%27&max_results=5";
    let (_, found) = server.get(search).await;
    assert_eq!(found["traces"][0], *ended);
    let (status, said) = server.get("/api/2.0/mlflow/traces").await;
    assert_eq!(status, StatusCode::BAD_REQUEST, "{said}");
}

#[tokio::test]
async fn what_is_not_there_is_named_and_not_taken_for_an_id() {
    let server = TestServer::start().await;
    for path in ["calculate-filter-correlation", "metrics", "no-such"] {
        let (status, said) = server.post(&format!("{V3}/{path}"), json!({})).await;
        assert_eq!(status, StatusCode::NOT_FOUND, "{said}");
        assert_eq!(said["error_code"], "ENDPOINT_NOT_FOUND");
        assert!(said["message"].as_str().unwrap().contains(path), "{said}");
    }
    let (status, said) = server.get(&format!("{V3}/tr-9")).await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    assert_eq!(said["message"], "Trace with ID 'tr-9' not found.");
}
