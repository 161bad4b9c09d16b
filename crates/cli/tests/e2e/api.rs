//! Our own API does what its OpenAPI document says: schemathesis asks for everything in it, and for what it forbids.

use std::path::Path;
use std::process::Command;

use everloop_domain::Digest;
use everloop_testkit::{Postgres, Up, test_python};
use serde_json::json;

use crate::projects::{BINARY, line};

/// How many requests schemathesis thinks up for each endpoint, beside those at the edges of every parameter.
const N_EXAMPLES: &str = "12";

/// Runs that have something for every filter of `api_hooks.py`.
fn fill(up: &Up) {
    for (number, value) in [(1, "1.5"), (2, "NaN"), (3, "-Infinity")] {
        let run = json!({"experiment_id": "0", "run_name": format!("run {number}"), "start_time": number});
        let made = up.post("/api/2.0/mlflow/runs/create", &run).ok().json();
        let id = &made["run"]["info"]["run_id"];
        let batch = json!({
            "run_id": id,
            "metrics": [{"key": "rmse", "value": value, "timestamp": 1}, {"key": "a b", "value": number, "timestamp": 1}],
            "params": [{"key": "depth", "value": number.to_string()}],
            "tags": [{"key": "team", "value": "a2"}, {"key": "x y", "value": "ü"}],
        });
        let _ = up.post("/api/2.0/mlflow/runs/log-batch", &batch).ok();
        let model = json!({"name": format!("model {number}")});
        let _ = up
            .post("/api/2.0/mlflow/registered-models/create", &model)
            .ok();
        let version =
            json!({"name": format!("model {number}"), "source": "s3://bucket", "run_id": id});
        let _ = up
            .post("/api/2.0/mlflow/model-versions/create", &version)
            .ok();
    }
}

/// Lets schemathesis loose on a server that answers so many endpoints, beside the stream of events.
fn check(python: &Path, up: &Up, n_endpoints: usize) {
    fill(up);
    let hooks = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/e2e/api_hooks.py");
    let home = tempfile::tempdir().unwrap();
    let output = Command::new(python)
        .args(["-m", "schemathesis.cli", "run"])
        .arg(format!("{}/api/v1/openapi.json", up.url()))
        // The stream of events has no end.
        .args(["--checks", "all", "--exclude-path", "/api/v1/events"])
        .args(["--max-examples", N_EXAMPLES, "--seed", "7", "--no-color"])
        .env("SCHEMATHESIS_HOOKS", hooks)
        .current_dir(home.path())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    let words = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}\n{words}\n{}", up.words());
    let tested = format!("Tested: {n_endpoints}");
    assert!(said.contains(&tested), "{tested} is not in {said}");
}

#[test]
fn a_project_answers_as_the_document_says() {
    let Some(python) = test_python() else {
        return;
    };
    let project = line(300);
    project.succeed(&["run"]);
    let up = Up::start(project.command(&["up", "--port", "0", "--no-controller"]));
    check(&python, &up, 12);
    assert_eq!(up.stop(), 0);
}

#[test]
fn a_version_leads_back_to_the_rows_that_taught_it() {
    let project = line(300);
    project.succeed(&["run"]);
    let up = Up::start(project.command(&["up", "--port", "0", "--no-controller"]));
    let lineage = up.get("/api/v1/lineage/models/line/versions/1").ok().json();
    assert_eq!(lineage["versions"][0]["aliases"], json!(["champion"]));
    assert_eq!(lineage["versions"][0]["package"], lineage["package"]);
    let run = lineage["run"]["run_id"].as_str().unwrap();
    let find = |list: &str, name: &str, field: &str| {
        let mut all = lineage[list].as_array().unwrap().iter();
        let one = all.find(|one| one["name"] == name).unwrap();
        one[field].as_str().unwrap().to_owned()
    };
    // Each stage's fingerprint names its inputs by their digests: the chain has no gap.
    let inputs = |stage: &str| {
        let path = format!("/get-artifact?run_id={run}&path=fingerprints/{stage}.json");
        let whole = up.get(&path).ok();
        assert_eq!(
            Digest::of(&whole.body).to_string(),
            find("stages", stage, "fingerprint")
        );
        whole.json()["inputs"].take()
    };
    assert_eq!(inputs("prepare")["rows"], find("sources", "rows", "digest"));
    assert_eq!(inputs("train")["train"], find("parts", "train", "digest"));
    assert_eq!(inputs("evaluate")["candidate"], lineage["package"]);
    let file = project.dir().join("data/line.csv");
    let rows = Digest::of(std::fs::read(file).unwrap()).to_string();
    assert_eq!(inputs("collect")["rows: data/line.csv"], rows);
    assert_eq!(up.stop(), 0);
}

#[test]
fn a_server_on_postgres_answers_as_the_document_says() {
    let (Some(python), Some(postgres)) = (test_python(), Postgres::start()) else {
        return;
    };
    let home = tempfile::tempdir().unwrap();
    let mut command = Command::new(BINARY);
    command
        .args(["server", "--port", "0", "--backend-store-uri"])
        .arg(postgres.new_database())
        .arg("--home")
        .arg(home.path());
    let up = Up::start(command);
    check(&python, &up, 4);
    assert_eq!(up.stop(), 0);
}
