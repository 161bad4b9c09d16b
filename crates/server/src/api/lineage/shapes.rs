//! What a lineage is made of.

use std::collections::BTreeMap;

use everloop_domain::StageName as Name;
use everloop_engine::{Origin, PACKAGE_TAG, SeenData};
use everloop_metastore::{Cycle, DatasetInput, LoggedModel, ModelVersion, Run, Stage};
use serde::Serialize;
use utoipa::ToSchema;

use crate::api::shapes::{CycleOutcome, CycleReason, RunStatus, StageName, StageState};

/// What something was made from, in the order in which it was made, and what came of it.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct Lineage {
    /// The sources of the cycle, as they were read.
    pub(super) sources: Vec<Seen>,
    /// The parts into which its rows were split.
    pub(super) parts: Vec<Seen>,
    /// What the run says that it read: MLflow's inputs.
    pub(super) datasets: Vec<Dataset>,
    /// The code that made it.
    pub(super) code: Option<Code>,
    /// The cycle that the run belongs to.
    pub(super) cycle: Option<CycleAt>,
    /// The stages of the cycle, in their order.
    pub(super) stages: Vec<StageAt>,
    pub(super) run: Option<RunAt>,
    /// The digest of the package that the cycle made.
    pub(super) package: Option<String>,
    /// The models that the run logged.
    pub(super) logged_models: Vec<Logged>,
    /// The versions that were registered of it.
    pub(super) versions: Vec<Made>,
}

/// Data, as they were seen.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct Seen {
    name: String,
    /// The digest of the rows.
    digest: String,
    rows: Option<u64>,
}

impl From<SeenData> for Seen {
    fn from(seen: SeenData) -> Self {
        Self {
            name: seen.name,
            digest: seen.digest,
            rows: seen.n_rows,
        }
    }
}

/// A dataset that a run says it read.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct Dataset {
    name: String,
    digest: String,
    /// What it was for: `train`, `test`; empty if nobody said.
    context: String,
    source_type: String,
    source: String,
}

impl Dataset {
    pub(super) fn of(input: &DatasetInput) -> Self {
        let dataset = &input.dataset;
        Self {
            name: dataset.name.clone(),
            digest: dataset.digest.clone(),
            context: input.context().to_owned(),
            source_type: dataset.source_type.clone(),
            source: dataset.source.clone(),
        }
    }
}

/// Code.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct Code {
    /// The commit in git.
    commit: String,
    /// Whether the files differed from it.
    dirty: Option<bool>,
}

impl Code {
    pub(super) fn of(origin: &Origin) -> Option<Self> {
        Some(Self {
            commit: origin.commit.clone()?,
            dirty: origin.is_dirty,
        })
    }
}

/// A cycle, in short.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct CycleAt {
    number: u64,
    reason: CycleReason,
    /// Null while it runs.
    outcome: Option<CycleOutcome>,
}

impl CycleAt {
    pub(super) fn of(cycle: &Cycle) -> Self {
        Self {
            number: cycle.number.0,
            reason: cycle.reason.into(),
            outcome: cycle.outcome.map(CycleOutcome::from),
        }
    }
}

/// A stage, and what its result depends on.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct StageAt {
    name: StageName,
    state: StageState,
    /// Whether its result came from the cache.
    cached: bool,
    /// The digest of all that its result depends on; the run's artifact `fingerprints/<name>.json` has it whole.
    fingerprint: Option<String>,
}

impl StageAt {
    pub(super) fn new(stage: &Stage, fingerprints: &BTreeMap<Name, String>) -> Self {
        Self {
            name: stage.name.into(),
            state: stage.state.into(),
            cached: stage.cached,
            fingerprint: fingerprints.get(&stage.name).cloned(),
        }
    }
}

/// A run, in short.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct RunAt {
    run_id: String,
    run_name: String,
    experiment_id: String,
    status: RunStatus,
    artifact_uri: String,
}

impl RunAt {
    pub(super) fn of(run: &Run) -> Self {
        let info = &run.info;
        Self {
            run_id: info.id.to_string(),
            run_name: info.name.clone(),
            experiment_id: info.experiment.to_string(),
            status: info.status.into(),
            artifact_uri: info.artifact_uri.clone(),
        }
    }
}

/// A logged model, in short.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct Logged {
    model_id: String,
    name: String,
    artifact_location: String,
}

impl Logged {
    pub(super) fn of(model: &LoggedModel) -> Self {
        Self {
            model_id: model.id.clone(),
            name: model.name.clone(),
            artifact_location: model.artifact_location.clone(),
        }
    }
}

/// A version that was registered.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct Made {
    model: String,
    version: u64,
    /// Where its package is.
    source: String,
    /// The digest of its package, if a cycle made it.
    package: Option<String>,
    /// The logged model that it was.
    model_id: Option<String>,
    /// The aliases that point at it.
    aliases: Vec<String>,
}

impl Made {
    pub(super) fn new(aliases: Vec<String>, version: ModelVersion) -> Self {
        Self {
            model: version.name.to_string(),
            version: version.version.0,
            package: version.tags.get(PACKAGE_TAG).cloned(),
            source: version.source,
            model_id: version.model_id,
            aliases,
        }
    }
}
