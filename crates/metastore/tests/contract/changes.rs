//! What has changed since somebody looked last.

use everloop_domain::{ExperimentId, RunStatus};
use everloop_metastore::{Entry, Metastore, Signal};
use serde_json::Value;

use super::{at, new_run, read, run_id, write};

pub(crate) fn running_and_new_runs_are_found(store: &Metastore) {
    write(store, |tx| {
        for number in 1..=4 {
            tx.runs().create(&new_run(number, ExperimentId(0)))?;
        }
        tx.runs()
            .update(&run_id(2), Some(RunStatus::Finished), Some(at(9)), None)?;
        tx.runs().delete(&run_id(3), at(9))
    });
    let running = read(store, |tx| tx.changes().running(10));
    let ids: Vec<_> = running.iter().map(|run| run.id.clone()).collect();
    assert_eq!(ids, [run_id(4), run_id(1)]);
    assert_eq!(read(store, |tx| tx.changes().running(1)).len(), 1);
    let since = read(store, |tx| tx.changes().started_since(at(2), 10));
    let ids: Vec<_> = since.iter().map(|run| run.id.clone()).collect();
    assert_eq!(ids, [run_id(4), run_id(2)]);
}

pub(crate) fn cursors_move_over_what_only_grows(store: &Metastore) {
    let append = |n_entries: usize| {
        write(store, move |tx| {
            for number in 0..n_entries {
                tx.audit().append(&Entry {
                    at: at(1),
                    actor: "test".to_owned(),
                    action: "write".to_owned(),
                    subject: number.to_string(),
                    why: String::new(),
                    details: Value::Null,
                })?;
            }
            let signal = Signal {
                model: "bikes".parse().unwrap(),
                version: everloop_domain::VersionNumber(1),
                name: format!("s{n_entries}"),
                kind: "drift".to_owned(),
                window_start: at(0),
                window_end: at(1),
                value: Some(1.0),
                threshold: None,
                verdict: "alarm".to_owned(),
                details: Value::Null,
            };
            tx.signals().insert(&[signal])
        });
    };
    append(3);
    let mut cursor = read(store, |tx| tx.changes().end());
    assert_eq!(cursor.entry, 3);
    assert!(read(store, |tx| tx.changes().entries(&mut cursor, 10)).is_empty());
    append(2);
    let signals = read(store, |tx| tx.changes().signals(&mut cursor, 10));
    assert_eq!(signals[0].name, "s2");
    assert!(read(store, |tx| tx.changes().signals(&mut cursor, 10)).is_empty());
    for subject in ["0", "1"] {
        let entries = read(store, |tx| tx.changes().entries(&mut cursor, 1));
        assert_eq!(entries[0].subject, subject);
    }
    assert!(read(store, |tx| tx.changes().entries(&mut cursor, 1)).is_empty());
}
