//! Projects without a target, rows that count differently, and the naive prediction beside the candidate.

use std::fmt::Write as _;
use std::time::Duration;

use everloop_testkit::{TestProject, Up};
use serde_json::{Value, json};

use crate::projects::BINARY;

/// Three clouds of rows, and every 50th row far from all of them.
fn clouds(n_rows: usize) -> String {
    let mut text = String::from("id,x,y,shop,strange,weight\n");
    for id in 0..n_rows {
        let noise = |step: usize| (id * step % 97) as f64 / 97.0;
        let cloud = id % 3;
        let is_strange = id % 50 == 7;
        let (x, y) = if is_strange {
            (60.0 + 40.0 * noise(31), -80.0 + 30.0 * noise(17))
        } else {
            (
                10.0 * cloud as f64 + noise(37),
                [0.0, 20.0, 5.0][cloud] + noise(53),
            )
        };
        let shop = ["north", "south"][id % 2];
        let (strange, weight) = (u8::from(is_strange), 1 + id % 3);
        let _ = writeln!(text, "{id},{x:.3},{y:.3},{shop},{strange},{weight}");
    }
    text
}

fn project(lifecycle: &str) -> TestProject {
    let project = TestProject::new(BINARY, lifecycle);
    project.write("data/rows.csv", clouds(900));
    project
}

/// Runs a cycle and asks the served champion about two rows.
fn run_and_ask(project: &TestProject) -> (Value, Value) {
    let report = project.succeed(&["run", "--format", "json"]).json();
    assert_eq!(report["outcome"], "promoted", "{report}");
    let up = Up::start(project.command(&["up", "--port", "0", "--no-controller"]));
    let body = json!({"dataframe_records": [
        {"x": 10.5, "y": 20.4, "shop": "north"},
        {"x": 90.0, "y": -70.0, "shop": "south"},
    ]});
    let answer = up.wait_for(Duration::from_mins(1), "prediction", |up| {
        let answer = up.post("/invocations", &body);
        (answer.status == 200).then(|| answer.json())
    });
    assert_eq!(up.stop(), 0);
    (report, answer["predictions"].clone())
}

#[test]
fn anomalies_are_found_without_a_target_and_scored_with_one() {
    let lifecycle = |target: &str, gates: &str| {
        format!(
            "
version: 1
project: strangers
sources:
  rows: {{path: data/rows.csv}}
dataset: {{table: rows, {target}exclude: [id, weight{}]}}
split: {{by: random}}
train: {{task: anomaly, trainer: isolation_forest, parameters: {{contamination: 0.02}}}}
gates: [{gates}]
",
            if target.is_empty() { ", strange" } else { "" }
        )
    };
    let known = project(&lifecycle(
        "target: strange, ",
        "roc_auc > 0.95, flagged_share < 0.2",
    ));
    let (report, answer) = run_and_ask(&known);
    let metrics = &report["metrics"];
    assert!(metrics["roc_auc"].as_f64().unwrap() > 0.95, "{report}");
    assert!(metrics["recall"].as_f64().is_some(), "{report}");
    assert_eq!(answer[0]["prediction"], false, "{answer}");
    assert_eq!(answer[1]["prediction"], true, "{answer}");
    assert!(
        answer[1]["score"].as_f64() > answer[0]["score"].as_f64(),
        "{answer}"
    );

    let unknown = project(&lifecycle("", "flagged_share < 0.2"));
    let (report, _) = run_and_ask(&unknown);
    assert!(
        report["metrics"]["flagged_share"].as_f64().is_some(),
        "{report}"
    );
    assert!(report["metrics"]["roc_auc"].is_null(), "{report}");
}

#[test]
fn groups_are_found_and_served() {
    let project = project(
        "
version: 1
project: groups
sources:
  rows: {path: data/rows.csv}
prepare:
  - table: usual
    sql: select x, y, shop from rows where strange = 0
dataset: {table: usual}
split: {by: random}
train: {task: clustering, trainer: kmeans, parameters: {clusters: 3}}
gates: [davies_bouldin < 2, silhouette > champion.silhouette - 0.1 or silhouette > 0.2]
",
    );
    let (report, answer) = run_and_ask(&project);
    let metrics = &report["metrics"];
    for name in [
        "silhouette",
        "davies_bouldin",
        "calinski_harabasz",
        "inertia",
    ] {
        assert!(metrics[name].as_f64().is_some(), "{report}");
    }
    let cluster = answer[0]["prediction"].as_i64().unwrap();
    let distances = (0..3).map(|place| answer[0][format!("distance_{place}")].as_f64().unwrap());
    let distances: Vec<f64> = distances.collect();
    let least = distances.iter().copied().fold(f64::INFINITY, f64::min);
    assert!(
        (distances[cluster as usize] - least).abs() < 1e-12,
        "{answer}"
    );
    // A second cycle on the same rows finds the same model.
    let again = project.succeed(&["run", "--format", "json"]).json();
    assert_eq!(again["outcome"], "healthy", "{again}");
}

#[test]
fn a_target_is_missed_where_the_task_needs_it() {
    let project = project(
        "
version: 1
project: strangers
sources:
  rows: {path: data/rows.csv}
dataset: {table: rows}
train: {task: anomaly, trainer: isolation_forest}
evaluate: {metrics: [roc_auc]}
monitor: {labels: {key: id}}
",
    );
    let text = project.run(&["check"]).stderr;
    assert!(
        text.contains("the metric `roc_auc` of the task `anomaly` needs the truth"),
        "{text}"
    );
    assert!(
        text.contains("labels arrive, but there is no target"),
        "{text}"
    );
}

#[test]
fn rows_count_by_weight_and_the_naive_prediction_is_the_bar() {
    let lifecycle = |trainer: &str, gate: &str| {
        format!(
            "
version: 1
project: weighted
sources:
  rows: {{path: data/rows.csv}}
dataset: {{table: rows, target: y, weight: weight, exclude: [id]}}
split: {{by: random}}
train: {{task: regression, trainer: {trainer}}}
gates: ['{gate}']
"
        )
    };
    let good = project(&lifecycle("nearest", "rmse < 0.5 * naive.rmse"));
    let report = good.succeed(&["run", "--format", "json"]).json();
    assert_eq!(report["outcome"], "promoted", "{report}");
    let shown = report["gates"][0]["shown"].as_str().unwrap();
    assert!(shown.contains("naive.rmse"), "{shown}");
    let status = good.succeed(&["status"]).stdout;
    assert!(status.contains("naive (mean) "), "{status}");

    let bad = project(&lifecycle("baseline", "rmse < 1000"));
    bad.succeed(&["run"]);
    let status = bad.succeed(&["status"]).stdout;
    assert!(status.contains("NOT better than naive (mean) "), "{status}");

    let rows = clouds(900).replace(",2\n", ",-2\n");
    good.write("data/rows.csv", rows);
    let text = good.run(&["run"]).stderr;
    assert!(
        text.contains("expected a number that is not negative"),
        "{text}"
    );
}
