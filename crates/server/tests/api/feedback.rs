//! `POST /feedback`.

use everloop_domain::{ModelName, RequestId, Value};
use reqwest::StatusCode;
use serde_json::json;

use crate::server::TestServer;

async fn labels(server: &TestServer, model: &str) -> Vec<Value> {
    let model: ModelName = model.parse().unwrap();
    let ids = [RequestId("a".into()), RequestId("7".into())];
    let read = server
        .metastore
        .read(move |tx| tx.labels().for_ids(&model, &ids));
    read.await
        .unwrap()
        .into_iter()
        .map(|(_, value)| value)
        .collect()
}

#[tokio::test]
async fn what_is_acknowledged_is_stored() {
    let server = TestServer::start().await;
    let body = json!({"labels": [{"id": "a", "label": 1}, {"id": 7, "label": 2.5}]});
    let (status, told) = server.post("/feedback", body.clone()).await;
    assert_eq!(
        (status, told),
        (StatusCode::OK, json!({"accepted": 2, "new": 2}))
    );
    assert_eq!(labels(&server, "bikes").await.len(), 2);
    let (_, told) = server.post("/feedback", body).await;
    assert_eq!(told, json!({"accepted": 2, "new": 0}));
    let other = json!({"id": "a", "label": true});
    server.post("/feedback?model=other", other).await;
    assert_eq!(labels(&server, "other").await, [Value::Boolean(true)]);
}

#[tokio::test]
async fn a_wrong_entry_is_named_and_nothing_is_stored() {
    let server = TestServer::start().await;
    let body = json!({"labels": [{"id": "a", "label": 1}, {"label": 2}]});
    let (status, told) = server.post("/feedback", body).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert_eq!(told["error"]["message"], "`labels[1]` has no `id`");
    assert!(labels(&server, "bikes").await.is_empty());
}
