//! `everloop data` on repositories of DVC: both programs in turns, and what must be refused.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use everloop_testkit::test_python;
use serde_json::Value;

use crate::projects::BINARY;

/// The test Python, if it has DVC beside it.
pub(crate) fn python_with_dvc() -> Option<PathBuf> {
    let python = test_python()?;
    if python.with_file_name("dvc").exists() {
        return Some(python);
    }
    println!("skipped: there is no `dvc` beside {}", python.display());
    None
}

#[track_caller]
fn take_turns(seed: u32, n_operations: u32) {
    let Some(python) = python_with_dvc() else {
        return;
    };
    let dir = tempfile::tempdir().unwrap();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/e2e/versions.py");
    let mut command = Command::new(python);
    command.arg(script).arg(BINARY).current_dir(dir.path());
    command.args([seed.to_string(), n_operations.to_string()]);
    let output = command.output().unwrap();
    let told = String::from_utf8_lossy(&output.stdout);
    let words = String::from_utf8_lossy(&output.stderr);
    assert!(told.ends_with("ok\n"), "seed {seed}:\n{told}{words}");
}

// The rest of the seed by four is the kind of links. Each of eight processes does a part of the 200 operations.

#[test]
fn dvc_and_everloop_take_turns_with_reflinks() {
    take_turns(4, 25);
}

#[test]
fn dvc_and_everloop_take_turns_with_hard_links() {
    take_turns(1, 25);
}

#[test]
fn dvc_and_everloop_take_turns_with_symbolic_links() {
    take_turns(2, 25);
}

#[test]
fn dvc_and_everloop_take_turns_with_copies() {
    take_turns(3, 25);
}

#[test]
fn dvc_and_everloop_take_other_turns_with_reflinks() {
    take_turns(8, 25);
}

#[test]
fn dvc_and_everloop_take_other_turns_with_hard_links() {
    take_turns(5, 25);
}

#[test]
fn dvc_and_everloop_take_other_turns_with_symbolic_links() {
    take_turns(6, 25);
}

#[test]
fn dvc_and_everloop_take_other_turns_with_copies() {
    take_turns(7, 25);
}

fn data(dir: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(BINARY);
    command.arg("data").args(arguments).current_dir(dir);
    command.output().unwrap()
}

#[track_caller]
fn refused(output: &Output, code: i32, words: &str) {
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{said}");
    assert!(said.contains(words), "{said}");
}

#[track_caller]
fn json(output: &Output) -> Value {
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn every_command_answers_programs_and_says_what_it_refuses() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    refused(&data(dir, &["status"]), 30, "everloop data init");
    assert!(data(dir, &["init"]).status.success());
    refused(&data(dir, &["init"]), 31, "already");
    std::fs::create_dir(dir.join("d")).unwrap();
    std::fs::write(dir.join("d/x"), "1").unwrap();
    let added = json(&data(dir, &["add", "d", "--format", "json"]));
    assert_eq!(added[0]["file"], "d.dvc");
    assert_eq!(added[0]["changed"], true);
    std::fs::write(dir.join("d/y"), "2").unwrap();
    let status = json(&data(&dir.join("d"), &["status", ".", "--format", "json"]));
    assert_eq!(status[0]["state"], "modified");
    assert_eq!(status[0]["added"], serde_json::json!(["y"]));
    refused(&data(dir, &["checkout"]), 22, "`d/y` would be lost");
    refused(&data(dir, &["push"]), 30, "no default remote");
    refused(&data(dir, &["add", "../x"]), 2, "not in this repository");
    refused(
        &data(dir, &["commit", "absent"]),
        30,
        "no `.dvc` file tracks `absent`",
    );
    assert!(data(dir, &["commit"]).status.success());
    assert!(
        data(dir, &["remote", "add", "-d", "r", "../r"])
            .status
            .success()
    );
    refused(&data(dir, &["remote", "add", "r", "x"]), 31, "--force");
    let remotes = json(&data(dir, &["remote", "list", "--format", "json"]));
    assert_eq!(remotes[0]["default"], true);
    std::fs::write(
        dir.join(".dvc/config.local"),
        "[core]\nremote = s\n['remote \"s\"']\nurl = gdrive://b/x\n",
    )
    .unwrap();
    refused(&data(dir, &["push"]), 2, "there are directories, `s3://`");
    let listed = json(&data(dir, &["list", "--format", "json"]));
    assert_eq!(
        (&listed[0]["files"], &listed[0]["size"]),
        (&2.into(), &2.into())
    );
    let gone = json(&data(dir, &["gc", "-w", "--dry-run", "--format", "json"]));
    assert_eq!(gone["kept"], 3);
}

#[test]
fn the_lock_of_another_process_is_honoured_and_named() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    assert!(data(dir, &["init"]).status.success());
    std::fs::write(dir.join("a"), "1").unwrap();
    let file = std::fs::File::create(dir.join(".dvc/tmp/lock")).unwrap();
    file.lock().unwrap();
    std::fs::write(
        dir.join(".dvc/tmp/lock"),
        format!(" {}\n", std::process::id()),
    )
    .unwrap();
    let words = format!("locked by process {}", std::process::id());
    refused(&data(dir, &["add", "a"]), 31, &words);
    drop(file);
    assert!(data(dir, &["add", "a"]).status.success());
}

#[test]
fn a_command_that_is_killed_can_be_repeated() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    assert!(data(dir, &["init"]).status.success());
    std::fs::create_dir(dir.join("d")).unwrap();
    for number in 0..400 {
        std::fs::write(dir.join(format!("d/{number}")), vec![b'x'; number * 97]).unwrap();
    }
    let place = tempfile::tempdir().unwrap();
    let place = place.path().join("r");
    assert!(
        data(dir, &["remote", "add", "-d", "r", place.to_str().unwrap()])
            .status
            .success()
    );
    for arguments in [["add", "d"].as_slice(), &["push"], &["pull"]] {
        if arguments == ["pull"] {
            std::fs::remove_dir_all(dir.join(".dvc/cache")).unwrap();
            std::fs::remove_dir_all(dir.join("d")).unwrap();
        }
        for pause_ms in [8, 14, 22] {
            let mut command = Command::new(BINARY);
            command.arg("data").args(arguments).current_dir(dir);
            let mut child = command.spawn().unwrap();
            std::thread::sleep(std::time::Duration::from_millis(pause_ms));
            child.kill().unwrap();
            child.wait().unwrap();
        }
        let output = data(dir, arguments);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments:?}: {said}");
        let status = json(&data(dir, &["status", "--format", "json"]));
        assert_eq!(
            (&status[0]["state"], &status[0]["in_cache"]),
            (&"unchanged".into(), &true.into())
        );
    }
    for number in 0..400 {
        let bytes = std::fs::read(dir.join(format!("d/{number}"))).unwrap();
        assert_eq!(bytes, vec![b'x'; number * 97]);
    }
}
