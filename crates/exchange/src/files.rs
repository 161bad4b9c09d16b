//! MLflow's file store: a directory an experiment, a directory a run, a file a parameter, tag and metric.

mod meta;
mod points;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use everloop_domain::{ModelName, RunId, RunStatus, Timestamp, VersionNumber};
use everloop_metastore::{
    Dataset, DatasetInput, Experiment, LoggedModel, ModelMetric, ModelVersion, Output,
    RegisteredModel, Run, RunInfo, WholeModel, WholeRun,
};

use self::meta::{ExperimentMeta, InputMeta, LoggedModelMeta, ModelMeta, RunMeta, VersionMeta};
use crate::Error;
use crate::source::Listed;

/// Directories of an experiment that are no runs.
const NO_RUNS: [&str; 3] = ["models", "datasets", "tags"];

/// A directory that MLflow wrote.
#[derive(Debug)]
pub struct FileStore {
    root: PathBuf,
}

impl FileStore {
    /// Opens a directory; nothing if it has no experiment and no model.
    pub(crate) fn open(root: &Path) -> Option<Self> {
        let store = Self {
            root: root.to_owned(),
        };
        let has_any = !store.experiment_dirs().is_empty() || root.join("models").is_dir();
        has_any.then_some(store)
    }

    /// The directories of experiments, with whether each is deleted, by name.
    fn experiment_dirs(&self) -> Vec<(PathBuf, bool)> {
        let places = [(self.root.clone(), false), (self.root.join(".trash"), true)];
        let mut found = Vec::new();
        for (place, is_deleted) in places {
            let dirs = dirs(&place).unwrap_or_default();
            let dirs = dirs.into_iter().filter(|dir| {
                name_of(dir).parse::<u64>().is_ok() && dir.join("meta.yaml").is_file()
            });
            found.extend(dirs.map(|dir| (dir, is_deleted)));
        }
        found
    }

    fn dir_of(&self, experiment: &Experiment) -> PathBuf {
        let id = experiment.id.to_string();
        let dir = self.root.join(&id);
        if dir.is_dir() {
            dir
        } else {
            self.root.join(".trash").join(id)
        }
    }

    pub(crate) fn experiments(&self) -> Vec<Result<Experiment, Error>> {
        let dirs = self.experiment_dirs();
        dirs.iter()
            .map(|(dir, is_deleted)| experiment(dir, *is_deleted))
            .collect()
    }

    pub(crate) fn runs(&self, experiment: &Experiment) -> Result<Vec<Listed>, Error> {
        let dir = self.dir_of(experiment);
        let runs = dirs(&dir)?.into_iter().filter_map(|run| {
            let id = name_of(&run).to_owned();
            if NO_RUNS.contains(&id.as_str()) {
                return None;
            }
            // A run that cannot be read is named when it is its turn.
            let meta = meta::read::<RunMeta>(&run.join("meta.yaml")).ok();
            let uri = meta.and_then(|meta| meta.artifact_uri);
            Some((id, uri.unwrap_or_default()))
        });
        Ok(runs.collect())
    }

    pub(crate) fn run(&self, experiment: &Experiment, id: &str) -> Result<WholeRun, Error> {
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
            artifact_uri: meta.artifact_uri.unwrap_or_default(),
            lifecycle: meta::lifecycle(meta.lifecycle_stage.as_deref()),
        };
        let mut points = Vec::new();
        for (key, path) in files(&run_dir.join("metrics"))? {
            points.extend(
                points::read(&path, &key)?
                    .into_iter()
                    .map(|(point, _)| point),
            );
        }
        let inputs = inputs(&dir, &run_dir)?;
        Ok(WholeRun {
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
        })
    }

    pub(crate) fn logged_models(
        &self,
        experiment: &Experiment,
    ) -> Result<Vec<Result<LoggedModel, Error>>, Error> {
        let dirs = dirs(&self.dir_of(experiment).join("models"))?;
        let models = dirs.iter().map(|dir| logged_model(dir, experiment));
        // Deleted ones are left out, as in the other sources.
        Ok(models.filter_map(Result::transpose).collect())
    }

    pub(crate) fn models(&self) -> Result<Vec<Result<WholeModel, Error>>, Error> {
        let dirs = dirs(&self.root.join("models"))?;
        Ok(dirs.iter().map(|dir| model(dir)).collect())
    }

    pub(crate) fn versions(
        &self,
        model: &RegisteredModel,
    ) -> Result<Vec<(VersionNumber, Option<ModelVersion>)>, Error> {
        let dir = self.root.join("models").join(model.name.as_str());
        let mut found = Vec::new();
        for version_dir in dirs(&dir)? {
            let number = name_of(&version_dir).strip_prefix("version-");
            let Some(number) = number.and_then(|number| number.parse().ok()) else {
                continue;
            };
            let number = VersionNumber(number);
            let meta: VersionMeta = meta::read(&version_dir.join("meta.yaml"))?;
            if meta.current_stage.as_deref() == Some("Deleted_Internal") {
                found.push((number, None));
                continue;
            }
            let version = ModelVersion {
                name: model.name.clone(),
                version: number,
                source: meta.source.unwrap_or_default(),
                run_id: meta.run_id.filter(|id| !id.is_empty()),
                model_id: meta.model_id,
                description: meta.description.unwrap_or_default(),
                stage: meta.current_stage.unwrap_or_else(|| "None".to_owned()),
                created_at: at(meta.creation_timestamp),
                updated_at: at(meta.last_updated_timestamp),
                tags: texts(&version_dir.join("tags"))?,
            };
            found.push((number, Some(version)));
        }
        found.sort_by_key(|(number, _)| *number);
        Ok(found)
    }
}

