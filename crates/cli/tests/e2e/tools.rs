//! MLflow's own command line and evaluation against our server.

use std::path::Path;
use std::process::Command;

use everloop_testkit::{Up, test_python};

use crate::projects::BINARY;

#[test]
fn the_command_line_of_mlflow_and_its_evaluation_work() {
    let Some(python) = test_python() else {
        return;
    };
    let home = tempfile::tempdir().unwrap();
    let mut command = Command::new(BINARY);
    command.args(["server", "--port", "0", "--home"]);
    let up = Up::start({
        command.arg(home.path());
        command
    });
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/e2e/tools.py");
    let output = Command::new(python)
        .arg(script)
        .arg(up.url())
        .output()
        .unwrap();
    let words = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{words}");
    assert!(output.stdout.ends_with(b"ok\n"), "{words}");
    assert_eq!(up.stop(), 0);
}
