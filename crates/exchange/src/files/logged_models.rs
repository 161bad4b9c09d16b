//! Logged models of a file store.

use std::path::Path;

use everloop_domain::RunId;
use everloop_metastore::{Experiment, LoggedModel, ModelMetric};

use super::meta::{self, LoggedModelMeta};
use super::points::{self, CUT};
use super::{FileStore, artifacts, at, dirs, files, name_of, texts};
use crate::Error;
use crate::source::Found;

impl FileStore {
    pub(crate) fn logged_models(
        &self,
        experiment: &Experiment,
    ) -> Result<Vec<Result<Found<LoggedModel>, Error>>, Error> {
        let dirs = dirs(&self.dir_of(experiment).join("models"))?;
        let models = dirs.iter().map(|dir| logged_model(dir, experiment));
        // Deleted ones are left out, as in the other sources; they are counted as left behind.
        Ok(models.filter_map(Result::transpose).collect())
    }
}

/// A logged model; nothing if it is deleted.
fn logged_model(dir: &Path, experiment: &Experiment) -> Result<Option<Found<LoggedModel>>, Error> {
    let meta: LoggedModelMeta = meta::read(&dir.join("meta.yaml"))?;
    if meta.is_deleted() {
        return Ok(None);
    }
    let (mut metrics, mut missing) = (Vec::new(), Vec::new());
    for (key, path) in files(&dir.join("metrics"))? {
        let read = points::read(&path, &key)?;
        if read.is_cut {
            missing.push((format!("a point of metric `{key}`"), CUT.to_owned()));
        }
        for (metric, rest) in read.found {
            let mut rest = rest.into_iter();
            let run = rest.next().unwrap_or_default();
            metrics.push(ModelMetric {
                metric,
                run: run
                    .parse::<RunId>()
                    .map_err(|problem| Error::nonsense(&path, problem))?,
                dataset_name: rest.next().unwrap_or_default(),
                dataset_digest: rest.next().unwrap_or_default(),
            });
        }
    }
    let thing = LoggedModel {
        id: name_of(dir).to_owned(),
        experiment: experiment.id,
        name: meta.name,
        artifact_location: artifacts(meta.artifact_location, dir),
        status: LoggedModel::status_of(meta.status).to_owned(),
        model_type: meta.model_type,
        source_run: meta.source_run_id,
        created_at: at(meta.creation_timestamp),
        updated_at: at(meta.last_updated_timestamp),
        status_message: meta.status_message,
        tags: texts(&dir.join("tags"))?,
        params: texts(&dir.join("params"))?,
        metrics,
    };
    Ok(Some(Found { thing, missing }))
}
