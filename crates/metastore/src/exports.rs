//! Reading what is kept whole, for those who take it elsewhere.

use everloop_domain::{ExperimentId, ModelName, RunId, VersionNumber};

use crate::imports::WholeRun;
use crate::runs::Runs;
use crate::session::{Session, values};
use crate::values::{moment, parse};
use crate::{Error, LoggedModel, LoggedModels};

/// What goes elsewhere.
#[derive(Debug)]
pub struct Exports<'c>(pub(crate) Session<'c>);

impl Exports<'_> {
    /// The ids of the runs of an experiment, deleted ones included, the earliest start first.
    ///
    /// # Errors
    ///
    /// Fails if the store cannot be read.
    pub fn runs(&self, experiment: ExperimentId) -> Result<Vec<RunId>, Error> {
        let sql = "select id from runs where experiment = $1 order by start_time, id";
        self.0.query(sql, &values![experiment.0], |row| {
            let id: String = row.get(0)?;
            parse(&id, "runs", "id", &id)
        })
    }

    /// A run with all points of its metrics: metric by metric, as histories give them.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] if there is none.
    pub fn run(&self, id: &RunId) -> Result<WholeRun, Error> {
        let runs = Runs(self.0);
        let run = runs.get(id)?;
        let mut points = Vec::new();
        for latest in &run.metrics {
            points.extend(runs.metric_history(id, &latest.key)?);
        }
        let sql = "select deleted_at from runs where id = $1";
        let deleted_at: Option<Option<i64>> =
            self.0.find(sql, &values![id.as_str()], |row| row.get(0))?;
        Ok(WholeRun {
            run,
            points,
            deleted_at: deleted_at.flatten().map(moment),
        })
    }

    /// The logged models of an experiment that are not deleted, oldest first, and how many are.
    ///
    /// # Errors
    ///
    /// Fails if the store cannot be read.
    pub fn logged_models(
        &self,
        experiment: ExperimentId,
    ) -> Result<(Vec<LoggedModel>, u64), Error> {
        let sql = "select id from logged_models where experiment = $1 and deleted_at is null order by created_at, id";
        let ids = self
            .0
            .query(sql, &values![experiment.0], |row| row.get(0))?;
        let models = ids.iter().map(|id: &String| LoggedModels(self.0).get(id));
        let sql =
            "select count(*) from logged_models where experiment = $1 and deleted_at is not null";
        let n_deleted = self.0.value(sql, &values![experiment.0])?;
        Ok((models.collect::<Result<_, _>>()?, n_deleted))
    }

    /// How many traces an experiment has.
    ///
    /// # Errors
    ///
    /// Fails if the store cannot be read.
    pub fn n_traces(&self, experiment: ExperimentId) -> Result<u64, Error> {
        let sql = "select count(*) from traces where experiment = $1";
        self.0.value(sql, &values![experiment.0])
    }

    /// The number that the next version of a model gets.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] if there is no such model.
    pub fn next_version(&self, name: &ModelName) -> Result<VersionNumber, Error> {
        let sql = "select next_version from registered_models where name = $1";
        let next = self
            .0
            .find(sql, &values![name.as_str()], |row| row.get(0))?;
        next.map(VersionNumber)
            .ok_or_else(|| Error::not_found("registered model", name))
    }
}
