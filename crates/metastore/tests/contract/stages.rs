//! Stages of cycles.

use std::collections::BTreeMap;

use everloop_domain::{CycleNumber, CycleOutcome, CycleReason, StageName, StageState};
use everloop_metastore::{Metastore, NewCycle, StagePlace, WantedStages};

use super::{at, read, refused, write};

const CYCLE: CycleNumber = CycleNumber(1);

fn with_plan(store: &Metastore) {
    write(store, |tx| {
        tx.cycles().start(&NewCycle {
            reason: CycleReason::First,
            why: String::new(),
            now: at(1),
            run_id: None,
        })?;
        let stages = [
            (StageName::Train, "boosting".to_owned()),
            (StageName::Collect, "2 files".to_owned()),
        ];
        tx.stages().plan(CYCLE, &stages)
    });
}

pub(crate) fn stages_go_from_planned_to_done(store: &Metastore) {
    with_plan(store);
    write(store, |tx| {
        tx.stages().begin(CYCLE, StageName::Train, at(5))?;
        let (message, action) = (
            Some("slow".to_owned()),
            Some("boosting, 300 trees".to_owned()),
        );
        tx.stages().finish(
            CYCLE,
            StageName::Train,
            StageState::Done,
            true,
            12,
            message,
            action,
        )?;
        tx.stages().begin(CYCLE, StageName::Collect, at(6))
    });
    let stages = read(store, |tx| tx.stages().list(CYCLE));
    let (train, collect) = (&stages[0], &stages[1]);
    assert_eq!(
        (train.name, train.state),
        (StageName::Train, StageState::Done)
    );
    assert_eq!(
        (train.action.as_str(), train.message.as_deref()),
        ("boosting, 300 trees", Some("slow"))
    );
    assert_eq!(
        (train.cached, train.duration_ms, train.started_at),
        (true, 12, Some(at(5)))
    );
    assert_eq!(
        (collect.state, collect.action.as_str()),
        (StageState::Running, "2 files")
    );
    // A stage that runs again forgets why it failed.
    write(store, |tx| {
        tx.stages().begin(CYCLE, StageName::Train, at(7))
    });
    assert_eq!(read(store, |tx| tx.stages().list(CYCLE))[0].message, None);
}

pub(crate) fn a_stage_that_was_not_planned_is_named(store: &Metastore) {
    with_plan(store);
    let words = refused(store, |tx| {
        tx.stages().begin(CYCLE, StageName::Deploy, at(5))
    });
    assert_eq!(words, "stage `deploy of cycle 1` does not exist");
    assert!(read(store, |tx| tx.stages().list(CycleNumber(2))).is_empty());
}

/// A page of stages in a short form, and the place of its last.
fn page(
    store: &Metastore,
    place: Option<StagePlace>,
    wanted: WantedStages,
    limit: usize,
) -> (String, Option<StagePlace>) {
    let found = read(store, |tx| tx.stages().after(place, wanted, limit));
    let shown: Vec<String> = found
        .iter()
        .map(|(place, stage)| format!("{}:{}", place.cycle, stage.name))
        .collect();
    (shown.join(" "), found.last().map(|(place, _)| *place))
}

pub(crate) fn stages_of_all_cycles_come_in_pages(store: &Metastore) {
    with_plan(store);
    write(store, |tx| {
        let scores = BTreeMap::new();
        tx.cycles()
            .finish(CYCLE, CycleOutcome::Failed, "", at(2), &scores, None)
    });
    write(store, |tx| {
        tx.cycles().start(&NewCycle {
            reason: CycleReason::Manual,
            why: String::new(),
            now: at(3),
            run_id: None,
        })?;
        let stages = [
            (StageName::Collect, String::new()),
            (StageName::Train, String::new()),
        ];
        tx.stages().plan(CycleNumber(2), &stages)?;
        tx.stages().begin(CycleNumber(2), StageName::Train, at(4))
    });
    let all = WantedStages::default();
    let (first, place) = page(store, None, all, 3);
    assert_eq!(first, "2:collect 2:train 1:train");
    assert_eq!(page(store, place, all, 3).0, "1:collect");
    let train = WantedStages {
        name: Some(StageName::Train),
        ..all
    };
    let (first, place) = page(store, None, train, 1);
    assert_eq!(first, "2:train");
    assert_eq!(page(store, place, train, 9).0, "1:train");
    let running = WantedStages {
        state: Some(StageState::Running),
        ..all
    };
    assert_eq!(page(store, None, running, 9).0, "2:train");
}
