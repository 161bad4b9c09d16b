//! `everloop metrics|params|plots` beside DVC on the same repository.

use std::path::Path;
use std::process::Command;

use crate::projects::BINARY;
use crate::versions::python_with_dvc;

#[test]
fn versions_differ_as_with_dvc() {
    let Some(python) = python_with_dvc() else {
        return;
    };
    let dir = tempfile::tempdir().unwrap();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/e2e/diffs.py");
    let mut command = Command::new(&python);
    command.arg(script).arg(BINARY);
    command.arg(python.with_file_name("dvc"));
    let output = command.current_dir(dir.path()).output().unwrap();
    let told = String::from_utf8_lossy(&output.stdout);
    let words = String::from_utf8_lossy(&output.stderr);
    assert!(told.ends_with("ok\n"), "{told}{words}");
}
