//! Cycles.

use std::collections::BTreeMap;

use everloop_domain::{CycleNumber, CycleOutcome, CycleReason, VersionNumber};
use everloop_metastore::{Error, Metastore, NewCycle, Transaction};

use super::{at, read, refused, run_id, write};

fn start(tx: &Transaction<'_>, now: i64) -> Result<CycleNumber, Error> {
    tx.cycles().start(&NewCycle {
        reason: CycleReason::Drift,
        why: "temp drifted".to_owned(),
        now: at(now),
        run_id: None,
    })
}

fn finish(tx: &Transaction<'_>, number: u64, metrics: &BTreeMap<String, f64>) -> Result<(), Error> {
    let champion = Some(VersionNumber(3));
    tx.cycles().finish(
        CycleNumber(number),
        CycleOutcome::Promoted,
        "better",
        at(9),
        metrics,
        champion,
    )
}

pub(crate) fn cycles_are_counted_and_end_once(store: &Metastore) {
    write(store, |tx| {
        start(tx, 1)?;
        tx.cycles().set_run(CycleNumber(1), &run_id(1))?;
        finish(tx, 1, &[("rmse".to_owned(), 1.5)].into())?;
        start(tx, 2)
    });
    let cycle = read(store, |tx| tx.cycles().get(CycleNumber(1)));
    assert_eq!(
        (cycle.reason, cycle.outcome),
        (CycleReason::Drift, Some(CycleOutcome::Promoted))
    );
    assert_eq!(cycle.why, "temp drifted -> better");
    assert_eq!((cycle.started_at, cycle.finished_at), (at(1), Some(at(9))));
    assert_eq!(
        (cycle.run_id, cycle.champion_version),
        (Some(run_id(1)), Some(VersionNumber(3)))
    );
    assert_eq!(cycle.metrics["rmse"], 1.5);
    let words = refused(store, |tx| finish(tx, 1, &[].into()));
    assert_eq!(words, "cycle 1 has ended already: promoted");
    let numbers: Vec<_> = read(store, |tx| tx.cycles().list(5))
        .iter()
        .map(|cycle| cycle.number.0)
        .collect();
    assert_eq!(numbers, [2, 1]);
    assert_eq!(read(store, |tx| tx.cycles().list(1)).len(), 1);
}

pub(crate) fn one_cycle_is_unfinished_at_a_time(store: &Metastore) {
    assert_eq!(read(store, |tx| tx.cycles().find_unfinished()), None);
    write(store, |tx| start(tx, 1));
    let words = refused(store, |tx| start(tx, 2));
    assert_eq!(words, "cycle 1 is unfinished; it must end first");
    let unfinished = read(store, |tx| tx.cycles().find_unfinished()).unwrap();
    assert_eq!(unfinished.number, CycleNumber(1));
    let words = refused(store, |tx| tx.cycles().get(CycleNumber(2)));
    assert_eq!(words, "cycle `2` does not exist");
}

pub(crate) fn scores_come_back_even_if_no_numbers(store: &Metastore) {
    let values = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 0.1];
    write(store, move |tx| {
        let metrics = values
            .iter()
            .enumerate()
            .map(|(index, value)| (index.to_string(), *value));
        start(tx, 1)?;
        finish(tx, 1, &metrics.collect())
    });
    let cycle = read(store, |tx| tx.cycles().get(CycleNumber(1)));
    let found: Vec<_> = cycle.metrics.into_values().collect();
    assert_eq!(format!("{found:?}"), format!("{values:?}"));
}

pub(crate) fn a_cycle_can_be_rolled_back(store: &Metastore) {
    write(store, |tx| {
        start(tx, 1)?;
        finish(tx, 1, &[].into())?;
        tx.cycles().roll_back(CycleNumber(1), "by hand")
    });
    let cycle = read(store, |tx| tx.cycles().get(CycleNumber(1)));
    assert_eq!(cycle.outcome, Some(CycleOutcome::RolledBack));
    assert_eq!(cycle.why, "temp drifted -> better -> by hand");
    let words = refused(store, |tx| tx.cycles().roll_back(CycleNumber(2), ""));
    assert_eq!(words, "cycle `2` does not exist");
}

pub(crate) fn cycles_come_in_pages_and_are_found_by_their_run(store: &Metastore) {
    write(store, |tx| {
        for number in 1..=4 {
            start(tx, number)?;
            finish(tx, number as u64, &[].into())?;
        }
        tx.cycles().set_run(CycleNumber(3), &run_id(3))
    });
    let page = |before| -> Vec<u64> {
        let found = read(store, |tx| tx.cycles().before(CycleNumber(before), 2));
        found.iter().map(|cycle| cycle.number.0).collect()
    };
    assert_eq!(page(u64::MAX), [4, 3]);
    assert_eq!(page(3), [2, 1]);
    assert!(page(1).is_empty());
    let of_run = |run| {
        let found = read(store, |tx| tx.cycles().find_by_run(&run_id(run)));
        found.map(|cycle| cycle.number.0)
    };
    assert_eq!((of_run(3), of_run(4)), (Some(3), None));
}
