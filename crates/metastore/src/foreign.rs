//! MLflow's own database, read.
//!
//! Its tables are those of MLflow 2 and 3 (`mlflow/store/tracking/dbmodels`); what a version does not have yet is read as
//! absent. Nothing is written to it.

mod registry;
mod revisions;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::path::Path;

use everloop_domain::{ExperimentId, RunId};

use crate::connection::Connection;
use crate::error::DatabaseError;
use crate::imports::WholeRun;
use crate::place::Place;
use crate::session::{Row, values};
use crate::values::{moment, parse};
use crate::{
    Dataset, DatasetInput, Error, Experiment, Lifecycle, LoggedModel, Metric, ModelMetric, Output,
    Run, RunInfo,
};

pub use registry::FoundVersion;

/// A database that MLflow wrote.
#[derive(Debug)]
pub struct MlflowDatabase {
    connection: Connection,
    has_models: bool,
    has_traces: bool,
}

/// The experiment of an integer column, as a number of both databases.
const OF_EXPERIMENT: &str = "experiment_id = cast($1 as bigint)";

impl MlflowDatabase {
    /// Opens a database by its URI, `sqlite:///…` or `postgresql://…`. A file must exist.
    ///
    /// # Errors
    ///
    /// [`Error::Invalid`] if the URI is malformed or the schema is one that this program does not know,
    /// [`Error::NotAMetastore`] if MLflow did not write the database.
    pub fn open(uri: &str) -> Result<Self, Error> {
        let place = Place::parse(uri)?;
        let shown = place.shown();
        if let Place::File(path) = &place
            && !Path::new(path).is_file()
        {
            return Err(Error::not_found("database", &shown));
        }
        let opening = std::thread::spawn(move || Connection::reader(&place));
        let connection = opening
            .join()
            .map_err(|_| Error::Stopped("way to the server panicked"))??;
        let session = connection.session();
        let has = |table: &str| {
            let sql = format!("select count(*) from {table}");
            session.value::<i64>(&sql, &[]).is_ok()
        };
        if !has("alembic_version") || !has("runs") {
            return Err(Error::NotAMetastore {
                path: shown,
                problem: "MLflow did not write it",
            });
        }
        let sql = "select version_num from alembic_version order by version_num desc";
        let revision: Option<String> = session.find(sql, &[], |row| row.get(0))?;
        revisions::check(&shown, revision.as_deref())?;
        let (has_models, has_traces) = (has("logged_models"), has("trace_info"));
        Ok(Self {
            connection,
            has_models,
            has_traces,
        })
    }

    /// All experiments, deleted ones included; an error in place of one that makes no sense.
    ///
    /// # Errors
    ///
    /// Fails if the database cannot be read.
    pub fn experiments(&self) -> Result<Vec<Result<Experiment, Error>>, Error> {
        let session = self.connection.session();
        let sql = "select experiment_id, name, artifact_location, lifecycle_stage, coalesce(creation_time, 0), \
             coalesce(last_update_time, 0) from experiments order by experiment_id";
        let tags =
            format!("select key, coalesce(value, '') from experiment_tags where {OF_EXPERIMENT}");
        let rows = session.query(sql, &[], |row| {
            Ok(named("experiments", &EXPERIMENT, row, experiment))
        })?;
        let with_tags = |experiment: Experiment| {
            let tags = session.pairs(&tags, &values![experiment.id.0])?;
            Ok(Experiment { tags, ..experiment })
        };
        Ok(rows
            .into_iter()
            .map(|experiment| experiment.and_then(with_tags))
            .collect())
    }

    /// The ids of the runs of an experiment, deleted ones included, and where their artifacts are.
    ///
    /// # Errors
    ///
    /// Fails if the database cannot be read.
    pub fn runs(&self, experiment: ExperimentId) -> Result<Vec<(String, String)>, Error> {
        let sql = format!(
            "select run_uuid, coalesce(artifact_uri, '') from runs where {OF_EXPERIMENT} order by start_time, run_uuid"
        );
        let session = self.connection.session();
        session.pairs(&sql, &values![experiment.0])
    }

