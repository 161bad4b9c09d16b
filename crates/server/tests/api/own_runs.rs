//! `/api/v1/runs`: the grammar that MLflow's users have asked for.

use serde_json::{Value, json};

use super::server::TestServer;

async fn fill(server: &TestServer) {
    for (name, rmse, team) in [
        ("a", 1.0, Some("red")),
        ("b", 2.0, None),
        ("c", 3.0, Some("blue")),
    ] {
        let body = json!({"experiment_id": "0", "run_name": name});
        let made = server.mlflow("runs/create", body).await;
        let id = &made["run"]["info"]["run_id"];
        let tags: Vec<Value> = team
            .iter()
            .map(|team| json!({"key": "team", "value": team}))
            .collect();
        let metrics = [json!({"key": "rmse", "value": rmse, "timestamp": 1})];
        server
            .mlflow(
                "runs/log-batch",
                json!({"run_id": id, "metrics": metrics, "tags": tags}),
            )
            .await;
    }
}

async fn search(server: &TestServer, filter: &str, more: &str) -> (u16, Value) {
    let encoded: Vec<String> = filter.bytes().map(|byte| format!("%{byte:02X}")).collect();
    let path = format!("/api/v1/runs?filter={}{more}", encoded.concat());
    let (status, found) = server.get(&path).await;
    (status.as_u16(), found)
}

#[tokio::test]
async fn words_that_mlflow_does_not_know_are_understood() {
    let server = TestServer::start().await;
    fill(&server).await;
    for (filter, expected) in [
        ("metrics.rmse < 1.5 or tags.team = 'blue'", "ac"),
        ("not tags.team = 'red'", "bc"),
        ("metrics.rmse between 2 and 3", "bc"),
        (
            "(metrics.rmse > 1 or tags.team = 'red') and not run_name = 'c'",
            "ab",
        ),
        ("tags.team is null", "b"),
        ("", "abc"),
    ] {
        let (status, found) = search(&server, filter, "&order_by=metrics.rmse&columns=info").await;
        assert_eq!(status, 200, "{found}");
        let runs = found["runs"].as_array().unwrap();
        let names: String = runs
            .iter()
            .map(|run| run["info"]["name"].as_str().unwrap())
            .collect();
        assert_eq!(names, expected, "{filter}");
        assert_eq!(found["count"], expected.len(), "{filter}");
    }
}

#[tokio::test]
async fn columns_and_pages_are_chosen() {
    let server = TestServer::start().await;
    fill(&server).await;
    let (_, found) = search(
        &server,
        "",
        "&columns=metrics&limit=1&offset=1&order_by=metrics.rmse%20desc",
    )
    .await;
    assert_eq!(found["count"], 3);
    let run = &found["runs"][0];
    assert_eq!(run["metrics"], json!({"rmse": 2.0}));
    assert!(run["params"].is_null() && run["info"].is_null(), "{run}");
    let (_, found) = search(&server, "", "&experiments=nothing").await;
    assert_eq!(found, json!({"count": 0, "runs": []}));
}

#[tokio::test]
async fn what_is_wrong_is_named() {
    let server = TestServer::start().await;
    for (filter, more, expected) in [
        ("metrics.rmse >", "", "the end"),
        ("foo.bar = 'x'", "", "Invalid entity type 'foo'"),
        ("", "&columns=colour", "there is no column `colour`"),
        ("", "&limit=10001", "at most 10000"),
        ("", "&order_by=metrics.rmse%20up", "Invalid ordering key"),
    ] {
        let (status, found) = search(&server, filter, more).await;
        assert_eq!(status, 400, "{found}");
        let message = found["error"]["message"].as_str().unwrap_or_default();
        assert!(message.contains(expected), "{expected}: {found}");
    }
}
