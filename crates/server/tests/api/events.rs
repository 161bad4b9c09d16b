//! What happens, as server-sent events.

use std::time::Duration;

use everloop_domain::{ExperimentId, RunId, Timestamp};
use everloop_metastore::{Entry, NewRun};
use reqwest::{Client, Response};
use serde_json::{Value, json};

use super::server::TestServer;

/// How long an event may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// A listener and what it has heard but not told yet.
struct Listener {
    answer: Response,
    text: String,
}

impl Listener {
    async fn to(server: &TestServer, query: &str, last: Option<&str>) -> Self {
        let url = format!("{}/api/v1/events{query}", server.running.url());
        let mut request = Client::new().get(url);
        if let Some(last) = last {
            request = request.header("last-event-id", last);
        }
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), 200);
        assert_eq!(answer.headers()["content-type"], "text/event-stream");
        let text = String::new();
        Self { answer, text }
    }

    /// The next event: its id, kind and data; nothing if the stream has ended.
    async fn next(&mut self) -> Option<(String, String, Value)> {
        loop {
            if let Some((event, rest)) = self.text.split_once("\n\n") {
                let field = |name: &str| {
                    let mut lines = event.lines().filter_map(|line| line.strip_prefix(name));
                    lines.next().unwrap_or_default().trim().to_owned()
                };
                let found = (field("id:"), field("event:"), field("data:"));
                self.text = rest.to_owned();
                if !found.1.is_empty() {
                    return Some((found.0, found.1, serde_json::from_str(&found.2).unwrap()));
                }
                continue;
            }
            let chunk = tokio::time::timeout(PATIENCE, self.answer.chunk());
            let chunk = chunk.await.unwrap().unwrap()?;
            self.text += std::str::from_utf8(&chunk).unwrap();
        }
    }

    /// The next event of a kind.
    async fn next_of(&mut self, kind: &str) -> (String, Value) {
        loop {
            let (id, found, data) = self.next().await.unwrap();
            if found == kind {
                return (id, data);
            }
        }
    }
}

async fn create(server: &TestServer) -> String {
    let body = json!({"experiment_id": "0", "start_time": 5});
    let created = server.mlflow("runs/create", body).await;
    created["run"]["info"]["run_id"]
        .as_str()
        .unwrap()
        .to_owned()
}

async fn log(server: &TestServer, run: &str, step: i64) {
    let point =
        json!({"run_id": run, "key": "loss", "value": 0.5, "step": step, "timestamp": step});
    server.mlflow("runs/log-metric", point).await;
}

#[tokio::test]
async fn runs_and_metrics_are_told_as_they_come() {
    let server = TestServer::start().await;
    let old = create(&server).await;
    let mut all = Listener::to(&server, "", None).await;
    // The first look is behind us once something of an old run is told.
    tokio::time::sleep(Duration::from_millis(600)).await;
    log(&server, &old, 1).await;
    let (_, point) = all.next_of("metric").await;
    assert_eq!((&point["run_id"], &point["step"]), (&json!(old), &json!(1)));
    let new = create(&server).await;
    let (_, run) = all.next_of("run").await;
    assert_eq!(
        (&run["run_id"], &run["status"]),
        (&json!(new), &json!("RUNNING"))
    );
    let ended = json!({"run_id": new, "status": "FINISHED", "end_time": 9});
    server.mlflow("runs/update", ended).await;
    let (_, run) = all.next_of("run").await;
    assert_eq!(
        (&run["run_id"], &run["status"]),
        (&json!(new), &json!("FINISHED"))
    );
}

#[tokio::test]
async fn one_run_tells_its_state_first_and_no_other_run() {
    let server = TestServer::start().await;
    let (one, other) = (create(&server).await, create(&server).await);
    log(&server, &one, 3).await;
    let mut listener = Listener::to(&server, &format!("?run={one}&kinds=run,metric"), None).await;
    let (_, kind, run) = listener.next().await.unwrap();
    assert_eq!((kind.as_str(), &run["run_id"]), ("run", &json!(one)));
    let (_, point) = listener.next_of("metric").await;
    assert_eq!(point["step"], 3);
    tokio::time::sleep(Duration::from_millis(600)).await;
    log(&server, &other, 1).await;
    log(&server, &one, 4).await;
    let (_, kind, point) = listener.next().await.unwrap();
    assert_eq!(
        (kind.as_str(), &point["run_id"], &point["step"]),
        ("metric", &json!(one), &json!(4))
    );
}

#[tokio::test]
async fn what_others_write_to_the_store_is_told() {
    let server = TestServer::start().await;
    let mut listener = Listener::to(&server, "?kinds=audit,run", None).await;
    tokio::time::sleep(Duration::from_millis(600)).await;
    let run = NewRun {
        id: RunId::from_bytes([7; 16]),
        experiment: ExperimentId(0),
        name: None,
        user: None,
        start_time: Timestamp::from_millis(i64::MAX >> 8),
        artifact_uri: None,
        tags: [].into(),
    };
    let entry = Entry {
        at: Timestamp::from_millis(1),
        actor: "controller".to_owned(),
        action: "model.promote".to_owned(),
        subject: "bikes/2".to_owned(),
        why: "better".to_owned(),
        details: Value::Null,
    };
    let work = move |tx: &everloop_metastore::Transaction<'_>| {
        tx.runs().create(&run)?;
        tx.audit().append(&entry)
    };
    server.metastore.write(work).await.unwrap();
    let (_, run) = listener.next_of("run").await;
    assert_eq!(run["run_id"], "07".repeat(16));
    let (_, entry) = listener.next_of("audit").await;
    assert_eq!(
        (&entry["action"], &entry["subject"]),
        (&json!("model.promote"), &json!("bikes/2"))
    );
}

#[tokio::test]
async fn who_comes_back_hears_what_it_missed_or_that_it_missed_something() {
    let server = TestServer::start().await;
    let run = create(&server).await;
    let mut listener = Listener::to(&server, "", None).await;
    let mut beside = Listener::to(&server, "", None).await;
    tokio::time::sleep(Duration::from_millis(600)).await;
    log(&server, &run, 1).await;
    let (id, _) = listener.next_of("metric").await;
    drop(listener);
    log(&server, &run, 2).await;
    while beside.next_of("metric").await.1["step"] != 2 {}
    let mut back = Listener::to(&server, "?kinds=metric", Some(&id)).await;
    assert_eq!(back.next_of("metric").await.1["step"], 2);
    let mut lost = Listener::to(&server, "", Some("99999")).await;
    assert_eq!(lost.next().await.unwrap().1, "reset");
}

#[tokio::test]
async fn nonsense_is_refused_and_a_stop_ends_the_stream() {
    let server = TestServer::start().await;
    for query in ["?kinds=run,weather", "?run=nobody", "?unknown=1"] {
        let (status, _) = server.get(&format!("/api/v1/events{query}")).await;
        assert_eq!(status, 400, "{query}");
    }
    let absent = format!("/api/v1/events?run={}", "0".repeat(32));
    assert_eq!(server.get(&absent).await.0, 404);
    let mut listener = Listener::to(&server, "", None).await;
    let stopping = tokio::time::timeout(PATIENCE, server.running.stop());
    stopping.await.unwrap();
    assert!(listener.next().await.is_none());
}
