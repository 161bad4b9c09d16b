//! `dvc.lock`, byte for byte.

use everloop_lifecycle::dvc::{Command, Lock, StageLock};

use crate::golden::projects;

fn read(text: &str) -> Lock {
    let (lock, diagnostics) = Lock::read(text);
    lock.unwrap_or_else(|| panic!("{diagnostics:?}"))
}

/// The lock as it is written when every stage is new.
fn anew(lock: &Lock) -> String {
    let mut new = Lock::default();
    for (name, stage) in lock.stages() {
        new.set(name, stage.clone());
    }
    new.write()
}

#[test]
fn locks_are_written_as_by_dvc() {
    for (name, project) in projects() {
        let text = project["lock"].as_str().unwrap();
        assert_eq!(read(text).write(), text, "{name}");
        assert_eq!(anew(&read(text)), text, "{name}");
    }
}

fn touch() -> StageLock {
    StageLock {
        cmd: Command::One("touch x".to_owned()),
        deps: Vec::new(),
        params: Vec::new(),
        outs: Vec::new(),
    }
}

const TWO: &str = "# kept\nschema: '2.0'\nstages:\n  a: # this too\n    cmd:   touch   a\n  # and this\n  b:\n    cmd: touch b\n";

#[test]
fn what_does_not_change_keeps_its_lines() {
    let mut lock = read(TWO);
    lock.set("b", touch());
    lock.set("c", touch());
    let expected = TWO.replace("touch b", "touch x") + "  c:\n    cmd: touch x\n";
    assert_eq!(lock.write(), expected);
    assert!(lock.remove("a") && !lock.remove("a"));
    let rest = "# kept\nschema: '2.0'\nstages:\n  b:\n    cmd: touch x\n  c:\n    cmd: touch x\n";
    assert_eq!(lock.write(), rest);
}

/// Stages that run side by side end in any order, and are written as if they had run one after the other.
#[test]
fn new_stages_stand_by_rank_behind_old_ones() {
    let mut expected = read(TWO);
    for name in ["v", "w", "x", "y"] {
        expected.set(name, touch());
    }
    for order in [[0, 1, 2, 3], [3, 2, 1, 0], [2, 0, 3, 1]] {
        let mut lock = read(TWO);
        for rank in order {
            lock.set_in_order(["v", "w", "x", "y"][rank], touch(), rank);
        }
        assert_eq!(lock.write(), expected.write(), "{order:?}");
        assert_eq!(lock.find("x"), Some(&touch()));
        assert!(lock.remove("w") && lock.find("y").is_some());
        // An old stage keeps its place, whatever its rank.
        lock.set_in_order("b", touch(), 9);
        let text = lock.write();
        assert!(text.find("  b:") < text.find("  v:"), "{text}");
    }
}

#[test]
fn what_stands_behind_the_stages_stays_there() {
    let text = format!("{TWO}datasets:\n- name: x\n");
    let mut lock = read(&text);
    assert_eq!(lock.write(), text);
    lock.set("c", touch());
    assert_eq!(
        lock.write(),
        format!("{TWO}  c:\n    cmd: touch x\ndatasets:\n- name: x\n")
    );
}

#[test]
fn what_stands_before_the_stages_stays_there() {
    let text = "schema: '2.0'\ndatasets:\n- name: x\nstages:\n  a:\n    cmd: touch a\n";
    assert_eq!(read(text).write(), text);
}

#[test]
fn schema_1_becomes_schema_2() {
    let lock = read(
        "a:\n  cmd: touch a\n  outs:\n  - path: a\n    md5: d41d8cd98f00b204e9800998ecf8427e\n    size: 0\n",
    );
    assert!(lock.find("a").unwrap().outs[0].is_legacy);
    assert_eq!(
        lock.write(),
        "schema: '2.0'\nstages:\n  a:\n    cmd: touch a\n    outs:\n    - path: a\n      md5: d41d8cd98f00b204e9800998ecf8427e\n      size: 0\n"
    );
}

#[test]
fn an_empty_lock_has_no_stages() {
    assert_eq!(read("").stages().count(), 0);
    assert_eq!(Lock::default().write(), "schema: '2.0'\nstages: {}\n");
    assert_eq!(read("schema: '2.0'\nstages: {}\n").stages().count(), 0);
}

#[test]
fn what_is_no_lock_is_refused() {
    for text in [
        "- a\n",
        "schema: '3.0'\nstages: {}\n",
        "schema: '2.0'\nstages:\n  a: {}\n",
        "schema: '2.0'\nstages:\n  a:\n    cmd: x\n    outs:\n    - md5: y\n",
    ] {
        let (lock, diagnostics) = Lock::read(text);
        assert!(lock.is_none(), "{text}");
        assert_eq!(diagnostics[0].code, "E0510", "{text}");
    }
}
