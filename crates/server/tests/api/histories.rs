//! Histories of metrics: pages, several runs at once, samples for charts.

use serde_json::{Value, json};

use super::server::TestServer;

/// A run with `n_points` points of `m`, one a step; the timestamps run backwards.
async fn run(server: &TestServer, n_points: i64) -> String {
    let created = server
        .mlflow("runs/create", json!({"experiment_id": "0"}))
        .await;
    let id = created["run"]["info"]["run_id"]
        .as_str()
        .unwrap()
        .to_owned();
    let points: Vec<Value> = (0..n_points)
        .map(|step| json!({"key": "m", "value": step, "step": step, "timestamp": 1000 - step}))
        .collect();
    server
        .mlflow("runs/log-batch", json!({"run_id": id, "metrics": points}))
        .await;
    id
}

fn steps(answer: &Value) -> Vec<i64> {
    let points = answer["metrics"]
        .as_array()
        .map(Vec::as_slice)
        .unwrap_or_default();
    points
        .iter()
        .map(|point| point["step"].as_i64().unwrap())
        .collect()
}

#[tokio::test]
async fn a_history_is_ordered_by_time_and_has_pages() {
    let server = TestServer::start().await;
    let id = run(&server, 5).await;
    let path = format!("/api/2.0/mlflow/metrics/get-history?run_id={id}&metric_key=m");
    let (_, all) = server.get(&path).await;
    assert_eq!(steps(&all), [4, 3, 2, 1, 0]);
    let (_, first) = server.get(&format!("{path}&max_results=3")).await;
    assert_eq!(steps(&first), [4, 3, 2]);
    let token = first["next_page_token"].as_str().unwrap();
    let (_, second) = server
        .get(&format!("{path}&max_results=3&page_token={token}"))
        .await;
    assert_eq!(steps(&second), [1, 0]);
    assert_eq!(second["next_page_token"], Value::Null);
    let (status, _) = server.get(&format!("{path}&page_token=soon")).await;
    assert_eq!(status, 400);
}

#[tokio::test]
async fn a_whole_history_comes_in_pieces_that_fit_together() {
    let server = TestServer::start().await;
    let id = run(&server, 0).await;
    let whole = format!("/api/2.0/mlflow/metrics/get-history?run_id={id}&metric_key=m");
    assert_eq!(server.get(&whole).await.1, json!({}));
    let mut n_points = 0;
    // Around the size of a piece, ten thousand.
    for wanted in [1, 9_999, 10_000, 10_001, 20_000, 20_500] {
        while n_points < wanted {
            let end = (n_points + 1000).min(wanted);
            let points: Vec<Value> = (n_points..end)
                .map(|step| json!({"key": "m", "value": 0.5, "step": step, "timestamp": step}))
                .collect();
            let batch = json!({"run_id": id, "metrics": points});
            server.mlflow("runs/log-batch", batch).await;
            n_points = end;
        }
        let (status, found) = server.get(&whole).await;
        assert_eq!(status, 200);
        assert_eq!(steps(&found), (0..wanted).collect::<Vec<_>>());
    }
}

#[tokio::test]
async fn several_runs_come_at_once() {
    let server = TestServer::start().await;
    let (one, other) = (run(&server, 2).await, run(&server, 3).await);
    let path = format!(
        "/ajax-api/2.0/mlflow/metrics/get-history-bulk?metric_key=m&run_id={one}&run_id={other}"
    );
    let (_, found) = server.get(&path).await;
    assert_eq!(found["metrics"].as_array().unwrap().len(), 5);
    let (_, few) = server.get(&format!("{path}&max_results=4")).await;
    assert_eq!(few["metrics"].as_array().unwrap().len(), 4);
    let (status, refused) = server
        .get("/ajax-api/2.0/mlflow/metrics/get-history-bulk?metric_key=m")
        .await;
    assert_eq!(status, 400);
    assert!(
        refused["message"]
            .as_str()
            .unwrap()
            .contains("at least one run_id")
    );
}

#[tokio::test]
async fn a_chart_gets_an_even_sample_with_both_ends() {
    let server = TestServer::start().await;
    let id = run(&server, 900).await;
    let path =
        format!("/api/2.0/mlflow/metrics/get-history-bulk-interval?metric_key=m&run_ids={id}");
    let (_, found) = server.get(&format!("{path}&max_results=10")).await;
    let sample = steps(&found);
    assert_eq!(sample.len(), 10);
    assert_eq!((sample[0], sample[9]), (0, 899));
    assert!(
        sample
            .windows(2)
            .all(|pair| (90..=110).contains(&(pair[1] - pair[0]))),
        "{sample:?}"
    );
    let (_, part) = server.get(&format!("{path}&start_step=5&end_step=7")).await;
    assert_eq!(steps(&part), [5, 6, 7]);
    for bad in [
        "&start_step=5",
        "&start_step=5&end_step=1",
        "&max_results=0",
        "&max_results=2501",
    ] {
        let (status, _) = server.get(&format!("{path}{bad}")).await;
        assert_eq!(status, 400, "{bad}");
    }
}
