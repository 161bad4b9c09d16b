//! Versions of data and the runs that read them lead to each other.

use std::process::Command;

use everloop_testkit::TestProject;
use serde_json::Value;

use crate::projects::{line, line_rows};

#[track_caller]
fn git(project: &TestProject, arguments: &[&str]) {
    let mut command = Command::new("git");
    command.args(["-c", "user.name=Ann", "-c", "user.email=a@b"]);
    let output = command.args(arguments).current_dir(project.dir()).output();
    let output = output.unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
}

/// The digest and the runs of every version in a history, the newest first.
fn history(project: &TestProject, path: &str) -> Vec<(Value, Vec<String>)> {
    let told = project.succeed(&["data", "log", path, "--format", "json"]);
    let told = told.json();
    let versions = told.as_array().unwrap().iter().map(|one| {
        let change = &one["changes"][0];
        let runs = change["runs"].as_array().unwrap().iter();
        let names = runs.map(|run| run["name"].as_str().unwrap().to_owned());
        (change["new"]["md5"].clone(), names.collect())
    });
    versions.collect()
}

/// The digest of the file that a run says it read.
fn read_by(project: &TestProject, run: &str) -> Value {
    let runs = project.succeed(&["runs", "list", "--format", "json"]);
    let runs = runs.json();
    let mut runs = runs.as_array().unwrap().iter();
    let run = runs.find(|one| one["name"] == run).unwrap().clone();
    let mut inputs = run["inputs"].as_array().unwrap().iter();
    let input = inputs.find(|one| one["context"] == "source").unwrap();
    assert_eq!(input["name"], "data/line.csv");
    input["digest"].clone()
}

#[test]
fn versions_lead_to_the_runs_that_read_them_and_back() {
    for tracked in ["data/line.csv", "data"] {
        let project = line(200);
        git(&project, &["init", "--quiet", "--initial-branch=main"]);
        project.succeed(&["data", "init"]);
        project.succeed(&["data", "add", tracked]);
        git(&project, &["add", "--all"]);
        git(&project, &["commit", "--quiet", "-m", "first"]);
        project.succeed(&["run"]);
        project.succeed(&["run"]);
        project.write("data/line.csv", line_rows(0, 200, 3.0));
        project.succeed(&["data", "add", tracked]);
        project.succeed(&["run"]);

        let before = history(&project, "data/line.csv");
        let of = |versions: &[(Value, Vec<String>)]| -> Vec<Vec<String>> {
            versions.iter().map(|(_, runs)| runs.clone()).collect()
        };
        assert_eq!(of(&before), [vec!["cycle-3"], vec!["cycle-2", "cycle-1"]]);
        assert_eq!(before[0].0, read_by(&project, "cycle-3"));
        let text = project.succeed(&["data", "log"]).stdout;
        assert!(
            text.starts_with("in no commit\n  data/line.csv: "),
            "{text}"
        );

        git(&project, &["commit", "--quiet", "--all", "-m", "second"]);
        let after = history(&project, "data/line.csv");
        assert_eq!(of(&after), of(&before));
        if tracked == "data/line.csv" {
            assert_eq!(after[0].0, read_by(&project, "cycle-3"));
            assert_eq!(after[1].0, read_by(&project, "cycle-1"));
        }
        let text = project.succeed(&["data", "log"]).stdout;
        assert!(text.contains("\n    read by run ") && text.contains("(cycle-2, "));
        assert!(!text.contains("in no commit"), "{text}");
    }
}
