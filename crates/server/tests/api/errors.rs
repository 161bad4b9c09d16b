//! What is wrong is said in MLflow's form.

use reqwest::StatusCode;
use serde_json::json;

use crate::server::TestServer;

#[track_caller]
fn check(found: &(u16, String, String), status: u16, code: &str, words: &str) {
    assert_eq!((found.0, found.1.as_str()), (status, code), "{}", found.2);
    assert!(found.2.contains(words), "{}", found.2);
}

#[tokio::test]
async fn refusals_have_a_code_and_name_what_is_wrong() {
    let server = TestServer::start().await;
    let cases = [
        (
            "experiments/create",
            json!({}),
            400,
            "INVALID_PARAMETER_VALUE",
            "'name'",
        ),
        (
            "runs/create",
            json!({"experiment_id": "77"}),
            404,
            "RESOURCE_DOES_NOT_EXIST",
            "No Experiment with id=77 exists",
        ),
        (
            "runs/create",
            json!({"experiment_id": "x"}),
            400,
            "INVALID_PARAMETER_VALUE",
            "'x'",
        ),
        (
            "runs/delete",
            json!({"run_id": "../x"}),
            404,
            "RESOURCE_DOES_NOT_EXIST",
            "Run with id=../x not found",
        ),
        (
            "runs/delete",
            json!({"run_id": "0".repeat(32)}),
            404,
            "RESOURCE_DOES_NOT_EXIST",
            "not found",
        ),
        (
            "registered-models/create",
            json!({"name": "a/b"}),
            400,
            "INVALID_PARAMETER_VALUE",
            "`a/b`",
        ),
        (
            "runs/log-metric",
            json!({"run_id": "0".repeat(32), "key": "m", "value": "abc"}),
            400,
            "INVALID_PARAMETER_VALUE",
            "'value'",
        ),
        (
            "traces/none",
            json!({}),
            404,
            "ENDPOINT_NOT_FOUND",
            "traces/none",
        ),
    ];
    for (endpoint, body, status, code, words) in cases {
        check(&server.refused(endpoint, body).await, status, code, words);
    }
}

#[tokio::test]
async fn newer_and_older_prefixes_answer() {
    let server = TestServer::start().await;
    let (status, info) = server.get("/api/3.0/mlflow/server-info").await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(info["artifact_serving_enabled"], true);
    let (status, _) = server
        .get("/ajax-api/2.0/mlflow/experiments/get?experiment_id=0")
        .await;
    assert_eq!(status, StatusCode::OK);
    let (status, body) = server.get("/api/3.0/mlflow/none").await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    assert_eq!(body["error_code"], "ENDPOINT_NOT_FOUND");
}
