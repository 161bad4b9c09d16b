//! What a store on Postgres keeps and refuses: servers beside each other, a database that goes away, other databases.

#![cfg(test)]

mod replicas;

use std::time::{Duration, Instant};

use everloop_domain::{ErrorKind, ExperimentId, RunId, Timestamp};
use everloop_metastore::{Metastore, Metric, NewRun};
use everloop_testkit::Postgres;

fn at(millis: i64) -> Timestamp {
    Timestamp::from_millis(millis)
}

fn new_run(number: u8) -> NewRun {
    NewRun {
        id: RunId::from_bytes([number; 16]),
        experiment: ExperimentId(0),
        name: None,
        user: None,
        start_time: at(1),
        artifact_uri: None,
        tags: [].into(),
    }
}

#[test]
fn a_database_that_goes_away_fails_the_work_and_serves_again_when_it_is_back() {
    let Some(mut server) = Postgres::start() else {
        return;
    };
    let store = Metastore::connect(&server.new_database()).unwrap();
    let set = |key: &'static str| store.write_blocking(move |tx| tx.notes().set(key, "1"));
    let get = |key: &'static str| store.read_blocking(move |tx| tx.notes().get(key));
    set("before").unwrap();
    assert!(get("before").unwrap().is_some());
    server.stop();
    for _ in 0..3 {
        let error = set("meanwhile").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable, "{error:?}");
        let error = get("before").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable, "{error:?}");
    }
    server.resume();
    set("after").unwrap();
    assert!(get("before").unwrap().is_some());
    assert!(get("meanwhile").unwrap().is_none());
    assert!(get("after").unwrap().is_some());
}

#[test]
fn a_connection_that_is_cut_in_the_middle_of_work_fails_that_work_only() {
    let Some(server) = Postgres::start() else {
        return;
    };
    let address = server.new_database();
    let store = Metastore::connect(&address).unwrap();
    let cut = "select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid() \
               and application_name = 'everloop'";
    let cut_now = move || assert!(server.execute(&address, cut));
    let (begun, has_begun) = std::sync::mpsc::channel::<()>();
    let (go_on, may_go_on) = std::sync::mpsc::channel::<()>();
    let writing = store.clone();
    let writer = std::thread::spawn(move || {
        writing.write_blocking(move |tx| {
            tx.notes().set("first", "1")?;
            begun.send(()).unwrap();
            may_go_on.recv().unwrap();
            tx.notes().set("second", "1")
        })
    });
    has_begun.recv().unwrap();
    cut_now();
    go_on.send(()).unwrap();
    let error = writer.join().unwrap().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error:?}");
    let note = store.read_blocking(|tx| tx.notes().get("first")).unwrap();
    assert!(note.is_none());
    store
        .write_blocking(|tx| tx.notes().set("third", "1"))
        .unwrap();
}

#[test]
fn other_databases_are_left_alone() {
    let Some(server) = Postgres::start() else {
        return;
    };
    let address = server.new_database();
    assert!(server.execute(&address, "create table experiments (id int)"));
    let error = Metastore::connect(&address).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
    let words = error.to_string();
    assert!(words.contains("another program's database"), "{words}");

    let address = server.new_database();
    drop(Metastore::connect(&address).unwrap());
    assert!(server.execute(&address, "update everloop_schema set version = 99"));
    let words = Metastore::connect(&address).unwrap_err().to_string();
    assert!(words.contains("has schema version 99"), "{words}");

    let absent = address.replace("everloop@", "everloop:secret@") + "_absent";
    let error = Metastore::connect(&absent).unwrap_err();
    let words = format!("{error}: {:?}", std::error::Error::source(&error));
    assert!(
        words.contains("_absent") && !words.contains("secret"),
        "{words}"
    );
}

#[test]
fn a_server_that_is_not_there_is_named() {
    let begun = Instant::now();
    let error = Metastore::connect("postgresql://a:secret@127.0.0.1:1/ml").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert_eq!(
        error.to_string(),
        "cannot open the metastore `postgresql://127.0.0.1:1/ml`"
    );
    assert!(begun.elapsed() < Duration::from_secs(20));
}

#[test]
fn a_schema_is_migrated_once_and_found_again() {
    let Some(server) = Postgres::start() else {
        return;
    };
    let address = server.new_database();
    let schemas: Vec<_> = std::thread::scope(|scope| {
        let opening: Vec<_> = (0..6)
            .map(|_| scope.spawn(|| Metastore::connect(&address).unwrap().schema()))
            .collect();
        opening
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .collect()
    });
    let version = schemas[0].version;
    assert!(version > 0 && schemas.iter().all(|schema| schema.version == version));
    let again = Metastore::connect(&address).unwrap().schema();
    assert_eq!((again.found, again.version), (version, version));
}

#[test]
fn texts_that_postgres_cannot_keep_are_refused_by_name() {
    let Some(server) = Postgres::start() else {
        return;
    };
    let store = Metastore::connect(&server.new_database()).unwrap();
    let error = store
        .write_blocking(|tx| tx.notes().set("a", "x\0y"))
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
    let words = error.to_string();
    assert!(words.contains("\"x\\0y\" has a NUL character"), "{words}");
    store
        .write_blocking(|tx| tx.notes().set("a", "\u{1}é🚲"))
        .unwrap();
    let note = store.read_blocking(|tx| tx.notes().get("a")).unwrap();
    assert_eq!(note.as_deref(), Some("\u{1}é🚲"));
}

#[test]
fn large_batches_come_back_whole() {
    let Some(server) = Postgres::start() else {
        return;
    };
    let store = Metastore::connect(&server.new_database()).unwrap();
    let special = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -0.0, f64::MAX];
    let points: Vec<Metric> = (0..10_000_usize)
        .map(|number| Metric {
            key: format!("m{}", number % 7),
            value: *special.get(number).unwrap_or(&(number as f64)),
            timestamp: at(number as i64),
            step: number as i64,
        })
        .collect();
    let logged = points.clone();
    store
        .write_blocking(move |tx| {
            tx.runs().create(&new_run(1))?;
            // Twice: a point that is there is not stored again.
            tx.runs().log_metrics(&new_run(1).id, &logged)?;
            tx.runs().log_metrics(&new_run(1).id, &logged)
        })
        .unwrap();
    for key in 0..7 {
        let expected = points.iter().skip(key).step_by(7);
        let found = store
            .read_blocking(|tx| tx.runs().metric_history(&new_run(1).id, &format!("m{key}")))
            .unwrap();
        let shown: Vec<String> = found.iter().map(|point| format!("{point:?}")).collect();
        let expected: Vec<String> = expected.map(|point| format!("{point:?}")).collect();
        assert_eq!(shown, expected, "m{key}");
    }
}
