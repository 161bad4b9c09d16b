//! `everloop runs`: what cycles and clients have tracked.

use std::process::{Command, Stdio};
use std::time::Duration;

use everloop_testkit::Up;
use serde_json::{Value, json};

use crate::projects::{BINARY, line, line_rows};

fn ids(listed: &Value) -> Vec<String> {
    let runs = listed.as_array().unwrap();
    runs.iter()
        .map(|run| run["id"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn runs_are_listed_shown_and_compared() {
    let project = line(200);
    project.succeed(&["run"]);
    project.write("data/line.csv", line_rows(0, 200, 3.0));
    project.succeed(&["run"]);
    let listed = project
        .succeed(&["runs", "list", "--format", "json"])
        .json();
    let all = ids(&listed);
    assert_eq!(all.len(), 2, "{listed}");
    assert!(listed[0]["metrics"]["rmse"].is_number(), "{listed}");

    let good = [
        "runs",
        "list",
        "--format",
        "json",
        "--filter",
        "metrics.r2 > 0 and not metrics.rmse > 1000",
    ];
    assert_eq!(ids(&project.succeed(&good).json()).len(), 2);
    let none = [
        "runs",
        "list",
        "--format",
        "json",
        "--filter",
        "metrics.rmse > 1000 or status = 'FAILED'",
    ];
    assert!(ids(&project.succeed(&none).json()).is_empty());

    let shown = project.succeed(&["runs", "show", &all[0][..10]]).stdout;
    assert!(shown.starts_with(&format!("run {}", all[0])), "{shown}");
    assert!(
        shown.contains("metric") && shown.contains("rmse"),
        "{shown}"
    );

    let compared = project
        .succeed(&["runs", "compare", &all[0], &all[1], "--format", "json"])
        .json();
    let keys: Vec<&str> = compared["differences"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["key"].as_str().unwrap())
        .collect();
    assert!(keys.contains(&"rmse"), "{compared}");
}

#[test]
fn what_cannot_be_found_or_read_is_told() {
    let project = line(50);
    let ran = project.run(&["runs", "list"]);
    assert_eq!(ran.code, 30, "{}", ran.stderr);
    assert!(ran.stderr.contains("nothing was tracked"), "{}", ran.stderr);
    project.succeed(&["run"]);
    let ran = project.run(&["runs", "show", "zzz"]);
    assert_eq!(ran.code, 30, "{}", ran.stderr);
    let ran = project.run(&["runs", "list", "--filter", "rmse"]);
    assert_eq!(ran.code, 2, "{}", ran.stderr);
    assert!(ran.stderr.contains("Invalid clause"), "{}", ran.stderr);
}

#[test]
fn a_reader_that_has_seen_enough_is_no_error() {
    let project = line(50);
    project.succeed(&["run"]);
    let mut command = project.command(&["schema"]);
    let mut child = command
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    // The schema is longer than a pipe holds.
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    let words = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{words}");
    assert!(!words.contains("panicked"), "{words}");
}

#[test]
fn a_run_is_watched_until_it_ends_on_a_store_and_through_a_server() {
    let home = tempfile::tempdir().unwrap();
    let mut command = Command::new(BINARY);
    command
        .args(["server", "--port", "0", "--home"])
        .arg(home.path());
    let up = Up::start(command);
    let call = |endpoint: &str, body: Value| {
        up.post(&format!("/api/2.0/mlflow/{endpoint}"), &body)
            .ok()
            .json()
    };
    let run = call(
        "runs/create",
        json!({"experiment_id": "0", "run_name": "watched"}),
    );
    let run = run["run"]["info"]["run_id"].as_str().unwrap();
    let watch = |place: &[&str]| {
        let mut command = Command::new(BINARY);
        command
            .args(["runs", "watch", run])
            .args(place)
            .stdout(Stdio::piped());
        command.spawn().unwrap()
    };
    let (url, home) = (up.url(), home.path().to_str().unwrap());
    let watching = [
        watch(&["--server", &url, "--format", "json"]),
        watch(&["--home", home]),
    ];
    for step in 0..3 {
        let point = json!({"run_id": run, "key": "loss", "value": 1.0 / f64::from(step + 1), "step": step, "timestamp": step});
        call("runs/log-metric", point);
        // Each look sees one of them.
        std::thread::sleep(Duration::from_millis(600));
    }
    call(
        "runs/update",
        json!({"run_id": run, "status": "FINISHED", "end_time": 9}),
    );
    let told = watching.map(|child| {
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success());
        String::from_utf8(output.stdout).unwrap()
    });
    let lines: Vec<Value> = told[0]
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(lines.last().unwrap()["data"]["status"], "FINISHED");
    let steps: Vec<&Value> = lines
        .iter()
        .filter(|line| line["event"] == "metric")
        .map(|line| &line["data"]["step"])
        .collect();
    assert_eq!(steps.last(), Some(&&json!(2)), "{}", told[0]);
    assert!(told[1].contains("run watched: RUNNING"), "{}", told[1]);
    assert!(told[1].contains("at step 2"), "{}", told[1]);
    assert!(
        told[1].trim_end().ends_with("run watched: FINISHED"),
        "{}",
        told[1]
    );
    assert_eq!(up.stop(), 0);
}
