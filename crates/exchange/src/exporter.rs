//! The way out: a file store that MLflow opens.

mod artifacts;
mod keys;
mod registry;
mod runs;
mod target;
mod yaml;

use std::collections::HashMap;
use std::path::Path;

use everloop_artifacts::Places;
use everloop_domain::RunId;
use everloop_metastore::{Experiment, Lifecycle, Metastore, View};

use self::keys::{file_texts, store_key_problem};
use self::target::Target;
use self::yaml::Meta;
use crate::{Error, Report};

/// Writes what the metastore has as a file store of MLflow.
#[derive(Debug)]
pub struct Exporter<'p> {
    /// Where from.
    pub metastore: &'p Metastore,
    /// Where artifacts are. Without it they stay where they are.
    pub places: Option<&'p Places>,
    /// Hears after each run how many of how many are done.
    pub progress: fn(u64, u64),
}

/// An export on its way.
struct Export<'e> {
    exporter: &'e Exporter<'e>,
    target: Target,
    report: Report,
    /// Where artifacts were, and where they are now.
    moved: HashMap<String, String>,
    /// How many locations only clients of a server understand.
    n_served: u64,
}

impl Exporter<'_> {
    /// Writes all of it to a directory, which must not exist or be empty; it is there whole when this returns, and not at all if
    /// it fails; a process that is killed leaves a hidden directory beside it. What is logged meanwhile comes or does not.
    ///
    /// As in a store that MLflow wrote, a deleted experiment lies in `.trash`, and locations of its artifacts are those that
    /// they have again when it is restored.
    ///
    /// # Errors
    ///
    /// [`Error::Target`] if the directory cannot be used, [`Error::Write`] if it cannot be written; fails if the metastore cannot
    /// be read.
    pub async fn run(&self, dir: &Path) -> Result<Report, Error> {
        let mut export = Export {
            exporter: self,
            target: Target::begin(dir)?,
            report: Report::default(),
            moved: HashMap::new(),
            n_served: 0,
        };
        let listed = export.list().await?;
        let n_runs = listed.iter().map(|(_, runs)| runs.len() as u64).sum();
        let mut n_done = 0;
        for (experiment, runs) in &listed {
            export.experiment(experiment)?;
            for id in runs {
                export.run(experiment, id).await?;
                n_done += 1;
                (self.progress)(n_done, n_runs);
            }
            export.logged_models(experiment).await?;
            export.traces(experiment).await?;
        }
        export.registry().await?;
        if export.n_served > 0 {
            let s = if export.n_served == 1 { "" } else { "s" };
            let what = format!("artifacts at {} location{s}", export.n_served);
            let why = "they stay at `mlflow-artifacts:`, which only clients of a server understand";
            export.report.remark(what, why);
        }
        export.target.commit()?;
        Ok(export.report)
    }
}

impl Export<'_> {
    fn metastore(&self) -> &Metastore {
        self.exporter.metastore
    }

    /// The experiments in the order in which they were made, with their runs.
    async fn list(&self) -> Result<Vec<(Experiment, Vec<RunId>)>, Error> {
        let listed = self.metastore().read(|tx| {
            let mut experiments = tx.experiments().list(View::All)?;
            experiments.reverse();
            let with_runs = |experiment: Experiment| {
                let runs = tx.exports().runs(experiment.id)?;
                Ok((experiment, runs))
            };
            experiments.into_iter().map(with_runs).collect()
        });
        Ok(listed.await?)
    }

    fn experiment(&mut self, experiment: &Experiment) -> Result<(), Error> {
        let dir = place_of(experiment);
        let location = &experiment.artifact_location;
        let is_ours = self
            .exporter
            .places
            .is_some_and(|places| places.find(location).is_ok());
        let location = if is_ours {
            self.target.uri(&experiment.id.to_string())
        } else {
            location.clone()
        };
        let meta = Meta::default()
            .text("artifact_location", &location)
            .number("creation_time", experiment.created_at.as_millis())
            .text("experiment_id", &experiment.id.to_string())
            .number("last_update_time", experiment.updated_at.as_millis())
            .text("lifecycle_stage", experiment.lifecycle.as_str())
            .text("name", &experiment.name);
        self.target
            .write(&format!("{dir}/meta.yaml"), &meta.finish())?;
        let what = format!("experiment `{}`", experiment.name);
        self.texts(&what, "tag", &format!("{dir}/tags"), &experiment.tags)?;
        self.report.experiments.add(true);
        Ok(())
    }

    /// Writes texts as files named by their keys; a key that cannot name a file is told.
    fn texts<'t>(
        &mut self,
        of: &str,
        kind: &str,
        dir: &str,
        texts: impl IntoIterator<Item = (&'t String, &'t String)>,
    ) -> Result<(), Error> {
        let (kept, refused) = file_texts(texts);
        for (key, text) in kept {
            self.target.write(&format!("{dir}/{key}"), text)?;
        }
        for (key, why) in refused {
            self.report.problem(format!("{kind} `{key}` of {of}"), why);
        }
        Ok(())
    }

    /// Whether a name can be that of a directory; if not, that is told.
    fn can_be_named(&mut self, what: &str, name: &str) -> bool {
        let problem = store_key_problem(name).or_else(|| {
            let has_slash = name.contains('/');
            has_slash
                .then_some("a file store keeps it in a directory of its name, which has a slash")
        });
        if let Some(why) = problem {
            self.report.problem(what, why);
        }
        problem.is_none()
    }
}

/// Where an experiment lies in the store.
fn place_of(experiment: &Experiment) -> String {
    match experiment.lifecycle {
        Lifecycle::Active => experiment.id.to_string(),
        Lifecycle::Deleted => format!(".trash/{}", experiment.id),
    }
}
