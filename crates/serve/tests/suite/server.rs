//! A server in this process, and the one place that calls it.

use std::path::Path;
use std::sync::Arc;

use everloop_domain::{Digest, ManualClock, ModelName, Task, Timestamp, VersionNumber};
use everloop_package::graph::Graph;
use everloop_serve::{EngineSettings, Models, Serving, load};
use serde_json::Value;
use tokio::net::TcpListener;

use crate::models;

/// 2025-10-09, 09:46:40 UTC.
pub(crate) const NOW: i64 = 1_760_003_200_000;

pub(crate) fn clock() -> Arc<ManualClock> {
    Arc::new(ManualClock::new(Timestamp::from_millis(NOW)))
}

pub(crate) fn name(text: &str) -> ModelName {
    text.parse().unwrap()
}

/// Serves a graph under a name.
pub(crate) fn set(models: &Models, dir: &Path, called: &str, version: u64, graph: &Graph) {
    let is_regression = graph.signature().outputs.len() == 1;
    let task = if is_regression {
        Task::Regression
    } else {
        Task::Binary
    };
    let package = models::package(dir, &format!("{called}-{version}"), graph, task);
    let engine = load(&package, &EngineSettings::default()).unwrap();
    let digest = Digest::of(format!("{called} {version}"));
    models.set(
        &name(called),
        VersionNumber(version),
        digest,
        Arc::new(engine),
    );
}

/// A server on a free port.
pub(crate) struct Server {
    pub(crate) url: String,
    pub(crate) serving: Serving,
    client: reqwest::Client,
}

/// What it answered.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) version: Option<String>,
    pub(crate) text: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| Value::from(self.text.as_str()))
    }
}

impl Server {
    pub(crate) async fn start(serving: Serving) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let served = everloop_serve::serve(listener, serving.clone(), std::future::pending());
        tokio::spawn(served);
        Self {
            url,
            serving,
            client: reqwest::Client::new(),
        }
    }

    /// A server of the `sum` model and a `classifier`, with `sum` as the default.
    pub(crate) async fn usual(dir: &Path) -> Self {
        let serving = Serving::logging(
            &dir.join("log"),
            clock(),
            Some("key".to_owned()),
            &name("sum"),
        )
        .unwrap();
        set(serving.models(), dir, "sum", 3, &models::sum(0.0));
        set(
            serving.models(),
            dir,
            "classifier",
            1,
            &models::classifier(),
        );
        Self::start(serving).await
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        answer(self.client.get(format!("{}{path}", self.url))).await
    }

    pub(crate) async fn post(
        &self,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<reqwest::Body>,
    ) -> Answer {
        let request = self.client.post(format!("{}{path}", self.url)).body(body);
        let request = headers.iter().fold(request, |request, (name, value)| {
            request.header(*name, *value)
        });
        answer(request).await
    }

    /// Posts JSON to `/invocations`.
    pub(crate) async fn invoke(&self, body: &str) -> Answer {
        let json = [("content-type", "application/json"), ("x-request-id", "r")];
        self.post("/invocations", &json, body.to_owned()).await
    }
}

async fn answer(request: reqwest::RequestBuilder) -> Answer {
    let response = request.send().await.unwrap();
    let version = response.headers().get("x-everloop-model-version");
    Answer {
        status: response.status().as_u16(),
        version: version.map(|version| version.to_str().unwrap().to_owned()),
        text: response.text().await.unwrap(),
    }
}
