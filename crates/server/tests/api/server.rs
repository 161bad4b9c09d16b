//! A server for one test.

use std::path::Path;
use std::sync::Arc;

use everloop_artifacts::Places;
use everloop_domain::{ManualClock, Timestamp};
use everloop_metastore::Metastore;
use everloop_serve::EngineSettings;
use everloop_server::{Deployment, Parts, Running, Settings, start};
use reqwest::{Client, Method, RequestBuilder, StatusCode};
use serde_json::Value;
use tempfile::TempDir;

/// The present of all tests.
pub(crate) const NOW: i64 = 1_700_000_000_000;

/// Artifacts below a directory; those of new experiments go to a root.
pub(crate) fn places(dir: &Path, root: &str) -> Places {
    let own = dir.join("artifacts");
    Places::open(own.to_str().unwrap(), root, &[]).unwrap()
}

/// A running server, and what it is made of.
pub(crate) struct TestServer {
    pub(crate) running: Running,
    pub(crate) metastore: Metastore,
    dir: TempDir,
    client: Client,
}

impl TestServer {
    pub(crate) async fn start() -> Self {
        Self::start_with(&Settings::on_a_free_port()).await
    }

    pub(crate) async fn start_with(settings: &Settings) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let metastore = Metastore::in_memory().unwrap();
        let parts = Parts {
            metastore: metastore.clone(),
            clock: Arc::new(ManualClock::new(Timestamp::from_millis(NOW))),
            places: places(dir.path(), "mlflow-artifacts:"),
            deployment: Some(Deployment {
                project: "bikes <3".to_owned(),
                model: "bikes".parse().unwrap(),
                key_column: None,
                predictions: dir.path().join("predictions"),
                load_engine: Arc::new(|dir| {
                    let engine = everloop_serve::load(dir, &EngineSettings::default())
                        .map_err(|error| error.to_string())?;
                    let digest =
                        everloop_package::digest(dir).map_err(|error| error.to_string())?;
                    Ok((engine, digest))
                }),
            }),
        };
        let running = start(parts, settings).await.unwrap();
        Self {
            running,
            metastore,
            dir,
            client: Client::new(),
        }
    }

    /// The directory of the test.
    pub(crate) fn dir(&self) -> &Path {
        self.dir.path()
    }

    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let url = format!("{}{path}", self.running.url());
        self.client.request(method, url)
    }

    pub(crate) async fn get(&self, path: &str) -> (StatusCode, Value) {
        answer(self.request(Method::GET, path)).await
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> (StatusCode, Value) {
        answer(self.request(Method::POST, path).json(&body)).await
    }

    /// A call of MLflow's API that must succeed.
    pub(crate) async fn mlflow(&self, endpoint: &str, body: Value) -> Value {
        let (status, answer) = self
            .post(&format!("/api/2.0/mlflow/{endpoint}"), body)
            .await;
        assert_eq!(status, StatusCode::OK, "{endpoint}: {answer}");
        answer
    }

    /// A call of MLflow's API that must be refused: status, code and message.
    pub(crate) async fn refused(&self, endpoint: &str, body: Value) -> (u16, String, String) {
        let (status, answer) = self
            .post(&format!("/api/2.0/mlflow/{endpoint}"), body)
            .await;
        let text = |field: &str| answer[field].as_str().unwrap_or_default().to_owned();
        (status.as_u16(), text("error_code"), text("message"))
    }
}

/// The status and the JSON body; a body that is no JSON becomes text.
pub(crate) async fn answer(request: RequestBuilder) -> (StatusCode, Value) {
    let response = request.send().await.unwrap();
    let status = response.status();
    let text = response.text().await.unwrap();
    (
        status,
        serde_json::from_str(&text).unwrap_or(Value::String(text)),
    )
}
