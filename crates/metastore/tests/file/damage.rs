//! Files that are no stores, or not any more, or not ours.

use std::fs;
use std::path::Path;

use everloop_domain::{CycleNumber, ErrorKind};
use everloop_metastore::{Error, Metastore};
use rusqlite::Connection;

#[track_caller]
fn refused(path: &Path, kind: ErrorKind, words: &str) {
    let error = Metastore::open(path).unwrap_err();
    assert_eq!(error.kind(), kind, "{error}");
    let shown = error.to_string();
    assert!(
        shown.contains(words) && shown.contains(&path.display().to_string()),
        "{shown}"
    );
}

#[test]
fn what_is_no_database_is_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("metastore.db");
    for bytes in [b"hello".to_vec(), b"x".repeat(5000)] {
        fs::write(&path, &bytes).unwrap();
        refused(&path, ErrorKind::Invalid, "it is no SQLite database");
        assert_eq!(fs::read(&path).unwrap(), bytes);
    }
    refused(
        dir.path(),
        ErrorKind::Unavailable,
        "cannot open the metastore",
    );
    let error = Metastore::open(&path.join("below")).unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("cannot create `{}`", path.display())
    );
}

#[test]
fn another_programs_database_is_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("mlflow.db");
    Connection::open(&path)
        .unwrap()
        .execute_batch("create table runs (id text)")
        .unwrap();
    refused(&path, ErrorKind::Invalid, "another program's database");
}

#[test]
fn a_newer_schema_is_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("metastore.db");
    drop(Metastore::open(&path).unwrap());
    Connection::open(&path)
        .unwrap()
        .pragma_update(None, "user_version", 99)
        .unwrap();
    refused(
        &path,
        ErrorKind::Invalid,
        "has schema version 99, this program knows 5; use a newer everloop",
    );
}

#[test]
fn an_empty_file_becomes_a_store() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a/b/metastore.db");
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, "").unwrap();
    let store = Metastore::open(&path).unwrap();
    store.write_blocking(|tx| tx.notes().set("a", "1")).unwrap();
}

#[test]
fn nonsense_in_a_row_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("metastore.db");
    let store = Metastore::open(&path).unwrap();
    let nonsense =
        "insert into cycles (number, reason, why, started_at) values (1, 'boredom', '', 0)";
    Connection::open(&path)
        .unwrap()
        .execute_batch(nonsense)
        .unwrap();
    let error = store
        .read_blocking(|tx| tx.cycles().get(CycleNumber(1)))
        .unwrap_err();
    assert!(
        matches!(
            error,
            Error::Corrupt {
                table: "cycles",
                column: "reason",
                ..
            }
        ),
        "{error:?}"
    );
    let expected =
        "table `cycles` holds nonsense in column `reason`, row `1`: `boredom` is not a CycleReason";
    assert_eq!(
        (error.to_string().as_str(), error.kind()),
        (expected, ErrorKind::Internal)
    );
}

#[test]
fn a_damaged_page_is_an_error_of_the_call() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("metastore.db");
    drop(Metastore::open(&path).unwrap());
    let mut bytes = fs::read(&path).unwrap();
    // All pages but the first, which holds the schema's start.
    bytes[4096..].fill(0xAB);
    fs::write(&path, bytes).unwrap();
    let result = Metastore::open(&path)
        .and_then(|store| store.write_blocking(|tx| tx.notes().set("a", "1")));
    let error = result.unwrap_err();
    assert!(
        matches!(error.kind(), ErrorKind::Internal | ErrorKind::Unavailable),
        "{error:?}"
    );
}
