//! Groups of work on a disk that is full.

use std::sync::mpsc::{Receiver, channel};

use everloop_domain::ErrorKind;

use super::*;
use crate::migrations;

/// A writer whose file may grow by so many pages only.
fn writer(place: &Place, n_pages: i64) -> Writer {
    let connection = Connection::writer(place).unwrap();
    migrations::run(&connection, place).unwrap();
    let session = connection.session();
    let used: i64 = session.value("pragma page_count", &[]).unwrap();
    let limit = format!("pragma max_page_count = {}", used + n_pages);
    session.value::<i64>(&limit, &[]).unwrap();
    Writer::start(connection, place.clone(), OpenFile::at(place))
}

fn note(writer: &Writer, key: &'static str, n_bytes: usize) -> Receiver<Result<(), Error>> {
    let (sender, receiver) = channel();
    writer
        .submit(
            move |tx| tx.notes().set(key, &"x".repeat(n_bytes)),
            move |result| sender.send(result).unwrap(),
        )
        .unwrap();
    receiver
}

/// Keeps the writer busy until told, so that what is submitted meanwhile makes one group.
fn hold(writer: &Writer) -> Sender<()> {
    let (sender, receiver) = channel();
    let (started, has_started) = channel();
    let work = move |_: &Transaction<'_>| {
        started.send(()).unwrap();
        receiver.recv().unwrap();
        Ok(())
    };
    writer.submit(work, |_| ()).unwrap();
    has_started.recv().unwrap();
    sender
}

#[test]
fn a_full_disk_fails_the_work_that_fills_it_and_what_is_acknowledged_is_there() {
    let dir = tempfile::tempdir().unwrap();
    let place = Place::File(dir.path().join("metastore.db"));
    let writer = writer(&place, 20);
    let held = hold(&writer);
    let results = [
        ("before", note(&writer, "before", 10)),
        ("big", note(&writer, "big", 1 << 20)),
        ("after", note(&writer, "after", 10)),
    ];
    held.send(()).unwrap();
    let results = results.map(|(key, receiver)| (key, receiver.recv().unwrap()));
    let error = results[1].1.as_ref().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Exhausted, "{error:?}");
    for (key, result) in &results {
        let is_there = keys(&place).iter().any(|found| found == key);
        assert_eq!(is_there, result.is_ok(), "{key}");
    }
    // A smaller piece still fits, and the writer goes on.
    note(&writer, "small", 10).recv().unwrap().unwrap();
}

#[test]
fn a_transaction_that_the_machine_rolls_back_fails_the_whole_group() {
    let place = Place::new_memory();
    let writer = writer(&place, 1000);
    let held = hold(&writer);
    let before = note(&writer, "before", 10);
    let (sender, broken) = channel();
    let roll_back = |tx: &Transaction<'_>| -> Result<(), Error> {
        // As SQLite does by itself after some failures of the disk.
        tx.session().execute("rollback", &[])?;
        Err(Error::Invalid("on purpose".to_owned()))
    };
    let tell = move |result| sender.send(result).unwrap();
    writer.submit(roll_back, tell).unwrap();
    let after = note(&writer, "after", 10);
    held.send(()).unwrap();
    assert_eq!(
        broken.recv().unwrap().unwrap_err().to_string(),
        "on purpose"
    );
    for receiver in [before, after] {
        let error = receiver.recv().unwrap().unwrap_err();
        assert!(matches!(error, Error::Commit(_)), "{error:?}");
    }
    note(&writer, "later", 10).recv().unwrap().unwrap();
    assert_eq!(keys(&place), ["later"]);
}

/// The keys of the notes that are there.
fn keys(place: &Place) -> Vec<String> {
    let reader = Connection::reader(place).unwrap();
    let session = reader.session();
    session
        .query("select key from notes", &[], |row| row.get(0))
        .unwrap()
}
