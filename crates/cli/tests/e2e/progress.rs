//! What `everloop data` shows while it works: on a pseudo terminal, in files, for programs.

use std::path::Path;
use std::process::Command;

use everloop_testkit::test_python;

use crate::projects::BINARY;

#[test]
fn progress_is_live_on_a_terminal_and_nowhere_else() {
    let Some(python) = test_python() else {
        return;
    };
    let dir = tempfile::tempdir().unwrap();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/e2e/progress.py");
    let mut command = Command::new(python);
    let output = command.arg(script).arg(BINARY).current_dir(dir.path());
    let output = output.output().unwrap();
    let words = String::from_utf8_lossy(&output.stderr);
    assert!(output.stdout.ends_with(b"ok\n"), "{words}");
}
