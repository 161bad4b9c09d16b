//! The `meta.yaml` files of a file store.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use everloop_metastore::{Dataset, Lifecycle};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::Error;

/// Reads one. Fields that we do not know are MLflow's business.
pub(super) fn read<T: DeserializeOwned>(path: &Path) -> Result<T, Error> {
    let text = fs::read_to_string(path).map_err(|source| Error::read(path, source))?;
    serde_saphyr::from_str(&text).map_err(|problem| Error::nonsense(path, problem))
}

pub(super) fn lifecycle(stage: Option<&str>) -> Lifecycle {
    match stage {
        Some("deleted") => Lifecycle::Deleted,
        _ => Lifecycle::Active,
    }
}

#[derive(Debug, Deserialize)]
pub(super) struct ExperimentMeta {
    pub(super) name: String,
    pub(super) artifact_location: Option<String>,
    pub(super) lifecycle_stage: Option<String>,
    pub(super) creation_time: Option<i64>,
    pub(super) last_update_time: Option<i64>,
}

#[derive(Debug, Deserialize)]
pub(super) struct RunMeta {
    pub(super) run_name: Option<String>,
    pub(super) user_id: Option<String>,
    pub(super) status: i64,
    pub(super) start_time: Option<i64>,
    pub(super) end_time: Option<i64>,
    pub(super) deleted_time: Option<i64>,
    pub(super) artifact_uri: Option<String>,
    pub(super) lifecycle_stage: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(super) struct LoggedModelMeta {
    pub(super) name: String,
    pub(super) artifact_location: Option<String>,
    pub(super) status: i64,
    pub(super) model_type: Option<String>,
    pub(super) source_run_id: Option<String>,
    pub(super) creation_timestamp: Option<i64>,
    pub(super) last_updated_timestamp: Option<i64>,
    pub(super) status_message: Option<String>,
    lifecycle_stage: Option<String>,
}

impl LoggedModelMeta {
    pub(super) fn is_deleted(&self) -> bool {
        self.lifecycle_stage.as_deref() == Some("deleted")
    }
}

#[derive(Debug, Deserialize)]
pub(super) struct ModelMeta {
    pub(super) name: String,
    pub(super) description: Option<String>,
    pub(super) creation_timestamp: Option<i64>,
    pub(super) last_updated_timestamp: Option<i64>,
}

#[derive(Debug, Deserialize)]
pub(super) struct VersionMeta {
    pub(super) source: Option<String>,
    pub(super) run_id: Option<String>,
    pub(super) model_id: Option<String>,
    pub(super) description: Option<String>,
    pub(super) current_stage: Option<String>,
    pub(super) creation_timestamp: Option<i64>,
    pub(super) last_updated_timestamp: Option<i64>,
}

/// What ties a run to a dataset or a model.
#[derive(Debug, Deserialize)]
pub(super) struct InputMeta {
    pub(super) source_type: String,
    pub(super) source_id: String,
    pub(super) destination_id: Option<String>,
    #[serde(default)]
    pub(super) tags: BTreeMap<String, String>,
    #[serde(default)]
    pub(super) step: i64,
}

#[derive(Debug, Deserialize)]
pub(super) struct DatasetMeta {
    name: String,
    digest: String,
    source_type: String,
    source: String,
    schema: Option<String>,
    profile: Option<String>,
}

impl From<DatasetMeta> for Dataset {
    fn from(meta: DatasetMeta) -> Self {
        Self {
            name: meta.name,
            digest: meta.digest,
            source_type: meta.source_type,
            source: meta.source,
            schema: meta.schema,
            profile: meta.profile,
        }
    }
}
