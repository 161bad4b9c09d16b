//! Artifacts in a bucket: `everloop server` on a server that speaks S3's protocol, with MLflow's own client.

use std::path::Path;
use std::process::Command;

use everloop_testkit::{Azurite, Objects, Up, post, test_python};
use serde_json::json;

use crate::projects::BINARY;

/// Variables of those who use a store.
type Environment<'e> = &'e [(&'static str, String)];

fn server(environment: Environment, home: &Path, arguments: &[&str]) -> Up {
    let mut command = Command::new(BINARY);
    command
        .args(["server", "--port", "0", "--home"])
        .arg(home)
        .args(arguments)
        .envs(environment.iter().cloned());
    Up::start(command)
}

/// Runs the client's script against a server.
#[track_caller]
fn check_client(up: &Up, way: &str, environment: Environment) {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/e2e/objects.py");
    let mut python = Command::new(test_python().unwrap());
    python.arg(script).args([&up.url(), way]);
    let output = python.envs(environment.iter().cloned()).output().unwrap();
    let words = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{words}");
    assert!(output.stdout.ends_with(b"ok\n"), "{words}");
}

#[test]
fn the_real_client_keeps_artifacts_in_a_bucket_through_the_server() {
    let Some(objects) = Objects::start() else {
        return;
    };
    objects.make_bucket("models");
    let home = tempfile::tempdir().unwrap();
    let up = server(
        &objects.environment(),
        home.path(),
        &["--artifacts-destination", "s3://models/team a"],
    );
    check_client(&up, "through", &objects.environment());
    assert!(!home.path().join("artifacts").exists());
    assert_eq!(up.stop(), 0);
}

#[test]
fn the_real_client_keeps_artifacts_in_azure_through_the_server() {
    let Some(azurite) = Azurite::start() else {
        return;
    };
    let environment = azurite.environment();
    let home = tempfile::tempdir().unwrap();
    let to = ["--artifacts-destination", "az://models/team"];
    let up = server(&environment, home.path(), &to);
    check_client(&up, "through", &environment);
    assert!(!home.path().join("artifacts").exists());
    assert_eq!(up.stop(), 0);
}

#[test]
fn the_real_client_writes_to_a_bucket_that_the_server_reads() {
    let Some(objects) = Objects::start() else {
        return;
    };
    objects.make_bucket("models");
    let home = tempfile::tempdir().unwrap();
    let up = server(
        &objects.environment(),
        home.path(),
        &["--default-artifact-root", "s3://models/direct"],
    );
    check_client(&up, "beside", &objects.environment());
    assert_eq!(up.stop(), 0);
}

#[test]
fn a_bucket_that_is_away_is_an_error_of_the_request_and_comes_back() {
    let Some(mut objects) = Objects::start() else {
        return;
    };
    let home = tempfile::tempdir().unwrap();
    let up = server(
        &objects.environment(),
        home.path(),
        &["--artifacts-destination", "s3://models"],
    );
    let made = up.post(
        "/api/2.0/mlflow/runs/create",
        &json!({"experiment_id": "0"}),
    );
    let run = made.ok().json()["run"]["info"]["run_id"]
        .as_str()
        .unwrap()
        .to_owned();
    let upload = || {
        let path = format!("/ajax-api/2.0/mlflow/upload-artifact?run_uuid={run}&path=a.txt");
        post(up.address(), &path, "text/plain", b"hello")
    };
    // No such bucket, no such server, and both again.
    let answer = upload();
    assert_eq!(answer.status, 404, "{}", answer.body);
    assert!(
        answer.body.contains("its bucket does not exist"),
        "{}",
        answer.body
    );
    objects.stop();
    let answer = upload();
    assert_eq!(answer.status, 503, "{}", answer.body);
    assert_eq!(answer.json()["error_code"], "TEMPORARILY_UNAVAILABLE");
    objects.resume();
    objects.make_bucket("models");
    assert_eq!(upload().status, 200);
    let found = up.get(&format!("/get-artifact?run_id={run}&path=a.txt"));
    assert_eq!(found.ok().body, "hello");
    assert!(!up.words().contains("panic"), "{}", up.words());
    assert_eq!(up.stop(), 0);
}
