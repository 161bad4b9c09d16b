//! The projects of `examples/`, and what commands that train can do wrong.

use std::path::{Path, PathBuf};
use std::process::Command;

use everloop_testkit::{TestProject, test_python};

use crate::projects::BINARY;

fn examples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples")
}

/// An example as it stands, with its data inside. Nothing if there is no Python that has the module.
fn example(name: &str, module: &str) -> Option<TestProject> {
    let python = test_python()?;
    let found = Command::new(python)
        .args(["-c", &format!("import {module}")])
        .output();
    if !found.is_ok_and(|found| found.status.success()) {
        eprintln!("skipped: the tests' Python has no `{module}`");
        return None;
    }
    let dir = examples().join(name);
    let lifecycle = std::fs::read_to_string(dir.join("everloop.yaml")).unwrap();
    let project = TestProject::new(BINARY, &lifecycle.replace("../data/", "data/"));
    project.copy(&dir.join("train.py"), "train.py");
    project.copy(&examples().join("data/customers.csv"), "data/customers.csv");
    Some(project)
}

/// Runs an example; what the train stage says of the model that it adopted.
#[track_caller]
fn adopted(name: &str, module: &str) -> Option<String> {
    let project = example(name, module)?;
    let report = project.succeed(&["run", "--format", "json"]).json();
    assert_eq!(report["outcome"], "promoted", "{report}");
    let status = project.status();
    let action = status["cycles"][0]["stages"][2]["action"].as_str();
    Some(action.unwrap().to_owned())
}

#[test]
fn scikit_learn_becomes_a_graph() {
    if let Some(action) = adopted("scikit-learn", "skl2onnx") {
        assert!(action.contains("converted to ONNX by skl2onnx"), "{action}");
    }
}

#[test]
fn lightgbm_becomes_a_graph() {
    if let Some(action) = adopted("lightgbm", "lightgbm") {
        assert!(
            action.contains("converted to ONNX by onnxmltools"),
            "{action}"
        );
    }
}

#[test]
fn xgboost_becomes_a_graph() {
    if let Some(action) = adopted("xgboost", "xgboost") {
        assert!(
            action.contains("converted to ONNX by onnxmltools"),
            "{action}"
        );
    }
}

#[test]
fn pytorch_brings_its_graph() {
    if let Some(action) = adopted("pytorch", "torch") {
        assert!(action.contains("the model is an ONNX graph"), "{action}");
    }
}

/// The rows of the example with a command of another kind.
fn command(line: &str) -> Option<TestProject> {
    test_python()?;
    let lifecycle = std::fs::read_to_string(examples().join("lightgbm/everloop.yaml")).unwrap();
    let lifecycle = lifecycle
        .replace("../data/", "data/")
        .replace("python train.py", line)
        .replace("timeout: 10m", "timeout: 30s");
    let project = TestProject::new(BINARY, &lifecycle);
    project.copy(&examples().join("data/customers.csv"), "data/customers.csv");
    Some(project)
}

#[test]
fn half_a_model_fails_where_it_was_made() {
    let half = "mkdir -p $EVERLOOP_OUTPUT/m && printf 'flavors:\\n  python_function:\\n    loader_module: mlflow.sklearn\\n    model_path: model.pkl\\n' > $EVERLOOP_OUTPUT/m/MLmodel";
    let Some(project) = command(&format!(
        "\"{}\"",
        half.replace('\\', "\\\\").replace('"', "\\\"")
    )) else {
        return;
    };
    for _ in 0..2 {
        // It is not taken from the cache either.
        let ran = project.run(&["run"]);
        assert_eq!(ran.code, 20, "{}", ran.stderr);
        assert!(
            ran.stderr.contains("left a model that cannot be used") && ran.stderr.contains("train"),
            "{}",
            ran.stderr
        );
    }
}

#[test]
fn a_flood_of_words_does_not_fill_the_disk() {
    let Some(project) = command("yes 'the same again' | head -c 300000000; echo the end; exit 4")
    else {
        return;
    };
    let ran = project.run(&["run"]);
    assert_eq!(ran.code, 20, "{}", ran.stderr);
    assert!(
        ran.stderr.contains("exit code 4") && ran.stderr.contains("the end"),
        "{}",
        ran.stderr
    );
    let log = project.dir().join(".everloop/logs/cycle-1-train.log");
    let n_bytes = std::fs::metadata(log).unwrap().len();
    assert!(n_bytes < 40_000_000, "{n_bytes}");
}

#[test]
fn a_command_that_hangs_is_ended() {
    let Some(project) = command("sleep 1000") else {
        return;
    };
    let text = std::fs::read_to_string(project.dir().join("everloop.yaml")).unwrap();
    project.write("everloop.yaml", text.replace("timeout: 30s", "timeout: 1s"));
    let ran = project.run(&["run"]);
    assert_eq!(ran.code, 20, "{}", ran.stderr);
    assert!(
        ran.stderr
            .contains("did not end within 1 s (`train.timeout`)"),
        "{}",
        ran.stderr
    );
}
