//! MLflow's file store: a directory an experiment, a directory a run, a file a parameter, tag and metric.

mod logged_models;
mod meta;
mod points;
mod registry;
mod runs;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use everloop_artifacts::local_path;
use everloop_domain::Timestamp;
use everloop_metastore::Experiment;

use self::meta::{ExperimentMeta, LoggedModelMeta, RunMeta};
use crate::Error;
use crate::source::{LeftBehind, Listed};

/// Directories of an experiment that are no runs.
const NO_RUNS: [&str; 4] = ["models", "datasets", "tags", "traces"];

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

    pub(crate) fn left_behind(&self, experiment: &Experiment) -> Result<LeftBehind, Error> {
        let dir = self.dir_of(experiment);
        let models = dirs(&dir.join("models"))?;
        let is_deleted = |dir: &&PathBuf| {
            let meta = meta::read::<LoggedModelMeta>(&dir.join("meta.yaml"));
            meta.is_ok_and(|meta| meta.is_deleted())
        };
        Ok(LeftBehind {
            n_deleted_models: models.iter().filter(is_deleted).count() as u64,
            n_traces: dirs(&dir.join("traces"))?.len() as u64,
        })
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

/// Where artifacts are: at their location, or beside their `meta.yaml` if they have moved with the store. Those of a deleted
/// experiment have, to `.trash`.
fn artifacts(location: Option<String>, dir: &Path) -> String {
    let location = location.unwrap_or_default();
    let beside = dir.join("artifacts");
    let is_gone = local_path(&location).is_none_or(|path| !path.is_dir());
    let is_local =
        location.is_empty() || location.starts_with('/') || location.starts_with("file:");
    match beside.to_str() {
        Some(beside) if is_local && is_gone && Path::new(beside).is_dir() => beside.to_owned(),
        _ => location,
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
