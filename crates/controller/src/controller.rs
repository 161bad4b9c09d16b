//! A tick: look, decide, act.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use everloop_domain::{CycleOutcome, RequestId, Timestamp, Value, VersionNumber};
use everloop_engine::{CHAMPION, CycleReport, CycleRequest, METRICS_TAG, Runner};
use everloop_lifecycle::Window;
use everloop_measure::check_gate;
use everloop_metastore::{Entry, ModelVersion, Signal};

use crate::Error;
use crate::decisions::{carried_out, settle};
use crate::log::VersionLog;
use crate::planner::{Condition, Decision, LastCycle, State, planner};
use crate::signals::{Kept, Subject};
use crate::windows::closed;

/// Who writes the audit rows.
const ACTOR: &str = "controller";
/// How long a claimed decision belongs to its claimer; a cycle is never split between two, because it holds a lock.
const LEASE: Duration = Duration::from_hours(24);
/// How long after its due time a label still counts for the window it belongs to.
const LATE_LABELS: Duration = Duration::from_hours(7 * 24);
/// Cycles that are looked at for failures in a row.
const N_CYCLES: usize = 20;

/// Watches one project and starts its cycles.
#[derive(Debug)]
pub struct Controller {
    runner: Runner,
    is_simulated: bool,
}

/// What a tick saw and did.
#[derive(Debug, Default)]
pub struct Tick {
    /// New signals.
    pub signals: Vec<Signal>,
    /// What was decided, if anything called for a decision.
    pub decision: Option<Decision>,
    /// The cycle that was run.
    pub cycle: Option<CycleReport>,
    /// Why a cycle failed.
    pub failure: Option<String>,
}

impl Controller {
    /// A controller of a runner's project. In simulated time cycles see only what was known at the clock's present.
    #[must_use]
    pub fn new(runner: Runner, is_simulated: bool) -> Self {
        Self {
            runner,
            is_simulated,
        }
    }

    /// Looks at closed windows, decides, and acts. A cycle that fails is recorded and told, not an error.
    ///
    /// # Errors
    ///
    /// Fails if the log or the metastore cannot be read or written.
    pub async fn tick(&self) -> Result<Tick, Error> {
        settle(self.runner.metastore(), self.now()).await?;
        let champion = self.champion().await?;
        let signals = match &champion {
            Some(champion) => self.look(champion).await?,
            None => Vec::new(),
        };
        let state = self.state(champion.as_ref()).await?;
        let decision = planner(&state, self.now());
        let mut tick = Tick {
            signals,
            decision: decision.clone(),
            ..Tick::default()
        };
        match decision {
            Some(Decision::Start { reason, why, key }) => {
                let request = CycleRequest {
                    reason,
                    why: why.clone(),
                    until: None,
                    as_of: self.as_of(),
                };
                if self.claim(&key, &why).await? {
                    self.cycle(&request, &mut tick).await?;
                }
            }
            Some(Decision::Resume { .. }) => {
                let request = CycleRequest {
                    as_of: self.as_of(),
                    ..CycleRequest::manual()
                };
                self.cycle(&request, &mut tick).await?;
            }
            Some(Decision::Stay { .. }) | None => {}
        }
        Ok(tick)
    }

    fn now(&self) -> Timestamp {
        self.runner.clock().now()
    }

    fn as_of(&self) -> Option<Timestamp> {
        self.is_simulated.then(|| self.now())
    }

    async fn champion(&self) -> Result<Option<ModelVersion>, Error> {
        let model = self.runner.lifecycle().deploy.model.clone();
        Ok(self
            .runner
            .metastore()
            .read(move |tx| tx.models().find_by_alias(&model, CHAMPION))
            .await?)
    }

