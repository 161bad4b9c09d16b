//! `everloop data diff`, `log`, `tag`, `get`, `import` and `update` beside DVC, and what they refuse.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::{Value, json};

use crate::projects::BINARY;
use crate::versions::python_with_dvc;

/// Runs a script with Everloop and DVC in an empty directory.
#[track_caller]
fn beside_dvc(script: &str, arguments: &[&str]) {
    let Some(python) = python_with_dvc() else {
        return;
    };
    let dir = tempfile::tempdir().unwrap();
    let scripts = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/e2e");
    let mut command = Command::new(python);
    command
        .arg(scripts.join(script))
        .arg(BINARY)
        .args(arguments);
    let output = command.current_dir(dir.path()).output().unwrap();
    let told = String::from_utf8_lossy(&output.stdout);
    let words = String::from_utf8_lossy(&output.stderr);
    assert!(told.ends_with("ok\n"), "{arguments:?}:\n{told}{words}");
}

#[test]
fn versions_differ_as_dvc_says() {
    beside_dvc("history.py", &["1", "6"]);
}

#[test]
fn versions_of_another_history_differ_as_dvc_says() {
    beside_dvc("history.py", &["7", "6"]);
}

#[test]
fn data_of_other_repositories_is_that_of_dvc() {
    beside_dvc("imports.py", &[]);
}

fn git(dir: &Path, arguments: &[&str]) {
    let mut command = Command::new("git");
    command.args(["-c", "user.name=Ann", "-c", "user.email=a@b"]);
    let output = command.args(arguments).current_dir(dir).output().unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

fn data(dir: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(BINARY);
    for who in ["AUTHOR", "COMMITTER"] {
        command
            .env(format!("GIT_{who}_NAME"), "Ann")
            .env(format!("GIT_{who}_EMAIL"), "a@b");
    }
    command.arg("data").args(arguments).current_dir(dir);
    command.output().unwrap()
}

#[track_caller]
fn told(dir: &Path, arguments: &[&str]) -> String {
    let output = data(dir, arguments);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {said}");
    String::from_utf8(output.stdout).unwrap()
}

#[track_caller]
fn json_of(dir: &Path, arguments: &[&str]) -> Value {
    let arguments = [arguments, &["--format", "json"]].concat();
    serde_json::from_str(&told(dir, &arguments)).unwrap()
}

#[track_caller]
fn refused(dir: &Path, arguments: &[&str], code: i32, words: &str) {
    let output = data(dir, arguments);
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{said}");
    assert!(said.contains(words), "{said}");
}

const BEFORE: &str = "id,name,price\n1,ann,2.5\n2,bob,3\n3,cy,4\n";
const AFTER: &str = "id,name,price,city\n1,ann,2.5,Rome\n3,cyd,4,Oslo\n4,\"d|e\",1,\n";

/// A repository with a table whose first version is committed, and whose second lies there.
fn with_table() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path();
    git(root, &["init", "--quiet", "--initial-branch=main"]);
    told(root, &["init"]);
    fs::write(root.join("t.csv"), BEFORE).unwrap();
    told(root, &["add", "t.csv"]);
    git(root, &["add", "."]);
    git(root, &["commit", "--quiet", "-m", "first table"]);
    fs::write(root.join("t.csv"), AFTER).unwrap();
    dir
}

