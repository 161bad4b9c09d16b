//! `everloop model export --quantize`: what it says of the loss is what another runtime finds.

use std::path::{Path, PathBuf};
use std::process::Command;

use everloop_testkit::{TestProject, shared_data, test_python};
use serde_json::Value;

use crate::projects::{BINARY, line};

const LIFECYCLE: &str = "
version: 1
project: adult
sources:
  people: {path: data/adult_train.parquet}
prepare:
  - table: some
    sql: select * from people limit 5000
dataset: {table: some, target: income}
split: {by: random, train: 0.6, validation: 0.2, test: 0.2}
train: {task: binary, trainer: neural, parameters: {epochs: 3}}
evaluate: {metrics: [accuracy, roc_auc, log_loss]}
";

/// Runs both graphs on the test part, and checks everything that was reported, the bill of materials included.
const CHECK: &str = r#"
import json, os, sys
import mlflow.pyfunc, numpy, onnxruntime, pandas
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from sklearn.metrics import accuracy_score, log_loss, roc_auc_score

plain, small, whole, test = sys.argv[1:5]
loss = json.load(open(f"{small}/quantization.json"))
assert json.load(open(f"{whole}/quantization.json")) == loss

for folder in [plain, small, whole]:
    text = open(f"{folder}/sbom.cdx.json", encoding="utf-8").read()
    problem = JsonStrictValidator(SchemaVersion.V1_6).validate_str(text)
    assert problem is None, (folder, problem)
    model = json.loads(text)["metadata"]["component"]
    assert ("pedigree" in model) == (folder != plain), model

rows = pandas.read_parquet(test)
assert len(rows) == loss["n_rows"]

def run(folder):
    session = onnxruntime.InferenceSession(f"{folder}/model.onnx")
    inputs = {}
    for one in json.load(open(f"{folder}/signature.json"))["inputs"]:
        column = rows[one["name"]]
        inputs[one["name"]] = (
            column.fillna("").to_numpy(dtype=object) if one["kind"] == "text" else column.to_numpy()
        )
    return session.run(["prediction", "probability"], inputs)

(label, before), (small_label, after) = run(plain), run(small)
truth = rows["income"].to_numpy(dtype=object)
positive = (truth == ">50K").astype(int)
found = {
    "accuracy": [accuracy_score(truth, one.astype(object)) for one in (label, small_label)],
    "roc_auc": [roc_auc_score(positive, one) for one in (before, after)],
    "log_loss": [log_loss(positive, one) for one in (before, after)],
}
assert [one["name"] for one in loss["metrics"]] == list(found), loss
for one in loss["metrics"]:
    numpy.testing.assert_allclose([one["before"], one["after"]], found[one["name"]], atol=1e-9)
apart = numpy.abs(before - after)
numpy.testing.assert_allclose(loss["max_difference"], apart.max(), atol=1e-9)
numpy.testing.assert_allclose(loss["mean_difference"], apart.mean(), atol=1e-9)
assert loss["n_relabelled"] == int((label != small_label).sum())
assert loss["bytes"] == {
    "before": os.path.getsize(f"{plain}/model.onnx"),
    "after": os.path.getsize(f"{small}/model.onnx"),
}, loss["bytes"]
served = mlflow.pyfunc.load_model(whole).predict(rows.drop(columns="income"))
numpy.testing.assert_allclose(served["probability"].to_numpy(), after, atol=1e-12)
print(loss)
"#;

fn project() -> Option<TestProject> {
    let data = shared_data("adult_census/adult_train.parquet")?;
    let project = TestProject::new(BINARY, LIFECYCLE);
    project.copy(&data, "data/adult_train.parquet");
    project.succeed(&["run"]);
    Some(project)
}

/// The test part in the cache.
fn test_part(project: &TestProject) -> PathBuf {
    let prepared = project.dir().join(".everloop/cache/prepare");
    let entries = std::fs::read_dir(prepared).unwrap();
    let found: Vec<PathBuf> = entries
        .map(|entry| entry.unwrap().path().join("test.parquet"))
        .collect();
    assert_eq!(found.len(), 1);
    found[0].clone()
}

