//! Lineage, from wherever one begins.

use everloop_domain::{CycleReason, Timestamp};
use everloop_metastore::NewCycle;
use serde_json::{Value, json};

use super::server::{NOW, TestServer};

/// A run with what a cycle tells of it, a logged model, and a version with an alias; its id.
async fn fill(server: &TestServer) -> String {
    let made = server
        .mlflow("runs/create", json!({"experiment_id": "0"}))
        .await;
    let id = made["run"]["info"]["run_id"].as_str().unwrap().to_owned();
    let tag = |key: &str, value: &str| json!({"key": key, "value": value});
    let tags = [
        tag("everloop.source.rides.digest", "sha256:aa"),
        tag("everloop.source.rides.rows", "7"),
        tag("everloop.data.train.digest", "sha256:bb"),
        tag("everloop.stage.train.fingerprint", "sha256:cc"),
        tag("mlflow.source.git.commit", "c0ffee"),
    ];
    server
        .mlflow("runs/log-batch", json!({"run_id": id, "tags": tags}))
        .await;
    let model = json!({"experiment_id": "0", "name": "m", "source_run_id": id});
    let logged = server.mlflow("logged-models", model).await;
    let model_id = &logged["model"]["info"]["model_id"];
    server
        .mlflow("registered-models/create", json!({"name": "M"}))
        .await;
    let version = json!({"name": "M", "source": "s3://b", "run_id": id, "model_id": model_id});
    server.mlflow("model-versions/create", version).await;
    let alias = json!({"name": "M", "alias": "best", "version": "1"});
    server.mlflow("registered-models/alias", alias).await;
    let run_id = id.parse().unwrap();
    let work = move |tx: &everloop_metastore::Transaction<'_>| {
        let number = tx.cycles().start(&NewCycle {
            reason: CycleReason::Drift,
            why: String::new(),
            now: Timestamp::from_millis(NOW),
            run_id: Some(run_id),
        })?;
        let stages = [(everloop_domain::StageName::Train, String::new())];
        tx.stages().plan(number, &stages)
    };
    server.metastore.write(work).await.unwrap();
    id
}

#[tokio::test]
async fn a_run_a_cycle_and_a_version_tell_the_same() {
    let server = TestServer::start().await;
    let id = fill(&server).await;
    let mut told: Vec<Value> = Vec::new();
    for path in [
        format!("runs/{id}"),
        "cycles/1".to_owned(),
        "models/M/versions/1".to_owned(),
    ] {
        let (status, found) = server.get(&format!("/api/v1/lineage/{path}")).await;
        assert_eq!(status, 200, "{found}");
        told.push(found);
    }
    assert!(told.iter().all(|one| *one == told[0]), "{told:?}");
    let lineage = &told[0];
    let source = json!({"name": "rides", "digest": "sha256:aa", "rows": 7});
    assert_eq!(lineage["sources"], json!([source]));
    assert_eq!(lineage["parts"][0]["name"], "train");
    assert_eq!(lineage["code"]["commit"], "c0ffee");
    assert_eq!(lineage["cycle"]["reason"], "drift");
    assert_eq!(lineage["stages"][0]["fingerprint"], "sha256:cc");
    assert_eq!(lineage["run"]["run_id"], id);
    assert_eq!(lineage["logged_models"][0]["name"], "m");
    let version = &lineage["versions"][0];
    assert_eq!(version["aliases"], json!(["best"]));
    assert_eq!(version["model_id"], lineage["logged_models"][0]["model_id"]);
}

#[tokio::test]
async fn a_version_of_a_run_of_elsewhere_tells_what_is_known() {
    let server = TestServer::start().await;
    server
        .mlflow("registered-models/create", json!({"name": "M"}))
        .await;
    for run in [json!("0".repeat(32)), json!("not an id"), Value::Null] {
        let version = json!({"name": "M", "source": "s3://b", "run_id": run});
        server.mlflow("model-versions/create", version).await;
    }
    for number in 1..=3 {
        let path = format!("/api/v1/lineage/models/M/versions/{number}");
        let (status, found) = server.get(&path).await;
        assert_eq!(status, 200, "{found}");
        assert!(
            found["run"].is_null() && found["cycle"].is_null(),
            "{found}"
        );
        assert_eq!(found["versions"][0]["version"], number);
    }
}