    /// A run with all that it logged.
    ///
    /// # Errors
    ///
    /// Fails if the database cannot be read, or the run makes no sense.
    pub fn run(&self, id: &str) -> Result<WholeRun, Error> {
        let session = self.connection.session();
        let sql = "select experiment_id, coalesce(name, ''), coalesce(user_id, ''), status, coalesce(start_time, 0), end_time, \
             coalesce(artifact_uri, ''), lifecycle_stage, deleted_time from runs where run_uuid = $1";
        let (info, deleted_at) = session
            .find(sql, &values![id], |row| {
                let info = RunInfo {
                    id: parse(id, "runs", "run_uuid", id)?,
                    experiment: ExperimentId(row.get(0)?),
                    name: row.get(1)?,
                    user: row.get(2)?,
                    status: parse(&row.get::<String>(3)?, "runs", "status", id)?,
                    start_time: moment(row.get(4)?),
                    end_time: row.get::<Option<i64>>(5)?.map(moment),
                    artifact_uri: row.get(6)?,
                    lifecycle: lifecycle(row, 7)?,
                };
                Ok((info, row.get::<Option<i64>>(8)?.map(moment)))
            })?
            .ok_or_else(|| Error::not_found("run", id))?;
        let points = "select key, value, timestamp, step, is_nan from metrics where run_uuid = $1 order by key, step, timestamp";
        let params = "select key, value from params where run_uuid = $1";
        let tags = "select key, coalesce(value, '') from tags where run_uuid = $1";
        Ok(WholeRun {
            points: session.query(points, &values![id], Metric::read)?,
            deleted_at,
            run: Run {
                info,
                params: session.pairs(params, &values![id])?,
                metrics: Vec::new(),
                tags: session.pairs(tags, &values![id])?,
                datasets: self.datasets(id)?,
                model_inputs: self.related("MODEL_INPUT", "RUN_INPUT", id)?,
                outputs: self.outputs(id)?,
            },
        })
    }

    fn datasets(&self, run: &str) -> Result<Vec<DatasetInput>, Error> {
        let session = self.connection.session();
        let sql = "select d.name, d.digest, d.dataset_source_type, d.dataset_source, d.dataset_schema, d.dataset_profile, \
             i.input_uuid from inputs i join datasets d on d.dataset_uuid = i.source_id \
             where i.destination_type = 'RUN' and i.source_type = 'DATASET' and i.destination_id = $1 order by d.name, d.digest";
        let tags = "select name, value from input_tags where input_uuid = $1 order by name";
        session
            .query(sql, &values![run], |row| {
                let dataset = Dataset {
                    name: row.get(0)?,
                    digest: row.get(1)?,
                    source_type: row.get(2)?,
                    source: row.get(3)?,
                    schema: row.get(4)?,
                    profile: row.get(5)?,
                };
                Ok((dataset, row.get::<String>(6)?))
            })?
            .into_iter()
            .map(|(dataset, input)| {
                let tags = session.pairs(tags, &values![input])?;
                Ok(DatasetInput { dataset, tags })
            })
            .collect()
    }

    /// The models that a run is tied to so.
    fn related(&self, model: &str, run_as: &str, run: &str) -> Result<Vec<String>, Error> {
        let sql = "select destination_id from inputs where destination_type = $1 and source_type = $2 and source_id = $3 \
             order by destination_id";
        let session = self.connection.session();
        session.query(sql, &values![model, run_as, run], |row| row.get(0))
    }

    fn outputs(&self, run: &str) -> Result<Vec<Output>, Error> {
        if !self.has_models {
            return Ok(Vec::new());
        }
        let sql = "select destination_id, step from inputs where destination_type = 'MODEL_OUTPUT' \
             and source_type = 'RUN_OUTPUT' and source_id = $1 order by step, destination_id";
        self.connection.session().query(sql, &values![run], |row| {
            Ok(Output {
                model_id: row.get(0)?,
                step: row.get(1)?,
            })
        })
    }

    /// How many logged models of an experiment are deleted.
    ///
    /// # Errors
    ///
    /// Fails if the database cannot be read.
    pub fn n_deleted_logged_models(&self, experiment: ExperimentId) -> Result<u64, Error> {
        if !self.has_models {
            return Ok(0);
        }
        let sql = format!(
            "select count(*) from logged_models where {OF_EXPERIMENT} and lifecycle_stage = 'deleted'"
        );
        let session = self.connection.session();
        session.value(&sql, &values![experiment.0])
    }

    /// How many traces an experiment has; they are not read.
    ///
    /// # Errors
    ///
    /// Fails if the database cannot be read.
    pub fn n_traces(&self, experiment: ExperimentId) -> Result<u64, Error> {
        if !self.has_traces {
            return Ok(0);
        }
        let sql = format!("select count(*) from trace_info where {OF_EXPERIMENT}");
        let session = self.connection.session();
        session.value(&sql, &values![experiment.0])
    }

