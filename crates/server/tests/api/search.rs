//! Searches with filters, orders and pages, resource by resource.

use serde_json::{Value, json};

use super::server::TestServer;

/// Three runs: `m` is 1, 2 and NaN; `p` is `a`, `b` and absent.
async fn fill(server: &TestServer) {
    for (name, metric, param) in [
        ("one", json!(1.0), Some("a")),
        ("two", json!(2.0), Some("b")),
        ("three", json!("NaN"), None),
    ] {
        let body = json!({"experiment_id": "0", "run_name": name, "start_time": 5});
        let created = server.mlflow("runs/create", body).await;
        let id = &created["run"]["info"]["run_id"];
        let params: Vec<Value> = param
            .iter()
            .map(|value| json!({"key": "p", "value": value}))
            .collect();
        let metrics = [json!({"key": "m", "value": metric, "timestamp": 1})];
        let batch = json!({"run_id": id, "metrics": metrics, "params": params});
        server.mlflow("runs/log-batch", batch).await;
    }
}

fn names(found: &Value) -> Vec<&str> {
    let runs = found["runs"]
        .as_array()
        .map(Vec::as_slice)
        .unwrap_or_default();
    runs.iter()
        .map(|run| run["info"]["run_name"].as_str().unwrap())
        .collect()
}

#[tokio::test]
async fn runs_are_filtered_and_ordered() {
    let server = TestServer::start().await;
    fill(&server).await;
    for (filter, expected) in [
        ("metrics.m > 0", vec!["two", "one"]),
        ("metrics.m != 1", vec!["two"]),
        ("params.p = 'a'", vec!["one"]),
        ("params.p IS NULL", vec!["three"]),
        (
            "attributes.run_name LIKE 't%' AND metrics.m >= 2",
            vec!["two"],
        ),
        ("tags.mlflow.runName ILIKE 'T%'", vec!["two", "three"]),
        ("status = 'FINISHED'", vec![]),
    ] {
        let body =
            json!({"experiment_ids": ["0"], "filter": filter, "order_by": ["metrics.m DESC"]});
        let found = server.mlflow("runs/search", body).await;
        assert_eq!(names(&found), expected, "{filter}");
    }
}

#[tokio::test]
async fn pages_follow_each_other_in_any_order() {
    let server = TestServer::start().await;
    fill(&server).await;
    for (order, expected) in [
        ("metrics.m ASC", ["one", "two", "three"]),
        ("metrics.m DESC", ["two", "one", "three"]),
        ("params.p DESC", ["two", "one", "three"]),
    ] {
        let mut found = Vec::new();
        let mut token = Value::Null;
        loop {
            let body = json!({"experiment_ids": ["0"], "order_by": [order], "max_results": 2, "page_token": token});
            let page = server.mlflow("runs/search", body).await;
            found.extend(names(&page).into_iter().map(str::to_owned));
            token = page["next_page_token"].clone();
            if token.is_null() {
                break;
            }
        }
        assert_eq!(found, expected, "{order}");
    }
}

#[tokio::test]
async fn experiments_are_searched_by_name_and_tag() {
    let server = TestServer::start().await;
    for name in ["bikes", "Bikes 2", "cars"] {
        let tags = [json!({"key": "team", "value": name.to_lowercase()})];
        let body = json!({"name": name, "tags": tags});
        server.mlflow("experiments/create", body).await;
    }
    for (filter, expected) in [
        ("name LIKE 'B%'", vec!["Bikes 2"]),
        ("name ILIKE 'b%'", vec!["Bikes 2", "bikes"]),
        ("tags.team = 'cars'", vec!["cars"]),
        ("experiment_id IN ('1', '3')", vec!["cars", "bikes"]),
    ] {
        let body = json!({"filter": filter, "max_results": 10});
        let found = server.mlflow("experiments/search", body).await;
        let names: Vec<&str> = found["experiments"]
            .as_array()
            .unwrap()
            .iter()
            .map(|one| one["name"].as_str().unwrap())
            .collect();
        assert_eq!(names, expected, "{filter}");
    }
    let (status, _, message) = server.refused("experiments/search", json!({})).await;
    assert_eq!(status, 400);
    assert!(message.contains("max_results"), "{message}");
}

#[tokio::test]
async fn prompts_are_hidden_unless_asked_for() {
    let server = TestServer::start().await;
    server
        .mlflow("registered-models/create", json!({"name": "model"}))
        .await;
    let tags = [json!({"key": "mlflow.prompt.is_prompt", "value": "true"})];
    let body = json!({"name": "prompt", "tags": tags});
    server.mlflow("registered-models/create", body).await;
    for (filter, expected) in [
        ("", vec!["model"]),
        ("name ILIKE '%'", vec!["model"]),
        ("tag.`mlflow.prompt.is_prompt` = 'true'", vec!["prompt"]),
        ("tag.`mlflow.prompt.is_prompt` != 'true'", vec!["model"]),
    ] {
        let encoded: Vec<String> = filter.bytes().map(|byte| format!("%{byte:02X}")).collect();
        let encoded = encoded.concat();
        let path = format!("/api/2.0/mlflow/registered-models/search?filter={encoded}");
        let (_, found) = server.get(&path).await;
        let models = found["registered_models"].as_array().unwrap();
        let names: Vec<&str> = models
            .iter()
            .map(|one| one["name"].as_str().unwrap())
            .collect();
        assert_eq!(names, expected, "{filter}");
    }
}

#[tokio::test]
async fn logged_models_are_searched_by_what_was_measured_of_them() {
    let server = TestServer::start().await;
    let body = json!({"experiment_id": "0"});
    let run = server.mlflow("runs/create", body.clone()).await;
    let run = &run["run"]["info"]["run_id"];
    let mut ids = Vec::new();
    for value in [0.2, 0.9] {
        let made = server.mlflow("logged-models", body.clone()).await;
        let id = made["model"]["info"]["model_id"]
            .as_str()
            .unwrap()
            .to_owned();
        let metric = json!({
            "run_id": run, "key": "acc", "value": value, "timestamp": 1, "model_id": id,
            "dataset_name": if value > 0.5 { "test" } else { "train" }, "dataset_digest": "d",
        });
        server.mlflow("runs/log-metric", metric).await;
        ids.push(id);
    }
    let search = |more: Value| {
        let mut body = json!({"experiment_ids": ["0"]});
        body.as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        let server = &server;
        async move {
            let found = server.mlflow("logged-models/search", body).await;
            let models = found["models"].as_array().cloned().unwrap_or_default();
            models
                .iter()
                .map(|one| one["info"]["model_id"].as_str().unwrap().to_owned())
                .collect::<Vec<_>>()
        }
    };
    assert_eq!(
        search(json!({"filter": "metrics.acc > 0.5"})).await,
        ids[1..]
    );
    assert_eq!(
        search(json!({"datasets": [{"dataset_name": "train"}]})).await,
        ids[..1]
    );
    let by_metric = json!({"order_by": [{"field_name": "metrics.acc", "ascending": true}]});
    assert_eq!(search(by_metric).await, ids);
    let both = json!({"filter": "metrics.acc > 0.5", "datasets": [{"dataset_name": "train", "dataset_digest": "d"}]});
    assert!(search(both).await.is_empty());
}
