//! Everything that is tracked, with DVC in turns: stages, parts, kept commits, damage.

use std::path::Path;
use std::process::Command;

use crate::projects::BINARY;
use crate::versions::python_with_dvc;

#[track_caller]
fn play(scene: &str) {
    let Some(python) = python_with_dvc() else {
        return;
    };
    let dir = tempfile::tempdir().unwrap();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/e2e/tracked.py");
    let mut command = Command::new(python);
    command.arg(script).args([BINARY, scene]);
    let output = command.current_dir(dir.path()).output().unwrap();
    let told = String::from_utf8_lossy(&output.stdout);
    let words = String::from_utf8_lossy(&output.stderr);
    assert!(told.ends_with("ok\n"), "{scene}:\n{told}{words}");
}

#[test]
fn outs_of_stages_are_data() {
    play("stages");
}

#[test]
fn parts_of_directories_are_targets() {
    play("parts");
}

#[test]
fn gc_keeps_what_dvc_keeps() {
    play("kept");
}

#[test]
fn damage_is_named_and_mended() {
    play("damaged");
}