    /// Records the decision with its audit row; gives whether it is ours to carry out.
    async fn claim(&self, key: &str, why: &str) -> Result<bool, Error> {
        let (key, why, now) = (key.to_owned(), why.to_owned(), self.now());
        let claimed = self
            .runner
            .metastore()
            .write(move |tx| {
                if tx.decisions().record(&key, "cycle", &why, now)? {
                    tx.audit().append(&Entry {
                        at: now,
                        actor: ACTOR.to_owned(),
                        action: "decide.cycle".to_owned(),
                        subject: key.clone(),
                        why: why.clone(),
                        details: serde_json::Value::Null,
                    })?;
                }
                tx.decisions().claim(&key, ACTOR, now, LEASE)
            })
            .await?;
        Ok(claimed)
    }

    /// Runs a cycle and closes the decisions that asked for it.
    async fn cycle(&self, request: &CycleRequest, tick: &mut Tick) -> Result<(), Error> {
        let outcome = match self.runner.run_cycle(request).await {
            Ok(report) => {
                let outcome = format!("cycle {}: {}", report.number, report.outcome);
                tick.cycle = Some(report);
                outcome
            }
            Err(error) if error.stage().is_some() => {
                let mut text = error.to_string();
                if let Some(source) = std::error::Error::source(&error) {
                    text = format!("{text}: {source}");
                }
                tick.failure = Some(text.clone());
                text
            }
            Err(error) => return Err(error.into()),
        };
        let now = self.now();
        self.runner
            .metastore()
            .write(move |tx| {
                for decision in tx.decisions().unfinished()? {
                    tx.decisions().finish(&decision.key, &outcome, now)?;
                }
                Ok(())
            })
            .await?;
        Ok(())
    }

    /// Keeps the signals of the windows that have closed since the last look, and those that late labels have changed.
    async fn look(&self, champion: &ModelVersion) -> Result<Vec<Signal>, Error> {
        let kept = Kept::read(self.runner.metastore(), champion).await?;
        let Some(log) = self.log(champion, &kept)? else {
            return Ok(Vec::new());
        };
        let window = self.runner.lifecycle().monitor.window;
        let subject = Subject {
            runner: &self.runner,
            model: champion.name.clone(),
            version: champion.version,
            log: &log,
        };
        let closed = |until| closed(window, champion.created_at, &log, until);
        let mut signals = Vec::new();
        let unseen = closed(self.now())
            .into_iter()
            .filter(|(_, end)| Some(*end) > kept.seen_until);
        for (look, window) in (kept.n_looks + 1..).zip(unseen) {
            signals.extend(subject.service(window));
            signals.extend(subject.drift(window, look)?);
        }
        if let Some(spec) = &self.runner.lifecycle().monitor.labels {
            let windows = closed(self.now() - spec.delay);
            let labels = match (windows.first(), windows.last()) {
                (Some(first), Some(last)) => self.labels(champion, &log, (first.0, last.1)).await?,
                _ => HashMap::new(),
            };
            for window in windows {
                let scored = subject.quality(window, &labels)?;
                signals.extend(scored.into_iter().filter(|signal| kept.is_news(signal)));
            }
        }
        let news = signals.clone();
        self.runner
            .metastore()
            .write(move |tx| tx.signals().insert(&news))
            .await?;
        Ok(signals)
    }

    /// The log of the champion's windows that can still tell something new: those not looked at, and those whose labels
    /// may still arrive.
    fn log(&self, champion: &ModelVersion, kept: &Kept) -> Result<Option<VersionLog>, Error> {
        let monitor = &self.runner.lifecycle().monitor;
        let since = match (monitor.window, kept.seen_until) {
            // Such windows are counted from the first prediction.
            (Window::Predictions(_), _) | (_, None) => champion.created_at,
            (Window::Time(length), Some(seen_until)) => {
                let delay = monitor
                    .labels
                    .as_ref()
                    .map_or(Duration::ZERO, |labels| labels.delay);
                let settled = self.now() - delay - LATE_LABELS.max(length * 2);
                seen_until.min(settled).max(champion.created_at)
            }
        };
        let dir = self
            .runner
            .project()
            .predictions_dir()
            .join(champion.name.as_str());
        VersionLog::read(&dir, champion.version, since)
    }