fn experiment(dir: &Path, is_deleted: bool) -> Result<Experiment, Error> {
    let path = dir.join("meta.yaml");
    let meta: ExperimentMeta = meta::read(&path)?;
    let id = name_of(dir).parse();
    let stage = if is_deleted {
        Some("deleted")
    } else {
        meta.lifecycle_stage.as_deref()
    };
    Ok(Experiment {
        id: id.map_err(|_| Error::nonsense(&path, "its directory is no number"))?,
        name: meta.name,
        artifact_location: meta.artifact_location.unwrap_or_default(),
        lifecycle: meta::lifecycle(stage),
        created_at: at(meta.creation_time),
        updated_at: at(meta.last_update_time),
        tags: texts(&dir.join("tags"))?,
    })
}

/// A logged model; nothing if it is deleted.
fn logged_model(dir: &Path, experiment: &Experiment) -> Result<Option<LoggedModel>, Error> {
    let meta: LoggedModelMeta = meta::read(&dir.join("meta.yaml"))?;
    if meta.lifecycle_stage.as_deref() == Some("deleted") {
        return Ok(None);
    }
    let mut metrics = Vec::new();
    for (key, path) in files(&dir.join("metrics"))? {
        for (metric, rest) in points::read(&path, &key)? {
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
    Ok(Some(LoggedModel {
        id: name_of(dir).to_owned(),
        experiment: experiment.id,
        name: meta.name,
        artifact_location: meta.artifact_location.unwrap_or_default(),
        status: LoggedModel::status_of(meta.status).to_owned(),
        model_type: meta.model_type,
        source_run: meta.source_run_id,
        created_at: at(meta.creation_timestamp),
        updated_at: at(meta.last_updated_timestamp),
        status_message: meta.status_message,
        tags: texts(&dir.join("tags"))?,
        params: texts(&dir.join("params"))?,
        metrics,
    }))
}

fn model(dir: &Path) -> Result<WholeModel, Error> {
    let path = dir.join("meta.yaml");
    let meta: ModelMeta = meta::read(&path)?;
    let name: Result<ModelName, _> = meta.name.parse();
    let mut aliases = BTreeMap::new();
    for (alias, number) in texts(&dir.join("aliases"))? {
        let number = number.trim().parse();
        let number =
            number.map_err(|_| Error::nonsense(&path, format!("alias `{alias}` is no number")))?;
        aliases.insert(alias, VersionNumber(number));
    }
    Ok(WholeModel {
        aliases,
        model: RegisteredModel {
            name: name.map_err(|problem| Error::nonsense(&path, problem))?,
            description: meta.description.unwrap_or_default(),
            created_at: at(meta.creation_timestamp),
            updated_at: at(meta.last_updated_timestamp),
            tags: texts(&dir.join("tags"))?,
        },
    })
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

fn at(millis: Option<i64>) -> Timestamp {
    Timestamp::from_millis(millis.unwrap_or_default())
}

fn name_of(path: &Path) -> &str {
    path.file_name()
        .and_then(|name| name.to_str())
        .unwrap_or_default()
}

/// The directories in a directory, by name; none if it is not there.
fn dirs(dir: &Path) -> Result<Vec<PathBuf>, Error> {
    let entries = match fs::read_dir(dir) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(|source| Error::read(dir, source))?,
    };
    let mut found = Vec::new();
    for entry in entries {
        let path = entry.map_err(|source| Error::read(dir, source))?.path();
        if path.is_dir() && !name_of(&path).starts_with('.') {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

/// The files below a directory with their keys: paths below it, as MLflow writes keys with slashes.
fn files(dir: &Path) -> Result<Vec<(String, PathBuf)>, Error> {
    let mut found = Vec::new();
    let mut open = vec![dir.to_owned()];
    while let Some(place) = open.pop() {
        open.extend(dirs(&place)?);
        let entries = match fs::read_dir(&place) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
            entries => entries.map_err(|source| Error::read(&place, source))?,
        };
        for entry in entries {
            let path = entry.map_err(|source| Error::read(&place, source))?.path();
            if path.is_file() {
                let key = path.strip_prefix(dir).unwrap_or(&path);
                found.push((key.to_string_lossy().into_owned(), path));
            }
        }
    }
    found.sort();
    Ok(found)
}

/// Small texts by the names of their files.
fn texts(dir: &Path) -> Result<BTreeMap<String, String>, Error> {
    let read = |(key, path): (String, PathBuf)| {
        let text = fs::read_to_string(&path).map_err(|source| Error::read(&path, source))?;
        Ok((key, text))
    };
    files(dir)?.into_iter().map(read).collect()
}

#[cfg(test)]
mod tests;
