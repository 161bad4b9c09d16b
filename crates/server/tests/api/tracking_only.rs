//! A server without a project: it tracks, and serves no models.

use std::sync::Arc;

use everloop_domain::{ManualClock, Timestamp};
use everloop_metastore::Metastore;
use everloop_server::{Parts, Running, Settings, start};
use reqwest::{Client, StatusCode};
use serde_json::{Value, json};

use super::server::places;

struct Tracking {
    running: Running,
    dir: tempfile::TempDir,
    client: Client,
}

impl Tracking {
    /// A server whose experiments keep their artifacts in a directory that clients write themselves.
    async fn start() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let parts = Parts {
            metastore: Metastore::in_memory().unwrap(),
            places: places(
                dir.path(),
                &format!("file://{}/shared", dir.path().display()),
            ),
            clock: Arc::new(ManualClock::new(Timestamp::from_millis(5))),
            deployment: None,
        };
        let running = start(parts, &Settings::on_a_free_port()).await.unwrap();
        Self {
            running,
            dir,
            client: Client::new(),
        }
    }

    async fn get(&self, path: &str) -> (StatusCode, String) {
        let answer = self
            .client
            .get(format!("{}{path}", self.running.url()))
            .send()
            .await
            .unwrap();
        (answer.status(), answer.text().await.unwrap())
    }

    async fn post(&self, endpoint: &str, body: Value) -> Value {
        let url = format!("{}/api/2.0/mlflow/{endpoint}", self.running.url());
        self.client
            .post(url)
            .json(&body)
            .send()
            .await
            .unwrap()
            .json()
            .await
            .unwrap()
    }

    /// A run in an experiment with artifacts at a location, or below the root; its id and its artifact URI.
    async fn run(&self, location: Option<&str>) -> (String, String) {
        let made = self
            .post(
                "experiments/create",
                json!({"name": "e", "artifact_location": location}),
            )
            .await;
        let made = self
            .post(
                "runs/create",
                json!({"experiment_id": made["experiment_id"]}),
            )
            .await;
        let text = |field: &str| made["run"]["info"][field].as_str().unwrap().to_owned();
        (text("run_id"), text("artifact_uri"))
    }
}

#[tokio::test]
async fn the_page_tells_how_to_connect_and_no_model_answers() {
    let server = Tracking::start().await;
    let (status, page) = server.get("/").await;
    assert_eq!(status, StatusCode::OK);
    assert!(page.contains("set_tracking_uri"), "{page}");
    assert_eq!(
        server.get("/health").await,
        (StatusCode::OK, "OK".to_owned())
    );
    assert_eq!(server.get("/invocations").await.0, StatusCode::NOT_FOUND);
    server.running.stop().await;
}

#[tokio::test]
async fn artifacts_that_clients_wrote_below_the_root_are_shown() {
    let server = Tracking::start().await;
    let (id, uri) = server.run(None).await;
    let path = std::path::PathBuf::from(uri.strip_prefix("file://").unwrap());
    assert!(path.starts_with(server.dir.path().join("shared")), "{uri}");
    std::fs::create_dir_all(path.join("plots")).unwrap();
    std::fs::write(path.join("plots/a.txt"), "hello").unwrap();
    let (_, listed) = server
        .get(&format!(
            "/api/2.0/mlflow/artifacts/list?run_id={id}&path=plots"
        ))
        .await;
    assert!(listed.contains("plots/a.txt"), "{listed}");
    let (_, file) = server
        .get(&format!("/get-artifact?run_id={id}&path=plots/a.txt"))
        .await;
    assert_eq!(file, "hello");
}

#[tokio::test]
async fn only_object_stores_have_addresses_of_their_own() {
    let server = Tracking::start().await;
    let (id, _) = server.run(None).await;
    for way in ["upload", "download"] {
        let endpoint = format!("artifacts/presigned-{way}-url");
        let body = json!({"run_id": id, "path": "a.txt"});
        let answer = server.post(&endpoint, body).await;
        assert_eq!(answer["error_code"], "NOT_IMPLEMENTED", "{answer}");
    }
    let server = Tracking::start().await;
    let (id, uri) = server.run(Some("mlflow-artifacts:/9")).await;
    assert!(uri.starts_with("mlflow-artifacts:/9/"), "{uri}");
    let body = json!({"run_id": id, "path": "a.txt"});
    let answer = server.post("artifacts/presigned-upload-url", body).await;
    assert_eq!(answer["error_code"], "INVALID_PARAMETER_VALUE", "{answer}");
}

/// CVE-2023-6014, CVE-2023-6909 and their kind: a client names a place of the server as the home of artifacts.
#[tokio::test]
async fn a_location_of_the_server_is_not_read_for_a_client() {
    for location in ["/etc", "file:///etc", "/etc/../etc"] {
        let server = Tracking::start().await;
        let made = server
            .post(
                "experiments/create",
                json!({"name": "e", "artifact_location": location}),
            )
            .await;
        let Some(experiment) = made["experiment_id"].as_str() else {
            assert!(
                made["message"]
                    .as_str()
                    .unwrap()
                    .contains("Invalid artifact location"),
                "{made}"
            );
            continue;
        };
        let run = server
            .post("runs/create", json!({"experiment_id": experiment}))
            .await;
        let id = run["run"]["info"]["run_id"].as_str().unwrap();
        let (status, text) = server
            .get(&format!("/get-artifact?run_id={id}&path=passwd"))
            .await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{location}: {text}");
        let (status, _) = server
            .get(&format!("/api/2.0/mlflow/artifacts/list?run_id={id}"))
            .await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{location}");
    }
}

#[tokio::test]
async fn slashes_too_many_lead_to_the_same_place() {
    let server = Tracking::start().await;
    assert_eq!(
        server.get("//health").await,
        (StatusCode::OK, "OK".to_owned())
    );
    assert_eq!(server.get("/nowhere").await.0, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn the_document_has_only_what_is_there() {
    let server = Tracking::start().await;
    let (_, text) = server.get("/api/v1/openapi.json").await;
    let document: Value = serde_json::from_str(&text).unwrap();
    let paths = document["paths"].as_object().unwrap();
    assert!(paths.contains_key("/api/v1/runs") && !paths.contains_key("/api/v1/cycles"));
    for path in paths.keys().filter(|path| !path.contains('{')) {
        if path != "/api/v1/events" {
            assert_eq!(server.get(path).await.0, StatusCode::OK, "{path}");
        }
    }
    assert_eq!(server.get("/api/v1/cycles").await.0, StatusCode::NOT_FOUND);
}
