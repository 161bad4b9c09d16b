//! An opened project: its file, its stores, and the parts that are built on them.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, Result};
use everloop_artifacts::{Places, Store};
use everloop_domain::Clock;
use everloop_engine::status::Status;
use everloop_engine::{Deps, LoadModel, Progress, Project, Runner};
use everloop_lifecycle::{Lifecycle, Override, Severity, Trainer};
use everloop_metastore::Metastore;
use everloop_package::Scorer;
use everloop_serve::EngineSettings;
use everloop_server::{Deployment, Parts};

use crate::commands::check;
use crate::environment::{self, SystemClock, n_threads};
use crate::exit::{Exit, Failure};

/// Memory that preparation may use before it spills to disk.
const MEMORY_BYTES: usize = 2 << 30;

/// A project with its lifecycle file parsed and its stores open.
#[derive(Clone)]
pub(crate) struct Workspace {
    pub(crate) project: Project,
    pub(crate) lifecycle: Arc<Lifecycle>,
    pub(crate) metastore: Metastore,
    pub(crate) artifacts: Store,
    pub(crate) clock: Arc<dyn Clock>,
}

impl Workspace {
    /// Opens the project in or above a directory; a lifecycle file with errors is shown and refused.
    pub(crate) fn open(project: Option<&Path>, set: &[String]) -> Result<Self> {
        Self::open_at(find_project(project)?, set, Arc::new(SystemClock))
    }

    /// Opens a project with a given clock.
    pub(crate) fn open_at(project: Project, set: &[String], clock: Arc<dyn Clock>) -> Result<Self> {
        let file = project.lifecycle_file();
        let text = std::fs::read_to_string(&file)
            .with_context(|| format!("cannot read `{}`", file.display()))?;
        let parsed = everloop_lifecycle::parse(&text, &overrides(set)?);
        let mut diagnostics = parsed.diagnostics;
        if let Some(lifecycle) = &parsed.lifecycle {
            diagnostics.extend(check::parameters(lifecycle, &text));
        }
        let has_errors = diagnostics
            .iter()
            .any(|diagnostic| diagnostic.severity == Severity::Error);
        let Some(lifecycle) = parsed.lifecycle.filter(|_| !has_errors) else {
            return Err(check::refuse(&text, &diagnostics));
        };
        for diagnostic in &diagnostics {
            tracing::warn!(code = diagnostic.code, "{}", diagnostic.message);
        }
        let metastore = environment::metastore(&project.metastore_path())?;
        let artifacts = Store::local(&project.artifacts_dir())?;
        Ok(Self {
            project,
            lifecycle: Arc::new(lifecycle),
            metastore,
            artifacts,
            clock,
        })
    }

    /// The runner of the project's cycles.
    pub(crate) fn runner(
        &self,
        tracking_uri: Option<String>,
        progress: Arc<dyn Fn(Progress) + Send + Sync>,
    ) -> Result<Runner> {
        Ok(Runner::new(Deps {
            project: self.project.clone(),
            lifecycle: Arc::clone(&self.lifecycle),
            metastore: self.metastore.clone(),
            artifacts: self.artifacts.clone(),
            clock: Arc::clone(&self.clock),
            load_model: load_model(),
            python: environment::python(),
            tracking_uri,
            n_threads: n_threads(),
            memory_bytes: MEMORY_BYTES,
            training_memory_bytes: environment::training_memory_bytes(),
            progress,
        })?)
    }

    /// What a server of this project is made of.
    pub(crate) fn server_parts(&self) -> Parts {
        let settings = engine_settings();
        let labels = self.lifecycle.monitor.labels.as_ref();
        Parts {
            metastore: self.metastore.clone(),
            places: Places::of(self.artifacts.clone()),
            clock: Arc::clone(&self.clock),
            deployment: Some(Deployment {
                project: self.lifecycle.project.clone(),
                model: self.lifecycle.deploy.model.clone(),
                key_column: labels.map(|labels| labels.key.clone()),
                predictions: self.project.predictions_dir(),
                load_engine: Arc::new(move |dir| {
                    let engine =
                        everloop_serve::load(dir, &settings).map_err(|error| error_text(&error))?;
                    let digest =
                        everloop_package::digest(dir).map_err(|error| error_text(&error))?;
                    Ok((engine, digest))
                }),
            }),
        }
    }

