//! `kill -9` at random moments of the commands about versions and of `repro`, some 90 in all.

use std::path::Path;
use std::process::Command;

use crate::projects::BINARY;
use crate::versions::python_with_dvc;

#[track_caller]
fn kill(seed: u32) {
    let Some(python) = python_with_dvc() else {
        return;
    };
    let dir = tempfile::tempdir().unwrap();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/e2e/killed.py");
    let mut command = Command::new(python);
    command
        .arg(script)
        .arg(BINARY)
        .args([&seed.to_string(), "2"]);
    let output = command.current_dir(dir.path()).output().unwrap();
    let told = String::from_utf8_lossy(&output.stdout);
    let words = String::from_utf8_lossy(&output.stderr);
    assert!(told.ends_with("ok\n"), "seed {seed}:\n{told}{words}");
}

#[test]
fn kills_lose_nothing_with_copies() {
    kill(0);
}

#[test]
fn kills_lose_nothing_with_hard_links() {
    kill(1);
}

#[test]
fn kills_lose_nothing_with_symbolic_links() {
    kill(2);
}

#[test]
fn kills_lose_nothing_with_reflinks() {
    kill(3);
}
