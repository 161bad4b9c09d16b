//! `everloop runs`: what cycles and clients have tracked.

use serde_json::Value;

use crate::projects::{line, line_rows};

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
