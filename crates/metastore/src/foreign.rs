//! MLflow's own database, read.
//!
//! Its tables are those of MLflow 2 and 3 (`mlflow/store/tracking/dbmodels`); what a version does not have yet is read as
//! absent. Nothing is written to it.

use std::collections::BTreeMap;
use std::path::Path;

use everloop_domain::{ExperimentId, RunId, VersionNumber};

use crate::connection::Connection;
use crate::imports::{WholeModel, WholeRun};
use crate::place::Place;
use crate::session::{Row, values};
use crate::values::{moment, parse};
use crate::{
    Dataset, DatasetInput, Error, Experiment, Lifecycle, LoggedModel, Metric, ModelMetric,
    ModelVersion, Output, RegisteredModel, Run, RunInfo,
};

/// A database that MLflow wrote.
#[derive(Debug)]
pub struct MlflowDatabase {
    connection: Connection,
    has_models: bool,
}

/// The experiment of an integer column, as a number of both databases.
const OF_EXPERIMENT: &str = "experiment_id = cast($1 as bigint)";

impl MlflowDatabase {
    /// Opens a database by its URI, `sqlite:///…` or `postgresql://…`. A file must exist.
    ///
    /// # Errors
    ///
    /// [`Error::Invalid`] if the URI is malformed, [`Error::NotAMetastore`] if MLflow did not write the database.
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
        let has_models = has("logged_models");
        Ok(Self {
            connection,
            has_models,
        })
    }

    /// All experiments, deleted ones included.
    ///
    /// # Errors
    ///
    /// Fails if the database cannot be read.
    pub fn experiments(&self) -> Result<Vec<Experiment>, Error> {
        let session = self.connection.session();
        let sql = "select experiment_id, name, artifact_location, lifecycle_stage, coalesce(creation_time, 0), \
             coalesce(last_update_time, 0) from experiments order by experiment_id";
        let tags =
            format!("select key, coalesce(value, '') from experiment_tags where {OF_EXPERIMENT}");
        session
            .query(sql, &[], |row| {
                Ok(Experiment {
                    id: ExperimentId(row.get(0)?),
                    name: row.get(1)?,
                    artifact_location: row.get::<Option<String>>(2)?.unwrap_or_default(),
                    lifecycle: lifecycle(row, 3)?,
                    created_at: moment(row.get(4)?),
                    updated_at: moment(row.get(5)?),
                    tags: BTreeMap::new(),
                })
            })?
            .into_iter()
            .map(|experiment| {
                let tags = session.pairs(&tags, &values![experiment.id.0])?;
                Ok(Experiment { tags, ..experiment })
            })
            .collect()
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

    /// The logged models of an experiment that are not deleted.
    ///
    /// # Errors
    ///
    /// Fails if the database cannot be read.
    pub fn logged_models(&self, experiment: ExperimentId) -> Result<Vec<LoggedModel>, Error> {
        if !self.has_models {
            return Ok(Vec::new());
        }
        let session = self.connection.session();
        let sql = format!(
            "select model_id, name, artifact_location, status, model_type, source_run_id, creation_timestamp_ms, \
             last_updated_timestamp_ms, status_message from logged_models where {OF_EXPERIMENT} \
             and coalesce(lifecycle_stage, 'active') = 'active' order by creation_timestamp_ms, model_id"
        );
        let models = session.query(&sql, &values![experiment.0], |row| {
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
        })?;
        let tags = "select tag_key, tag_value from logged_model_tags where model_id = $1";
        let params = "select param_key, param_value from logged_model_params where model_id = $1";
        models
            .into_iter()
            .map(|model| {
                Ok(LoggedModel {
                    tags: session.pairs(tags, &values![model.id])?,
                    params: session.pairs(params, &values![model.id])?,
                    metrics: self.model_metrics(&model.id)?,
                    ..model
                })
            })
            .collect()
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

    /// All registered models with their aliases.
    ///
    /// # Errors
    ///
    /// Fails if the database cannot be read.
    pub fn models(&self) -> Result<Vec<WholeModel>, Error> {
        let session = self.connection.session();
        let sql = "select name, coalesce(description, ''), coalesce(creation_time, 0), coalesce(last_updated_time, 0) \
             from registered_models order by name";
        let tags = "select key, coalesce(value, '') from registered_model_tags where name = $1";
        let aliases = "select alias, version from registered_model_aliases where name = $1";
        let rows = session.query(sql, &[], |row| {
            let name: String = row.get(0)?;
            let times: (i64, i64) = (row.get(2)?, row.get(3)?);
            Ok((name, row.get::<String>(1)?, times))
        })?;
        rows.into_iter()
            .map(|(name, description, (created_at, updated_at))| {
                // A version of MLflow without aliases has no such table.
                let aliases = session.query(aliases, &values![name], |row| {
                    Ok((row.get(0)?, VersionNumber(row.get(1)?)))
                });
                Ok(WholeModel {
                    aliases: aliases.unwrap_or_default().into_iter().collect(),
                    model: RegisteredModel {
                        tags: session.pairs(tags, &values![name])?,
                        name: parse(&name, "registered_models", "name", &name)?,
                        description,
                        created_at: moment(created_at),
                        updated_at: moment(updated_at),
                    },
                })
            })
            .collect()
    }

    /// The versions of a registered model; nothing in place of one that was deleted.
    ///
    /// # Errors
    ///
    /// Fails if the database cannot be read.
    pub fn versions(
        &self,
        model: &RegisteredModel,
    ) -> Result<Vec<(VersionNumber, Option<ModelVersion>)>, Error> {
        let session = self.connection.session();
        let name = model.name.as_str();
        let sql = "select version, coalesce(source, ''), run_id, coalesce(description, ''), coalesce(current_stage, 'None'), \
             coalesce(creation_time, 0), coalesce(last_updated_time, 0) from model_versions where name = $1 order by version";
        let tags = "select key, coalesce(value, '') from model_version_tags where name = $1 and version = cast($2 as bigint)";
        let rows = session.query(sql, &values![name], |row| {
            let source: String = row.get(1)?;
            Ok(ModelVersion {
                name: model.name.clone(),
                version: VersionNumber(row.get(0)?),
                model_id: source.strip_prefix("models:/").map(ToOwned::to_owned),
                source,
                run_id: row.get::<Option<String>>(2)?.filter(|id| !id.is_empty()),
                description: row.get(3)?,
                stage: row.get(4)?,
                created_at: moment(row.get(5)?),
                updated_at: moment(row.get(6)?),
                tags: BTreeMap::new(),
            })
        })?;
        rows.into_iter()
            .map(|version| {
                let number = version.version;
                if version.stage == "Deleted_Internal" {
                    return Ok((number, None));
                }
                let tags = session.pairs(tags, &values![name, number.0])?;
                Ok((number, Some(ModelVersion { tags, ..version })))
            })
            .collect()
    }
}

fn lifecycle(row: &Row<'_>, column: usize) -> Result<Lifecycle, Error> {
    let text: Option<String> = row.get(column)?;
    Ok(Lifecycle::read(text.as_deref().unwrap_or_default()))
}
