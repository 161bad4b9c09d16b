//! Several stores on one file, as `everloop run` beside `everloop up`.

use std::path::Path;
use std::thread;

use everloop_domain::{CycleReason, ModelName, RequestId, Value};
use everloop_metastore::{Entry, Error, Metastore, NewCycle};

use super::at;

fn model() -> ModelName {
    "bikes".parse().unwrap()
}

fn insert(store: &Metastore, id: String) -> Result<usize, Error> {
    store.write_blocking(move |tx| {
        let entry = Entry {
            at: at(1),
            actor: "test".to_owned(),
            action: "label".to_owned(),
            subject: id.clone(),
            why: String::new(),
            details: serde_json::Value::Null,
        };
        tx.audit().append(&entry)?;
        tx.labels()
            .insert(&model(), &[(RequestId(id), Value::Integer(1))], at(1))
    })
}

#[test]
fn two_stores_on_one_file_lose_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("metastore.db");
    let stores = [
        Metastore::open(&path).unwrap(),
        Metastore::open(&path).unwrap(),
    ];
    thread::scope(|scope| {
        for (number, store) in stores.iter().enumerate() {
            for part in 0..3 {
                scope.spawn(move || {
                    for row in 0..50 {
                        insert(store, format!("{number}-{part}-{row}")).unwrap();
                        store
                            .read_blocking(|tx| tx.labels().since(&model(), 0, 10))
                            .unwrap();
                    }
                });
            }
        }
    });
    for store in &stores {
        assert_eq!(
            store
                .read_blocking(|tx| tx.labels().count(&model()))
                .unwrap(),
            300
        );
        assert_eq!(store.read_blocking(|tx| tx.audit().verify()).unwrap(), None);
    }
}

#[test]
fn a_new_file_may_be_opened_by_many_at_once() {
    for _ in 0..10 {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("metastore.db");
        thread::scope(|scope| {
            for _ in 0..6 {
                scope.spawn(|| {
                    let store = Metastore::open(&path).unwrap();
                    store.write_blocking(|tx| tx.notes().set("a", "1")).unwrap();
                });
            }
        });
    }
}

#[test]
fn of_many_who_start_a_cycle_one_does() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("metastore.db");
    let start = |path: &Path| {
        let store = Metastore::open(path).unwrap();
        store.write_blocking(|tx| {
            tx.cycles().start(&NewCycle {
                reason: CycleReason::Manual,
                why: String::new(),
                now: at(1),
                run_id: None,
            })
        })
    };
    let results = thread::scope(|scope| {
        let threads: Vec<_> = (0..6).map(|_| scope.spawn(|| start(&path))).collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .collect::<Vec<_>>()
    });
    assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 1);
    for error in results.into_iter().filter_map(Result::err) {
        assert_eq!(
            error.to_string(),
            "cycle 1 is unfinished; it must end first"
        );
    }
}

#[test]
fn a_reader_sees_one_moment() {
    let dir = tempfile::tempdir().unwrap();
    let store = Metastore::open(&dir.path().join("metastore.db")).unwrap();
    insert(&store, "a".to_owned()).unwrap();
    let writer = store.clone();
    store
        .read_blocking(|tx| {
            assert_eq!(tx.labels().count(&model())?, 1);
            insert(&writer, "b".to_owned())?;
            assert_eq!(tx.labels().count(&model())?, 1);
            Ok(())
        })
        .unwrap();
    assert_eq!(
        store
            .read_blocking(|tx| tx.labels().count(&model()))
            .unwrap(),
        2
    );
}

#[test]
fn reading_cannot_write() {
    let dir = tempfile::tempdir().unwrap();
    let store = Metastore::open(&dir.path().join("metastore.db")).unwrap();
    let error = store
        .read_blocking(|tx| tx.notes().set("a", "1"))
        .unwrap_err();
    assert_eq!(error.kind(), everloop_domain::ErrorKind::Forbidden);
}

#[test]
fn a_closed_file_has_nothing_beside_it() {
    let dir = tempfile::tempdir().unwrap();
    let store = Metastore::open(&dir.path().join("metastore.db")).unwrap();
    insert(&store, "a".to_owned()).unwrap();
    store
        .read_blocking(|tx| tx.labels().count(&model()))
        .unwrap();
    drop(store);
    let names: Vec<_> = std::fs::read_dir(dir.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert_eq!(names, ["metastore.db"]);
}
