//! Decisions that a killed process left open.
//!
//! A decision is recorded before its cycle starts and closed after it has ended. A process may die before, during and
//! after the cycle: an open decision without a cycle is taken again, an interrupted cycle is resumed, and one whose cycle
//! has ended is closed here. So each is carried out, and none twice.

use std::collections::BTreeSet;

use everloop_domain::Timestamp;
use everloop_metastore::{Metastore, Transaction};

use crate::Error;

/// How many cycles are looked at for the one that a decision started.
const N_CYCLES: usize = 100;

/// Closes the open decisions whose cycle has ended.
pub(crate) async fn settle(metastore: &Metastore, now: Timestamp) -> Result<(), Error> {
    let open = metastore.read(|tx| tx.decisions().unfinished()).await?;
    if open.is_empty() {
        return Ok(());
    }
    let work = move |tx: &Transaction<'_>| {
        let cycles = tx.cycles().list(N_CYCLES)?;
        for decision in &open {
            // The list is newest first; the decision's cycle is the first one after it.
            let started = cycles
                .iter()
                .rev()
                .find(|cycle| cycle.started_at >= decision.decided_at);
            let Some((cycle, outcome)) = started.and_then(|cycle| Some((cycle, cycle.outcome?)))
            else {
                continue;
            };
            let outcome = format!("cycle {}: {outcome}", cycle.number);
            tx.decisions().finish(&decision.key, &outcome, now)?;
        }
        Ok(())
    };
    Ok(metastore.write(work).await?)
}

/// Those of some keys that were decided on and carried out.
pub(crate) async fn carried_out(
    metastore: &Metastore,
    keys: Vec<String>,
) -> Result<BTreeSet<String>, Error> {
    let read = move |tx: &Transaction<'_>| {
        let open = tx.decisions().unfinished()?;
        let mut found = BTreeSet::new();
        for key in keys {
            let is_open = open.iter().any(|decision| decision.key == key);
            if !is_open && tx.decisions().is_recorded(&key)? {
                found.insert(key);
            }
        }
        Ok(found)
    };
    Ok(metastore.read(read).await?)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use everloop_domain::{CycleOutcome, CycleReason};
    use everloop_metastore::NewCycle;

    use super::*;

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    fn cycle(tx: &Transaction<'_>, now: i64, is_ended: bool) {
        let new = NewCycle {
            reason: CycleReason::Drift,
            why: "drift of hr".to_owned(),
            now: at(now),
            run_id: None,
        };
        let number = tx.cycles().start(&new).unwrap();
        if is_ended {
            let (outcome, why) = (CycleOutcome::Promoted, "all gates passed");
            tx.cycles()
                .finish(number, outcome, why, at(now + 1), &BTreeMap::new(), None)
                .unwrap();
        }
    }

    /// Decides at 10, with cycles before and after; gives whether the decision was carried out, as the next start sees it.
    async fn check(cycles: &'static [(i64, bool)], is_carried_out: bool) {
        let metastore = Metastore::in_memory().unwrap();
        let work = move |tx: &Transaction<'_>| {
            tx.decisions().record("k", "cycle", "drift", at(10))?;
            for (now, is_ended) in cycles {
                cycle(tx, *now, *is_ended);
            }
            Ok(())
        };
        metastore.write(work).await.unwrap();
        for _ in 0..2 {
            settle(&metastore, at(99)).await.unwrap();
            let keys = vec!["k".to_owned(), "other".to_owned()];
            let found = carried_out(&metastore, keys).await.unwrap();
            assert_eq!(found.contains("k"), is_carried_out, "{cycles:?}");
            assert!(!found.contains("other"));
        }
    }

    #[tokio::test]
    async fn a_decision_without_a_cycle_is_taken_again() {
        check(&[], false).await;
        check(&[(5, true)], false).await;
    }

    #[tokio::test]
    async fn a_decision_whose_cycle_was_interrupted_stays_open() {
        check(&[(5, true), (11, false)], false).await;
    }

    #[tokio::test]
    async fn a_decision_whose_cycle_has_ended_is_not_taken_twice() {
        check(&[(5, true), (11, true)], true).await;
        check(&[(10, true), (20, true)], true).await;
    }
}
