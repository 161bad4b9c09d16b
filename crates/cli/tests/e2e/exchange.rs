//! `everloop import mlflow`: what MLflow's own code wrote comes over whole, compared through its client.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use everloop_testkit::{Postgres, Up, test_python};
use serde_json::Value;

use crate::projects::BINARY;

/// Runs the client's script in a directory: MLflow keeps artifacts of a database's store below it.
#[track_caller]
fn python(arguments: &[&str], dir: &Path) {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/e2e/exchange.py");
    let mut python = Command::new(test_python().unwrap());
    python.arg(script).args(arguments).current_dir(dir);
    let output = python.output().unwrap();
    let words = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{words}");
    assert!(output.stdout.ends_with(b"ok\n"), "{words}");
}

fn import(source: &str, home: &Path) -> Command {
    let mut command = Command::new(BINARY);
    command.args(["import", "mlflow", source, "--format", "json", "--home"]);
    command.arg(home);
    command
}

#[track_caller]
fn report(mut command: Command) -> Value {
    let output = command.output().unwrap();
    let words = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{words}");
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Imports with a kill on the way, again, and again; then compares.
#[track_caller]
fn check(uri: &str, source: &str, home: &Path) {
    let mut broken_off = import(source, home).spawn().unwrap();
    std::thread::sleep(Duration::from_millis(60));
    broken_off.kill().unwrap();
    broken_off.wait().unwrap();
    report(import(source, home));
    let again = report(import(source, home));
    for kind in [
        "experiments",
        "runs",
        "logged_models",
        "registered_models",
        "versions",
    ] {
        assert_eq!(again[kind]["new"], 0, "{kind}: {again}");
        assert!(
            again[kind]["known"].as_u64().unwrap() > 0,
            "{kind}: {again}"
        );
    }
    assert_eq!(again["problems"], serde_json::json!([]));
    let mut command = Command::new(BINARY);
    command.args(["server", "--port", "0", "--home"]).arg(home);
    let up = Up::start(command);
    python(&["compare", uri, &up.url()], home);
    assert_eq!(up.stop(), 0);
}

#[test]
fn a_file_store_comes_over_whole() {
    let (Some(_), dir) = (test_python(), tempfile::tempdir().unwrap()) else {
        return;
    };
    let store = dir.path().join("mlruns");
    let uri = format!("file://{}", store.display());
    python(&["write", &uri], dir.path());
    check(&uri, store.to_str().unwrap(), &dir.path().join("home"));
}

#[test]
fn a_sqlite_database_comes_over_whole() {
    let (Some(_), dir) = (test_python(), tempfile::tempdir().unwrap()) else {
        return;
    };
    let uri = format!("sqlite:///{}", dir.path().join("mlflow.db").display());
    python(&["write", &uri], dir.path());
    check(
        &uri,
        dir.path().join("mlflow.db").to_str().unwrap(),
        &dir.path().join("home"),
    );
}

#[test]
fn a_postgres_database_comes_over_whole() {
    let (Some(_), Some(postgres)) = (test_python(), Postgres::start()) else {
        return;
    };
    let dir = tempfile::tempdir().unwrap();
    let database = postgres.new_database();
    let uri = database.replace("postgresql:", "postgresql+psycopg2:");
    python(&["write", &uri], dir.path());
    check(&uri, &uri, &dir.path().join("home"));
}

#[test]
fn what_is_broken_is_named_and_the_rest_comes() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("mlruns");
    let write = |path: &str, text: &str| {
        let path = root.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    };
    let (good, bad, half) = ("a".repeat(32), "b".repeat(32), "c".repeat(32));
    write("5/meta.yaml", "name: e\n");
    write(&format!("5/{good}/meta.yaml"), "status: 3\nstart_time: 1\n");
    write(&format!("5/{bad}/meta.yaml"), "status: [\n");
    write(&format!("5/{half}/meta.yaml"), "status: 3\n");
    write(&format!("5/{half}/metrics/m"), "1 0.5 0\nnonsense\n2 1 1\n");
    write("5/not-a-run/meta.yaml", "status: 3\n");
    let output = import(root.to_str().unwrap(), &dir.path().join("home"))
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(22));
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["runs"]["new"], 1, "{report}");
    let problems = report["problems"].as_array().unwrap();
    let why = |what: &str| -> String {
        let found = problems
            .iter()
            .find(|one| one["what"].as_str().unwrap().contains(what));
        found.unwrap()["why"].as_str().unwrap().to_owned()
    };
    assert!(why(&bad).contains("meta.yaml"));
    assert!(why(&half).contains("line 2"));
    assert!(why("not-a-run").contains("hexadecimal"));
    for (source, words) in [("/nowhere", "no such file"), ("ftp://x/y", "neither")] {
        let output = import(source, dir.path()).output().unwrap();
        assert_eq!(output.status.code(), Some(2));
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(said.contains(words), "{said}");
    }
}
