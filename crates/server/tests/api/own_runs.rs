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
        ("metrics.rmse in (1, 3)", "ac"),
        ("metrics.rmse not between 1.5 and 2.5", "ac"),
        ("tags.team rlike '^r|e$'", "ac"),
        ("tags.team not regexp 'l'", "a"),
        ("start_time > '1970-01-01' or start_time is not null", "abc"),
        ("", "abc"),
    ] {
        let (status, found) = search(
            &server,
            filter,
            "&order_by=metrics.rmse&select=run_name&count=true",
        )
        .await;
        assert_eq!(status, 200, "{found}");
        let runs = found["runs"].as_array().unwrap();
        let names: String = runs
            .iter()
            .map(|run| run["run_name"].as_str().unwrap())
            .collect();
        assert_eq!(names, expected, "{filter}");
        assert_eq!(found["count"], expected.len(), "{filter}");
    }
}

#[tokio::test]
async fn columns_and_pages_are_chosen() {
    let server = TestServer::start().await;
    fill(&server).await;
    let order = "&select=metrics.rmse,status&max_results=2&order_by=metrics.rmse%20desc";
    let (_, found) = search(&server, "", order).await;
    let run = &found["runs"][0];
    assert_eq!(run["metrics"], json!({"rmse": 3.0}));
    assert_eq!(run["status"], "RUNNING");
    assert_eq!(run.as_object().unwrap().len(), 3, "{run}");
    assert!(found["count"].is_null(), "{found}");
    let token = found["next_page_token"].as_str().unwrap();
    let (_, last) = search(&server, "", &format!("{order}&page_token={token}")).await;
    assert_eq!(last["runs"][0]["metrics"], json!({"rmse": 1.0}));
    assert!(last["next_page_token"].is_null(), "{last}");
    let (_, found) = search(&server, "", "&experiments=nothing&count=true").await;
    assert_eq!(found, json!({"count": 0, "runs": []}));
    let (_, whole) = search(&server, "run_name = 'a'", "").await;
    let run = &whole["runs"][0];
    assert_eq!(run["tags"]["team"], "red");
    assert_eq!(
        (&run["experiment_id"], &run["params"]),
        (&json!("0"), &json!({}))
    );
}

#[tokio::test]
async fn what_is_wrong_is_named() {
    let server = TestServer::start().await;
    for (filter, more, expected) in [
        ("metrics.rmse >", "", "the end"),
        ("tags.team rlike '('", "", "unclosed group"),
        ("foo.bar = 'x'", "", "Invalid entity type 'foo'"),
        ("", "&select=colour", "there is no column `colour`"),
        ("", "&max_results=1001", "from 1 to 1000"),
        ("", "&page_token=x", "`next_page_token` of the page before"),
        ("", "&limit=1", "unknown field `limit`"),
        ("", "&count=perhaps", "the query is not understood"),
        ("", "&order_by=metrics.rmse%20up", "Invalid ordering key"),
    ] {
        let (status, found) = search(&server, filter, more).await;
        assert_eq!(status, 400, "{found}");
        let message = found["error"]["message"].as_str().unwrap_or_default();
        assert!(message.contains(expected), "{expected}: {found}");
    }
}
