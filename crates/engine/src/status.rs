//! The answer of `everloop status`: the cycles, their stages, and what comes next.

use std::collections::BTreeMap;

use everloop_domain::{
    CycleNumber, CycleOutcome, CycleReason, StageName, StageState, VersionNumber,
};
use everloop_metastore::{Cycle, Metastore, Stage, Transaction};
use serde::Serialize;

use crate::tracking::GATES_TAG;
use crate::{Error, GateOutcome};

/// The state of a project's loop.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Status {
    /// The project's name.
    pub project: String,
    /// The cycles, newest first.
    pub cycles: Vec<CycleStatus>,
    /// What happens next, in words.
    pub next: String,
}

/// A cycle.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CycleStatus {
    /// Its number.
    pub number: CycleNumber,
    /// Why it was started.
    pub reason: CycleReason,
    /// How it ended; null while it runs.
    pub outcome: Option<CycleOutcome>,
    /// Why it was started and why it ended so, in words.
    pub why: String,
    /// Its stages in order.
    pub stages: Vec<StageStatus>,
    /// The candidate's scores.
    pub metrics: BTreeMap<String, f64>,
    /// The version that was served after it.
    pub champion_version: Option<VersionNumber>,
    /// The run that holds its details.
    pub run_id: Option<String>,
    /// The gates with their numbers, in the order of the file.
    pub gates: Vec<GateOutcome>,
    /// When it was started, as RFC 3339.
    pub started_at: String,
    /// When it ended.
    pub finished_at: Option<String>,
}

/// A stage of a cycle.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct StageStatus {
    /// Its name.
    pub name: StageName,
    /// How far it has come.
    pub state: StageState,
    /// What it does or did, in words.
    pub action: String,
    /// Whether its result came from the cache.
    pub cached: bool,
    /// When it began last, as RFC 3339.
    pub started_at: Option<String>,
    /// How long it took.
    pub duration_ms: u64,
    /// Why it failed.
    pub message: Option<String>,
}

impl Status {
    /// Reads the last `limit` cycles of a project.
    ///
    /// # Errors
    ///
    /// Fails if the metastore cannot be read.
    pub async fn load(metastore: &Metastore, project: &str, limit: usize) -> Result<Self, Error> {
        let cycles = metastore
            .read(move |tx| {
                let cycles = tx.cycles().list(limit)?;
                cycles
                    .into_iter()
                    .map(|cycle| CycleStatus::read(tx, cycle))
                    .collect::<Result<Vec<_>, everloop_metastore::Error>>()
            })
            .await?;
        let next = next(&cycles);
        Ok(Self {
            project: project.to_owned(),
            cycles,
            next,
        })
    }
}

impl CycleStatus {
    /// Reads a cycle's stages and gates.
    ///
    /// # Errors
    ///
    /// Fails if the metastore cannot be read.
    pub fn read(tx: &Transaction<'_>, cycle: Cycle) -> Result<Self, everloop_metastore::Error> {
        let stages = tx.stages().list(cycle.number)?;
        let tags = match &cycle.run_id {
            Some(id) => tx.runs().tags(id)?,
            None => BTreeMap::new(),
        };
        let gates = tags.get(GATES_TAG);
        let gates = gates.and_then(|text| serde_json::from_str::<Vec<GateOutcome>>(text).ok());
        Ok(Self {
            number: cycle.number,
            reason: cycle.reason,
            outcome: cycle.outcome,
            why: cycle.why,
            stages: stages.into_iter().map(StageStatus::from).collect(),
            metrics: cycle.metrics,
            champion_version: cycle.champion_version,
            run_id: cycle.run_id.map(|id| id.to_string()),
            started_at: cycle.started_at.to_string(),
            finished_at: cycle.finished_at.map(|moment| moment.to_string()),
            gates: gates.unwrap_or_default(),
        })
    }
}

impl From<Stage> for StageStatus {
    fn from(stage: Stage) -> Self {
        Self {
            name: stage.name,
            state: stage.state,
            action: stage.action,
            cached: stage.cached,
            started_at: stage.started_at.map(|moment| moment.to_string()),
            duration_ms: stage.duration_ms,
            message: stage.message,
        }
    }
}

fn next(cycles: &[CycleStatus]) -> String {
    let Some(last) = cycles.first() else {
        return "no cycle yet: `everloop run` starts the first".to_owned();
    };
    let Some(outcome) = last.outcome else {
        let stage = last
            .stages
            .iter()
            .find(|stage| !matches!(stage.state, StageState::Done | StageState::Skipped));
        let stage = stage.map_or("its end", |stage| stage.name.as_str());
        return format!(
            "cycle {} is at {stage}; if nothing runs it, `everloop run` resumes it",
            last.number
        );
    };
    match (outcome, last.champion_version) {
        (CycleOutcome::Failed, _) => "mend what failed, then `everloop run`".to_owned(),
        (_, Some(version)) => {
            format!("version {version} is the champion; `everloop up` serves and watches it")
        }
        (_, None) => "no champion yet: `everloop run` starts another cycle".to_owned(),
    }
}
