//! Runs cycles: one at a time, stage after stage, each recorded before it begins.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use everloop_artifacts::{FileDigests, StageCache, StorageKey, Store};
use everloop_data::{Session, Settings};
use everloop_domain::{Clock, CycleNumber, Digest, RunId, StageName};
use everloop_lifecycle::Lifecycle;
use everloop_metastore::Metastore;
use everloop_package::Scorer;

use crate::error::ModelError;
use crate::tracking::CycleRun;
use crate::{CycleReport, CycleRequest, Error, Project};

mod cycle;
mod stages;

/// Loads the package in a directory. `cli` passes in the one of `serve`, so that candidates are scored
/// by the engine that will serve them.
pub type LoadModel = Arc<dyn Fn(&Path) -> Result<Arc<dyn Scorer>, String> + Send + Sync>;

/// Something to tell people while a cycle runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Progress {
    /// A cycle began, or was taken up again.
    Cycle {
        /// Its number.
        number: CycleNumber,
        /// Whether it had been interrupted.
        is_resumed: bool,
    },
    /// A stage began.
    Began(StageName),
    /// The trainer made a step.
    Training {
        /// Steps made.
        step: u64,
        /// Steps in all.
        total: u64,
    },
    /// A trial of a search ended.
    Trial {
        /// Trials that ended.
        done: usize,
        /// Trials in all, at most.
        total: usize,
        /// What was tried and what came of it.
        text: String,
        /// Whether it is the best so far.
        is_best: bool,
    },
    /// A stage ended.
    Ended {
        /// The stage.
        stage: StageName,
        /// What it did, in words.
        action: String,
        /// Whether the result came from the cache.
        is_cached: bool,
        /// How long it took.
        duration_ms: u64,
    },
}

/// What a runner needs.
#[derive(Clone)]
pub struct Deps {
    /// The project.
    pub project: Project,
    /// Its lifecycle file.
    pub lifecycle: Arc<Lifecycle>,
    /// Where cycles, runs and versions are recorded.
    pub metastore: Metastore,
    /// Where artifacts of runs are kept.
    pub artifacts: Store,
    /// The present.
    pub clock: Arc<dyn Clock>,
    /// How packages are loaded.
    pub load_model: LoadModel,
    /// The interpreter of Python models; it also converts them to ONNX.
    pub python: PathBuf,
    /// The tracking server that commands log to.
    pub tracking_uri: Option<String>,
    /// How many threads the work may use.
    pub n_threads: usize,
    /// Memory that preparation may use, in bytes.
    pub memory_bytes: usize,
    /// Memory that training may use, in bytes, where the file does not say it; what needs more is refused before it
    /// begins.
    pub training_memory_bytes: usize,
    /// Who is told how it goes.
    pub progress: Arc<dyn Fn(Progress) + Send + Sync>,
}

/// Runs the cycles of one project. Cheap to clone.
#[derive(Clone)]
pub struct Runner {
    deps: Arc<Deps>,
    digests: Arc<Mutex<FileDigests>>,
    pub(crate) cache: StageCache,
}

impl fmt::Debug for Runner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Runner")
            .field("project", &self.deps.project)
            .finish_non_exhaustive()
    }
}

impl Runner {
    /// A runner for a project.
    ///
    /// # Errors
    ///
    /// Fails if the state directory cannot be made or read.
    pub fn new(deps: Deps) -> Result<Self, Error> {
        let cache = StageCache::open(&deps.project.cache_dir())?;
        let digests = FileDigests::load(&deps.project.digests_path())?;
        Ok(Self {
            deps: Arc::new(deps),
            digests: Arc::new(Mutex::new(digests)),
            cache,
        })
    }

    /// The project.
    #[must_use]
    pub fn project(&self) -> &Project {
        &self.deps.project
    }

    /// The lifecycle file.
    #[must_use]
    pub fn lifecycle(&self) -> &Lifecycle {
        &self.deps.lifecycle
    }

    /// The metastore.
    #[must_use]
    pub fn metastore(&self) -> &Metastore {
        &self.deps.metastore
    }

    /// The clock.
    #[must_use]
    pub fn clock(&self) -> &dyn Clock {
        self.deps.clock.as_ref()
    }

