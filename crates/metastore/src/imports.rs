//! Writing what was recorded elsewhere, with its own ids, times and lifecycle.
//!
//! Each thing is written whole or not at all, and one that is there already is left as it is; so an import that broke off
//! can be repeated.

use std::collections::BTreeMap;

use everloop_domain::{ExperimentId, ModelName, RunId, Timestamp, VersionNumber};

use crate::experiments::{Experiments, Lifecycle};
use crate::runs::Runs;
use crate::session::{Session, values};
use crate::{Error, Experiment, LoggedModel, LoggedModels, Metric, ModelVersion, Models};
use crate::{RegisteredModel, Run};

/// What comes from elsewhere.
#[derive(Debug)]
pub struct Imports<'c>(pub(crate) Session<'c>);

/// What became of something that has a name of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Came {
    /// It was written.
    New,
    /// It is here already.
    Known,
    /// Another of that name is here; it stays as it is.
    Clashed,
}

impl Came {
    /// What was not written, by whether it is the same as what is here.
    fn not(is_same: bool) -> Self {
        if is_same { Self::Known } else { Self::Clashed }
    }
}

/// A run with all points of its metrics.
#[derive(Clone, Debug, PartialEq)]
pub struct WholeRun {
    /// The run; its latest metrics follow from the points.
    pub run: Run,
    /// All points.
    pub points: Vec<Metric>,
    /// When it was deleted, if it is.
    pub deleted_at: Option<Timestamp>,
}

/// A registered model with its aliases.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WholeModel {
    /// The model.
    pub model: RegisteredModel,
    /// Where its aliases point.
    pub aliases: BTreeMap<String, VersionNumber>,
}

