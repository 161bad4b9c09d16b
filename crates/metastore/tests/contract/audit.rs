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

pub(crate) fn entries_come_in_pages_with_their_seals(store: &Metastore) {
    write(store, |tx| {
        (1..=5).try_for_each(|number| tx.audit().append(&entry(number)))
    });
    let page = |before| {
        read(store, |tx| tx.audit().before(before, 2))
            .into_iter()
            .map(|sealed| {
                assert_eq!(sealed.seal.len(), 64);
                assert_eq!(sealed.entry, entry(sealed.number as i64));
                sealed.number
            })
            .collect::<Vec<_>>()
    };
    assert_eq!(page(u64::MAX), [5, 4]);
    assert_eq!(page(4), [3, 2]);
    assert_eq!(page(2), [1]);
    assert!(page(1).is_empty());
}
