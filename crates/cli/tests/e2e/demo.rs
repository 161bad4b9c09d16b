//! `everloop demo`: the loop closes on its own, and an interrupted demo goes on.

use std::process::Stdio;
use std::time::Duration;

use everloop_testkit::TestProject;

use crate::projects::BINARY;

#[test]
fn the_demo_promotes_a_retraining_even_after_a_kill() {
    let place = TestProject::new(BINARY, "");
    let arguments = ["demo", "--dir", "demo", "--days", "20", "--exit"];
    let mut child = place
        .command(&arguments)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    std::thread::sleep(Duration::from_millis(1500));
    child.kill().unwrap();
    child.wait().unwrap();
    let ran = place.succeed(&arguments);
    for part in [
        "what it cost to be late",
        "with the new model",
        "promoted",
        "first model's recall",
    ] {
        assert!(
            ran.stdout.contains(part),
            "{part} is not in {}\n{}",
            ran.stdout,
            ran.stderr
        );
    }
    assert!(ran.stderr.contains("drift"), "{}", ran.stderr);
}

#[test]
fn another_demo_is_not_overwritten() {
    let place = TestProject::new(BINARY, "");
    let ran = place.run(&["demo", "--dir", ".", "--exit"]);
    assert_eq!(ran.code, 31, "{}", ran.stderr);
    assert!(ran.stderr.contains("another project"), "{}", ran.stderr);
}
