//! Tampering with the audit log: refused by the file itself, and found where the refusal is taken out.

use std::path::PathBuf;

use everloop_metastore::{Entry, Metastore};
use rusqlite::Connection;
use serde_json::Value;

use super::at;

/// A file with ten entries.
fn log() -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("metastore.db");
    let store = Metastore::open(&path).unwrap();
    for number in 1..=10 {
        let entry = Entry {
            at: at(number),
            actor: "engine".to_owned(),
            action: "cycle.start".to_owned(),
            subject: format!("cycle {number}"),
            why: "because".to_owned(),
            details: Value::Null,
        };
        store
            .write_blocking(move |tx| tx.audit().append(&entry))
            .unwrap();
    }
    (dir, path)
}

/// Removes the triggers, tampers, and checks where `verify` finds it.
#[track_caller]
fn check(tampering: &str, found: Option<i64>) {
    let (_dir, path) = log();
    let connection = Connection::open(&path).unwrap();
    let triggers = "drop trigger audit_only_grows; drop trigger audit_is_not_changed; drop trigger audit_is_not_deleted;";
    connection.execute_batch(triggers).unwrap();
    connection.execute_batch(tampering).unwrap();
    let store = Metastore::open(&path).unwrap();
    assert_eq!(
        store.read_blocking(|tx| tx.audit().verify()).unwrap(),
        found,
        "{tampering}"
    );
}

#[test]
fn the_file_refuses_changes() {
    let (_dir, path) = log();
    let connection = Connection::open(&path).unwrap();
    for tampering in [
        "update audit set why = 'another' where id = 3",
        "delete from audit where id = 10",
        "delete from audit",
        "insert or replace into audit select * from audit where id = 4",
        "replace into audit (id, at, actor, action, subject, why, details, hash) values (4, 0, '', '', '', '', '', '')",
    ] {
        let error = connection.execute_batch(tampering).unwrap_err();
        assert!(
            error.to_string().contains("append-only"),
            "{tampering}: {error}"
        );
    }
    let store = Metastore::open(&path).unwrap();
    assert_eq!(store.read_blocking(|tx| tx.audit().verify()).unwrap(), None);
}

#[test]
fn tampering_is_found_at_its_row() {
    check("select 1", None);
    check("update audit set why = 'another' where id = 3", Some(3));
    check("update audit set at = at + 1 where id = 10", Some(10));
    check(
        "update audit set actor = 'engin', action = 'ecycle.start' where id = 5",
        Some(5),
    );
    check("update audit set hash = upper(hash) where id = 1", Some(1));
    check("delete from audit where id = 4", Some(5));
    check("delete from audit where id = 1", Some(2));
    check("update audit set id = 99 where id = 10", Some(99));
    check(
        "insert into audit select 11, at, actor, action, subject, why, details, hash from audit where id = 10",
        Some(11),
    );
}