impl Imports<'_> {
    /// Writes an experiment unless one of that name is there. Gives its id here and what became of it: it keeps its own id if
    /// that is free. Another one was made at another time; the default one, which every store has, is the same and gets the
    /// tags that it lacks.
    ///
    /// # Errors
    ///
    /// Fails if the store cannot be written.
    pub fn experiment(&self, found: &Experiment) -> Result<(ExperimentId, Came), Error> {
        let experiments = Experiments(self.0);
        if let Some(here) = experiments.find_by_name(&found.name)? {
            let is_default = here.id == ExperimentId(0) && found.id == here.id;
            if is_default {
                let new = found.tags.iter();
                for (key, value) in new.filter(|(key, _)| !here.tags.contains_key(*key)) {
                    experiments.set_tag(here.id, key, value)?;
                }
            }
            let is_same = is_default || here.created_at == found.created_at;
            return Ok((here.id, Came::not(is_same)));
        }
        let is_free = match experiments.get(found.id) {
            Err(Error::NotFound { .. }) => true,
            result => result.map(|_| false)?,
        };
        let id = if is_free {
            let sql = "insert into experiments (id, name, artifact_location, created_at, updated_at) \
                 values ($1, $2, $3, $4, $5)";
            let values = values![
                found.id.0,
                found.name,
                found.artifact_location,
                found.created_at.as_millis(),
                found.updated_at.as_millis()
            ];
            self.0.execute(sql, &values)?;
            found.id
        } else {
            experiments.create(
                &found.name,
                Some(&found.artifact_location),
                found.created_at,
            )?
        };
        for (key, value) in &found.tags {
            experiments.set_tag(id, key, value)?;
        }
        if found.lifecycle == Lifecycle::Deleted {
            experiments.delete(id, found.updated_at)?;
        }
        Ok((id, Came::New))
    }

    /// Writes a run into an experiment unless its id is there; gives whether it is new.
    ///
    /// # Errors
    ///
    /// Fails if the store cannot be written.
    pub fn run(&self, experiment: ExperimentId, found: &WholeRun) -> Result<bool, Error> {
        let (runs, run) = (Runs(self.0), &found.run);
        let (id, info) = (&run.info.id, &run.info);
        if runs.find(id)?.is_some() {
            return Ok(false);
        }
        let sql = "insert into runs (id, experiment, name, \"user\", status, start_time, end_time, artifact_uri) \
             values ($1, $2, $3, $4, $5, $6, $7, $8)";
        let end_time = info.end_time.map(Timestamp::as_millis);
        let values = values![
            id.as_str(),
            experiment.0,
            info.name,
            info.user,
            info.status.as_str(),
            info.start_time.as_millis(),
            end_time,
            info.artifact_uri
        ];
        self.0.execute(sql, &values)?;
        let pairs = |pairs: &BTreeMap<String, String>| -> Vec<(String, String)> {
            let pairs = pairs.iter();
            pairs
                .map(|(key, value)| (key.clone(), value.clone()))
                .collect()
        };
        runs.log_batch(id, &found.points, &pairs(&run.params), &pairs(&run.tags))?;
        for dataset in &run.datasets {
            runs.log_dataset(id, dataset)?;
        }
        for model in &run.model_inputs {
            runs.log_model_input(id, model)?;
        }
        runs.log_outputs(id, &run.outputs)?;
        if info.lifecycle == Lifecycle::Deleted {
            runs.delete(id, found.deleted_at.unwrap_or(info.start_time))?;
        }
        Ok(true)
    }

    /// Writes a logged model into an experiment unless its id is there; gives whether it is new.
    ///
    /// # Errors
    ///
    /// Fails if the store cannot be written.
    pub fn logged_model(
        &self,
        experiment: ExperimentId,
        found: &LoggedModel,
    ) -> Result<bool, Error> {
        let models = LoggedModels(self.0);
        if self.has_logged_model(&found.id)? {
            return Ok(false);
        }
        let sql = "insert into logged_models (id, experiment, name, artifact_location, status, model_type, source_run, \
             created_at, updated_at, status_message) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)";
        let values = values![
            found.id,
            experiment.0,
            found.name,
            found.artifact_location,
            found.status,
            found.model_type,
            found.source_run,
            found.created_at.as_millis(),
            found.updated_at.as_millis(),
            found.status_message
        ];
        self.0.execute(sql, &values)?;
        models.set_tags(&found.id, &found.tags)?;
        models.log_params(&found.id, &found.params)?;
        models.log_metrics(&found.id, &found.metrics)?;
        Ok(true)
    }

    /// Writes a registered model unless one of that name is there; another one was made at another time.
    ///
    /// # Errors
    ///
    /// Fails if the store cannot be written.
    pub fn model(&self, found: &RegisteredModel) -> Result<Came, Error> {
        let models = Models(self.0);
        if let Some(here) = models.find(&found.name)? {
            return Ok(Came::not(here.created_at == found.created_at));
        }
        models.insert(&found.name, &found.description, found.created_at)?;
        for (key, value) in &found.tags {
            models.insert_tag(&found.name, key, value)?;
        }
        models.touch(&found.name, found.updated_at)?;
        Ok(Came::New)
    }

    /// Writes a version with its number unless that is taken; another one was made at another time or by another run. Later
    /// versions get greater numbers.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] if there is no such model.
    pub fn version(&self, found: &ModelVersion) -> Result<Came, Error> {
        let models = Models(self.0);
        let (name, number) = (&found.name, found.version);
        match models.get_version(name, number) {
            Err(Error::NotFound { .. }) => {}
            result => {
                let here = result?;
                let is_same = here.created_at == found.created_at && here.run_id == found.run_id;
                return Ok(Came::not(is_same));
            }
        }
        models.get(name)?;
        let sql = "insert into model_versions (model, version, source, run, logged_model, description, stage, created_at, \
             updated_at) values ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
        let values = values![
            name.as_str(),
            number.0,
            found.source,
            found.run_id,
            found.model_id,
            found.description,
            found.stage,
            found.created_at.as_millis(),
            found.updated_at.as_millis()
        ];
        self.0.execute(sql, &values)?;
        self.reserve(name, number)?;
        for (key, value) in &found.tags {
            models.insert_version_tag(name, number, key, value)?;
        }
        Ok(Came::New)
    }

    /// Sees to it that no later version gets a number up to this one.
    ///
    /// # Errors
    ///
    /// Fails if the store cannot be written.
    pub fn reserve(&self, name: &ModelName, number: VersionNumber) -> Result<(), Error> {
        let sql = "update registered_models set next_version = $1 + 1 where name = $2 and next_version <= $1";
        self.0.execute(sql, &values![number.0, name.as_str()])?;
        Ok(())
    }

    /// Points an alias at a version unless it points somewhere already; gives where it points now.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] if there is no such version.
    pub fn alias(
        &self,
        name: &ModelName,
        alias: &str,
        number: VersionNumber,
    ) -> Result<VersionNumber, Error> {
        let models = Models(self.0);
        if let Some(here) = models.find_by_alias(name, alias)? {
            return Ok(here.version);
        }
        models.get_version(name, number)?;
        let sql = "insert into aliases (model, alias, version) values ($1, $2, $3)";
        self.0
            .execute(sql, &values![name.as_str(), alias, number.0])?;
        Ok(number)
    }

    /// Whether a logged model is here, deleted or not.
    ///
    /// # Errors
    ///
    /// Fails if the store cannot be read.
    pub fn has_logged_model(&self, id: &str) -> Result<bool, Error> {
        match LoggedModels(self.0).get_even_deleted(id) {
            Err(Error::NotFound { .. }) => Ok(false),
            result => result.map(|_| true),
        }
    }

    /// Whether a run is here, deleted or not.
    ///
    /// # Errors
    ///
    /// Fails if the store cannot be read.
    pub fn has_run(&self, id: &RunId) -> Result<bool, Error> {
        Ok(Runs(self.0).find(id)?.is_some())
    }
}