    /// The labels of the predictions of a span: those that were sent, and those of the source table.
    async fn labels(
        &self,
        champion: &ModelVersion,
        log: &VersionLog,
        span: (Timestamp, Timestamp),
    ) -> Result<HashMap<String, Value>, Error> {
        let ids: Vec<RequestId> = log
            .between(span)
            .map(|row| RequestId(log.ids[row].clone()))
            .collect();
        let model = champion.name.clone();
        let sent = self
            .runner
            .metastore()
            .read(move |tx| tx.labels().for_ids(&model, &ids))
            .await?;
        let mut labels = self.source_labels().await?;
        labels.extend(sent.into_iter().map(|(id, value)| (id.0, value)));
        Ok(labels)
    }

    /// The labels of `monitor.labels.source`; none in simulated time, because a source tells what was not known yet.
    async fn source_labels(&self) -> Result<HashMap<String, Value>, Error> {
        let lifecycle = self.runner.lifecycle();
        let spec = lifecycle.monitor.labels.as_ref();
        let Some((spec, name)) = spec.and_then(|spec| Some((spec, spec.source.as_ref()?))) else {
            return Ok(HashMap::new());
        };
        let Some(source) = lifecycle.sources.iter().find(|source| source.name == *name) else {
            return Ok(HashMap::new());
        };
        if self.is_simulated {
            return Ok(HashMap::new());
        }
        let session = self.runner.session();
        session.register_source(source).await?;
        let rows = session.rows(name).await?;
        let texts = |column: &str| {
            rows.column_by_name(column)
                .map(everloop_engine::texts)
                .unwrap_or_default()
        };
        let (keys, targets) = (texts(&spec.key), texts(&lifecycle.dataset.target));
        let value = |text: String| {
            text.parse()
                .map(Value::Integer)
                .or_else(|_| text.parse().map(Value::Number))
                .unwrap_or(Value::Text(text))
        };
        Ok(keys
            .into_iter()
            .zip(targets)
            .filter_map(|(key, target)| Some((key?, value(target?))))
            .collect())
    }

    async fn state(&self, champion: Option<&ModelVersion>) -> Result<State, Error> {
        let retrain = &self.runner.lifecycle().retrain;
        let (cycles, unfinished, latest) = {
            let subject = champion.map(|champion| (champion.name.clone(), champion.version));
            self.runner
                .metastore()
                .read(move |tx| {
                    let latest = match &subject {
                        Some((model, version)) => tx.signals().latest(model, *version)?,
                        None => Vec::new(),
                    };
                    Ok((
                        tx.cycles().list(N_CYCLES)?,
                        tx.cycles().find_unfinished()?,
                        latest,
                    ))
                })
                .await?
        };
        let ended = cycles.iter().filter(|cycle| cycle.outcome.is_some());
        let n_failed = ended
            .clone()
            .take_while(|cycle| cycle.outcome == Some(CycleOutcome::Failed))
            .count() as u32;
        let last = ended.clone().next().and_then(|cycle| {
            let finished_at = cycle.finished_at?;
            let outcome = cycle.outcome?;
            Some(LastCycle {
                number: cycle.number,
                started_at: cycle.started_at,
                finished_at,
                outcome,
            })
        });
        let conditions = self.conditions(champion, &latest)?;
        let decided = self
            .decided(champion.map(|champion| champion.version), &conditions)
            .await?;
        Ok(State {
            unfinished: unfinished.map(|cycle| cycle.number),
            last,
            n_failed,
            champion: champion.map(|champion| champion.version),
            schedule: retrain.schedule.clone(),
            cooldown: retrain.cooldown,
            conditions,
            decided,
        })
    }

