//! Stages of cycles.

use everloop_domain::{CycleNumber, CycleReason, StageName, StageState};
use everloop_metastore::{Metastore, NewCycle};

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
