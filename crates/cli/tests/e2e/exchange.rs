//! `everloop import mlflow` and `everloop export mlflow`: what MLflow's own code wrote comes over whole, and what is here is
//! read by MLflow's own code, compared through its client.

mod broken;
mod outside;

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

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

fn export(home: &Path, dir: &Path) -> Command {
    let mut command = Command::new(BINARY);
    command.args(["export", "mlflow"]).arg(dir);
    command.args(["--format", "json", "--home"]).arg(home);
    command
}

fn serve(home: &Path) -> Up {
    let mut command = Command::new(BINARY);
    command.args(["server", "--port", "0", "--home"]).arg(home);
    Up::start(command)
}

/// The report of a command that leaves with this code.
#[track_caller]
fn report_with(mut command: Command, code: i32) -> Value {
    let output = command.output().unwrap();
    let words = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{words}");
    serde_json::from_slice(&output.stdout).unwrap()
}

#[track_caller]
fn report(command: Command) -> Value {
    report_with(command, 0)
}

/// What a command says of a failure with this code.
#[track_caller]
fn refused(mut command: Command, code: i32) -> String {
    let output = command.output().unwrap();
    let words = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(code), "{words}");
    words
}

/// Starts a command, and waits until it has told so often how far it is.
#[track_caller]
fn start(mut command: Command, n_lines: usize) -> Child {
    let child = command.stderr(Stdio::piped()).stdout(Stdio::null()).spawn();
    let mut child = child.unwrap();
    let words = BufReader::new(child.stderr.take().unwrap());
    let mut told = words.lines().map_while(Result::ok);
    let n_told = told.by_ref().filter(|line| line.ends_with(" runs"));
    assert_eq!(n_told.take(n_lines).count(), n_lines);
    // Nobody listening any more would end it, too.
    std::thread::spawn(move || told.count());
    child
}

/// Kills a command when it has told so often how far it is; false if it was ready before.
#[track_caller]
fn kill_at(command: Command, n_lines: usize) -> bool {
    let mut child = start(command, n_lines);
    let is_running = child.try_wait().unwrap().is_none();
    // It may end at this very moment.
    let _ = child.kill();
    child.wait().unwrap();
    is_running
}

/// All files below a directory.
fn tree(dir: &Path) -> BTreeMap<String, Vec<u8>> {
    let (mut found, mut open) = (BTreeMap::new(), vec![dir.to_owned()]);
    while let Some(place) = open.pop() {
        for entry in std::fs::read_dir(&place).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else {
                let name = path.strip_prefix(dir).unwrap().display().to_string();
                found.insert(name, std::fs::read(&path).unwrap());
            }
        }
    }
    found
}

/// All that a home has, as an export to always the same directory.
#[track_caller]
fn all_of(home: &Path) -> BTreeMap<String, Vec<u8>> {
    let dir = home.parent().unwrap().join("out");
    report(export(home, &dir));
    let found = tree(&dir);
    std::fs::remove_dir_all(&dir).unwrap();
    found
}

/// Imports with kills on the way; it must be as if there had been none, and nothing may be new the next time.
#[track_caller]
fn import_with_kills(source: &str, home: &Path) {
    let mut n_killed = 0;
    for n_lines in [1, 4, 8, 10] {
        let _ = std::fs::remove_dir_all(home);
        n_killed += u32::from(kill_at(import(source, home), n_lines));
        // Resumed, and killed again.
        n_killed += u32::from(kill_at(import(source, home), n_lines.max(6)));
    }
    assert!(n_killed >= 4, "{n_killed} of 8 came before the end");
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
    let unbroken = home.with_file_name("unbroken");
    report(import(source, &unbroken));
    let (left, right) = (all_of(home), all_of(&unbroken));
    assert!(left.len() > 100, "{} files", left.len());
    assert!(left.keys().eq(right.keys()));
    for (name, text) in left {
        assert_eq!(text, right[&name], "{name}");
    }
}

/// Imports what MLflow's own code wrote, and compares.
#[track_caller]
fn check(uri: &str, source: &str, home: &Path) {
    import_with_kills(source, home);
    let up = serve(home);
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
