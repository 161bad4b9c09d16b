//! What to do next: a pure function of the state and the present.

use std::collections::BTreeSet;
use std::time::Duration;

use everloop_domain::{CycleNumber, CycleOutcome, CycleReason, Timestamp, VersionNumber};
use everloop_lifecycle::Schedule;

/// All that a decision depends on.
#[derive(Clone, Debug, Default)]
pub struct State {
    /// A cycle that has not ended.
    pub unfinished: Option<CycleNumber>,
    /// The last cycle that has ended.
    pub last: Option<LastCycle>,
    /// How many cycles in a row have failed.
    pub n_failed: u32,
    /// The version that is served.
    pub champion: Option<VersionNumber>,
    /// When cycles are due.
    pub schedule: Option<Schedule>,
    /// How long to rest after a cycle.
    pub cooldown: Duration,
    /// The conditions of `retrain.when` on the latest signals of the champion.
    pub conditions: Vec<Condition>,
    /// Keys of decisions that were taken before.
    pub decided: BTreeSet<String>,
}

/// A cycle that has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LastCycle {
    /// Its number.
    pub number: CycleNumber,
    /// When it was started.
    pub started_at: Timestamp,
    /// When it ended.
    pub finished_at: Timestamp,
    /// How.
    pub outcome: CycleOutcome,
}

/// A condition and what it came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Condition {
    /// The condition with its numbers.
    pub shown: String,
    /// Whether it holds.
    pub holds: bool,
    /// Whether drift made it hold; otherwise it was quality or service.
    pub is_drift: bool,
    /// The window that it was last seen on.
    pub window: Option<(Timestamp, Timestamp)>,
}

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Take up the interrupted cycle.
    Resume {
        /// Its number.
        number: CycleNumber,
    },
    /// Start a cycle.
    Start {
        /// Why.
        reason: CycleReason,
        /// Why, in words, with numbers.
        why: String,
        /// The same situation has the same key, and is acted on once.
        key: String,
    },
    /// Do nothing, although something calls for it.
    Stay {
        /// Why not.
        why: String,
    },
}

/// The longest rest after failures.
const MAX_BACK_OFF: Duration = Duration::from_hours(24);

/// Decides what to do.
///
/// An unfinished cycle comes first; then the first cycle; then, after the rest that follows a cycle (longer after each
/// failure), conditions that hold, and at last the schedule. A window starts at most one cycle a champion.
#[must_use]
pub fn planner(state: &State, now: Timestamp) -> Option<Decision> {
    if let Some(number) = state.unfinished {
        return Some(Decision::Resume { number });
    }
    let Some(last) = state.last else {
        let (reason, why) = (
            CycleReason::First,
            "the project has no cycle yet".to_owned(),
        );
        return Some(Decision::Start {
            reason,
            why,
            key: "first".to_owned(),
        });
    };
    let wanted = by_condition(state).or_else(|| by_schedule(state, last, now));
    let wanted = wanted.or_else(|| after_failure(state, last))?;
    let Decision::Start { why, .. } = &wanted else {
        return Some(wanted);
    };
    let until = last.finished_at + rest(state);
    if now < until {
        return Some(Decision::Stay {
            why: format!("{why}; resting until {until} after cycle {}", last.number),
        });
    }
    Some(wanted)
}

fn by_condition(state: &State) -> Option<Decision> {
    let champion = state.champion?;
    let condition = state.conditions.iter().find(|condition| {
        condition.holds
            && condition
                .window
                .is_some_and(|window| !state.decided.contains(&key(champion, window)))
    })?;
    let window = condition.window?;
    let reason = if condition.is_drift {
        CycleReason::Drift
    } else {
        CycleReason::Performance
    };
    let why = format!(
        "{} in the window {} .. {}",
        condition.shown, window.0, window.1
    );
    Some(Decision::Start {
        reason,
        why,
        key: key(champion, window),
    })
}

fn key(champion: VersionNumber, window: (Timestamp, Timestamp)) -> String {
    format!("window:{champion}:{}", window.1.as_millis())
}

fn by_schedule(state: &State, last: LastCycle, now: Timestamp) -> Option<Decision> {
    let schedule = state.schedule.as_ref()?;
    // However many times were missed, one cycle makes up for all of them.
    let due = schedule
        .next_after(last.started_at)
        .filter(|due| *due <= now)?;
    let why = format!("the schedule `{}` was due at {due}", schedule.text());
    Some(Decision::Start {
        reason: CycleReason::Schedule,
        why,
        key: format!("schedule:{}", due.as_millis()),
    })
}

/// A project whose cycles have failed so far tries again.
fn after_failure(state: &State, last: LastCycle) -> Option<Decision> {
    let is_wanted = state.champion.is_none() && last.outcome == CycleOutcome::Failed;
    is_wanted.then(|| Decision::Start {
        reason: CycleReason::First,
        why: format!("cycle {} failed and nothing is served", last.number),
        key: format!("retry:{}", last.number),
    })
}

