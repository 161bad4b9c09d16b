//! GraphQL, as MLflow's page asks.

use serde_json::{Value, json};

use super::server::TestServer;

async fn ask(server: &TestServer, query: String, variables: Value) -> Value {
    let body = json!({"query": query, "variables": variables});
    let (status, answer) = server.post("/graphql", body).await;
    assert_eq!(status, 200, "{answer}");
    answer
}

async fn run(server: &TestServer) -> String {
    let body = json!({"experiment_id": "0", "run_name": "first"});
    let created = server.mlflow("runs/create", body).await;
    created["run"]["info"]["run_id"]
        .as_str()
        .unwrap()
        .to_owned()
}

#[tokio::test]
async fn a_run_is_found_with_its_experiment() {
    let server = TestServer::start().await;
    let id = run(&server).await;
    let query = "query Q($input: MlflowGetRunInput!) { found: mlflowGetRun(input: $input) { run { info { runName } \
                 experiment { name } modelVersions { name } } } }";
    let answer = ask(&server, query.to_owned(), json!({"input": {"runId": id}})).await;
    let expected = json!({"info": {"runName": "first"}, "experiment": {"name": "Default"}, "modelVersions": []});
    assert_eq!(answer["data"]["found"]["run"], expected, "{answer}");
    assert_eq!(answer["errors"], Value::Null);
}

#[tokio::test]
async fn an_error_of_an_endpoint_is_a_field() {
    let server = TestServer::start().await;
    let query = "query { mlflowGetExperiment(input: {experimentId: \"77\"}) { experiment { name } apiError { code message } } }";
    let answer = ask(&server, query.to_owned(), Value::Null).await;
    let error = &answer["data"]["mlflowGetExperiment"]["apiError"];
    assert_eq!(error["code"], "RESOURCE_DOES_NOT_EXIST", "{answer}");
}

#[tokio::test]
async fn what_is_too_large_or_unknown_is_refused() {
    let server = TestServer::start().await;
    let many: Vec<String> = (0..12)
        .map(|i| format!("k{i}: test(inputString: \"a\") {{ output }} "))
        .collect();
    let many = many.concat();
    let deep = format!("{{ test {}name{} }}", "{ a ".repeat(12), " }".repeat(12));
    for (query, expected) in [
        (format!("{{ {many} }}"), "at most 10 root fields"),
        (deep, "maximum depth of 10"),
        (
            "{ nothing { name } }".to_owned(),
            "there is no field `nothing`",
        ),
        ("{ broken".to_owned(), ""),
    ] {
        let answer = ask(&server, query, Value::Null).await;
        assert_eq!(answer["data"], Value::Null);
        let problem = answer["errors"][0].as_str().unwrap();
        assert!(problem.contains(expected), "{problem}");
    }
}
