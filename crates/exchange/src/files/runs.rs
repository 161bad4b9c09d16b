//! Runs of a file store.

use std::path::Path;

use everloop_domain::{RunStatus, Timestamp};
use everloop_metastore::{Dataset, DatasetInput, Experiment, Output, Run, RunInfo, WholeRun};

use super::meta::{self, InputMeta, RunMeta};
use super::points::{self, CUT};
use super::{FileStore, artifacts, at, dirs, files, texts};
use crate::Error;
use crate::source::Found;

impl FileStore {
    pub(crate) fn run(&self, experiment: &Experiment, id: &str) -> Result<Found<WholeRun>, Error> {
        let dir = self.dir_of(experiment);
        let run_dir = dir.join(id);
        let path = run_dir.join("meta.yaml");
        let meta: RunMeta = meta::read(&path)?;
        let tags = texts(&run_dir.join("tags"))?;
        let name = meta.run_name.filter(|name| !name.is_empty());
        let info = RunInfo {
            id: id
                .parse()
                .map_err(|problem: String| Error::nonsense(&path, problem))?,
            experiment: experiment.id,
            name: name
                .or_else(|| tags.get("mlflow.runName").cloned())
                .unwrap_or_default(),
            user: meta.user_id.unwrap_or_default(),
            status: status(meta.status),
            start_time: at(meta.start_time),
            end_time: meta.end_time.map(Timestamp::from_millis),
            artifact_uri: artifacts(meta.artifact_uri, &run_dir),
            lifecycle: meta::lifecycle(meta.lifecycle_stage.as_deref()),
        };
        let (mut points, mut missing) = (Vec::new(), Vec::new());
        for (key, path) in files(&run_dir.join("metrics"))? {
            let read = points::read(&path, &key)?;
            points.extend(read.found.into_iter().map(|(point, _)| point));
            if read.is_cut {
                missing.push((format!("a point of metric `{key}`"), CUT.to_owned()));
            }
        }
        let inputs = inputs(&dir, &run_dir)?;
        let thing = WholeRun {
            points,
            deleted_at: meta.deleted_time.map(Timestamp::from_millis),
            run: Run {
                info,
                params: texts(&run_dir.join("params"))?,
                metrics: Vec::new(),
                tags,
                datasets: inputs.datasets,
                model_inputs: inputs.models,
                outputs: outputs(&run_dir)?,
            },
        };
        Ok(Found { thing, missing })
    }
}

/// What a run read.
#[derive(Default)]
struct Inputs {
    datasets: Vec<DatasetInput>,
    models: Vec<String>,
}

fn inputs(experiment: &Path, run: &Path) -> Result<Inputs, Error> {
    let mut found = Inputs::default();
    for dir in dirs(&run.join("inputs"))? {
        let path = dir.join("meta.yaml");
        let input: InputMeta = meta::read(&path)?;
        if input.source_type != "DATASET" {
            found.models.extend(input.destination_id);
            continue;
        }
        let dataset = experiment.join("datasets").join(&input.source_id);
        let dataset: Dataset = meta::read::<meta::DatasetMeta>(&dataset.join("meta.yaml"))?.into();
        found.datasets.push(DatasetInput {
            dataset,
            tags: input.tags.into_iter().collect(),
        });
    }
    Ok(found)
}

fn outputs(run: &Path) -> Result<Vec<Output>, Error> {
    let mut found = Vec::new();
    for dir in dirs(&run.join("outputs"))? {
        let output: InputMeta = meta::read(&dir.join("meta.yaml"))?;
        found.extend(output.destination_id.map(|model_id| Output {
            model_id,
            step: output.step,
        }));
    }
    Ok(found)
}

/// MLflow's numbers of statuses.
fn status(number: i64) -> RunStatus {
    match number {
        2 => RunStatus::Scheduled,
        3 => RunStatus::Finished,
        4 => RunStatus::Failed,
        5 => RunStatus::Killed,
        _ => RunStatus::Running,
    }
}
