//! The data sets of `shared/data` under versions, by Everloop and DVC.

use std::path::Path;
use std::process::Command;

use everloop_testkit::shared_data;

use crate::projects::BINARY;
use crate::versions::python_with_dvc;

#[test]
fn all_data_sets_go_through_both_tools() {
    let (Some(python), Some(data)) = (python_with_dvc(), shared_data("titanic")) else {
        return;
    };
    let dir = tempfile::tempdir().unwrap();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/e2e/sets.py");
    let mut command = Command::new(python);
    command.arg(script).arg(BINARY).arg(data.parent().unwrap());
    let output = command.current_dir(dir.path()).output().unwrap();
    let told = String::from_utf8_lossy(&output.stdout);
    let words = String::from_utf8_lossy(&output.stderr);
    assert!(told.ends_with("ok\n"), "{told}{words}");
}
