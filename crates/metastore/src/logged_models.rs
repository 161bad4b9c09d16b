//! Models that runs have logged (MLflow 3): made pending, then ready.

use std::collections::BTreeMap;

use everloop_domain::{ExperimentId, RunId, Timestamp};
use rusqlite::{Connection, OptionalExtension as _, Row, params};

use crate::Error;
use crate::experiments::Experiments;
use crate::values::{moment, parse};

/// Logged models.
#[derive(Debug)]
pub struct LoggedModels<'c>(pub(crate) &'c Connection);

/// A logged model to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewLoggedModel {
    /// Its id: `m-` and 32 hex digits.
    pub id: String,
    /// Its experiment.
    pub experiment: ExperimentId,
    /// Its name.
    pub name: String,
    /// What kind of model it is.
    pub model_type: Option<String>,
    /// The run that made it.
    pub source_run: Option<RunId>,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
    /// Its parameters.
    pub params: BTreeMap<String, String>,
    /// When.
    pub now: Timestamp,
}

/// A logged model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoggedModel {
    /// Its id.
    pub id: String,
    /// Its experiment.
    pub experiment: ExperimentId,
    /// Its name.
    pub name: String,
    /// Where its files are.
    pub artifact_location: String,
    /// `LOGGED_MODEL_PENDING`, `LOGGED_MODEL_READY`, `LOGGED_MODEL_UPLOAD_FAILED`.
    pub status: String,
    /// What kind of model it is.
    pub model_type: Option<String>,
    /// The run that made it.
    pub source_run: Option<RunId>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was changed last.
    pub updated_at: Timestamp,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
    /// Its parameters.
    pub params: BTreeMap<String, String>,
}

const COLUMNS: &str = "id, experiment, name, artifact_location, status, model_type, source_run, created_at, updated_at";

struct LoggedModelRow {
    model: LoggedModel,
    source_run: Option<String>,
}

fn read(row: &Row<'_>) -> Result<LoggedModelRow, rusqlite::Error> {
    Ok(LoggedModelRow {
        model: LoggedModel {
            id: row.get(0)?,
            experiment: ExperimentId(row.get(1)?),
            name: row.get(2)?,
            artifact_location: row.get(3)?,
            status: row.get(4)?,
            model_type: row.get(5)?,
            source_run: None,
            created_at: moment(row.get(7)?),
            updated_at: moment(row.get(8)?),
            tags: BTreeMap::new(),
            params: BTreeMap::new(),
        },
        source_run: row.get(6)?,
    })
}

impl LoggedModels<'_> {
    /// Makes a pending model.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] if there is no such experiment.
    pub fn create(&self, new: &NewLoggedModel) -> Result<(), Error> {
        let experiment = Experiments(self.0).get(new.experiment)?;
        let location = format!(
            "{}/models/{}/artifacts",
            experiment.artifact_location.trim_end_matches('/'),
            new.id
        );
        let sql = "insert into logged_models (id, experiment, name, artifact_location, status, model_type, source_run, created_at, updated_at) \
             values ($1, $2, $3, $4, 'LOGGED_MODEL_PENDING', $5, $6, $7, $7)";
        self.0.prepare_cached(sql)?.execute(params![
            new.id,
            new.experiment.0,
            new.name,
            location,
            new.model_type,
            new.source_run.as_ref().map(RunId::as_str),
            new.now.as_millis()
        ])?;
        self.set_tags(&new.id, &new.tags)?;
        self.log_params(&new.id, &new.params)
    }

    /// The model of an id.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] if there is none.
    pub fn get(&self, id: &str) -> Result<LoggedModel, Error> {
        let sql = format!("select {COLUMNS} from logged_models where id = $1");
        let row = self
            .0
            .prepare_cached(&sql)?
            .query_row([id], read)
            .optional()?;
        self.complete(row.ok_or_else(|| Error::not_found("logged model", &id))?)
    }

    /// The models that a run made, oldest first.
    ///
    /// # Errors
    ///
    /// Fails if the store cannot be read.
    pub fn list_by_run(&self, run: &RunId) -> Result<Vec<LoggedModel>, Error> {
        let sql = format!(
            "select {COLUMNS} from logged_models where source_run = $1 order by created_at, id"
        );
        let mut statement = self.0.prepare_cached(&sql)?;
        let rows = statement
            .query_map([run.as_str()], read)?
            .collect::<Result<Vec<_>, _>>()?;
        rows.into_iter().map(|row| self.complete(row)).collect()
    }

    /// The models of some experiments, newest first.
    ///
    /// # Errors
    ///
    /// Fails if the store cannot be read.
    pub fn list(&self, experiments: &[ExperimentId]) -> Result<Vec<LoggedModel>, Error> {
        let ids = serde_json::to_string(experiments).unwrap_or_default();
        let sql = format!(
            "select {COLUMNS} from logged_models where experiment in (select value from json_each($1)) order by created_at desc, id"
        );
        let mut statement = self.0.prepare_cached(&sql)?;
        let rows = statement
            .query_map([ids], read)?
            .collect::<Result<Vec<_>, _>>()?;
        rows.into_iter().map(|row| self.complete(row)).collect()
    }

    fn complete(&self, row: LoggedModelRow) -> Result<LoggedModel, Error> {
        let id = row.model.id.clone();
        Ok(LoggedModel {
            source_run: row
                .source_run
                .map(|text| parse(&text, "logged_models", "source_run", &id))
                .transpose()?,
            tags: self.pairs(
                "select key, value from logged_model_tags where model = $1",
                &id,
            )?,
            params: self.pairs(
                "select key, value from logged_model_params where model = $1",
                &id,
            )?,
            ..row.model
        })
    }

    fn pairs(&self, sql: &str, id: &str) -> Result<BTreeMap<String, String>, Error> {
        let mut statement = self.0.prepare_cached(sql)?;
        let rows = statement.query_map([id], |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Changes the status.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] if there is no such model.
    pub fn set_status(&self, id: &str, status: &str, now: Timestamp) -> Result<(), Error> {
        let sql = "update logged_models set status = $1, updated_at = $2 where id = $3";
        let changed = self
            .0
            .prepare_cached(sql)?
            .execute(params![status, now.as_millis(), id])?;
        if changed == 0 {
            Err(Error::not_found("logged model", &id))
        } else {
            Ok(())
        }
    }

    /// Sets tags.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] if there is no such model.
    pub fn set_tags(&self, id: &str, tags: &BTreeMap<String, String>) -> Result<(), Error> {
        self.get(id)?;
        let sql = "insert into logged_model_tags (model, key, value) values ($1, $2, $3) \
             on conflict (model, key) do update set value = excluded.value";
        let mut statement = self.0.prepare_cached(sql)?;
        for (key, value) in tags {
            statement.execute([id, key, value])?;
        }
        Ok(())
    }

    /// Logs parameters.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] if there is no such model.
    pub fn log_params(&self, id: &str, params: &BTreeMap<String, String>) -> Result<(), Error> {
        self.get(id)?;
        let sql = "insert into logged_model_params (model, key, value) values ($1, $2, $3) \
             on conflict (model, key) do update set value = excluded.value";
        let mut statement = self.0.prepare_cached(sql)?;
        for (key, value) in params {
            statement.execute([id, key, value])?;
        }
        Ok(())
    }
}
