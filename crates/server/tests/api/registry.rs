//! `logged-models/…`, `registered-models/…`, `model-versions/…`.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::server::{TestServer, answer};

async fn logged_model(server: &TestServer) -> String {
    let body = json!({"experiment_id": "0", "name": "m"});
    let made = server.mlflow("logged-models", body).await;
    made["model"]["info"]["model_id"]
        .as_str()
        .unwrap()
        .to_owned()
}

#[tokio::test]
async fn a_logged_model_becomes_ready() {
    let server = TestServer::start().await;
    let id = logged_model(&server).await;
    let path = format!("/api/2.0/mlflow/logged-models/{id}");
    let body = json!({"model_id": id, "status": "LOGGED_MODEL_READY"});
    let (status, ready) = answer(server.request(Method::PATCH, &path).json(&body)).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(ready["model"]["info"]["status"], "LOGGED_MODEL_READY");
    assert_eq!(
        ready["model"]["info"]["artifact_uri"],
        format!("mlflow-artifacts:/0/models/{id}/artifacts")
    );
    let search = json!({"experiment_ids": ["0"], "filter": "name = 'm'"});
    let found = server.mlflow("logged-models/search", search).await;
    assert_eq!(found["models"][0]["info"]["model_id"], *id);
}

#[tokio::test]
async fn a_version_is_found_by_its_alias() {
    let server = TestServer::start().await;
    let id = logged_model(&server).await;
    server
        .mlflow("registered-models/create", json!({"name": "R"}))
        .await;
    let again = server
        .refused("registered-models/create", json!({"name": "R"}))
        .await;
    assert_eq!(again.1, "RESOURCE_ALREADY_EXISTS");
    let body = json!({"name": "R", "source": format!("models:/{id}"), "model_id": id});
    let made = server.mlflow("model-versions/create", body).await;
    assert_eq!(made["model_version"]["version"], "1");
    let alias = json!({"name": "R", "alias": "best", "version": "1"});
    server.mlflow("registered-models/alias", alias).await;
    let path = "/api/2.0/mlflow/registered-models/alias?name=R&alias=best";
    let (_, found) = server.get(path).await;
    assert_eq!(found["model_version"]["aliases"], json!(["best"]));
    let path = "/api/2.0/mlflow/model-versions/get-download-uri?name=R&version=1";
    let (_, uri) = server.get(path).await;
    assert_eq!(
        uri,
        json!({"artifact_uri": format!("mlflow-artifacts:/0/models/{id}/artifacts")})
    );
    let path = "/api/2.0/mlflow/registered-models/alias?name=R&alias=Latest";
    let (_, found) = server.get(path).await;
    assert_eq!(found["model_version"]["version"], "1");
    let path = "/api/2.0/mlflow/registered-models/alias?name=R&alias=none";
    let (status, absent) = server.get(path).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert_eq!(absent["message"], "Registered model alias none not found.");
}

/// A version is loaded, and loading may run code: only what was uploaded here may become one.
#[tokio::test]
async fn sources_outside_the_named_run_are_refused() {
    let server = TestServer::start().await;
    let id = logged_model(&server).await;
    server
        .mlflow("registered-models/create", json!({"name": "R"}))
        .await;
    let other = logged_model(&server).await;
    for source in [
        "/etc".to_owned(),
        "file:///etc".to_owned(),
        "s3://bucket/../model".to_owned(),
        "https://host/%2e%2e/model".to_owned(),
        "file:///etc?x=/0/models".to_owned(),
        "mlflow-artifacts:/0/models/../../etc".to_owned(),
        "mlflow-artifacts:/0".to_owned(),
        format!("models:/{other}"),
        format!("runs:/{}/model", "0".repeat(32)),
    ] {
        let body = json!({"name": "R", "source": source, "model_id": id});
        let (status, code, _) = server.refused("model-versions/create", body).await;
        assert_eq!(
            (status, code.as_str()),
            (400, "INVALID_PARAMETER_VALUE"),
            "{source}"
        );
    }
    // A prompt has no files: its source may mean nothing, but lead nowhere else either.
    let tags = json!([{"key": "mlflow.prompt.is_prompt", "value": "true"}]);
    for source in ["/etc", "mlflow-artifacts:/0", "../x"] {
        let body = json!({"name": "R", "source": source, "tags": tags});
        let (status, _, words) = server.refused("model-versions/create", body).await;
        assert_eq!(status, 400, "{source}: {words}");
    }
    let (_, versions) = server.get("/api/2.0/mlflow/model-versions/search").await;
    assert_eq!(versions["model_versions"], Value::Null);
    let prompt = json!({"name": "R", "source": "dummy-source", "tags": tags});
    server.mlflow("model-versions/create", prompt).await;
}
