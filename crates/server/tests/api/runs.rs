//! `runs/…` and `metrics/…`.

use serde_json::{Value, json};

use crate::server::TestServer;

async fn run(server: &TestServer) -> String {
    let body = json!({"experiment_id": "0", "run_name": "r", "start_time": 5});
    let made = server.mlflow("runs/create", body).await;
    made["run"]["info"]["run_id"].as_str().unwrap().to_owned()
}

async fn found(server: &TestServer, id: &str) -> Value {
    let (_, found) = server
        .get(&format!("/api/2.0/mlflow/runs/get?run_id={id}"))
        .await;
    found["run"].clone()
}

#[tokio::test]
async fn a_run_keeps_what_was_logged() {
    let server = TestServer::start().await;
    let id = run(&server).await;
    let batch = json!({
        "run_id": id,
        "metrics": [
            {"key": "m", "value": "NaN", "timestamp": 9, "step": "2"},
            {"key": "m", "value": 0.5, "timestamp": 1, "step": 1},
        ],
        "params": [{"key": "p", "value": "1"}],
        "tags": [{"key": "t", "value": "v"}],
    });
    server.mlflow("runs/log-batch", batch).await;
    let dataset = json!({"name": "d", "digest": "x", "source_type": "local", "source": "{}", "profile": "{}"});
    let tags = json!([{"key": "mlflow.data.context", "value": "train"}]);
    let inputs = json!({"run_id": id, "datasets": [{"tags": tags, "dataset": dataset}]});
    server.mlflow("runs/log-inputs", inputs).await;
    let end = json!({"run_id": id, "status": "FINISHED", "end_time": 9});
    server.mlflow("runs/update", end).await;
    let expected = json!({
        "info": {
            "run_uuid": id, "run_id": id, "run_name": "r", "experiment_id": "0", "user_id": "", "status": "FINISHED",
            "start_time": 5, "end_time": 9, "artifact_uri": format!("mlflow-artifacts:/0/{id}/artifacts"),
            "lifecycle_stage": "active",
        },
        "data": {
            "metrics": [{"key": "m", "value": "NaN", "timestamp": 9, "step": 2}],
            "params": [{"key": "p", "value": "1"}],
            "tags": [{"key": "mlflow.runName", "value": "r"}, {"key": "t", "value": "v"}],
        },
        "inputs": {"dataset_inputs": [{"tags": tags, "dataset": dataset}]},
        "outputs": {},
    });
    assert_eq!(found(&server, &id).await, expected);
    let path = format!("/api/2.0/mlflow/metrics/get-history?run_id={id}&metric_key=m");
    let (_, history) = server.get(&path).await;
    assert_eq!(history["metrics"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn a_batch_is_kept_whole_or_not_at_all() {
    let server = TestServer::start().await;
    let id = run(&server).await;
    let param = json!({"run_id": id, "key": "p", "value": "1"});
    server.mlflow("runs/log-parameter", param).await;
    let batch = json!({
        "run_id": id, "metrics": [{"key": "m", "value": 1, "timestamp": 1}], "params": [{"key": "p", "value": "2"}],
    });
    let (status, code, message) = server.refused("runs/log-batch", batch).await;
    assert_eq!((status, code.as_str()), (400, "INVALID_PARAMETER_VALUE"));
    assert!(message.contains("'old_value': '1'"), "{message}");
    assert_eq!(found(&server, &id).await["data"]["metrics"], Value::Null);
}

#[tokio::test]
async fn runs_are_found_page_by_page() {
    let server = TestServer::start().await;
    for _ in 0..3 {
        run(&server).await;
    }
    let mut body = json!({"experiment_ids": ["0"], "max_results": 2});
    let first = server.mlflow("runs/search", body.clone()).await;
    assert_eq!(first["runs"].as_array().unwrap().len(), 2);
    body["page_token"] = first["next_page_token"].clone();
    let second = server.mlflow("runs/search", body).await;
    assert_eq!(second["runs"].as_array().unwrap().len(), 1);
    assert_eq!(second["next_page_token"], Value::Null);
}

#[tokio::test]
async fn filters_and_orders_are_refused_not_ignored() {
    let server = TestServer::start().await;
    for body in [
        json!({"experiment_ids": ["0"], "filter": "metrics.m > '0'"}),
        json!({"experiment_ids": ["0"], "filter": "metrics.m > 0 or metrics.n > 0"}),
        json!({"experiment_ids": ["0"], "order_by": ["metrics.m UP"]}),
        json!({"experiment_ids": ["0"], "max_results": 0}),
    ] {
        let (status, code, _) = server.refused("runs/search", body).await;
        assert_eq!((status, code.as_str()), (400, "INVALID_PARAMETER_VALUE"));
    }
}

#[tokio::test]
async fn nothing_is_written_to_a_deleted_run() {
    let server = TestServer::start().await;
    let id = run(&server).await;
    server.mlflow("runs/delete", json!({"run_id": id})).await;
    let tag = json!({"run_id": id, "key": "t", "value": "v"});
    let (status, _, message) = server.refused("runs/set-tag", tag.clone()).await;
    assert_eq!(status, 400);
    assert!(
        message.contains("must be in the 'active' state"),
        "{message}"
    );
    server.mlflow("runs/restore", json!({"run_id": id})).await;
    server.mlflow("runs/set-tag", tag).await;
}
