//! `everloop model export`: what is written works without Everloop.

use std::path::Path;
use std::process::{Command, Stdio};

use everloop_testkit::test_python;
use serde_json::Value;

use crate::projects::line;

/// Loads an exported model with its own tools, and checks the bill of materials against the schema of its format.
const CHECK: &str = r#"
import json, sys
import mlflow.pyfunc, onnxruntime, pandas
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

onnx, whole = sys.argv[1:3]
bill = open(f"{onnx}/sbom.cdx.json", encoding="utf-8").read()
problem = JsonStrictValidator(SchemaVersion.V1_6).validate_str(bill)
assert problem is None, problem
example = json.load(open(f"{onnx}/input_example.json"))
rows = pandas.DataFrame(example["data"], columns=example["columns"])
predicted = mlflow.pyfunc.load_model(whole).predict(rows)["prediction"].tolist()
session = onnxruntime.InferenceSession(f"{onnx}/model.onnx")
names = [one["name"] for one in json.load(open(f"{onnx}/signature.json"))["inputs"]]
found = session.run(["prediction"], {name: rows[name].to_numpy() for name in names})[0].tolist()
assert all(abs(a - b) < 1e-6 for a, b in zip(predicted, found)), (predicted, found)
print(json.dumps(found))
"#;

fn files(dir: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(dir).unwrap();
    let mut names: Vec<String> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn what_is_exported_answers_alike() {
    let project = line(200);
    project.succeed(&["run"]);
    project.succeed(&["model", "export", "line", "--onnx", "onnx"]);
    let (onnx, whole) = (project.dir().join("onnx"), project.dir().join("whole"));
    assert_eq!(
        files(&onnx),
        [
            "input_example.json",
            "model.onnx",
            "sbom.cdx.json",
            "signature.json"
        ]
    );
    project.succeed(&["model", "export", "line@champion", "--mlflow", "whole"]);
    assert!(files(&whole).contains(&"MLmodel".to_owned()));
    for target in ["--onnx", "--mlflow", "--edge"] {
        // Nothing is written over, and nothing is left half-written.
        let ran = project.run(&["model", "export", "line", target, "onnx"]);
        assert!(matches!(ran.code, 30 | 31), "{} {}", ran.code, ran.stderr);
    }
    assert_eq!(files(&onnx).len(), 4);
    let Some(python) = test_python() else { return };
    let checked = Command::new(python)
        .args(["-c", CHECK])
        .args([&onnx, &whole])
        .env("MLFLOW_DISABLE_TELEMETRY", "true")
        .output()
        .unwrap();
    let words = String::from_utf8_lossy(&checked.stderr);
    assert!(checked.status.success(), "{words}");
    let by_python: Vec<f64> = serde_json::from_slice(&checked.stdout).unwrap();

    if !project.binary().with_file_name("everloop-edge").is_file() {
        eprintln!("skipped: `everloop-edge` is not built");
        return;
    }
    project.succeed(&["model", "export", "line", "--edge", "edge"]);
    assert_eq!(by_edge(&project.dir().join("edge")), by_python);
}

/// What the runner says of the example, in a directory where there is nothing else.
fn by_edge(dir: &Path) -> Vec<f64> {
    let example = std::fs::read(dir.join("input_example.json")).unwrap();
    let example: Value = serde_json::from_slice(&example).unwrap();
    let names = example["columns"].as_array().unwrap();
    let rows = example["data"].as_array().unwrap().iter().map(|row| {
        let pairs = names.iter().zip(row.as_array().unwrap());
        let row: serde_json::Map<String, Value> = pairs
            .map(|(name, value)| (name.as_str().unwrap().to_owned(), value.clone()))
            .collect();
        Value::Object(row)
    });
    let rows = Value::Array(rows.collect()).to_string();
    let mut child = Command::new(dir.join("everloop-edge"))
        .arg("model.onnx")
        .current_dir(dir)
        .env_clear()
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    std::io::Write::write_all(&mut child.stdin.take().unwrap(), rows.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    String::from_utf8(output.stdout)
        .unwrap()
        .lines()
        .map(|line| {
            let row: Value = serde_json::from_str(line).unwrap();
            row["prediction"].as_f64().unwrap()
        })
        .collect()
}
