//! One look at the store after another, and what differs between them.

use std::collections::{BTreeSet, HashMap};

use everloop_domain::{CycleNumber, CycleOutcome, RunId, RunStatus, Timestamp};
use everloop_metastore::{Cursor, Error, Metric, RunInfo, Transaction};
use serde_json::{Value, json};

use super::Event;

/// How many runs are followed at once, and how much of each kind one look tells.
const MAX_FOLLOWED: usize = 200;
/// How many of the last cycles are looked at.
const N_CYCLES: usize = 20;

/// What was there at the last look; empty before the first, which tells nothing.
#[derive(Debug, Default)]
pub(super) struct Seen {
    has_looked: bool,
    cursor: Cursor,
    last_start: Option<Timestamp>,
    runs: HashMap<RunId, RunInfo>,
    metrics: HashMap<(RunId, String), Metric>,
    cycles: HashMap<CycleNumber, Value>,
    stages: HashMap<(CycleNumber, String), Value>,
}

fn event(kind: &'static str, run: Option<&RunId>, data: Value) -> Event {
    Event {
        id: 0,
        kind,
        run: run.cloned(),
        data,
    }
}

/// A run as events tell it.
pub(crate) fn run_data(info: &RunInfo) -> Value {
    json!({
        "run_id": info.id, "experiment_id": info.experiment.to_string(), "name": info.name,
        "status": info.status.as_str(), "start_time": info.start_time.as_millis(),
        "end_time": info.end_time.map(Timestamp::as_millis),
    })
}

/// A point as events tell it.
pub(crate) fn metric_data(run: &RunId, metric: &Metric) -> Value {
    let value = match metric.value {
        value if value.is_nan() => json!("NaN"),
        value if value.is_infinite() => json!(if value > 0.0 { "Infinity" } else { "-Infinity" }),
        value => json!(value),
    };
    json!({
        "run_id": run, "key": metric.key, "value": value, "step": metric.step,
        "timestamp": metric.timestamp.as_millis(),
    })
}

impl Seen {
    /// Looks again: what is there now, and what happened since.
    pub(super) fn look(
        mut self,
        tx: &Transaction<'_>,
        named: &BTreeSet<RunId>,
    ) -> Result<(Self, Vec<Event>), Error> {
        let mut events = Vec::new();
        self.look_at_runs(tx, named, &mut events)?;
        self.look_at_cycles(tx, &mut events)?;
        if self.has_looked {
            for signal in tx.changes().signals(&mut self.cursor, MAX_FOLLOWED)? {
                let data = json!({
                    "model": signal.model, "version": signal.version, "name": signal.name, "kind": signal.kind,
                    "window_end": signal.window_end.to_string(), "value": signal.value,
                    "threshold": signal.threshold, "verdict": signal.verdict,
                });
                events.push(event("signal", None, data));
            }
            for entry in tx.changes().entries(&mut self.cursor, MAX_FOLLOWED)? {
                let data = json!({
                    "at": entry.at.to_string(), "actor": entry.actor, "action": entry.action,
                    "subject": entry.subject, "why": entry.why,
                });
                events.push(event("audit", None, data));
            }
        } else {
            self.cursor = tx.changes().end()?;
            // What was there before is no news.
            events.clear();
        }
        self.has_looked = true;
        Ok((self, events))
    }

    fn look_at_runs(
        &mut self,
        tx: &Transaction<'_>,
        named: &BTreeSet<RunId>,
        events: &mut Vec<Event>,
    ) -> Result<(), Error> {
        let new = match self.last_start {
            None => tx.changes().running(MAX_FOLLOWED)?,
            Some(since) => tx.changes().started_since(since, MAX_FOLLOWED)?,
        };
        let newest = new.iter().map(|run| run.start_time).max();
        self.last_start = self
            .last_start
            .max(newest)
            .or(Some(Timestamp::from_millis(0)));
        let mut followed: BTreeSet<RunId> = new.into_iter().map(|run| run.id).collect();
        followed.extend(named.iter().cloned());
        let running = self
            .runs
            .values()
            .filter(|run| run.status == RunStatus::Running);
        followed.extend(running.map(|run| run.id.clone()));
        for id in followed {
            let Some(run) = tx.runs().find(&id)? else {
                continue;
            };
            let before = self.runs.get(&id);
            let is_first_look = before.is_none() && named.contains(&id);
            if before.is_some_and(|before| *before == run && run.status != RunStatus::Running) {
                // It has ended, and points that come after the end are nobody's news.
                continue;
            }
            let is_news = before != Some(&run) && !is_first_look;
            let told = is_news.then(|| event("run", Some(&id), run_data(&run)));
            // That a run has ended comes after its last points.
            let (first, last) = match run.status {
                RunStatus::Running => (told, None),
                _ => (None, told),
            };
            events.extend(first);
            for metric in tx.runs().latest_metrics(&id)? {
                let place = (id.clone(), metric.key.clone());
                if self.metrics.get(&place) == Some(&metric) {
                    continue;
                }
                if !is_first_look {
                    events.push(event("metric", Some(&id), metric_data(&id, &metric)));
                }
                self.metrics.insert(place, metric);
            }
            events.extend(last);
            self.runs.insert(id, run);
        }
        self.forget();
        Ok(())
    }

    /// Leaves behind what has ended, so that memory does not grow with all runs there ever were.
    fn forget(&mut self) {
        if self.runs.len() <= 4 * MAX_FOLLOWED {
            return;
        }
        self.runs.retain(|_, run| run.status == RunStatus::Running);
        let runs = &self.runs;
        self.metrics.retain(|(id, _), _| runs.contains_key(id));
    }

    fn look_at_cycles(
        &mut self,
        tx: &Transaction<'_>,
        events: &mut Vec<Event>,
    ) -> Result<(), Error> {
        for cycle in tx.cycles().list(N_CYCLES)? {
            let number = cycle.number;
            let data = json!({
                "number": number, "reason": cycle.reason.as_str(), "why": cycle.why,
                "outcome": cycle.outcome.map(CycleOutcome::as_str), "run_id": cycle.run_id,
                "champion_version": cycle.champion_version,
            });
            let before = self.cycles.insert(number, data.clone());
            let is_over = cycle.outcome.is_some();
            if before.as_ref() == Some(&data) && is_over {
                continue;
            }
            if before.as_ref() != Some(&data) {
                events.push(event("cycle", cycle.run_id.as_ref(), data));
            }
            for stage in tx.stages().list(number)? {
                let name = stage.name.as_str().to_owned();
                let data = json!({
                    "cycle": number, "name": name, "state": stage.state.as_str(), "action": stage.action,
                    "cached": stage.cached, "duration_ms": stage.duration_ms, "message": stage.message,
                });
                let before = self.stages.insert((number, name), data.clone());
                if before.as_ref() != Some(&data) {
                    events.push(event("stage", cycle.run_id.as_ref(), data));
                }
            }
        }
        Ok(())
    }
}
