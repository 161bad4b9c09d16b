//! Taking over a source.

mod registry;

use std::collections::HashMap;

use everloop_artifacts::Places;
use everloop_domain::{ExperimentId, RunId};
use everloop_metastore::{Came, Experiment, LoggedModel, Metastore};

use crate::source::{Found, Owner};
use crate::{Error, Report, Source};

/// Takes over sources.
#[derive(Debug)]
pub struct Importer<'p> {
    /// Where to.
    pub metastore: &'p Metastore,
    /// Where artifacts go. Without it they stay where they are.
    pub places: Option<&'p Places>,
    /// Hears after each run how many of how many are done.
    pub progress: fn(u64, u64),
}

/// An import on its way.
struct Import<'i> {
    importer: &'i Importer<'i>,
    source: &'i Source,
    report: Report,
    /// Where the artifacts of each run were.
    origins: HashMap<String, String>,
}

impl Importer<'_> {
    /// Takes over all that a source has.
    ///
    /// # Errors
    ///
    /// Fails if the source cannot be read at all, or the metastore or the artifacts cannot be written; what came before stays,
    /// and the import can be repeated.
    pub async fn run(&self, source: &Source) -> Result<Report, Error> {
        let mut import = Import {
            importer: self,
            source,
            report: Report::default(),
            origins: HashMap::new(),
        };
        let mut listed = Vec::new();
        for experiment in source.experiments().await? {
            match experiment {
                Ok(experiment) => {
                    let runs = import.list(&experiment).await?;
                    listed.push((experiment, runs));
                }
                Err(error) => import.report.spoilt("experiment", error)?,
            }
        }
        let n_runs = listed.iter().map(|(_, runs)| runs.len() as u64).sum();
        let mut n_done = 0;
        for (experiment, runs) in &listed {
            let here = import.experiment(experiment).await?;
            for id in runs {
                import.run(experiment, here, id).await?;
                n_done += 1;
                (self.progress)(n_done, n_runs);
            }
            import.logged_models(experiment, here).await?;
            import.left_behind(experiment)?;
        }
        import.registry().await?;
        if let Source::Server(_) = source {
            let why =
                "a server is not asked for them; numbers of deleted versions may be given again";
            let what = "traces, deleted logged models and versions";
            import.report.remark(what, why);
        }
        Ok(import.report)
    }
}

