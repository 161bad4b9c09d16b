//! `everloop metrics|params|plots` beside DVC on the same repository.

use std::path::Path;
use std::process::Command;

use crate::projects::BINARY;
use crate::versions::python_with_dvc;

#[track_caller]
fn run(script: &str) {
    let Some(python) = python_with_dvc() else {
        return;
    };
    let dir = tempfile::tempdir().unwrap();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/e2e").join(script);
    let mut command = Command::new(&python);
    command.arg(script).arg(BINARY);
    command.arg(python.with_file_name("dvc"));
    let output = command.current_dir(dir.path()).output().unwrap();
    let told = String::from_utf8_lossy(&output.stdout);
    let words = String::from_utf8_lossy(&output.stderr);
    assert!(told.ends_with("ok\n"), "{told}{words}");
}

#[test]
fn versions_differ_as_with_dvc() {
    run("diffs.py");
}

#[test]
fn templates_are_filled_in_as_with_dvc() {
    run("templates.py");
}
