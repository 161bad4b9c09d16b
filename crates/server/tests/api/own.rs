//! Our own API, and the page.

use everloop_domain::{CycleReason, Timestamp};
use everloop_metastore::NewCycle;
use reqwest::StatusCode;

use crate::server::{NOW, TestServer};

async fn cycle(server: &TestServer) {
    let new = NewCycle {
        reason: CycleReason::Manual,
        why: "<script>alert(1)</script>".to_owned(),
        now: Timestamp::from_millis(NOW),
        run_id: None,
    };
    let work = move |tx: &everloop_metastore::Transaction<'_>| tx.cycles().start(&new);
    server.metastore.write(work).await.unwrap();
}

#[tokio::test]
async fn cycles_are_told() {
    let server = TestServer::start().await;
    cycle(&server).await;
    let (status, told) = server.get("/api/v1/status").await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(told["project"], "bikes <3");
    assert_eq!(told["cycles"][0]["number"], 1);
    assert_eq!(server.get("/api/v1/cycles/1").await.1["reason"], "manual");
    let (status, absent) = server.get("/api/v1/cycles/9").await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    assert_eq!(absent["error"]["kind"], "not_found");
    for (path, list) in [
        ("cycles", "cycles"),
        ("stages", "stages"),
        ("cycles/1/stages", "stages"),
        ("signals", "signals"),
        ("audit", "entries"),
        ("models", "models"),
    ] {
        let (status, told) = server.get(&format!("/api/v1/{path}")).await;
        assert!(
            status.is_success() && told[list].is_array(),
            "{path}: {told}"
        );
    }
}

#[tokio::test]
async fn the_page_shows_the_loop_and_escapes_everything() {
    let server = TestServer::start().await;
    cycle(&server).await;
    let (status, page) = server.get("/").await;
    let page = page.as_str().unwrap();
    assert_eq!(status, StatusCode::OK);
    assert!(page.contains("bikes &lt;3"), "{page}");
    assert!(
        page.contains("&lt;script&gt;") && !page.contains("<script"),
        "{page}"
    );
    for stage in [
        "collect", "prepare", "train", "evaluate", "deploy", "monitor",
    ] {
        assert!(page.contains(stage), "{stage}");
    }
}

#[tokio::test]
async fn health_version_and_metrics() {
    let server = TestServer::start().await;
    assert_eq!(server.get("/health").await.1, "OK");
    let (_, version) = server.get("/version").await;
    assert!(
        version
            .as_str()
            .is_some_and(|version| version.starts_with("3."))
    );
    let (_, metrics) = server.get("/metrics").await;
    assert!(
        metrics.as_str().is_some_and(|text| text.contains("# TYPE")),
        "{metrics}"
    );
}
