//! Logged models, as MLflow's API answers them.

use everloop_domain::{ExperimentId, Timestamp};
use everloop_metastore::ModelMetric;
use serde::Deserialize;

use super::{Metric, Pair, nonsense, number, pairs, said};
use crate::Error;

#[derive(Debug, Deserialize)]
pub(in crate::server) struct LoggedModel {
    info: ModelInfo,
    #[serde(default)]
    data: ModelData,
}

#[derive(Debug, Deserialize)]
struct ModelInfo {
    model_id: String,
    #[serde(default)]
    name: String,
    #[serde(default)]
    artifact_uri: String,
    #[serde(default)]
    status: String,
    model_type: Option<String>,
    source_run_id: Option<String>,
    status_message: Option<String>,
    #[serde(default, deserialize_with = "number")]
    creation_timestamp_ms: i64,
    #[serde(default, deserialize_with = "number")]
    last_updated_timestamp_ms: i64,
    #[serde(default)]
    tags: Vec<Pair>,
}

#[derive(Debug, Default, Deserialize)]
struct ModelData {
    #[serde(default)]
    params: Vec<Pair>,
    #[serde(default)]
    metrics: Vec<Metric>,
}

impl LoggedModel {
    pub(in crate::server) fn into_plain(
        self,
        experiment: ExperimentId,
    ) -> Result<everloop_metastore::LoggedModel, Error> {
        let info = self.info;
        let metrics = self.data.metrics.into_iter().map(|metric| {
            let run = metric.run_id.parse();
            Ok(ModelMetric {
                run: run.map_err(|problem: String| {
                    nonsense("a metric of logged model", &info.model_id, problem)
                })?,
                dataset_name: metric.dataset_name.clone(),
                dataset_digest: metric.dataset_digest.clone(),
                metric: metric.into_plain(),
            })
        });
        Ok(everloop_metastore::LoggedModel {
            metrics: metrics.collect::<Result<_, Error>>()?,
            id: info.model_id,
            experiment,
            name: info.name,
            artifact_location: info.artifact_uri,
            status: info.status,
            model_type: said(info.model_type),
            source_run: said(info.source_run_id),
            created_at: Timestamp::from_millis(info.creation_timestamp_ms),
            updated_at: Timestamp::from_millis(info.last_updated_timestamp_ms),
            status_message: said(info.status_message),
            tags: pairs(info.tags),
            params: pairs(self.data.params),
        })
    }
}