impl Import<'_> {
    fn metastore(&self) -> &Metastore {
        self.importer.metastore
    }

    /// The ids of the runs of an experiment.
    async fn list(&mut self, experiment: &Experiment) -> Result<Vec<String>, Error> {
        let runs = match self.source.runs(experiment).await {
            Ok(runs) => runs,
            Err(error) => {
                let what = format!("runs of experiment `{}`", experiment.name);
                self.report.spoilt(what, error)?;
                Vec::new()
            }
        };
        let ids = runs.iter().map(|(id, _)| id.clone()).collect();
        self.origins.extend(runs);
        Ok(ids)
    }

    async fn experiment(&mut self, found: &Experiment) -> Result<ExperimentId, Error> {
        let mut moved = found.clone();
        if self.importer.places.is_some() && self.source.reaches(&found.artifact_location) {
            moved.artifact_location = format!("mlflow-artifacts:/{}", found.id);
        }
        let written = self
            .metastore()
            .write(move |tx| tx.imports().experiment(&moved))
            .await;
        let (here, came) = written?;
        self.report.experiments.came(came);
        let what = format!("experiment `{}`", found.name);
        if came == Came::Clashed {
            let why = format!(
                "another one of that name is here (id {here}); its runs are added to that, its own tags stay out"
            );
            self.report.remark(what, why);
        } else if here != found.id {
            let why = format!("its id {} is taken here; it has the id {here}", found.id);
            self.report.remark(what, why);
        }
        Ok(here)
    }

    async fn run(
        &mut self,
        experiment: &Experiment,
        here: ExperimentId,
        id: &str,
    ) -> Result<(), Error> {
        let what = format!("run `{id}`");
        let Ok(run_id) = id.parse::<RunId>() else {
            self.report
                .problem(what, "its id is not 32 hexadecimal digits");
            return Ok(());
        };
        let wanted = run_id.clone();
        let is_known = self
            .metastore()
            .read(move |tx| tx.imports().has_run(&wanted));
        if is_known.await? {
            self.report.runs.add(false);
            return Ok(());
        }
        let Found {
            thing: mut found,
            missing,
        } = match self.source.run(experiment, id).await {
            Ok(found) => found,
            Err(error) => return self.report.spoilt(what, error),
        };
        let n_points = found.points.len() as u64;
        let place = format!("{here}/{run_id}/artifacts");
        let uri = &found.run.info.artifact_uri;
        if let Some(uri) = self.take(Owner::Run(id), uri, &place, &what).await? {
            found.run.info.artifact_uri = uri;
        }
        let written = self
            .metastore()
            .write(move |tx| tx.imports().run(here, &found))
            .await;
        match written {
            Ok(is_new) => {
                self.report.runs.add(is_new);
                self.report.n_points += n_points;
                self.missing(&what, missing);
            }
            Err(error @ everloop_metastore::Error::Invalid(_)) => {
                self.report.spoilt(what, error.into())?;
            }
            Err(error) => return Err(error.into()),
        }
        Ok(())
    }

    async fn logged_models(
        &mut self,
        experiment: &Experiment,
        here: ExperimentId,
    ) -> Result<(), Error> {
        let models = match self.source.logged_models(experiment).await {
            Ok(models) => models,
            Err(error) => {
                let what = format!("logged models of experiment `{}`", experiment.name);
                return self.report.spoilt(what, error);
            }
        };
        for model in models {
            match model {
                Ok(model) => self.logged_model(model, here).await?,
                Err(error) => self.report.spoilt("logged model", error)?,
            }
        }
        Ok(())
    }

    async fn logged_model(
        &mut self,
        found: Found<LoggedModel>,
        here: ExperimentId,
    ) -> Result<(), Error> {
        let Found {
            thing: mut found,
            missing,
        } = found;
        let (id, what) = (found.id.clone(), format!("logged model `{}`", found.id));
        let wanted = id.clone();
        let is_known = self
            .metastore()
            .read(move |tx| tx.imports().has_logged_model(&wanted));
        if is_known.await? {
            self.report.logged_models.add(false);
            return Ok(());
        }
        let place = format!("{here}/models/{id}/artifacts");
        let (owner, location) = (Owner::LoggedModel(&id), &found.artifact_location);
        if let Some(uri) = self.take(owner, location, &place, &what).await? {
            found.artifact_location = uri;
        }
        let written = self
            .metastore()
            .write(move |tx| tx.imports().logged_model(here, &found));
        let is_new = written.await?;
        self.report.logged_models.add(is_new);
        self.missing(&what, missing);
        Ok(())
    }

    fn missing(&mut self, of: &str, missing: Vec<(String, String)>) {
        for (what, why) in missing {
            self.report.problem(format!("{what} of {of}"), why);
        }
    }

    fn left_behind(&mut self, experiment: &Experiment) -> Result<(), Error> {
        let left = match self.source.left_behind(experiment) {
            Ok(left) => left,
            Err(error) => {
                let what = format!("experiment `{}`", experiment.name);
                return self.report.spoilt(what, error);
            }
        };
        let counts = [
            (
                left.n_deleted_models,
                "logged model",
                "deleted ones cannot be restored and stay behind",
            ),
            (left.n_traces, "trace", "traces are not taken over"),
        ];
        for (count, what, why) in counts.into_iter().filter(|(count, ..)| *count > 0) {
            let s = if count == 1 { "" } else { "s" };
            let what = format!("{count} {what}{s} of experiment `{}`", experiment.name);
            self.report.remark(what, why);
        }
        Ok(())
    }

    /// Copies artifacts that can be reached, and gives their new location.
    async fn take(
        &mut self,
        owner: Owner<'_>,
        location: &str,
        place: &str,
        what: &str,
    ) -> Result<Option<String>, Error> {
        let Some(places) = self.importer.places else {
            return Ok(None);
        };
        if !self.source.reaches(location) {
            if location.starts_with("mlflow-artifacts:") {
                let why = format!(
                    "its artifacts at {location} are known to MLflow's server only; import from its address to bring them"
                );
                self.report.problem(format!("artifacts of {what}"), why);
            } else if !location.is_empty() {
                let why = format!("its artifacts stay at {location}");
                self.report.remark(what, why);
            }
            return Ok(None);
        }
        match self.source.copy(owner, location, places.own(), place).await {
            Ok(n_files) => {
                self.report.n_files += n_files;
                Ok(Some(format!("mlflow-artifacts:/{place}")))
            }
            // A file that cannot be read does not keep the run away.
            Err(error) => {
                self.report.spoilt(format!("artifacts of {what}"), error)?;
                Ok(None)
            }
        }
    }
}
