//! Runs, as in MLflow.

mod histories;
mod inputs;
mod metrics;
mod params;
mod readings;
mod search;

use std::collections::BTreeMap;

use everloop_domain::{ExperimentId, RunId, RunStatus, Timestamp};

use crate::Error;
use crate::experiments::{Experiments, Lifecycle, View};
use crate::search::{Column, Side, Tables};
use crate::session::{Bind, Row, Session, values};
use crate::values::{moment, parse};
use search::scope;

pub use inputs::{Dataset, DatasetInput, Output};
pub use metrics::Metric;
pub use readings::Reading;

/// Runs.
#[derive(Debug)]
pub struct Runs<'c>(pub(crate) Session<'c>);

/// The tag that always equals the run's name.
const NAME_TAG: &str = "mlflow.runName";

/// A run to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewRun {
    /// Its id.
    pub id: RunId,
    /// Its experiment.
    pub experiment: ExperimentId,
    /// Its name; the id's start if absent.
    pub name: Option<String>,
    /// Who runs it.
    pub user: Option<String>,
    /// When it starts.
    pub start_time: Timestamp,
    /// Where its artifacts go; below the experiment's location if absent.
    pub artifact_uri: Option<String>,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
}

/// What a run is, without what was logged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunInfo {
    /// Its id.
    pub id: RunId,
    /// Its experiment.
    pub experiment: ExperimentId,
    /// Its name.
    pub name: String,
    /// Who ran it.
    pub user: String,
    /// Its status.
    pub status: RunStatus,
    /// When it started.
    pub start_time: Timestamp,
    /// When it ended.
    pub end_time: Option<Timestamp>,
    /// Where its artifacts are.
    pub artifact_uri: String,
    /// Whether it is deleted.
    pub lifecycle: Lifecycle,
}

/// A run with what was logged.
#[derive(Clone, Debug, PartialEq)]
pub struct Run {
    /// What it is.
    pub info: RunInfo,
    /// Parameters.
    pub params: BTreeMap<String, String>,
    /// The latest value of each metric, in the order in which they were first logged.
    pub metrics: Vec<Metric>,
    /// Tags.
    pub tags: BTreeMap<String, String>,
    /// Datasets that it read.
    pub datasets: Vec<DatasetInput>,
    /// Models that it read, by id.
    pub model_inputs: Vec<String>,
    /// Models that it made.
    pub outputs: Vec<Output>,
}

/// What runs can be searched and ordered by, beside what they logged.
pub const RUN_COLUMNS: [Column; 7] = [
    Column::text("run_id", "runs.id"),
    Column::text("run_name", "runs.name"),
    Column::text("status", "runs.status"),
    Column::text("user_id", "runs.user"),
    Column::text("artifact_uri", "runs.artifact_uri"),
    Column::number("start_time", "runs.start_time"),
    Column::number("end_time", "runs.end_time"),
];

/// What runs can be searched by of the datasets they read.
pub const DATASET_COLUMNS: [Column; 3] = [
    Column::text("name", "d.name"),
    Column::text("digest", "d.digest"),
    Column::text("context", "s.context"),
];

const TABLES: Tables = Tables {
    select: "select runs.id, experiment, name, runs.user, status, start_time, end_time, artifact_uri, lifecycle from runs",
    order: "start_time desc, runs.id",
    metrics: Some(Side::new("latest_metrics", "s.run = runs.id")),
    params: Some(Side::new("params", "s.run = runs.id")),
    tags: Some(Side::new("tags", "s.run = runs.id")),
    metadata: None,
    datasets: Some(Side::new(
        "datasets d, inputs",
        "s.run = runs.id and d.id = s.dataset",
    )),
};

const COLUMNS: &str =
    "id, experiment, name, runs.user, status, start_time, end_time, artifact_uri, lifecycle";

struct RunRow {
    id: String,
    experiment: u64,
    name: String,
    user: String,
    status: String,
    start_time: i64,
    end_time: Option<i64>,
    artifact_uri: String,
    lifecycle: String,
}

impl RunRow {
    fn read(row: &Row<'_>) -> Result<Self, Error> {
        Ok(Self {
            id: row.get(0)?,
            experiment: row.get(1)?,
            name: row.get(2)?,
            user: row.get(3)?,
            status: row.get(4)?,
            start_time: row.get(5)?,
            end_time: row.get(6)?,
            artifact_uri: row.get(7)?,
            lifecycle: row.get(8)?,
        })
    }

