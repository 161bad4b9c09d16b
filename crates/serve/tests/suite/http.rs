//! Both protocols over HTTP, and what the log keeps of them.

use std::fmt::Write as _;

use arrow::array::AsArray as _;
use arrow::record_batch::RecordBatch;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use crate::server::Server;

const JSON: (&str, &str) = ("content-type", "application/json");

fn row(a: &str) -> String {
    format!(r#"{{"a": {a}, "n": 2, "t": "red", "b": true}}"#)
}

#[tokio::test]
async fn invocations() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::usual(dir.path()).await;
    let mut transcript = String::new();
    let requests = [
        ("/invocations", format!(r#"{{"dataframe_records": [{}, {}]}}"#, row("1.25"), row("null"))),
        ("/invocations", r#"{"dataframe_split": {"columns": ["key", "b", "t", "n", "a"], "data": [[17, false, "blue", -1, 0.5]]}}"#.to_owned()),
        ("/invocations", r#"{"instances": [[1, 2, "x", 0]]}"#.to_owned()),
        ("/invocations", r#"{"inputs": {"a": [1, NaN], "n": [0, 0], "t": ["x", null], "b": [false, false]}, "params": {"k": 1}}"#.to_owned()),
        ("/invocations", r#"{"inputs": []}"#.to_owned()),
        ("/invocations?model=classifier", format!(r#"{{"dataframe_records": [{}]}}"#, row("-5"))),
        ("/invocations?model=other", "{}".to_owned()),
        ("/invocations?model=../etc", "{}".to_owned()),
        ("/invocations", r#"{"dataframe_records": [{"a": 1, "n": 2}]}"#.to_owned()),
        ("/invocations", r#"{"dataframe_records": [{"a": "one", "n": 2, "t": "", "b": true}]}"#.to_owned()),
        ("/invocations", r#"{"dataframe_records": [{"a": 1, "n": 2.5, "t": "", "b": true}]}"#.to_owned()),
        ("/invocations", r#"{"dataframe_records": [{"a": 1, "n": null, "t": "", "b": true}]}"#.to_owned()),
        ("/invocations", "{".to_owned()),
    ];
    for (path, body) in requests {
        let answer = server
            .post(path, &[JSON, ("x-request-id", "r")], body.clone())
            .await;
        let version = answer.version.unwrap_or_default();
        writeln!(
            transcript,
            "{path} {body}\n  => {} v{version} {}",
            answer.status, answer.text
        )
        .unwrap();
    }
    let csv = server
        .post(
            "/invocations",
            &[("content-type", "text/csv; charset=utf-8")],
            "key,a,n,t,b\nk1,1,2,red,True\nk2,,0,,false\n",
        )
        .await;
    writeln!(transcript, "csv\n  => {} {}", csv.status, csv.text).unwrap();
    insta::assert_snapshot!(transcript);
}

#[tokio::test]
async fn open_inference() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::usual(dir.path()).await;
    let mut transcript = String::new();
    for path in [
        "/v2",
        "/v2/health/live",
        "/v2/health/ready",
        "/v2/models/classifier",
        "/v2/models/sum/versions/3",
        "/v2/models/sum/ready",
        "/v2/models/sum/versions/3/ready",
        "/v2/models/sum/versions/2",
        "/v2/models/none/ready",
    ] {
        let answer = server.get(path).await;
        writeln!(
            transcript,
            "GET {path}\n  => {} {}",
            answer.status, answer.text
        )
        .unwrap();
    }
    let tensors = r#"{"name": "a", "shape": [2], "datatype": "FP64", "data": [1.5, null]},
        {"name": "n", "shape": [2, 1], "datatype": "INT64", "data": [[1], [2]]},
        {"name": "t", "shape": [2], "datatype": "BYTES", "data": ["red", ""]},
        {"name": "b", "shape": [2], "datatype": "BOOL", "data": [true, false]}"#;
    for (path, body) in [
        (
            "/v2/models/sum/infer",
            format!(r#"{{"id": "q", "inputs": [{tensors}]}}"#),
        ),
        (
            "/v2/models/classifier/versions/1/infer",
            format!(r#"{{"inputs": [{tensors}], "outputs": [{{"name": "probability"}}]}}"#),
        ),
        (
            "/v2/models/sum/infer",
            format!(r#"{{"inputs": [{tensors}], "outputs": [{{"name": "nothing"}}]}}"#),
        ),
        (
            "/v2/models/sum/infer",
            r#"{"inputs": [{"name": "a", "shape": [1], "datatype": "FP64", "data": [1]}]}"#
                .to_owned(),
        ),
        ("/v2/models/sum/infer", "nonsense".to_owned()),
        ("/v2/models/sum/versions/9/infer", "{}".to_owned()),
    ] {
        let answer = server
            .post(path, &[JSON, ("x-request-id", "r")], body)
            .await;
        writeln!(
            transcript,
            "POST {path}\n  => {} {}",
            answer.status, answer.text
        )
        .unwrap();
    }
    let binary = [("inference-header-content-length", "10")];
    let answer = server.post("/v2/models/sum/infer", &binary, "x").await;
    writeln!(transcript, "binary\n  => {} {}", answer.status, answer.text).unwrap();
    // Digests here are of fixed texts, see `server::set`.
    insta::assert_snapshot!(transcript);
}

#[tokio::test]
async fn the_log_keeps_answers_and_failures() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::usual(dir.path()).await;
    let keyed = r#"{"dataframe_records": [{"key": 17, "a": 1, "n": 2, "t": "red", "b": true}, {"key": null, "a": NaN, "n": 0, "t": null, "b": false}]}"#;
    assert_eq!(
        server.invoke(keyed).await.json()["ids"],
        serde_json::json!(["17", "r-1"])
    );
    let wrong = r#"{"dataframe_records": [{"key": 18, "a": "x", "n": 2, "t": "red", "b": true}]}"#;
    assert_eq!(server.invoke(wrong).await.status, 400);
    assert_eq!(server.invoke("{").await.status, 400);
    server.serving.flush().await.unwrap();

    let rows = logged(&dir.path().join("log/sum/day=2025-10-09"));
    let ids: Vec<&str> = rows["_id"].as_string::<i32>().iter().flatten().collect();
    assert_eq!(ids, ["17", "r-1", "18", "r"]);
    let statuses: Vec<&str> = rows["_status"]
        .as_string::<i32>()
        .iter()
        .flatten()
        .collect();
    assert_eq!(statuses, ["ok", "ok", "invalid", "invalid"]);
    let predictions = rows["_prediction"].as_primitive::<arrow::datatypes::Float64Type>();
    assert_eq!(
        predictions.iter().collect::<Vec<_>>(),
        [Some(1121.0), Some(0.5), None, None]
    );
    let a = rows["a"].as_primitive::<arrow::datatypes::Float64Type>();
    assert!(
        a.value(0) == 1.0 && a.value(1).is_nan() && a.iter().skip(2).all(|value| value.is_none())
    );
    assert_eq!(rows["t"].as_string::<i32>().value(1), "");

    let text = server.get("/metrics").await.text;
    for line in [
        "everloop_serve_requests_total{model=\"sum\",status=\"ok\"} 1",
        "everloop_serve_requests_total{model=\"sum\",status=\"invalid\"} 2",
        "everloop_serve_log_written_total 4",
    ] {
        assert!(text.contains(line), "{line} in\n{text}");
    }
}

/// The rows of the only file in a directory.
fn logged(dir: &std::path::Path) -> RecordBatch {
    let files: Vec<_> = std::fs::read_dir(dir).unwrap().flatten().collect();
    assert_eq!(files.len(), 1);
    let file = std::fs::File::open(files[0].path()).unwrap();
    let mut reader = ParquetRecordBatchReaderBuilder::try_new(file)
        .unwrap()
        .build()
        .unwrap();
    reader.next().unwrap().unwrap()
}

#[tokio::test]
async fn every_row_has_an_id_of_its_own() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::usual(dir.path()).await;
    let body = format!(r#"{{"dataframe_records": [{}, {}]}}"#, row("1"), row("2"));
    let mut ids = std::collections::BTreeSet::new();
    for _ in 0..20 {
        let answer = server
            .post("/invocations", &[JSON], body.clone())
            .await
            .json();
        ids.extend(
            answer["ids"]
                .as_array()
                .unwrap()
                .iter()
                .map(ToString::to_string),
        );
    }
    assert_eq!(ids.len(), 40);
    let long = "x".repeat(10_000);
    let answer = server
        .post("/invocations", &[JSON, ("x-request-id", &long)], body)
        .await
        .json();
    assert!(
        answer["ids"][0].as_str().unwrap().len() < 100,
        "an id of a caller is bounded"
    );
}

#[tokio::test]
async fn a_server_without_models_lives_but_is_not_ready() {
    let serving =
        everloop_serve::Serving::new(everloop_serve::Models::new(), crate::server::clock());
    let server = Server::start(serving).await;
    assert_eq!(server.get("/ping").await.status, 200);
    assert_eq!(server.get("/health").await.text, "OK");
    assert_eq!(server.get("/v2/health/live").await.status, 200);
    assert_eq!(server.get("/v2/health/ready").await.status, 503);
    let answer = server.invoke("{}").await;
    assert_eq!(
        (answer.status, answer.text.as_str()),
        (
            404,
            r#"{"error_code":"RESOURCE_DOES_NOT_EXIST","message":"no model is served yet"}"#
        )
    );
}