#[test]
fn tables_are_compared_row_by_row() {
    let dir = with_table();
    let root = dir.path();
    let found = json_of(root, &["diff", "--rows", "--key", "id", "t.csv"]);
    assert_eq!(
        found["columns"]["added"],
        json!([{"name": "city", "type": "text"}])
    );
    let counts = json!({"old": 3, "new": 3, "added": 1, "removed": 1, "changed": 1});
    assert_eq!(found["rows"], counts);
    assert_eq!(found["changed"][0]["key"], json!({"id": 3}));
    assert_eq!(
        found["changed"][0]["cells"],
        json!({"name": {"old": "cy", "new": "cyd"}})
    );
    let text = told(root, &["diff", "--rows", "--key", "id", "t.csv"]);
    assert!(
        text.contains("1 rows added, 1 removed, 1 changed\n"),
        "{text}"
    );
    assert!(text.contains("3   name    cy   cyd\n"), "{text}");
    let marked = told(
        root,
        &[
            "diff", "--rows", "--key", "id", "--format", "markdown", "t.csv",
        ],
    );
    assert!(
        marked.contains("| 4 | d\\|e | 1.0 | (none) |\n"),
        "{marked}"
    );
    let whole = json_of(root, &["diff", "--rows", "--limit", "1", "t.csv"]);
    assert_eq!(
        (&whole["rows"]["added"], &whole["rows"]["changed"]),
        (&json!(2), &json!(0))
    );
    assert_eq!(whole["added"].as_array().unwrap().len(), 1);
    refused(
        root,
        &["diff", "--rows", "--key", "idd", "t.csv"],
        2,
        "did you mean `id`?",
    );
    refused(
        root,
        &["diff", "--rows", "--key", "id", "x.csv"],
        30,
        "no data at `x.csv`",
    );
    refused(root, &["diff", "--rows", "--key", "id"], 2, "needs a table");
    fs::write(root.join("t.csv"), "id,name\n1,a\n1,b\n").unwrap();
    refused(
        root,
        &["diff", "--rows", "--key", "id", "t.csv"],
        2,
        "(id=1)",
    );
    fs::remove_dir_all(root.join(".dvc/cache")).unwrap();
    refused(
        root,
        &["diff", "--rows", "--key", "id", "t.csv"],
        30,
        "not in the cache",
    );
    let left = fs::read_dir(root.join(".dvc/tmp")).unwrap().flatten();
    let left: Vec<_> = left
        .filter(|entry| entry.file_name().to_string_lossy().contains("rows"))
        .collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn formats_of_tables_are_told_by_their_names() {
    let dir = with_table();
    let root = dir.path();
    let lines = |text: &str| fs::write(root.join("l.jsonl"), text).unwrap();
    lines("{\"k\": 1, \"v\": \"a\"}\n{\"k\": 2, \"v\": \"b\"}\n");
    told(root, &["add", "l.jsonl"]);
    git(root, &["add", "."]);
    git(root, &["commit", "--quiet", "-m", "lines"]);
    lines("{\"k\": 2, \"v\": \"B\"}\n{\"k\": 1, \"v\": \"a\"}\n");
    let found = json_of(root, &["diff", "--rows", "--key", "k", "l.jsonl"]);
    assert_eq!(found["changed_cells"], json!({"v": 1}));
    // A table that git has, at two commits.
    fs::write(root.join("small.csv"), "k\n1\n").unwrap();
    git(root, &["add", "small.csv"]);
    git(root, &["commit", "--quiet", "-m", "small"]);
    fs::write(root.join("small.csv"), "k\n1\n2\n").unwrap();
    git(root, &["commit", "--quiet", "-am", "small grew"]);
    let found = json_of(root, &["diff", "--rows", "HEAD~1", "HEAD", "small.csv"]);
    assert_eq!(found["added"], json!([{"k": 2}]));
}

/// The second version of the table and what a stage makes of it, committed.
fn with_stage() -> tempfile::TempDir {
    let dir = with_table();
    let root = dir.path();
    let stages = "stages:\n  make:\n    cmd: mkdir -p made && cp t.csv made/t\n    deps: [t.csv]\n    outs: [made]\nartifacts:\n  people:\n    path: t.csv\n";
    fs::write(root.join("dvc.yaml"), stages).unwrap();
    told(root, &["commit"]);
    let mut repro = Command::new(BINARY);
    let output = repro.arg("repro").current_dir(root).output().unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    git(root, &["add", "."]);
    git(root, &["commit", "--quiet", "-m", "a stage"]);
    dir
}

#[test]
fn the_history_of_data_has_its_lineage() {
    let dir = with_stage();
    let root = dir.path();
    let log = json_of(root, &["log"]);
    assert_eq!(
        (&log[0]["subject"], &log[1]["subject"]),
        (&json!("a stage"), &json!("first table"))
    );
    assert_eq!(log[0]["changes"][0]["path"], "made");
    let origin = &log[0]["changes"][0]["origin"];
    assert_eq!(
        (&origin["stage"], &origin["deps"][0]["path"]),
        (&json!("make"), &json!("t.csv"))
    );
    assert_eq!(origin["deps"][0]["md5"], log[0]["changes"][1]["new"]["md5"]);
    assert_eq!(log[0]["changes"][1]["state"], "modified");
    let text = told(root, &["log", "made", "-n", "1"]);
    assert!(
        text.contains("by stage make of t.csv ") && text.contains(" a stage\n"),
        "{text}"
    );
}

#[test]
fn names_of_versions_stand_for_revisions() {
    let dir = with_stage();
    let root = dir.path();
    let log = json_of(root, &["log"]);
    assert_eq!(
        told(root, &["tag", "people@v1.2.0", "t.csv", "HEAD~1"]),
        "people@v1.2.0\n"
    );
    assert_eq!(told(root, &["tag", "people"]), "people@v1.2.1\n");
    refused(
        root,
        &["tag", "people@v1.2.0", "t.csv"],
        31,
        "already exists",
    );
    refused(
        root,
        &["tag", "people@1", "t.csv"],
        2,
        "like `people@v1.2.0`",
    );
    refused(root, &["tag", "other"], 30, "name the data");
    refused(root, &["tag", "other", "absent"], 30, "no data at `absent`");
    let tags = json_of(root, &["tag", "list"]);
    assert_eq!(
        (&tags[0]["tag"], &tags[1]["path"]),
        (&json!("people@v1.2.0"), &json!("t.csv"))
    );
    assert_eq!(tags[0]["md5"], log[1]["changes"][0]["new"]["md5"]);
    // A name stands for a revision.
    let found = json_of(
        root,
        &[
            "diff",
            "people@v1.2.0",
            "people@v1.2.1",
            "--targets",
            "t.csv",
        ],
    );
    assert_eq!(found["modified"][0]["path"], "t.csv");
    assert_eq!(
        found["modified"][0]["size"],
        json!({"old": BEFORE.len(), "new": AFTER.len()})
    );
    told(
        root,
        &[
            "get",
            ".",
            "t.csv",
            "--rev",
            "people@v1.2.0",
            "-o",
            "old.csv",
        ],
    );
    assert_eq!(fs::read_to_string(root.join("old.csv")).unwrap(), BEFORE);
    told(root, &["tag", "delete", "people@v1.2.1"]);
    refused(root, &["tag", "delete", "people@v1.2.1"], 30, "tag list");
    refused(
        root,
        &["log", "--rev", "nothing"],
        30,
        "no revision `nothing`",
    );
    refused(root, &["diff", "--targets", "absent"], 30, "`absent`");
}
