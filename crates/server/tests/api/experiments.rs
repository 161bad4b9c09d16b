//! `experiments/…`.

use serde_json::json;

use crate::server::{NOW, TestServer};

#[tokio::test]
async fn an_experiment_is_made_found_and_listed() {
    let server = TestServer::start().await;
    let body = json!({"name": "e", "tags": [{"key": "k", "value": "v"}]});
    let made = server.mlflow("experiments/create", body).await;
    assert_eq!(made, json!({"experiment_id": "1"}));
    let expected = json!({"experiment": {
        "experiment_id": "1", "name": "e", "artifact_location": "mlflow-artifacts:/1", "lifecycle_stage": "active",
        "creation_time": NOW, "last_update_time": NOW, "tags": [{"key": "k", "value": "v"}],
    }});
    for path in ["get?experiment_id=1", "get-by-name?experiment_name=e"] {
        let (_, found) = server
            .get(&format!("/api/2.0/mlflow/experiments/{path}"))
            .await;
        assert_eq!(found, expected, "{path}");
    }
    let all = server
        .mlflow("experiments/search", json!({"max_results": 10}))
        .await;
    let names: Vec<_> = all["experiments"].as_array().unwrap().iter().collect();
    assert_eq!(names.len(), 2, "{all}");
    assert_eq!(names[0]["name"], "e");
}

#[tokio::test]
async fn a_deleted_experiment_keeps_its_name() {
    let server = TestServer::start().await;
    server
        .mlflow("experiments/create", json!({"name": "e"}))
        .await;
    server
        .mlflow("experiments/delete", json!({"experiment_id": "1"}))
        .await;
    let (status, code, _) = server
        .refused("experiments/create", json!({"name": "e"}))
        .await;
    assert_eq!((status, code.as_str()), (400, "RESOURCE_ALREADY_EXISTS"));
    server
        .mlflow("experiments/restore", json!({"experiment_id": "1"}))
        .await;
    let body = json!({"experiment_id": "1", "new_name": "f"});
    server.mlflow("experiments/update", body).await;
    let found = server
        .mlflow(
            "experiments/search",
            json!({"filter": "name = 'f'", "max_results": 5}),
        )
        .await;
    assert_eq!(found["experiments"][0]["lifecycle_stage"], "active");
}
