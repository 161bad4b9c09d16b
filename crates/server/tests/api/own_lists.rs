//! Lists of our own API: pages, refusals, and one form of all errors.

use std::collections::BTreeMap;

use everloop_domain::{
    CycleNumber, CycleOutcome, CycleReason, StageName, Timestamp, VersionNumber,
};
use everloop_metastore::{Entry, NewCycle, Signal};
use reqwest::Method;
use serde_json::{Value, json};

use super::server::{NOW, TestServer, answer};

/// Five cycles with two stages each, as many audit entries, and signals in three windows.
async fn fill(server: &TestServer) {
    let now = Timestamp::from_millis(NOW);
    let work = move |tx: &everloop_metastore::Transaction<'_>| {
        for number in 1..=5_u64 {
            let new = NewCycle {
                reason: CycleReason::Manual,
                why: String::new(),
                now,
                run_id: None,
            };
            let cycle = tx.cycles().start(&new)?;
            let stages = [
                (StageName::Collect, String::new()),
                (StageName::Train, String::new()),
            ];
            tx.stages().plan(cycle, &stages)?;
            let scores = BTreeMap::from([("rmse".to_owned(), f64::NAN)]);
            tx.cycles()
                .finish(cycle, CycleOutcome::Failed, "", now, &scores, None)?;
            tx.audit().append(&Entry {
                at: now,
                actor: "engine".to_owned(),
                action: "cycle.start".to_owned(),
                subject: format!("cycle {number}"),
                why: String::new(),
                details: Value::Null,
            })?;
            let signal = |name: &str| Signal {
                model: "bikes".parse().unwrap(),
                version: VersionNumber(1),
                name: name.to_owned(),
                kind: "quality".to_owned(),
                window_start: now,
                window_end: Timestamp::from_millis(NOW + number as i64 / 2),
                value: None,
                threshold: Some(1.0),
                verdict: "unknown".to_owned(),
                details: json!({}),
            };
            tx.signals()
                .insert(&[signal(&format!("drift:a.{number}")), signal("rmse")])?;
        }
        Ok(())
    };
    server.metastore.write(work).await.unwrap();
}

/// All things of a list, a page at a time.
async fn pages(server: &TestServer, path: &str, list: &str, size: usize) -> Vec<Value> {
    let (mut all, mut token) = (Vec::new(), String::new());
    loop {
        let query = format!("/api/v1/{path}?max_results={size}{token}");
        let (status, mut found) = server.get(&query).await;
        assert_eq!(status, 200, "{found}");
        let page = found[list].as_array_mut().unwrap();
        assert!(page.len() <= size);
        all.append(page);
        match found["next_page_token"].as_str() {
            None => return all,
            Some(next) => token = format!("&page_token={next}"),
        }
        assert!(all.len() < 100, "pages have no end");
    }
}

#[tokio::test]
async fn pages_cover_everything_once_and_in_order() {
    let server = TestServer::start().await;
    fill(&server).await;
    for (path, list, n_expected) in [
        ("cycles", "cycles", 5),
        ("stages", "stages", 10),
        ("signals", "signals", 8),
        ("audit", "entries", 5),
    ] {
        let (_, whole) = server.get(&format!("/api/v1/{path}")).await;
        let whole = whole[list].as_array().unwrap();
        assert_eq!(whole.len(), n_expected, "{path}");
        for size in [1, 2, 3, 1000] {
            assert_eq!(&pages(&server, path, list, size).await, whole, "{path}");
        }
    }
}

#[tokio::test]
async fn stages_are_chosen_by_name_and_state() {
    let server = TestServer::start().await;
    fill(&server).await;
    let (_, found) = server.get("/api/v1/stages?name=train&max_results=2").await;
    let stages = found["stages"].as_array().unwrap();
    let cycles: Vec<_> = stages.iter().map(|one| one["cycle"].as_u64()).collect();
    assert_eq!(cycles, [Some(5), Some(4)]);
    let (_, none) = server.get("/api/v1/stages?state=running").await;
    assert_eq!(none, json!({"stages": []}));
    let (_, one) = server.get("/api/v1/cycles/3/stages").await;
    assert_eq!(one["stages"][1]["name"], "train");
}

#[tokio::test]
async fn a_score_that_is_no_number_is_told() {
    let server = TestServer::start().await;
    fill(&server).await;
    let (_, cycle) = server.get("/api/v1/cycles/2").await;
    assert_eq!(cycle["metrics"], json!({"rmse": "NaN"}));
    assert_eq!(cycle["number"], json!(CycleNumber(2)));
}

#[tokio::test]
async fn every_refusal_has_one_form() {
    let server = TestServer::start().await;
    for (method, path, status, words) in [
        (Method::GET, "cycles?max_results=0", 400, "from 1 to 1000"),
        (Method::GET, "cycles?limit=1", 400, "unknown field `limit`"),
        (Method::GET, "cycles?page_token=x", 400, "`page_token=x`"),
        (Method::GET, "stages?page_token=1", 400, "`page_token=1`"),
        (Method::GET, "stages?name=lunch", 400, "`lunch`"),
        (Method::GET, "signals?page_token=1.x.y", 400, "`page_token"),
        (Method::GET, "signals?model=a/b", 404, "`a/b`"),
        (
            Method::GET,
            "audit?max_results=1&max_results=2",
            400,
            "duplicate field",
        ),
        (
            Method::GET,
            "cycles/first",
            400,
            "the path is not understood",
        ),
        (Method::GET, "cycles/7", 404, "cycle `7` does not exist"),
        (
            Method::GET,
            "cycles/7/stages",
            404,
            "cycle `7` does not exist",
        ),
        (Method::GET, "events?kinds=all", 400, "`all`"),
        (Method::GET, "lineage/runs/x", 400, "32 hex digits"),
        (Method::GET, "lineage/cycles/7", 404, "cycle `7`"),
        (Method::GET, "lineage/models/m/versions/1", 404, "m/1"),
        (Method::GET, "nothing", 404, "there is nothing at"),
        (Method::POST, "cycles", 405, "does not take `POST`"),
        (Method::DELETE, "runs", 405, "does not take `DELETE`"),
    ] {
        let path = format!("/api/v1/{path}");
        let (found, body) = answer(server.request(method, &path)).await;
        assert_eq!(found, status, "{path}: {body}");
        let message = body["error"]["message"].as_str().unwrap_or_default();
        assert!(message.contains(words), "{path}: {body}");
        assert!(body["error"]["kind"].is_string(), "{path}: {body}");
    }
}

#[tokio::test]
async fn the_document_is_served() {
    let server = TestServer::start().await;
    let (status, document) = server.get("/api/v1/openapi.json").await;
    assert_eq!(
        (status.as_u16(), &document["openapi"]),
        (200, &json!("3.1.0"))
    );
}
