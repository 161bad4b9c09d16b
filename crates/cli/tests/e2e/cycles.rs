//! `everloop run` and `everloop status`: cache, outcomes, bad data.

use std::fmt::Write as _;

use crate::projects::{line, line_rows};

#[test]
fn nothing_runs_again_when_nothing_changed() {
    let project = line(200);
    let first = project.succeed(&["run", "--format", "json"]).json();
    assert_eq!(
        (
            first["outcome"].as_str(),
            first["champion_version"].as_u64()
        ),
        (Some("promoted"), Some(1))
    );
    let second = project.succeed(&["run", "--format", "json"]).json();
    assert_eq!(second["outcome"], "healthy");
    assert_eq!(second["champion_version"], 1);
    let status = project.status();
    let stages = status["cycles"][0]["stages"].as_array().unwrap();
    let names: Vec<&str> = stages
        .iter()
        .map(|stage| stage["name"].as_str().unwrap())
        .collect();
    assert_eq!(
        names,
        [
            "collect", "prepare", "train", "evaluate", "deploy", "monitor"
        ]
    );
    assert!(
        stages[..3]
            .iter()
            .all(|stage| stage["cached"] == true && stage["state"] == "done"),
        "{status}"
    );
    assert_eq!(status["cycles"][1]["reason"], "first");
}

#[test]
fn the_same_fingerprint_gives_the_same_bytes() {
    let digest = || {
        let project = line(200);
        project.succeed(&["run"]);
        let status = project.status();
        status["cycles"][0]["stages"][2]["action"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    assert_eq!(digest(), digest());
}

#[test]
fn changed_rows_make_a_new_version() {
    let project = line(200);
    project.succeed(&["run"]);
    project.write("data/line.csv", line_rows(0, 200, 3.0));
    let report = project.succeed(&["run", "--format", "json"]).json();
    assert_eq!(
        (
            report["outcome"].as_str(),
            report["champion_version"].as_u64()
        ),
        (Some("promoted"), Some(2)),
        "{report}"
    );
    project.succeed(&["model", "rollback"]);
    let models = project
        .succeed(&["model", "list", "--format", "json"])
        .json();
    assert_eq!(models[1]["aliases"][0], "champion", "{models}");
    assert_eq!(project.status()["cycles"][0]["outcome"], "rolled_back");
}

#[test]
fn a_gate_refuses_with_its_numbers() {
    let project = line(200);
    let ran = project.run(&["run", "--set", "gates=[rmse < 0.0001]"]);
    assert_eq!(ran.code, 21, "{}", ran.stderr);
    assert!(
        ran.stderr.contains("rmse < 0.0001") && ran.stderr.contains("rmse = 0."),
        "{}",
        ran.stderr
    );
}

#[test]
fn rows_that_fail_a_check_are_kept_with_their_reasons() {
    let project = line(200);
    project.write(
        "data/line.csv",
        format!("{}7,1.0,a,2.0\n", line_rows(0, 200, 2.0)),
    );
    let ran = project.run(&["run"]);
    assert_eq!(ran.code, 20, "{}", ran.stderr);
    assert!(
        ran.stderr.contains("id: unique") && ran.stderr.contains("2 of 201 rows"),
        "{}",
        ran.stderr
    );
    assert!(
        project
            .dir()
            .join(".everloop/quarantine/cycle-1/rows.parquet")
            .is_file()
    );
    assert_eq!(project.status()["cycles"][0]["outcome"], "failed");
}

#[track_caller]
fn fails(text: &str, expected: &str) {
    let project = line(10);
    project.write("data/line.csv", text);
    let ran = project.run(&["run"]);
    assert_eq!(ran.code, 20, "{}", ran.stderr);
    assert!(
        ran.stderr.contains(expected),
        "{expected} is not in {}",
        ran.stderr
    );
    assert!(!ran.stderr.contains("panicked"), "{}", ran.stderr);
}

#[test]
fn bad_data_is_named() {
    fails("", "it is empty");
    fails("id,x,group,y\n", "rows");
    fails("id,x,group,y\n1,2,a\n", "line 2: 3 fields, expected 4");
    let rows = |target: &dyn Fn(usize) -> String| {
        let mut text = String::from("id,x,group,y\n");
        for id in 0..50 {
            let _ = writeln!(text, "{id},{},a,{}", id * 2, target(id));
        }
        text
    };
    fails(&rows(&|_| "1".to_owned()), "there is nothing to learn");
    fails(&rows(&|id| format!("none{id}")), "type number");
}