fn read(dir: &Path, name: &str) -> Value {
    serde_json::from_slice(&std::fs::read(dir.join(name)).unwrap()).unwrap()
}

#[test]
fn the_loss_is_what_python_finds() {
    let Some(project) = project() else { return };
    let quantised = ["--quantize", "int8"];
    let export = |how: &[&str]| {
        let words = [&["model", "export", "adult"], how].concat();
        project.succeed(&words)
    };
    export(&["--onnx", "plain"]);
    let told = export(&[&["--onnx", "small", "--format", "json"], &quantised[..]].concat()).json();
    let words = export(&[&["--mlflow", "whole"], &quantised[..]].concat()).stdout;
    assert!(words.contains("rows: test part of version 1"), "{words}");
    assert!(words.contains("roc_auc "), "{words}");
    let dir = |name: &str| project.dir().join(name);
    let loss = read(&dir("small"), "quantization.json");
    assert_eq!(told["quantization"], loss);
    assert!(loss["bytes"]["after"].as_u64() < loss["bytes"]["before"].as_u64());
    let metadata = &read(&dir("whole"), "everloop.json")["metadata"];
    assert_eq!(metadata["quantization"], "int8");
    // Nothing is left of the work.
    let entries = std::fs::read_dir(project.dir()).unwrap();
    let mut names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    assert!(names.all(|name| !name.contains("quantised")));
    let Some(python) = test_python() else { return };
    let checked = Command::new(python)
        .args(["-c", CHECK])
        .args(["plain", "small", "whole"].map(dir))
        .arg(test_part(&project))
        .env("MLFLOW_DISABLE_TELEMETRY", "true")
        .output()
        .unwrap();
    let words = String::from_utf8_lossy(&checked.stderr);
    assert!(checked.status.success(), "{words}");
}

#[test]
fn rows_are_found_or_asked_for() {
    let Some(project) = project() else { return };
    let test = test_part(&project);
    let rows = project.dir().join("rows.parquet");
    std::fs::rename(test, &rows).unwrap();
    let export = |model: &str, to: &str, more: &[&str]| {
        let words = [
            "model",
            "export",
            model,
            "--mlflow",
            to,
            "--quantize",
            "int8",
        ];
        project.run(&[&words[..], more].concat())
    };
    // Only the inputs are left: differences can be told, metrics cannot.
    let ran = export("adult", "one", &[]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert!(
        ran.stdout.contains("reference of version 1"),
        "{}",
        ran.stdout
    );
    assert!(ran.stdout.contains("no metrics"), "{}", ran.stdout);
    let ran = export("adult", "two", &["--rows", "rows.parquet"]);
    assert!(
        ran.stdout.contains("log_loss"),
        "{} {}",
        ran.stdout,
        ran.stderr
    );
    let again = export("two", "three", &["--rows", "rows.parquet"]);
    assert!(
        again.stderr.contains("quantised already"),
        "{}",
        again.stderr
    );
    project.succeed(&["model", "export", "adult", "--mlflow", "alone"]);
    let ran = export("alone", "three", &[]);
    assert_eq!(ran.code, 30, "{}", ran.stderr);
    assert!(ran.stderr.contains("--rows FILE.parquet"), "{}", ran.stderr);
    assert!(!project.dir().join("three").exists());
}

#[test]
fn a_model_without_a_network_is_refused() {
    let project = line(200);
    project.succeed(&["run"]);
    let ran = project.run(&[
        "model",
        "export",
        "line",
        "--onnx",
        "small",
        "--quantize",
        "int8",
    ]);
    assert_eq!(ran.code, 2, "{}", ran.stderr);
    assert!(ran.stderr.contains("nothing to quantise"), "{}", ran.stderr);
    assert!(
        ran.stderr.contains("without `--quantize`"),
        "{}",
        ran.stderr
    );
    assert!(!project.dir().join("small").exists());
}