    /// The conditions of `retrain.when` on the latest signals and the champion's baseline.
    fn conditions(
        &self,
        champion: Option<&ModelVersion>,
        latest: &[Signal],
    ) -> Result<Vec<Condition>, Error> {
        let baseline: BTreeMap<String, f64> = champion
            .and_then(|champion| champion.tags.get(METRICS_TAG))
            .and_then(|text| serde_json::from_str(text).ok())
            .unwrap_or_default();
        let signal = |name: &str| latest.iter().find(|signal| signal.name == name);
        let value = |name: &str| match name
            .strip_prefix("baseline.")
            .or_else(|| name.strip_prefix("champion."))
        {
            Some(metric) => baseline.get(metric).copied(),
            None => signal(name).and_then(|signal| signal.value),
        };
        let mut conditions = Vec::new();
        for condition in &self.runner.lifecycle().retrain.when {
            let result = check_gate(&condition.expression, &value)?;
            let used: Vec<&Signal> = condition
                .expression
                .names()
                .into_iter()
                .filter_map(signal)
                .collect();
            let is_drift = used.iter().any(|signal| {
                signal.kind == "drift" && signal.value.is_some_and(|value| value > 0.0)
            });
            let window = used
                .iter()
                .max_by_key(|signal| signal.window_end)
                .map(|signal| (signal.window_start, signal.window_end));
            let shown = match signal("drift").filter(|_| is_drift) {
                Some(drift) => format!("drift of {}", columns(drift)),
                None => result.shown,
            };
            conditions.push(Condition {
                shown,
                holds: result.passed && result.missing.is_empty(),
                is_drift,
                window,
            });
        }
        Ok(conditions)
    }

    /// The keys among those that could come up which were carried out before.
    async fn decided(
        &self,
        champion: Option<VersionNumber>,
        conditions: &[Condition],
    ) -> Result<std::collections::BTreeSet<String>, Error> {
        let Some(champion) = champion else {
            return Ok(std::collections::BTreeSet::new());
        };
        let keys: Vec<String> = conditions
            .iter()
            .filter_map(|condition| {
                Some(format!(
                    "window:{champion}:{}",
                    condition.window?.1.as_millis()
                ))
            })
            .collect();
        carried_out(self.runner.metastore(), keys).await
    }
}

/// The columns that a drift signal names.
fn columns(drift: &Signal) -> String {
    let names: Vec<String> = drift.details["columns"]
        .as_array()
        .map(|columns| {
            columns
                .iter()
                .filter_map(|column| column.as_str().map(str::to_owned))
                .collect()
        })
        .unwrap_or_default();
    names.join(", ")
}

impl Tick {
    /// What a person should see of the signals: the metrics, and what drifted.
    #[must_use]
    pub fn highlights(&self) -> Vec<String> {
        let mut shown: Vec<String> = self
            .signals
            .iter()
            .filter(|signal| signal.kind == "quality" && signal.name != "n_labels")
            .filter_map(|signal| {
                Some(format!(
                    "{} {:.3} ({})",
                    signal.name,
                    signal.value?,
                    signal.window_start.day()
                ))
            })
            .collect();
        for signal in self
            .signals
            .iter()
            .filter(|signal| signal.name == "drift" && signal.verdict == "alarm")
        {
            shown.push(format!("drift: {}", columns(signal)));
        }
        shown
    }

    /// What was decided and done, a line each.
    #[must_use]
    pub fn decisions_text(&self) -> Vec<String> {
        let mut lines = Vec::new();
        match &self.decision {
            Some(Decision::Start { reason, why, .. }) => lines.push(format!("{reason}: {why}")),
            Some(Decision::Resume { number }) => lines.push(format!("resumes cycle {number}")),
            Some(Decision::Stay { why }) => lines.push(format!("stays: {why}")),
            None => {}
        }
        if let Some(cycle) = &self.cycle {
            lines.push(format!(
                "cycle {}: {}; {}",
                cycle.number, cycle.outcome, cycle.why
            ));
        }
        lines.extend(self.failure.clone());
        lines
    }
}
