//! Models that runs have logged (MLflow 3): made pending, then ready.

use std::collections::BTreeMap;

use everloop_domain::{ExperimentId, RunId, Timestamp};

use crate::experiments::Experiments;
use crate::search::{Column, Query, Side, Statement, Tables};
use crate::session::{Row, Session, Value, values};
use crate::values::{moment, parse, to_json};
use crate::{Error, Metric};

/// Logged models.
#[derive(Debug)]
pub struct LoggedModels<'c>(pub(crate) Session<'c>);

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
    /// The id of the run that made it; clients may name runs of elsewhere.
    pub source_run: Option<String>,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
    /// Its parameters.
    pub params: BTreeMap<String, String>,
    /// When.
    pub now: Timestamp,
}

/// A logged model.
#[derive(Clone, Debug, PartialEq)]
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
    /// The id of the run that made it; clients may name runs of elsewhere.
    pub source_run: Option<String>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was changed last.
    pub updated_at: Timestamp,
    /// What went wrong, if it did.
    pub status_message: Option<String>,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
    /// Its parameters.
    pub params: BTreeMap<String, String>,
    /// Points of metrics that were logged of it.
    pub metrics: Vec<ModelMetric>,
}

impl LoggedModel {
    /// The status of MLflow's number for it.
    #[must_use]
    pub fn status_of(number: i64) -> &'static str {
        match number {
            1 => "LOGGED_MODEL_PENDING",
            2 => "LOGGED_MODEL_READY",
            3 => "LOGGED_MODEL_UPLOAD_FAILED",
            _ => "LOGGED_MODEL_STATUS_UNSPECIFIED",
        }
    }

    /// MLflow's number for a status; 0 for one that is none.
    #[must_use]
    pub fn number_of(status: &str) -> i64 {
        let numbers = 1..=3;
        numbers
            .into_iter()
            .find(|number| Self::status_of(*number) == status)
            .unwrap_or_default()
    }
}

/// A point of a metric that was logged of a model.
#[derive(Clone, Debug, PartialEq)]
pub struct ModelMetric {
    /// The point.
    pub metric: Metric,
    /// The run that measured it.
    pub run: RunId,
    /// The dataset's name; empty if nobody said.
    pub dataset_name: String,
    /// The dataset's digest; empty if nobody said.
    pub dataset_digest: String,
}

/// What logged models can be searched and ordered by, beside what was logged of them.
pub const LOGGED_MODEL_COLUMNS: [Column; 8] = [
    Column::text("model_id", "id"),
    Column::text("name", "name"),
    Column::text("model_type", "model_type"),
    Column::text("status", "replace(status, 'LOGGED_MODEL_', '')"),
    Column::text("source_run_id", "source_run"),
    Column::number("creation_timestamp", "created_at"),
    Column::number("last_updated_timestamp", "updated_at"),
    Column::text("experiment_id", "cast(experiment as text)"),
];

fn tables(metric_tie: String) -> Tables {
    Tables {
        select: "select id, experiment, name, artifact_location, status, model_type, source_run, created_at, updated_at, status_message from logged_models",
        order: "created_at desc, id",
        metrics: Some(Side {
            table: "model_metrics",
            tie: metric_tie.into(),
        }),
        params: Some(Side::new(
            "logged_model_params",
            "s.model = logged_models.id",
        )),
        tags: Some(Side::new("logged_model_tags", "s.model = logged_models.id")),
        metadata: None,
        datasets: None,
    }
}

const COLUMNS: &str = "id, experiment, name, artifact_location, status, model_type, source_run, created_at, updated_at, status_message";

