//! The audit log, as far as it goes without tampering.

use everloop_metastore::{Entry, Metastore};
use serde_json::json;

use super::{at, read, write};

fn entry(number: i64) -> Entry {
    Entry {
        at: at(number),
        actor: "controller".to_owned(),
        action: "model.promote".to_owned(),
        subject: format!("bikes/{number}"),
        why: "rmse fell".to_owned(),
        details: json!({"b": 1, "a": [0.1, null]}),
    }
}

pub(crate) fn entries_are_listed_newest_first(store: &Metastore) {
    for number in 1..=3 {
        write(store, move |tx| tx.audit().append(&entry(number)));
    }
    assert_eq!(read(store, |tx| tx.audit().list(2)), [entry(3), entry(2)]);
}

pub(crate) fn an_untouched_log_holds(store: &Metastore) {
    assert_eq!(read(store, |tx| tx.audit().verify()), None);
    write(store, |tx| {
        (1..=20).try_for_each(|number| tx.audit().append(&entry(number)))
    });
    assert_eq!(read(store, |tx| tx.audit().verify()), None);
}