/// The rest after the last cycle: the cooldown, doubled with each failure in a row.
fn rest(state: &State) -> Duration {
    let base = if state.n_failed > 0 {
        state.cooldown.max(Duration::from_mins(1))
    } else {
        state.cooldown
    };
    let doubled = base.saturating_mul(1 << state.n_failed.min(10));
    if state.n_failed > 0 {
        doubled.min(MAX_BACK_OFF.max(state.cooldown))
    } else {
        doubled
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn settled() -> State {
        State {
            last: Some(LastCycle {
                number: CycleNumber(1),
                started_at: at("2020-01-01"),
                finished_at: at("2020-01-01T01:00:00"),
                outcome: CycleOutcome::Promoted,
            }),
            champion: Some(VersionNumber(1)),
            cooldown: Duration::from_hours(6),
            ..State::default()
        }
    }

    fn condition(holds: bool, is_drift: bool) -> Condition {
        let window = Some((at("2020-01-01"), at("2020-01-02")));
        Condition {
            shown: "rmse = 9 > 8".to_owned(),
            holds,
            is_drift,
            window,
        }
    }

    #[track_caller]
    fn check(state: &State, now: &str, expected: &str) {
        let shown = match planner(state, at(now)) {
            None => "nothing".to_owned(),
            Some(Decision::Resume { number }) => format!("resume {number}"),
            Some(Decision::Start { reason, why, .. }) => format!("start {reason}: {why}"),
            Some(Decision::Stay { why }) => format!("stay: {why}"),
        };
        assert_eq!(shown, expected);
    }

    #[test]
    fn a_calm_project_is_left_alone() {
        check(&settled(), "2020-01-09", "nothing");
        check(
            &State {
                conditions: vec![condition(false, false)],
                ..settled()
            },
            "2020-01-09",
            "nothing",
        );
    }

    #[test]
    fn a_new_project_starts() {
        check(
            &State::default(),
            "2020-01-01",
            "start first: the project has no cycle yet",
        );
    }

    #[test]
    fn an_interrupted_cycle_comes_first() {
        let state = State {
            unfinished: Some(CycleNumber(4)),
            conditions: vec![condition(true, true)],
            ..settled()
        };
        check(&state, "2020-01-09", "resume 4");
    }

    #[test]
    fn a_condition_that_holds_starts_a_cycle() {
        let performance = State {
            conditions: vec![condition(true, false)],
            ..settled()
        };
        check(
            &performance,
            "2020-01-02",
            "start performance: rmse = 9 > 8 in the window 2020-01-01T00:00:00Z .. 2020-01-02T00:00:00Z",
        );
        let drift = State {
            conditions: vec![condition(false, false), condition(true, true)],
            ..settled()
        };
        assert!(matches!(
            planner(&drift, at("2020-01-02")),
            Some(Decision::Start {
                reason: CycleReason::Drift,
                ..
            })
        ));
    }

    #[test]
    fn a_window_starts_one_cycle() {
        let state = State {
            conditions: vec![condition(true, false)],
            ..settled()
        };
        let Some(Decision::Start { key, .. }) = planner(&state, at("2020-01-02")) else {
            panic!("no start")
        };
        check(
            &State {
                decided: [key].into(),
                ..state
            },
            "2020-01-02",
            "nothing",
        );
    }

    #[test]
    fn after_a_cycle_there_is_a_rest() {
        let state = State {
            conditions: vec![condition(true, false)],
            ..settled()
        };
        check(
            &state,
            "2020-01-01T02:00:00",
            "stay: rmse = 9 > 8 in the window 2020-01-01T00:00:00Z .. 2020-01-02T00:00:00Z; \
             resting until 2020-01-01T07:00:00Z after cycle 1",
        );
    }

    #[test]
    fn missed_times_of_the_schedule_are_made_up_for_once() {
        let state = State {
            schedule: Some(Schedule::parse("daily").unwrap()),
            ..settled()
        };
        check(
            &state,
            "2020-01-05T12:00:00",
            "start schedule: the schedule `daily` was due at 2020-01-02T00:00:00Z",
        );
        check(&state, "2020-01-01T20:00:00", "nothing");
    }

    #[test]
    fn failures_lengthen_the_rest() {
        let mut state = settled();
        state.champion = None;
        state.n_failed = 2;
        state.last = state.last.map(|last| LastCycle {
            outcome: CycleOutcome::Failed,
            ..last
        });
        check(
            &state,
            "2020-01-01T20:00:00",
            "stay: cycle 1 failed and nothing is served; resting until 2020-01-02T01:00:00Z after cycle 1",
        );
        check(
            &state,
            "2020-01-02T02:00:00",
            "start first: cycle 1 failed and nothing is served",
        );
    }
}
