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

/// Many `.dvc` files are written together: whenever the command is killed, all of them are there in the end, or none.
#[test]
fn an_add_of_many_that_is_killed_leaves_all_or_none() {
    let mut found = Vec::new();
    for pause_ms in [5, 20, 35, 50, 65, 80, 100, 130, 170, 220] {
        let dir = tempfile::tempdir().unwrap();
        let dir = dir.path();
        let data = |arguments: &[&str]| {
            let mut command = Command::new(BINARY);
            command.arg("data").args(arguments).current_dir(dir);
            command
        };
        assert!(data(&["init"]).output().unwrap().status.success());
        let names: Vec<String> = (0..40).map(|number| format!("f{number}")).collect();
        for name in &names {
            std::fs::write(dir.join(name), name).unwrap();
        }
        let mut arguments = vec!["add"];
        arguments.extend(names.iter().map(String::as_str));
        let mut child = data(&arguments).spawn().unwrap();
        std::thread::sleep(std::time::Duration::from_millis(pause_ms));
        child.kill().unwrap();
        child.wait().unwrap();
        // Whoever takes the lock next finishes it.
        let next = data(&["gc", "--workspace", "--dry"]).output().unwrap();
        assert!(next.status.success(), "{next:?}");
        let is_there = |name: &&String| dir.join(format!("{name}.dvc")).exists();
        let n_there = names.iter().filter(is_there).count();
        assert!(
            n_there == 0 || n_there == 40,
            "{n_there} after {pause_ms} ms"
        );
        found.push(n_there);
        assert!(data(&arguments).output().unwrap().status.success());
        assert!(data(&["fsck"]).output().unwrap().status.success());
    }
    println!("{found:?}");
}

/// What a command answers to programs.
#[track_caller]
fn answer(dir: &Path, code: i32, arguments: &[&str]) -> serde_json::Value {
    let mut command = Command::new(BINARY);
    command.arg("data").args(arguments).current_dir(dir);
    let output = command.args(["--format", "json"]).output().unwrap();
    let words = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {words}");
    serde_json::from_slice(&output.stdout).unwrap_or_default()
}

#[test]
fn commands_of_care_answer_programs() {
    let dir = tempfile::tempdir().unwrap();
    let dir = &dir.path().canonicalize().unwrap();
    let made = answer(dir, 0, &["init"]);
    assert_eq!(made["root"], dir.to_str().unwrap());
    std::fs::write(dir.join("a"), "1").unwrap();
    answer(dir, 0, &["add", "a"]);
    let moved = answer(dir, 0, &["move", "a", "b"]);
    assert_eq!(
        (&moved["path"], &moved["file"]),
        (&"b".into(), &"b.dvc".into())
    );
    let listed = answer(dir, 0, &["list"]);
    assert_eq!(listed[0]["stage"], serde_json::Value::Null);
    let checked = answer(dir, 0, &["fsck"]);
    assert_eq!(
        (&checked["objects"], &checked["left"]),
        (&1.into(), &0.into())
    );
    std::fs::remove_dir_all(dir.join(".dvc/cache")).unwrap();
    let checked = answer(dir, 22, &["fsck"]);
    assert_eq!(checked["faults"][0]["kind"], "missing");
    assert_eq!(checked["faults"][0]["used_by"], serde_json::json!(["b"]));
    let unprotected = answer(dir, 0, &["unprotect", "b"]);
    assert_eq!(unprotected["unprotected"], serde_json::json!(["b"]));
    answer(dir, 30, &["unprotect", "absent"]);
    let removed = answer(dir, 0, &["remove", "b"]);
    assert_eq!(removed["removed"], serde_json::json!(["b.dvc"]));
    answer(dir, 30, &["remove", "b"]);
    let collected = answer(dir, 0, &["gc", "--workspace"]);
    assert_eq!(
        (&collected["kept"], &collected["remotes"]),
        (&0.into(), &serde_json::json!({}))
    );
    // Nothing is kept by accident: what is to stay must be said.
    answer(dir, 2, &["gc"]);
    answer(dir, 2, &["gc", "-w", "--remote", "r"]);
    answer(dir, 2, &["gc", "-w", "--num", "2"]);
    answer(dir, 2, &["gc", "-w", "--cloud", "--not-in-remote"]);
}
