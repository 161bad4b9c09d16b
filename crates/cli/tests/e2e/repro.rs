//! `everloop repro` beside DVC on the same projects.

use std::path::Path;
use std::process::Command;

use crate::projects::BINARY;
use crate::versions::python_with_dvc;

#[test]
fn pipelines_run_as_with_dvc() {
    check("repro.py");
}

#[test]
fn several_jobs_write_the_bytes_of_one_and_of_dvc() {
    check("repro_parallel.py");
}

#[test]
fn everyday_verbs_write_the_bytes_of_dvc() {
    check("verbs.py");
}

#[test]
fn runs_go_through_remotes_as_with_dvc() {
    check("runs_shared.py");
}

#[test]
fn projects_of_strangers_are_seen_as_dvc_sees_them() {
    check("strangers.py");
}

/// Runs a script with both programs in an empty directory.
#[track_caller]
fn check(script: &str) {
    let Some(python) = python_with_dvc() else {
        return;
    };
    let dir = tempfile::tempdir().unwrap();
    let script = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/e2e")
        .join(script);
    let mut command = Command::new(&python);
    command.arg(script).arg(BINARY);
    command.arg(python.with_file_name("dvc"));
    let output = command.current_dir(dir.path()).output().unwrap();
    let told = String::from_utf8_lossy(&output.stdout);
    let words = String::from_utf8_lossy(&output.stderr);
    assert!(told.ends_with("ok\n"), "{told}{words}");
}

/// What a stage writes to in place must not be the object of the cache that it shares its bytes with.
#[test]
fn commands_write_to_no_object_of_the_cache() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let everloop = |arguments: &[&str]| {
        let mut command = Command::new(BINARY);
        command.args(arguments).current_dir(dir);
        let output = command.output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        (output.status.code(), said)
    };
    assert_eq!(everloop(&["data", "init"]).0, Some(0));
    std::fs::write(dir.join(".dvc/config"), "[cache]\n    type = hardlink\n").unwrap();
    let text = "stages:\n  grow:\n    cmd: echo x >> log\n    always_changed: true\n    outs: [{log: {persist: true}}]\n  still:\n    cmd: exit 1\n    deps: [log]\n    outs: [made]\n    frozen: true\n";
    std::fs::write(dir.join("dvc.yaml"), text).unwrap();
    let (code, said) = everloop(&["repro"]);
    assert_eq!(code, Some(20), "{said}");
    assert!(said.contains("`made`"), "{said}");
    // By hand, as people do it for a stage that is frozen.
    std::fs::write(dir.join("made"), "1\n").unwrap();
    let (code, said) = everloop(&["repro"]);
    assert!(
        code == Some(0) && said.contains("still: recorded"),
        "{said}"
    );
    assert_eq!(std::fs::read(dir.join("log")).unwrap(), b"x\nx\n");
    // `md5sum` of `x` with its line end.
    let first = ".dvc/cache/files/md5/40/1b30e3b8b5d629635a5c613cdb7919";
    assert_eq!(std::fs::read(dir.join(first)).unwrap(), b"x\n");
}

/// Projects of DVC 1 on Windows: a lock without a schema, digests of DVC 2, a byte order mark and CRLF.
#[test]
fn old_projects_are_taken_up() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let everloop = |arguments: &[&str]| {
        let mut command = Command::new(BINARY);
        command.args(arguments).current_dir(dir);
        let output = command.output().unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8_lossy(&output.stderr).into_owned()
    };
    everloop(&["data", "init"]);
    let stage = |name: &str| {
        format!(
            "  {name}:\r\n    cmd: cp in {name}\r\n    deps:\r\n    - in\r\n    outs:\r\n    - {name}:\r\n        cache: false\r\n"
        )
    };
    let text = format!("\u{feff}stages:\r\n{}", stage("old"));
    std::fs::write(dir.join("dvc.yaml"), &text).unwrap();
    std::fs::write(dir.join("in"), "x\r\n").unwrap();
    std::fs::write(dir.join("old"), "x\r\n").unwrap();
    // `md5sum` of `x` with a line end of Unix.
    let entry =
        |path: &str| format!("  - path: {path}\r\n    md5: 401b30e3b8b5d629635a5c613cdb7919\r\n");
    let lock = format!(
        "old:\r\n  cmd: cp in old\r\n  deps:\r\n{}  outs:\r\n{}",
        entry("in"),
        entry("old")
    );
    std::fs::write(dir.join("dvc.lock"), lock).unwrap();
    assert!(everloop(&["repro"]).contains("old: up to date"));
    std::fs::write(dir.join("dvc.yaml"), text + &stage("new")).unwrap();
    assert!(everloop(&["repro"]).contains("new: run"));
    let lock = std::fs::read_to_string(dir.join("dvc.lock")).unwrap();
    let start = "schema: '2.0'\nstages:\n  old:\n    cmd: cp in old\n    deps:\n    - path: in\n      md5: 401b30e3b8b5d629635a5c613cdb7919\n";
    assert!(lock.starts_with(start), "{lock}");
    assert!(
        lock.contains("  new:\n    cmd: cp in new\n    deps:\n    - path: in\n      hash: md5\n"),
        "{lock}"
    );
}

#[test]
fn stages_are_drawn() {
    let dir = tempfile::tempdir().unwrap();
    let everloop = |arguments: &[&str]| {
        let mut command = Command::new(BINARY);
        command.args(arguments).current_dir(dir.path());
        let output = command.output().unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    everloop(&["data", "init"]);
    let text = "stages:\n  a:\n    cmd: mkdir d\n    outs: [d]\n  b:\n    cmd: x\n    deps: [d/x]\n    frozen: true\n  c:\n    cmd: y\n    deps: [d/x]\n";
    std::fs::write(dir.path().join("dvc.yaml"), text).unwrap();
    assert_eq!(everloop(&["repro", "--graph"]), "a\n├─ b (frozen)\n└─ c\n");
    let mermaid = everloop(&["repro", "--graph=mermaid", "--outs", "c"]);
    let expected = "flowchart TD\n  n0[\"a\"]\n  n1[\"c\"]\n  n2([\"d\"])\n  n3([\"d/x\"])\n  n0 --> n1\n  n0 --> n2\n  n3 --> n1\n";
    assert_eq!(mermaid, expected);
    assert!(everloop(&["repro", "--graph=svg"]).starts_with("<svg "));
    assert!(everloop(&["repro", "--graph", "--format", "json"]).contains("\"edges\""));
}
