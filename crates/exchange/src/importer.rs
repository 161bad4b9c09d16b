//! Taking over a source.

use everloop_artifacts::{Places, local_path};
use everloop_domain::{ExperimentId, RunId};
use everloop_metastore::{Experiment, LoggedModel, Metastore, ModelVersion, RegisteredModel};

use crate::copy::copy;
use crate::{Error, Source};

/// What was taken over of one kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// How many are new.
    pub n_new: u64,
    /// How many were here already.
    pub n_known: u64,
}

impl Counts {
    fn add(&mut self, is_new: bool) {
        if is_new {
            self.n_new += 1;
        } else {
            self.n_known += 1;
        }
    }
}

/// What came of an import.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Experiments.
    pub experiments: Counts,
    /// Runs.
    pub runs: Counts,
    /// Points of metrics of new runs.
    pub n_points: u64,
    /// Logged models.
    pub logged_models: Counts,
    /// Registered models.
    pub models: Counts,
    /// Versions of registered models.
    pub versions: Counts,
    /// Files of artifacts that were copied.
    pub n_files: u64,
    /// What could not come: its name, and why.
    pub problems: Vec<(String, String)>,
    /// What came under another name or stays where it is, and why.
    pub remarks: Vec<(String, String)>,
}

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

impl Importer<'_> {
    /// Takes over all that a source has.
    ///
    /// # Errors
    ///
    /// Fails if the source cannot be read at all, or the metastore or the artifacts cannot be written; what came before stays,
    /// and the import can be repeated.
    pub async fn run(&self, source: &Source) -> Result<Report, Error> {
        let mut report = Report::default();
        let mut experiments = Vec::new();
        for experiment in source.experiments()? {
            match experiment {
                Ok(experiment) => experiments.push(experiment),
                Err(error) => report.problem("experiment", &error),
            }
        }
        let mut listed = Vec::new();
        for experiment in &experiments {
            listed.push(source.runs(experiment)?);
        }
        let n_runs = listed.iter().map(|runs| runs.len() as u64).sum();
        for (experiment, runs) in experiments.iter().zip(&listed) {
            let here = self.experiment(experiment, &mut report).await?;
            for (id, _) in runs {
                self.a_run(source, experiment, here, id, &mut report)
                    .await?;
                (self.progress)(report.runs.n_new + report.runs.n_known, n_runs);
            }
            for model in source.logged_models(experiment)? {
                match model {
                    Ok(model) => self.logged_model(model, here, &mut report).await?,
                    Err(error) => report.problem("logged model", &error),
                }
            }
        }
        for model in source.models()? {
            match model {
                Ok(model) => self.model(source, &listed, model, &mut report).await?,
                Err(error) => report.problem("registered model", &error),
            }
        }
        Ok(report)
    }

    async fn experiment(
        &self,
        found: &Experiment,
        report: &mut Report,
    ) -> Result<ExperimentId, Error> {
        let mut moved = found.clone();
        if self.places.is_some() && local_path(&found.artifact_location).is_some() {
            moved.artifact_location = format!("mlflow-artifacts:/{}", found.id);
        }
        let written = self
            .metastore
            .write(move |tx| tx.imports().experiment(&moved))
            .await;
        let (here, is_new) = written?;
        report.experiments.add(is_new);
        if here != found.id {
            let why = format!("its id {} is taken here; it has the id {here}", found.id);
            report
                .remarks
                .push((format!("experiment `{}`", found.name), why));
        }
        Ok(here)
    }

    async fn a_run(
        &self,
        source: &Source,
        experiment: &Experiment,
        here: ExperimentId,
        id: &str,
        report: &mut Report,
    ) -> Result<(), Error> {
        let Ok(run_id) = id.parse::<RunId>() else {
            let why = "its id is not 32 hexadecimal digits".to_owned();
            report.problems.push((format!("run `{id}`"), why));
            return Ok(());
        };
        let wanted = run_id.clone();
        let is_known = self.metastore.read(move |tx| tx.imports().has_run(&wanted));
        if is_known.await? {
            report.runs.add(false);
            return Ok(());
        }
        let mut found = match source.run(experiment, id) {
            Ok(found) => found,
            Err(error) => {
                report.problem(&format!("run `{id}`"), &error);
                return Ok(());
            }
        };
        let n_points = found.points.len() as u64;
        let uri = &found.run.info.artifact_uri;
        let place = format!("{here}/{id}/artifacts");
        if let Some(uri) = self
            .take(uri, &place, &format!("run `{id}`"), report)
            .await?
        {
            found.run.info.artifact_uri = uri;
        }
        let written = self
            .metastore
            .write(move |tx| tx.imports().run(here, &found))
            .await;
        match written {
            Ok(is_new) => {
                report.runs.add(is_new);
                report.n_points += n_points;
            }
            Err(error @ everloop_metastore::Error::Invalid(_)) => {
                report.problem(&format!("run `{id}`"), &error.into());
            }
            Err(error) => return Err(error.into()),
        }
        Ok(())
    }

    async fn logged_model(
        &self,
        mut found: LoggedModel,
        here: ExperimentId,
        report: &mut Report,
    ) -> Result<(), Error> {
        let (id, name) = (found.id.clone(), format!("logged model `{}`", found.id));
        let is_known = self
            .metastore
            .read(move |tx| tx.imports().has_logged_model(&id));
        if is_known.await? {
            report.logged_models.add(false);
            return Ok(());
        }
        let place = format!("{here}/models/{}/artifacts", found.id);
        let location = &found.artifact_location;
        if let Some(uri) = self.take(location, &place, &name, report).await? {
            found.artifact_location = uri;
        }
        let written = self
            .metastore
            .write(move |tx| tx.imports().logged_model(here, &found));
        report.logged_models.add(written.await?);
        Ok(())
    }

    async fn model(
        &self,
        source: &Source,
        runs: &[Vec<(String, String)>],
        found: everloop_metastore::WholeModel,
        report: &mut Report,
    ) -> Result<(), Error> {
        let model: RegisteredModel = found.model.clone();
        let versions = source.versions(&model)?;
        let written = self.metastore.write(move |tx| tx.imports().model(&model));
        report.models.add(written.await?);
        for (number, version) in versions {
            let name = found.model.name.clone();
            let Some(mut version) = version else {
                let reserved = self
                    .metastore
                    .write(move |tx| tx.imports().reserve(&name, number));
                reserved.await?;
                continue;
            };
            self.point_at_copy(&mut version, runs).await?;
            let written = self
                .metastore
                .write(move |tx| tx.imports().version(&version));
            report.versions.add(written.await?);
        }
        for (alias, number) in found.aliases {
            let (name, what) = (
                found.model.name.clone(),
                format!("alias `{alias}` of `{}`", found.model.name),
            );
            let written = self
                .metastore
                .write(move |tx| tx.imports().alias(&name, &alias, number));
            if let Err(error) = written.await {
                report.problem(&what, &error.into());
            }
        }
        Ok(())
    }

    /// Lets a version that names a directory of its run point at the copy.
    async fn point_at_copy(
        &self,
        version: &mut ModelVersion,
        runs: &[Vec<(String, String)>],
    ) -> Result<(), Error> {
        let Some(id) = version.run_id.clone() else {
            return Ok(());
        };
        let old = runs.iter().flatten().find(|(run, _)| *run == id);
        let (Some((_, old)), Ok(run)) = (old, id.parse::<RunId>()) else {
            return Ok(());
        };
        let (Some(old), Some(source)) = (local_path(old), local_path(&version.source)) else {
            return Ok(());
        };
        if let Ok(below) = source.strip_prefix(&old) {
            let info = self.metastore.read(move |tx| tx.runs().find(&run)).await?;
            if let Some(info) = info {
                version.source = format!("{}/{}", info.artifact_uri, below.display());
            }
        }
        Ok(())
    }

    /// Copies artifacts that are on this machine, and gives their new location.
    async fn take(
        &self,
        location: &str,
        place: &str,
        what: &str,
        report: &mut Report,
    ) -> Result<Option<String>, Error> {
        let Some(places) = self.places else {
            return Ok(None);
        };
        let Some(dir) = local_path(location) else {
            if !location.is_empty() {
                let why = format!("its artifacts stay at {location}");
                report.remarks.push((what.to_owned(), why));
            }
            return Ok(None);
        };
        match copy(&dir, places.own(), place).await {
            Ok(n_files) => {
                report.n_files += n_files;
                Ok(Some(format!("mlflow-artifacts:/{place}")))
            }
            // A file that cannot be read does not keep the run away.
            Err(error @ (Error::Read { .. } | Error::Nonsense { .. })) => {
                report.problem(&format!("artifacts of {what}"), &error);
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }
}

impl Report {
    fn problem(&mut self, what: &str, error: &Error) {
        let mut why = error.to_string();
        let mut source = std::error::Error::source(error);
        while let Some(cause) = source {
            why = format!("{why}: {cause}");
            source = cause.source();
        }
        self.problems.push((what.to_owned(), why));
    }
}
