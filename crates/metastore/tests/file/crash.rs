//! What was acknowledged survives `kill -9`.
//!
//! The test runs itself again as a child that writes labels and prints each id once its write returned; the parent
//! kills it in the middle and looks for every printed id.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use everloop_domain::{ModelName, RequestId, Value};
use everloop_metastore::{Entry, Metastore};

use super::at;

const FILE: &str = "EVERLOOP_TEST_CRASH_FILE";

fn model() -> ModelName {
    "bikes".parse().unwrap()
}

/// The child: writes until it is killed, from several threads so that commits are shared.
#[test]
fn child_that_writes_until_killed() {
    let Ok(path) = std::env::var(FILE) else {
        return;
    };
    let store = Metastore::open(Path::new(&path)).unwrap();
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let store = &store;
            scope.spawn(move || {
                for number in 0_u64.. {
                    let id = format!("{}-{thread}-{number}", std::process::id());
                    let label = (RequestId(id.clone()), Value::Integer(1));
                    let entry = Entry {
                        at: at(1),
                        actor: "child".to_owned(),
                        action: "label".to_owned(),
                        subject: id.clone(),
                        why: String::new(),
                        details: serde_json::Value::Null,
                    };
                    let written = store.write_blocking(move |tx| {
                        tx.labels().insert(&model(), &[label], at(1))?;
                        tx.audit().append(&entry)
                    });
                    written.unwrap();
                    println!("\nacknowledged {id}");
                }
            });
        }
    });
}

#[test]
fn acknowledged_labels_survive_kill_9() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("metastore.db");
    let mut acknowledged = Vec::new();
    for round in 0..5 {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args([
                "--exact",
                "crash::child_that_writes_until_killed",
                "--nocapture",
            ])
            .env(FILE, &path)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let ids = lines
            .map_while(Result::ok)
            .filter_map(|line| line.strip_prefix("acknowledged ").map(str::to_owned));
        let mut is_killed = false;
        // A line that was printed before the kill counts, whenever it is read.
        for (number, id) in ids.enumerate() {
            acknowledged.push(id);
            if number >= 7 + 40 * round && !is_killed {
                child.kill().unwrap();
                is_killed = true;
            }
        }
        child.wait().unwrap();
    }
    let store = Metastore::open(&path).unwrap();
    let ids: Vec<_> = acknowledged.iter().cloned().map(RequestId).collect();
    let found = store
        .read_blocking(|tx| tx.labels().for_ids(&model(), &ids))
        .unwrap();
    assert_eq!(found.len(), acknowledged.len());
    assert!(found.len() > 5 * 7);
    // Of each pair of rows both are there or none.
    let n_labels = store
        .read_blocking(|tx| tx.labels().count(&model()))
        .unwrap();
    let entries = store
        .read_blocking(|tx| tx.audit().list(usize::MAX >> 1))
        .unwrap();
    assert_eq!(entries.len(), n_labels);
    assert_eq!(store.read_blocking(|tx| tx.audit().verify()).unwrap(), None);
}
