//! Decisions of the controller.

use std::time::Duration;

use everloop_metastore::Metastore;

use super::{at, read, refused, write};

const KEY: &str = "schedule:2026-11-20";
const LEASE: Duration = Duration::from_millis(100);

fn record(store: &Metastore) -> bool {
    write(store, |tx| {
        tx.decisions().record(KEY, "start", "it was due", at(1))
    })
}

fn claim(store: &Metastore, owner: &'static str, now: i64) -> bool {
    write(store, move |tx| {
        tx.decisions().claim(KEY, owner, at(now), LEASE)
    })
}

pub(crate) fn a_decision_is_recorded_once(store: &Metastore) {
    assert!(!read(store, |tx| tx.decisions().is_recorded(KEY)));
    assert!(record(store));
    assert!(!record(store));
    assert!(read(store, |tx| tx.decisions().is_recorded(KEY)));
    let open = read(store, |tx| tx.decisions().unfinished());
    assert_eq!(
        (open.len(), open[0].why.as_str(), open[0].decided_at),
        (1, "it was due", at(1))
    );
}

pub(crate) fn a_claim_holds_until_its_lease_ends(store: &Metastore) {
    assert!(!claim(store, "a", 0));
    record(store);
    assert!(claim(store, "a", 0));
    assert!(!claim(store, "b", 99));
    assert!(claim(store, "a", 99));
    assert!(!claim(store, "b", 198));
    assert!(claim(store, "b", 199));
    assert!(!claim(store, "a", 200));
}

pub(crate) fn a_finished_decision_is_closed(store: &Metastore) {
    record(store);
    write(store, |tx| tx.decisions().finish(KEY, "cycle 2", at(5)));
    assert!(!claim(store, "a", 10_000));
    assert!(!record(store));
    assert!(read(store, |tx| tx.decisions().unfinished()).is_empty());
    let words = refused(store, |tx| tx.decisions().finish("other", "", at(5)));
    assert_eq!(words, "decision `other` does not exist");
}
