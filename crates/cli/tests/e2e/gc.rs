//! `everloop gc`: what was deleted softly goes for good, with its artifacts.

use std::path::Path;
use std::process::Command;

use everloop_testkit::{Up, post};
use serde_json::{Value, json};

use crate::projects::BINARY;

/// Runs `everloop gc` in a home and gives exit code, output and words.
fn gc(home: &Path, arguments: &[&str]) -> (Option<i32>, String, String) {
    let output = Command::new(BINARY)
        .args(["gc", "--home"])
        .arg(home)
        .args(arguments)
        .output()
        .unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (
        output.status.code(),
        text(&output.stdout),
        text(&output.stderr),
    )
}

fn call(up: &Up, endpoint: &str, body: &Value) -> Value {
    up.post(&format!("/api/2.0/mlflow/{endpoint}"), body)
        .ok()
        .json()
}

/// A run with an artifact.
fn run(up: &Up, experiment: &str) -> String {
    let made = call(up, "runs/create", &json!({"experiment_id": experiment}));
    let id = made["run"]["info"]["run_id"].as_str().unwrap().to_owned();
    let path = format!("/ajax-api/2.0/mlflow/upload-artifact?run_uuid={id}&path=dir/a.txt");
    assert_eq!(post(up.address(), &path, "text/plain", b"x").status, 200);
    id
}

#[test]
fn what_was_deleted_goes_for_good_and_the_rest_stays() {
    let home = tempfile::tempdir().unwrap();
    let mut command = Command::new(BINARY);
    command
        .args(["server", "--port", "0", "--home"])
        .arg(home.path());
    // Cleaning up beside a running server is usual.
    let up = Up::start(command);
    let experiment = call(&up, "experiments/create", &json!({"name": "e"}));
    let experiment = experiment["experiment_id"].as_str().unwrap();
    let (kept, deleted) = (run(&up, "0"), run(&up, "0"));
    let below = run(&up, experiment);
    let trace = call(&up, "traces", &json!({"experiment_id": experiment}));
    let trace = trace["trace_info"]["request_id"].as_str().unwrap();
    call(&up, "runs/delete", &json!({"run_id": deleted}));
    call(
        &up,
        "experiments/delete",
        &json!({"experiment_id": experiment}),
    );
    let files = |experiment: &str, run: &str| {
        let path = format!("artifacts/{experiment}/{run}/artifacts/dir/a.txt");
        home.path().join(path).exists()
    };
    assert!(files("0", &deleted) && files(experiment, &below));

    let (code, out, words) = gc(home.path(), &["--older-than", "1h"]);
    assert_eq!((code, out.as_str()), (Some(0), ""), "{words}");
    let (code, _, words) = gc(home.path(), &["--run-ids", &kept]);
    assert_eq!(code, Some(2), "{words}");
    assert!(
        words.contains(&kept) && words.contains("deleted before"),
        "{words}"
    );
    let (code, _, words) = gc(home.path(), &["--older-than", "1h", "--run-ids", &deleted]);
    assert_eq!(code, Some(2), "{words}");
    let (code, out, _) = gc(home.path(), &["--dry-run", "--format", "json"]);
    let told: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(code, Some(0));
    assert!(told["runs"].as_array().unwrap().contains(&json!(deleted)));
    assert!(files("0", &deleted));

    let (code, out, words) = gc(home.path(), &[]);
    assert_eq!(code, Some(0), "{words}");
    assert!(out.contains(&format!("run {deleted} removed")), "{out}");
    assert!(
        out.contains(&format!("experiment {experiment} removed")),
        "{out}"
    );
    assert!(!files("0", &deleted) && !files(experiment, &below));
    assert!(files("0", &kept));
    let get = |id: &str| {
        up.get(&format!("/api/2.0/mlflow/runs/get?run_id={id}"))
            .status
    };
    assert_eq!((get(&kept), get(&deleted), get(&below)), (200, 404, 404));
    let trace = up.get(&format!("/api/3.0/mlflow/traces/{trace}"));
    assert_eq!(trace.status, 404);
    assert_eq!(up.stop(), 0);
}
