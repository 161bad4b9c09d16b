//! The life of registered models: descriptions, stages, new names, deletion.

use reqwest::Method;
use serde_json::{Value, json};

use super::server::{TestServer, answer};

async fn call(server: &TestServer, method: Method, endpoint: &str, body: Value) -> (u16, Value) {
    let path = format!("/api/2.0/mlflow/{endpoint}");
    let (status, found) = answer(server.request(method, &path).json(&body)).await;
    (status.as_u16(), found)
}

/// A model with three versions.
async fn model(server: &TestServer) {
    server
        .mlflow("registered-models/create", json!({"name": "M"}))
        .await;
    for _ in 0..3 {
        let body = json!({"name": "M", "source": "s3://bucket/model"});
        server.mlflow("model-versions/create", body).await;
    }
}

#[tokio::test]
async fn stages_move_and_archive_others() {
    let server = TestServer::start().await;
    model(&server).await;
    let to = |version: &str, stage: &str, archives: bool| json!({"name": "M", "version": version, "stage": stage, "archive_existing_versions": archives});
    server
        .mlflow(
            "model-versions/transition-stage",
            to("1", "production", false),
        )
        .await;
    let moved = server
        .mlflow(
            "model-versions/transition-stage",
            to("2", "Production", true),
        )
        .await;
    assert_eq!(moved["model_version"]["current_stage"], "Production");
    let (_, first) = server
        .get("/api/2.0/mlflow/model-versions/get?name=M&version=1")
        .await;
    assert_eq!(first["model_version"]["current_stage"], "Archived");
    let (_, latest) = server
        .get("/api/2.0/mlflow/registered-models/get-latest-versions?name=M&stages=Production")
        .await;
    assert_eq!(latest["model_versions"][0]["version"], "2");
    let (status, _, message) = server
        .refused("model-versions/transition-stage", to("1", "best", false))
        .await;
    assert_eq!(status, 400);
    assert!(
        message.contains("Invalid Model Version stage: best"),
        "{message}"
    );
    let (status, _, _) = server
        .refused("model-versions/transition-stage", to("1", "None", true))
        .await;
    assert_eq!(status, 400);
}

#[tokio::test]
async fn a_new_name_takes_everything_along() {
    let server = TestServer::start().await;
    model(&server).await;
    let alias = json!({"name": "M", "alias": "champion", "version": "2"});
    server.mlflow("registered-models/alias", alias).await;
    server
        .mlflow(
            "registered-models/rename",
            json!({"name": "M", "new_name": "N"}),
        )
        .await;
    let (_, found) = server
        .get("/api/2.0/mlflow/registered-models/alias?name=N&alias=champion")
        .await;
    assert_eq!(found["model_version"]["version"], "2");
    let (status, gone) = server
        .get("/api/2.0/mlflow/registered-models/get?name=M")
        .await;
    assert_eq!(status, 404);
    assert_eq!(gone["message"], "Registered Model with name=M not found");
    server
        .mlflow("registered-models/create", json!({"name": "M"}))
        .await;
    let (status, code, _) = server
        .refused(
            "registered-models/rename",
            json!({"name": "M", "new_name": "N"}),
        )
        .await;
    assert_eq!((status, code.as_str()), (400, "RESOURCE_ALREADY_EXISTS"));
}

#[tokio::test]
async fn descriptions_and_tags_change() {
    let server = TestServer::start().await;
    model(&server).await;
    let body = json!({"name": "M", "version": "1", "description": "the first"});
    let (_, updated) = call(&server, Method::PATCH, "model-versions/update", body).await;
    assert_eq!(updated["model_version"]["description"], "the first");
    let body = json!({"name": "M", "description": "bikes"});
    let (_, updated) = call(&server, Method::PATCH, "registered-models/update", body).await;
    assert_eq!(updated["registered_model"]["description"], "bikes");
    let tag = json!({"name": "M", "version": "1", "key": "t", "value": "v"});
    server.mlflow("model-versions/set-tag", tag.clone()).await;
    let (status, _) = call(&server, Method::DELETE, "model-versions/delete-tag", tag).await;
    assert_eq!(status, 200);
    let (_, found) = server
        .get("/api/2.0/mlflow/model-versions/get?name=M&version=1")
        .await;
    assert_eq!(found["model_version"]["tags"], Value::Null);
}

#[tokio::test]
async fn numbers_of_deleted_versions_are_not_used_again() {
    let server = TestServer::start().await;
    model(&server).await;
    let (status, _) = call(
        &server,
        Method::DELETE,
        "model-versions/delete",
        json!({"name": "M", "version": "3"}),
    )
    .await;
    assert_eq!(status, 200);
    let (status, gone) = server
        .get("/api/2.0/mlflow/model-versions/get?name=M&version=3")
        .await;
    assert_eq!(status, 404);
    assert_eq!(
        gone["message"],
        "Model Version (name=M, version=3) not found"
    );
    let body = json!({"name": "M", "source": "s3://bucket/model"});
    let made = server.mlflow("model-versions/create", body).await;
    assert_eq!(made["model_version"]["version"], "4");
    let (status, _) = call(
        &server,
        Method::DELETE,
        "registered-models/delete",
        json!({"name": "M"}),
    )
    .await;
    assert_eq!(status, 200);
    let (_, versions) = server.get("/api/2.0/mlflow/model-versions/search").await;
    assert_eq!(versions["model_versions"], Value::Null);
}