fn read(row: &Row<'_>) -> Result<LoggedModel, Error> {
    Ok(LoggedModel {
        id: row.get(0)?,
        experiment: ExperimentId(row.get(1)?),
        name: row.get(2)?,
        artifact_location: row.get(3)?,
        status: row.get(4)?,
        model_type: row.get(5)?,
        source_run: row.get(6)?,
        created_at: moment(row.get(7)?),
        updated_at: moment(row.get(8)?),
        status_message: row.get(9)?,
        tags: BTreeMap::new(),
        params: BTreeMap::new(),
        metrics: Vec::new(),
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
        self.0.execute(
            sql,
            &values![
                new.id,
                new.experiment.0,
                new.name,
                location,
                new.model_type,
                new.source_run,
                new.now.as_millis()
            ],
        )?;
        self.set_tags(&new.id, &new.tags)?;
        self.log_params(&new.id, &new.params)
    }

    /// The model of an id, unless it is deleted.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] if there is none.
    pub fn get(&self, id: &str) -> Result<LoggedModel, Error> {
        self.get_with("and deleted_at is null", id)
    }

    /// The model of an id, deleted or not.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] if there is none.
    pub fn get_even_deleted(&self, id: &str) -> Result<LoggedModel, Error> {
        self.get_with("", id)
    }

    fn get_with(&self, condition: &str, id: &str) -> Result<LoggedModel, Error> {
        let sql = format!("select {COLUMNS} from logged_models where id = $1 {condition}");
        let row = self.0.find(&sql, &values![id], read)?;
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
        let rows = self.0.query(&sql, &values![run.as_str()], read)?;
        rows.into_iter().map(|row| self.complete(row)).collect()
    }

    /// A page of the models of some experiments, newest first if no order says otherwise. With datasets (a name, and a
    /// digest if it matters) only models that were measured on one of them, and only those measurements, count.
    ///
    /// # Errors
    ///
    /// Fails if the query asks for what models do not have.
    pub fn search(
        &self,
        experiments: &[ExperimentId],
        datasets: &[(String, Option<String>)],
        query: &Query,
    ) -> Result<Vec<LoggedModel>, Error> {
        let mut values = vec![Value::text(to_json(&experiments))];
        let mut bind = |text: &str| {
            values.push(Value::text(text));
            values.len()
        };
        let wanted: Vec<String> = datasets
            .iter()
            .map(|(name, digest)| {
                let name = format!("s.dataset_name = ${}", bind(name));
                match digest {
                    Some(digest) => format!("({name} and s.dataset_digest = ${})", bind(digest)),
                    None => name,
                }
            })
            .collect();
        let mut tie = "s.model = logged_models.id".to_owned();
        let dialect = self.0.dialect();
        let among = dialect.numbers_of("$1");
        let mut scope = format!("experiment in ({among}) and deleted_at is null");
        if !wanted.is_empty() {
            tie = format!("{tie} and ({})", wanted.join(" or "));
            scope = format!("{scope} and exists (select 1 from model_metrics s where {tie})");
        }
        let page = Statement::page(dialect, &tables(tie), &scope, values, query)?;
        let rows = self.0.query(&page.sql, &page.values, read)?;
        rows.into_iter().map(|row| self.complete(row)).collect()
    }

    /// Deletes a model, softly.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] if there is none.
    pub fn delete(&self, id: &str, now: Timestamp) -> Result<(), Error> {
        let sql = "update logged_models set deleted_at = $1, updated_at = $1 where id = $2 and deleted_at is null";
        match self.0.execute(sql, &values![now.as_millis(), id])? {
            0 => Err(Error::not_found("logged model", id)),
            _ => Ok(()),
        }
    }

    /// Removes a tag.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] if there is no such model or tag.
    pub fn delete_tag(&self, id: &str, key: &str) -> Result<(), Error> {
        self.get(id)?;
        let sql = "delete from logged_model_tags where model = $1 and key = $2";
        match self.0.execute(sql, &values![id, key])? {
            0 => Err(Error::not_found("logged model tag", key)),
            _ => Ok(()),
        }
    }

    /// Logs points of metrics of a model; one that is there already is not stored twice.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] if there is no such model.
    pub fn log_metrics(&self, id: &str, metrics: &[ModelMetric]) -> Result<(), Error> {
        self.get(id)?;
        let sql = "insert into model_metrics (model, key, timestamp, step, value, is_nan, run, dataset_name, dataset_digest) \
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9) on conflict do nothing";
        for found in metrics {
            let is_nan = found.metric.value.is_nan();
            let values = values![
                id,
                found.metric.key,
                found.metric.timestamp.as_millis(),
                found.metric.step,
                if is_nan { 0.0 } else { found.metric.value },
                is_nan,
                found.run.as_str(),
                found.dataset_name,
                found.dataset_digest
            ];
            self.0.execute(sql, &values)?;
        }
        Ok(())
    }

    fn metrics(&self, id: &str) -> Result<Vec<ModelMetric>, Error> {
        let sql = "select key, value, timestamp, step, is_nan, run, dataset_name, dataset_digest from model_metrics \
             where model = $1 order by key, timestamp, step";
        self.0.query(sql, &values![id], |row| {
            Ok(ModelMetric {
                metric: Metric::read(row)?,
                run: parse(&row.get::<String>(5)?, "model_metrics", "run", id)?,
                dataset_name: row.get(6)?,
                dataset_digest: row.get(7)?,
            })
        })
    }

    fn complete(&self, row: LoggedModel) -> Result<LoggedModel, Error> {
        let id = row.id.clone();
        Ok(LoggedModel {
            tags: self.pairs(
                "select key, value from logged_model_tags where model = $1",
                &id,
            )?,
            params: self.pairs(
                "select key, value from logged_model_params where model = $1",
                &id,
            )?,
            metrics: self.metrics(&id)?,
            ..row
        })
    }

    fn pairs(&self, sql: &str, id: &str) -> Result<BTreeMap<String, String>, Error> {
        self.0.pairs(sql, &values![id])
    }

    /// Changes the status.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] if there is no such model.
    pub fn set_status(&self, id: &str, status: &str, now: Timestamp) -> Result<(), Error> {
        let sql = "update logged_models set status = $1, updated_at = $2 where id = $3 and deleted_at is null";
        let changed = self.0.execute(sql, &values![status, now.as_millis(), id])?;
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
        let rows: Vec<_> = tags
            .iter()
            .map(|(key, value)| values![id, key, value].to_vec())
            .collect();
        self.0.insert_rows(sql, &rows)?;
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
        let rows: Vec<_> = params
            .iter()
            .map(|(key, value)| values![id, key, value].to_vec())
            .collect();
        self.0.insert_rows(sql, &rows)?;
        Ok(())
    }
}
