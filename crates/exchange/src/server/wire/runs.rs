//! Runs, as MLflow's API answers them.

use everloop_domain::{ExperimentId, RunStatus, Timestamp};
use everloop_metastore::{Dataset, DatasetInput, Output, RunInfo};
use serde::Deserialize;

use super::{Pair, lifecycle, maybe_number, nonsense, number, pairs};
use crate::Error;

#[derive(Debug, Deserialize)]
pub(in crate::server) struct Run {
    pub(in crate::server) info: Info,
    #[serde(default)]
    pub(in crate::server) data: Data,
    #[serde(default)]
    inputs: Inputs,
    #[serde(default)]
    outputs: Outputs,
}

#[derive(Debug, Deserialize)]
pub(in crate::server) struct Info {
    pub(in crate::server) run_id: String,
    #[serde(default)]
    run_name: String,
    #[serde(default)]
    user_id: String,
    status: String,
    #[serde(default, deserialize_with = "number")]
    start_time: i64,
    #[serde(default, deserialize_with = "maybe_number")]
    end_time: Option<i64>,
    #[serde(default)]
    pub(in crate::server) artifact_uri: String,
    #[serde(default)]
    lifecycle_stage: String,
}

#[derive(Debug, Default, Deserialize)]
pub(in crate::server) struct Data {
    #[serde(default)]
    pub(in crate::server) metrics: Vec<Latest>,
    #[serde(default)]
    params: Vec<Pair>,
    #[serde(default)]
    tags: Vec<Pair>,
}

/// The latest point of a metric; its history has it, too.
#[derive(Debug, Deserialize)]
pub(in crate::server) struct Latest {
    pub(in crate::server) key: String,
}

#[derive(Debug, Default, Deserialize)]
struct Inputs {
    #[serde(default)]
    dataset_inputs: Vec<Input>,
    #[serde(default)]
    model_inputs: Vec<Tie>,
}

#[derive(Debug, Default, Deserialize)]
struct Outputs {
    #[serde(default)]
    model_outputs: Vec<Tie>,
}

#[derive(Debug, Deserialize)]
struct Tie {
    model_id: String,
    #[serde(default, deserialize_with = "number")]
    step: i64,
}

#[derive(Debug, Deserialize)]
struct Input {
    #[serde(default)]
    tags: Vec<Pair>,
    dataset: InputDataset,
}

#[derive(Debug, Deserialize)]
struct InputDataset {
    name: String,
    digest: String,
    #[serde(default)]
    source_type: String,
    #[serde(default)]
    source: String,
    schema: Option<String>,
    profile: Option<String>,
}

impl Run {
    pub(in crate::server) fn into_plain(
        self,
        experiment: ExperimentId,
    ) -> Result<everloop_metastore::Run, Error> {
        let info = self.info;
        let refused = |problem: String| nonsense("run", &info.run_id, problem);
        let models = self.outputs.model_outputs.into_iter();
        Ok(everloop_metastore::Run {
            info: RunInfo {
                id: info.run_id.parse().map_err(refused)?,
                experiment,
                name: info.run_name,
                user: info.user_id,
                status: info.status.parse::<RunStatus>().map_err(refused)?,
                start_time: Timestamp::from_millis(info.start_time),
                end_time: info.end_time.map(Timestamp::from_millis),
                artifact_uri: info.artifact_uri,
                lifecycle: lifecycle(&info.lifecycle_stage),
            },
            params: pairs(self.data.params),
            metrics: Vec::new(),
            tags: pairs(self.data.tags),
            datasets: self
                .inputs
                .dataset_inputs
                .into_iter()
                .map(Input::into_plain)
                .collect(),
            model_inputs: self
                .inputs
                .model_inputs
                .into_iter()
                .map(|tie| tie.model_id)
                .collect(),
            outputs: models
                .map(|Tie { model_id, step }| Output { model_id, step })
                .collect(),
        })
    }
}

impl Input {
    fn into_plain(self) -> DatasetInput {
        let dataset = self.dataset;
        DatasetInput {
            dataset: Dataset {
                name: dataset.name,
                digest: dataset.digest,
                source_type: dataset.source_type,
                source: dataset.source,
                schema: dataset.schema,
                profile: dataset.profile,
            },
            tags: pairs(self.tags),
        }
    }
}