    /// Loads the package in a directory.
    ///
    /// # Errors
    ///
    /// Fails if it is no package or cannot be run here.
    pub fn load_model(&self, dir: &Path) -> Result<Arc<dyn Scorer>, Error> {
        (self.deps.load_model)(dir).map_err(|problem| {
            ModelError::Load {
                path: dir.display().to_string(),
                problem,
            }
            .into()
        })
    }

    /// A DataFusion session in the project's directory.
    #[must_use]
    pub fn session(&self) -> Session {
        let settings = Settings {
            memory_bytes: self.deps.memory_bytes,
        };
        Session::new(self.deps.project.dir(), &settings)
    }

    pub(crate) fn python(&self) -> &Path {
        &self.deps.python
    }

    pub(crate) fn n_threads(&self) -> usize {
        self.deps.n_threads
    }

    pub(crate) fn training_memory_bytes(&self) -> usize {
        let own = self.lifecycle().train.max_memory;
        own.unwrap_or(self.deps.training_memory_bytes)
    }

    pub(crate) fn tracking_uri(&self) -> Option<&str> {
        self.deps.tracking_uri.as_deref()
    }

    pub(crate) fn progress(&self) -> &Arc<dyn Fn(Progress) + Send + Sync> {
        &self.deps.progress
    }

    pub(crate) fn tell(&self, progress: Progress) {
        (self.deps.progress)(progress);
    }

    /// The digests of files, from memory for those that have not changed.
    pub(crate) fn digests_of(&self, files: &[PathBuf]) -> Result<Vec<Digest>, Error> {
        let mut digests = self.digests.lock().unwrap_or_else(PoisonError::into_inner);
        let found = files
            .iter()
            .map(|file| digests.digest(file))
            .collect::<Result<Vec<_>, _>>()?;
        digests.save()?;
        Ok(found)
    }

    /// Where artifacts of runs begin, as the tracking API names it.
    pub(crate) fn artifacts_root() -> &'static str {
        "mlflow-artifacts:"
    }

    /// The local directory of a run's artifacts.
    pub(crate) fn run_dir(&self, run: &CycleRun) -> PathBuf {
        self.project()
            .artifacts_dir()
            .join(run.experiment.to_string())
            .join(run.id.as_str())
            .join("artifacts")
    }

    /// The local directories of the models that a run has logged, oldest first, then of its artifacts.
    pub(crate) async fn logged_model_dirs(&self, run: &RunId) -> Result<Vec<PathBuf>, Error> {
        let id = run.clone();
        let (experiment, models) = self
            .metastore()
            .read(move |tx| {
                let experiment = tx.runs().get(&id)?.info.experiment;
                Ok((experiment, tx.logged_models().list_by_run(&id)?))
            })
            .await?;
        let root = self.project().artifacts_dir().join(experiment.to_string());
        let mut dirs = vec![root.join(run.as_str()).join("artifacts")];
        dirs.extend(
            models
                .iter()
                .map(|model| root.join("models").join(&model.id).join("artifacts")),
        );
        Ok(dirs)
    }

    /// Keeps bytes as an artifact of a run.
    pub(crate) async fn put_artifact(
        &self,
        run: &CycleRun,
        path: &str,
        bytes: &[u8],
    ) -> Result<(), Error> {
        let key = StorageKey::run_artifact(run.experiment, &run.id, path)?;
        self.deps.artifacts.put(&key, bytes.to_vec().into()).await?;
        Ok(())
    }

    /// Runs a cycle, or takes up the one that was interrupted.
    ///
    /// # Errors
    ///
    /// [`Error::Locked`] if another process runs one; [`Error::Stage`] if a stage fails (the cycle then
    /// has the outcome `failed`); other errors if the state directory cannot be used.
    pub async fn run_cycle(&self, request: &CycleRequest) -> Result<CycleReport, Error> {
        cycle::run(self, request).await
    }
}

/// What a stage did, for the status table.
pub(crate) struct Told {
    pub(crate) action: String,
    pub(crate) is_cached: bool,
}

impl Told {
    fn fresh(action: String) -> Self {
        Self {
            action,
            is_cached: false,
        }
    }
}

/// An error with its causes in one line.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.ends_with(&cause_text) {
            text = format!("{text}: {cause_text}");
        }
        source = cause.source();
    }
    text
}