    /// The state of the loop.
    pub(crate) async fn status(&self, limit: usize) -> Result<Status> {
        Ok(Status::load(&self.metastore, &self.lifecycle.project, limit).await?)
    }
}

/// The project in a directory, or in the nearest one upwards.
pub(crate) fn find_project(dir: Option<&Path>) -> Result<Project> {
    let here = dir.map_or_else(std::env::current_dir, |dir| Ok(dir.to_owned()))?;
    let start = std::path::absolute(&here)?;
    if dir.is_some() {
        let project = Project::new(&start);
        return if project.lifecycle_file().is_file() {
            Ok(project)
        } else {
            Err(no_project(&start))
        };
    }
    Project::find(&start).ok_or_else(|| no_project(&start))
}

fn no_project(dir: &Path) -> anyhow::Error {
    Failure::new(
        Exit::NotFound,
        format!("there is no `everloop.yaml` in `{}`", dir.display()),
    )
    .hint("`everloop init DIR` makes a project; `--project DIR` names one")
    .into()
}

/// Reads `--set KEY=VALUE`.
pub(crate) fn overrides(set: &[String]) -> Result<Vec<Override>> {
    set.iter()
        .map(|text| {
            let (key, value) = text.split_once('=').ok_or_else(|| {
                Failure::new(Exit::Usage, format!("`--set {text}` has no `=`"))
                    .hint("write `--set train.parameters.trees=50`")
            })?;
            Ok(Override {
                key: key.trim().to_owned(),
                value: value.trim().to_owned(),
            })
        })
        .collect()
}

/// How packages are run on this machine.
pub(crate) fn engine_settings() -> EngineSettings {
    EngineSettings {
        ort_library: environment::variable("ORT_DYLIB_PATH").map(PathBuf::from),
        python: Some(environment::python()),
        ..EngineSettings::default()
    }
}

fn load_model() -> LoadModel {
    let settings = engine_settings();
    Arc::new(move |dir| {
        let engine = everloop_serve::load(dir, &settings).map_err(|error| error_text(&error))?;
        Ok(Arc::new(engine) as Arc<dyn Scorer>)
    })
}

/// An error with its causes, in one line.
pub(crate) fn error_text(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}

/// A tracking server for the time of one command, so that `run: python train.py` can log.
pub(crate) struct Tracking {
    server: everloop_server::Running,
}

impl Tracking {
    /// Starts one if the project's trainer is a command.
    pub(crate) async fn for_commands(workspace: &Workspace) -> Result<Option<Self>> {
        if !matches!(workspace.lifecycle.train.trainer, Trainer::Command(_)) {
            return Ok(None);
        }
        let settings = everloop_server::Settings {
            address: ([127, 0, 0, 1], 0).into(),
            ..Default::default()
        };
        let server = everloop_server::start(workspace.server_parts(), &settings).await?;
        Ok(Some(Self { server }))
    }

    /// What `MLFLOW_TRACKING_URI` is to be.
    pub(crate) fn uri(&self) -> String {
        self.server.url()
    }

    /// Stops it.
    pub(crate) async fn stop(self) {
        self.server.stop().await;
    }
}

/// Tells how a cycle goes: a line a stage on standard error.
pub(crate) fn tell_progress() -> Arc<dyn Fn(Progress) + Send + Sync> {
    Arc::new(|progress| match progress {
        Progress::Cycle {
            number,
            is_resumed: true,
        } => eprintln!("cycle {number} was interrupted: resuming it"),
        Progress::Cycle {
            number,
            is_resumed: false,
        } => eprintln!("cycle {number}"),
        Progress::Ended {
            stage,
            action,
            is_cached,
            duration_ms,
        } => {
            let duration = crate::output::duration(std::time::Duration::from_millis(duration_ms));
            let cached = if is_cached { " (cached)" } else { "" };
            eprintln!("  {stage:<9} {duration:>9}  {action}{cached}");
        }
        Progress::Trial {
            done,
            total,
            text,
            is_best,
        } => {
            let star = if is_best { ", the best so far" } else { "" };
            eprintln!("    {done}/{total}  {text}{star}");
        }
        Progress::Began(_) | Progress::Training { .. } => {}
    })
}
