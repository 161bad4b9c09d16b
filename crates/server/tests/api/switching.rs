//! What is served follows the alias `champion`.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, RecordBatch};
use everloop_domain::{ModelName, Task, Timestamp, VersionNumber};
use everloop_metastore::NewVersion;
use everloop_package::graph::GraphBuilder;
use everloop_package::{Kind, NewPackage};
use reqwest::StatusCode;
use serde_json::json;

use crate::server::{NOW, TestServer};

/// A package of `x + offset`.
fn package(server: &TestServer, offset: f64) -> PathBuf {
    let mut builder = GraphBuilder::new();
    let x = builder.input("x", Kind::Number);
    let x = builder.column_matrix(&[x]);
    let sum = builder.linear(&x, &[1.0], &[offset]);
    let graph = builder.finish_regression(&sum).unwrap();
    let column = |name: &str, value: f64| {
        let values: ArrayRef = Arc::new(Float64Array::from(vec![value]));
        RecordBatch::try_from_iter([(name.to_owned(), values)]).unwrap()
    };
    let rows = column("x", 1.0);
    let new = NewPackage {
        graph: &graph,
        task: Task::Regression,
        classes: &[],
        name: "bikes",
        input_example: &rows,
        metadata: BTreeMap::new(),
    };
    let dir = server.dir().join(format!("package-{offset}"));
    everloop_package::write(&dir, &new, &rows, &column("prediction", 1.0 + offset)).unwrap();
    dir
}

async fn promote(server: &TestServer, source: PathBuf) -> VersionNumber {
    let name: ModelName = "bikes".parse().unwrap();
    let now = Timestamp::from_millis(NOW);
    let work = move |tx: &everloop_metastore::Transaction<'_>| {
        tx.models().ensure(&name, now)?;
        let version = tx.models().create_version(&NewVersion {
            name: name.clone(),
            source: source.display().to_string(),
            run_id: None,
            model_id: None,
            tags: BTreeMap::new(),
            description: None,
            now,
        })?;
        tx.models().set_alias(&name, "champion", version, now)?;
        Ok(version)
    };
    let version = server.metastore.write(work).await.unwrap();
    server.running.reconcile().await.unwrap();
    version
}

async fn ask(server: &TestServer) -> (StatusCode, serde_json::Value) {
    let body = json!({"dataframe_records": [{"x": 1.0}]});
    let (status, answer) = server.post("/invocations", body).await;
    (status, answer["predictions"].clone())
}

#[tokio::test]
async fn a_moved_alias_is_served_and_a_broken_version_is_not() {
    let server = TestServer::start().await;
    assert!(!ask(&server).await.0.is_success());
    promote(&server, package(&server, 10.0)).await;
    assert_eq!(ask(&server).await.1, json!([11.0]));
    promote(&server, package(&server, 20.0)).await;
    assert_eq!(ask(&server).await.1, json!([21.0]));
    promote(&server, server.dir().join("nothing")).await;
    assert_eq!(ask(&server).await.1, json!([21.0]));
    let (_, found) = server.get("/api/v1/models").await;
    let model = &found["models"][0];
    assert_eq!(model["served_version"], 2);
    assert_eq!(model["aliases"]["champion"], 3);
    assert_eq!(model["versions"][0]["version"], 3);
}