    fn into_info(self) -> Result<RunInfo, Error> {
        Ok(RunInfo {
            status: parse(&self.status, "runs", "status", &self.id)?,
            id: parse(&self.id, "runs", "id", &self.id)?,
            experiment: ExperimentId(self.experiment),
            name: self.name,
            user: self.user,
            start_time: moment(self.start_time),
            end_time: self.end_time.map(moment),
            artifact_uri: self.artifact_uri,
            lifecycle: Lifecycle::read(&self.lifecycle),
        })
    }
}

impl Runs<'_> {
    /// Makes a run.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] if there is no such experiment, [`Error::Invalid`] if it is deleted,
    /// [`Error::AlreadyExists`] if the id is taken.
    pub fn create(&self, new: &NewRun) -> Result<(), Error> {
        let experiment = Experiments(self.0).get(new.experiment)?;
        if experiment.lifecycle == Lifecycle::Deleted {
            let id = new.experiment;
            return Err(Error::Invalid(format!(
                "The experiment {id} must be in the 'active' state. Current state is deleted."
            )));
        }
        if self.find(&new.id)?.is_some() {
            return Err(Error::AlreadyExists {
                what: "run",
                name: new.id.to_string(),
            });
        }
        let name = new
            .name
            .clone()
            .unwrap_or_else(|| new.id.as_str()[..8].to_owned());
        let uri = new.artifact_uri.clone().unwrap_or_else(|| {
            format!(
                "{}/{}/artifacts",
                experiment.artifact_location.trim_end_matches('/'),
                new.id
            )
        });
        let sql = "insert into runs (id, experiment, name, \"user\", status, start_time, artifact_uri) values ($1, $2, $3, $4, $5, $6, $7)";
        self.0.execute(
            sql,
            &values![
                new.id.as_str(),
                new.experiment.0,
                name,
                new.user.as_deref().unwrap_or_default(),
                RunStatus::Running.as_str(),
                new.start_time.as_millis(),
                uri
            ],
        )?;
        for (key, value) in &new.tags {
            self.put_tag(&new.id, key, value)?;
        }
        self.put_tag(&new.id, NAME_TAG, &name)
    }

    /// What a run is, if it exists.
    ///
    /// # Errors
    ///
    /// Fails if the store cannot be read.
    pub fn find(&self, id: &RunId) -> Result<Option<RunInfo>, Error> {
        let sql = format!("select {COLUMNS} from runs where id = $1");
        let row = self.0.find(&sql, &values![id.as_str()], RunRow::read)?;
        row.map(RunRow::into_info).transpose()
    }

    /// What a run is.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] if there is none.
    pub fn info(&self, id: &RunId) -> Result<RunInfo, Error> {
        self.find(id)?.ok_or_else(|| Error::not_found("run", &id))
    }

    /// A run with all that was logged.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] if there is none.
    pub fn get(&self, id: &RunId) -> Result<Run, Error> {
        self.with_logged(self.info(id)?)
    }

    fn with_logged(&self, info: RunInfo) -> Result<Run, Error> {
        let id = &info.id;
        Ok(Run {
            params: self.params(id)?,
            tags: self.tags(id)?,
            metrics: self.latest_metrics(id)?,
            datasets: self.datasets(id)?,
            model_inputs: self.model_inputs(id)?,
            outputs: self.outputs(id)?,
            info,
        })
    }

    /// The parameters of a run.
    ///
    /// # Errors
    ///
    /// Fails if the store cannot be read.
    pub fn params(&self, id: &RunId) -> Result<BTreeMap<String, String>, Error> {
        let sql = "select key, value from params where run = $1";
        self.0.pairs(sql, &values![id.as_str()])
    }

    /// The tags of a run.
    ///
    /// # Errors
    ///
    /// Fails if the store cannot be read.
    pub fn tags(&self, id: &RunId) -> Result<BTreeMap<String, String>, Error> {
        let sql = "select key, value from tags where run = $1";
        self.0.pairs(sql, &values![id.as_str()])
    }

    fn complete(&self, rows: Vec<RunRow>) -> Result<Vec<Run>, Error> {
        rows.into_iter()
            .map(|row| self.with_logged(row.into_info()?))
            .collect()
    }

    /// Runs of some experiments, the latest start first.
    ///
    /// # Errors
    ///
    /// Fails if the store cannot be read.
    pub fn list(
        &self,
        experiments: &[ExperimentId],
        view: View,
        limit: usize,
    ) -> Result<Vec<Run>, Error> {
        let (scope, ids) = scope(self.0.dialect(), experiments, view);
        let sql = format!(
            "select {COLUMNS} from runs where {scope} order by start_time desc, id limit $2"
        );
        let rows = self.0.query(&sql, &[ids, limit.bind()], RunRow::read)?;
        self.complete(rows)
    }

    /// Runs whose id begins so.
    ///
    /// # Errors
    ///
    /// Fails if the store cannot be read.
    pub fn list_by_beginning(&self, beginning: &str, limit: usize) -> Result<Vec<Run>, Error> {
        let sql = format!(
            "select {COLUMNS} from runs where substr(id, 1, length($1)) = $1 order by id limit $2"
        );
        let rows = self
            .0
            .query(&sql, &values![beginning, limit], RunRow::read)?;
        self.complete(rows)
    }

    /// Changes status, end and name; what is absent stays.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] if there is no such run.
    pub fn update(
        &self,
        id: &RunId,
        status: Option<RunStatus>,
        end_time: Option<Timestamp>,
        name: Option<&str>,
    ) -> Result<RunInfo, Error> {
        let sql = "update runs set status = coalesce($1, status), end_time = coalesce($2, end_time), name = coalesce($3, name) where id = $4";
        self.0.execute(
            sql,
            &values![
                status.map(RunStatus::as_str),
                end_time.map(Timestamp::as_millis),
                name,
                id.as_str()
            ],
        )?;
        if let Some(name) = name {
            self.put_tag(id, NAME_TAG, name)?;
        }
        self.info(id)
    }

    /// Sets a tag; `mlflow.runName` renames the run.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] if there is no such run, [`Error::Invalid`] if it is deleted.
    pub fn set_tag(&self, id: &RunId, key: &str, value: &str) -> Result<(), Error> {
        self.require_active(id)?;
        if key == NAME_TAG {
            self.0.execute(
                "update runs set name = $1 where id = $2",
                &values![value, id.as_str()],
            )?;
        }
        self.put_tag(id, key, value)
    }

    fn put_tag(&self, id: &RunId, key: &str, value: &str) -> Result<(), Error> {
        let sql = "insert into tags (run, key, value) values ($1, $2, $3) on conflict (run, key) do update set value = excluded.value";
        self.0.execute(sql, &values![id.as_str(), key, value])?;
        Ok(())
    }

    /// Removes a tag.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] if the run or the tag does not exist.
    pub fn delete_tag(&self, id: &RunId, key: &str) -> Result<(), Error> {
        self.require_active(id)?;
        let changed = self.0.execute(
            "delete from tags where run = $1 and key = $2",
            &values![id.as_str(), key],
        )?;
        if changed == 0 {
            Err(Error::not_found("tag", &key))
        } else {
            Ok(())
        }
    }

    /// Deletes a run softly; doing it twice changes nothing.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] if there is none.
    pub fn delete(&self, id: &RunId, now: Timestamp) -> Result<(), Error> {
        self.turn(id, Lifecycle::Deleted, Some(now))
    }

    /// Restores a run; doing it twice changes nothing.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] if there is none.
    pub fn restore(&self, id: &RunId) -> Result<(), Error> {
        self.turn(id, Lifecycle::Active, None)
    }

    fn turn(&self, id: &RunId, to: Lifecycle, at: Option<Timestamp>) -> Result<(), Error> {
        let sql = "update runs set lifecycle = $1, deleted_at = $2 where id = $3";
        let changed = self.0.execute(
            sql,
            &values![to.as_str(), at.map(Timestamp::as_millis), id.as_str()],
        )?;
        if changed == 0 {
            Err(Error::not_found("run", &id))
        } else {
            Ok(())
        }
    }

    /// Refuses to write to a run that is deleted or absent.
    pub(crate) fn require_active(&self, id: &RunId) -> Result<RunInfo, Error> {
        let info = self.info(id)?;
        if info.lifecycle == Lifecycle::Deleted {
            return Err(Error::Invalid(format!(
                "The run {id} must be in the 'active' state. Current state is deleted."
            )));
        }
        Ok(info)
    }
}