    /// The logged models of an experiment that are not deleted; an error in place of one that makes no sense.
    ///
    /// # Errors
    ///
    /// Fails if the database cannot be read.
    pub fn logged_models(
        &self,
        experiment: ExperimentId,
    ) -> Result<Vec<Result<LoggedModel, Error>>, Error> {
        if !self.has_models {
            return Ok(Vec::new());
        }
        let session = self.connection.session();
        let sql = format!(
            "select model_id, name, artifact_location, status, model_type, source_run_id, creation_timestamp_ms, \
             last_updated_timestamp_ms, status_message from logged_models where {OF_EXPERIMENT} \
             and coalesce(lifecycle_stage, 'active') = 'active' order by creation_timestamp_ms, model_id"
        );
        let rows = session.query(&sql, &values![experiment.0], |row| {
            let read = |row: &Row<'_>| logged_model(row, experiment);
            Ok(named("logged_models", &LOGGED_MODEL, row, read))
        })?;
        let tags =
            "select tag_key, coalesce(tag_value, '') from logged_model_tags where model_id = $1";
        let params = "select param_key, param_value from logged_model_params where model_id = $1";
        let with_logged = |model: LoggedModel| {
            Ok(LoggedModel {
                tags: session.pairs(tags, &values![model.id])?,
                params: session.pairs(params, &values![model.id])?,
                metrics: self.model_metrics(&model.id)?,
                ..model
            })
        };
        Ok(rows
            .into_iter()
            .map(|model| model.and_then(with_logged))
            .collect())
    }

    fn model_metrics(&self, model: &str) -> Result<Vec<ModelMetric>, Error> {
        let sql = "select metric_name, metric_value, metric_timestamp_ms, metric_step, run_id, coalesce(dataset_name, ''), \
             coalesce(dataset_digest, '') from logged_model_metrics where model_id = $1";
        self.connection
            .session()
            .query(sql, &values![model], |row| {
                Ok(ModelMetric {
                    metric: Metric {
                        key: row.get(0)?,
                        value: row.get::<Option<f64>>(1)?.unwrap_or(f64::NAN),
                        timestamp: moment(row.get(2)?),
                        step: row.get(3)?,
                    },
                    run: parse::<RunId>(
                        &row.get::<String>(4)?,
                        "logged_model_metrics",
                        "run_id",
                        model,
                    )?,
                    dataset_name: row.get(5)?,
                    dataset_digest: row.get(6)?,
                })
            })
    }
}

fn lifecycle(row: &Row<'_>, column: usize) -> Result<Lifecycle, Error> {
    let text: Option<String> = row.get(column)?;
    Ok(Lifecycle::read(text.as_deref().unwrap_or_default()))
}

const EXPERIMENT: [&str; 6] = [
    "experiment_id",
    "name",
    "artifact_location",
    "lifecycle_stage",
    "creation_time",
    "last_update_time",
];

fn experiment(row: &Row<'_>) -> Result<Experiment, Error> {
    Ok(Experiment {
        id: ExperimentId(row.get(0)?),
        name: row.get(1)?,
        artifact_location: row.get::<Option<String>>(2)?.unwrap_or_default(),
        lifecycle: lifecycle(row, 3)?,
        created_at: moment(row.get(4)?),
        updated_at: moment(row.get(5)?),
        tags: BTreeMap::new(),
    })
}

const LOGGED_MODEL: [&str; 9] = [
    "model_id",
    "name",
    "artifact_location",
    "status",
    "model_type",
    "source_run_id",
    "creation_timestamp_ms",
    "last_updated_timestamp_ms",
    "status_message",
];

fn logged_model(row: &Row<'_>, experiment: ExperimentId) -> Result<LoggedModel, Error> {
    Ok(LoggedModel {
        id: row.get(0)?,
        experiment,
        name: row.get(1)?,
        artifact_location: row.get(2)?,
        status: LoggedModel::status_of(row.get(3)?).to_owned(),
        model_type: row.get(4)?,
        source_run: row.get(5)?,
        created_at: moment(row.get(6)?),
        updated_at: moment(row.get(7)?),
        status_message: row.get(8)?,
        tags: BTreeMap::new(),
        params: BTreeMap::new(),
        metrics: Vec::new(),
    })
}

/// Reads a row; nonsense in it is named by its table, column and first value.
fn named<T>(
    table: &'static str,
    columns: &[&'static str],
    row: &Row<'_>,
    read: impl Fn(&Row<'_>) -> Result<T, Error>,
) -> Result<T, Error> {
    read(row).map_err(|error| match error {
        Error::Sql(DatabaseError::Value { column }) => Error::Corrupt {
            table,
            column: columns.get(column).copied().unwrap_or("?"),
            row: row
                .get::<String>(0)
                .or_else(|_| row.get::<i64>(0).map(|id| id.to_string()))
                .unwrap_or_else(|_| "?".to_owned()),
            problem: "it is empty or of another kind".to_owned(),
        },
        other => other,
    })
}
