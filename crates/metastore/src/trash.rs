//! What was deleted softly, and its end.

use everloop_domain::{ExperimentId, RunId, Timestamp};

use crate::Error;
use crate::experiments::{Experiments, Lifecycle, View};
use crate::runs::{RunInfo, Runs};
use crate::session::{Session, values};
use crate::values::{moment, parse};

/// What was deleted softly.
#[derive(Debug)]
pub struct Trash<'c>(pub(crate) Session<'c>);

/// Something that was deleted, and where its artifacts are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deleted<T> {
    /// Its id.
    pub id: T,
    /// Where its artifacts are.
    pub artifacts: String,
    /// When it was deleted.
    pub deleted_at: Timestamp,
}

impl Trash<'_> {
    /// The deleted runs, oldest deletion first.
    ///
    /// # Errors
    ///
    /// Fails if the store cannot be read.
    pub fn runs(&self) -> Result<Vec<Deleted<RunId>>, Error> {
        let sql = "select id, artifact_uri, coalesce(deleted_at, 0) from runs where lifecycle = 'deleted' \
             order by deleted_at, id";
        self.0.query(sql, &[], |row| {
            let id: String = row.get(0)?;
            Ok(Deleted {
                id: parse(&id, "runs", "id", &id)?,
                artifacts: row.get(1)?,
                deleted_at: moment(row.get(2)?),
            })
        })
    }

    /// The deleted experiments, in the order of their ids.
    ///
    /// # Errors
    ///
    /// Fails if the store cannot be read.
    pub fn experiments(&self) -> Result<Vec<Deleted<ExperimentId>>, Error> {
        let sql = "select id, artifact_location, updated_at from experiments where lifecycle = 'deleted' order by id";
        self.0.query(sql, &[], |row| {
            Ok(Deleted {
                id: ExperimentId(row.get(0)?),
                artifacts: row.get(1)?,
                deleted_at: moment(row.get(2)?),
            })
        })
    }

    /// The deleted logged models, oldest deletion first.
    ///
    /// # Errors
    ///
    /// Fails if the store cannot be read.
    pub fn logged_models(&self) -> Result<Vec<Deleted<String>>, Error> {
        let sql = "select id, artifact_location, deleted_at from logged_models where deleted_at is not null \
             order by deleted_at, id";
        self.0.query(sql, &[], |row| {
            Ok(Deleted {
                id: row.get(0)?,
                artifacts: row.get(1)?,
                deleted_at: moment(row.get(2)?),
            })
        })
    }

    /// All runs of an experiment.
    ///
    /// # Errors
    ///
    /// Fails if the store cannot be read.
    pub fn runs_of(&self, experiment: ExperimentId) -> Result<Vec<RunInfo>, Error> {
        let runs = Runs(self.0).list(&[experiment], View::All, usize::MAX >> 1)?;
        Ok(runs.into_iter().map(|run| run.info).collect())
    }

    /// Removes a deleted run with all that it logged, for good.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] if there is none, [`Error::Invalid`] if it is not deleted.
    pub fn purge_run(&self, id: &RunId) -> Result<(), Error> {
        if Runs(self.0).info(id)?.lifecycle != Lifecycle::Deleted {
            return Err(in_use("run", id));
        }
        self.0
            .execute("delete from runs where id = $1", &values![id.as_str()])?;
        Ok(())
    }

    /// Removes a deleted experiment with its runs, logged models and traces, for good.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] if there is none, [`Error::Invalid`] if it is not deleted.
    pub fn purge_experiment(&self, id: ExperimentId) -> Result<(), Error> {
        if Experiments(self.0).get(id)?.lifecycle != Lifecycle::Deleted {
            return Err(in_use("experiment", &id));
        }
        for sql in [
            "delete from runs where experiment = $1",
            "delete from logged_models where experiment = $1",
            "delete from trace_runs where trace in (select id from traces where experiment = $1)",
            "delete from traces where experiment = $1",
            "delete from experiments where id = $1",
        ] {
            self.0.execute(sql, &values![id.0])?;
        }
        Ok(())
    }

    /// Removes a deleted logged model, for good.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] if there is no deleted one.
    pub fn purge_logged_model(&self, id: &str) -> Result<(), Error> {
        let sql = "delete from logged_models where id = $1 and deleted_at is not null";
        match self.0.execute(sql, &values![id])? {
            0 => Err(Error::not_found("deleted logged model", id)),
            _ => Ok(()),
        }
    }
}

fn in_use(what: &str, id: &impl std::fmt::Display) -> Error {
    Error::Invalid(format!(
        "{what} `{id}` is not deleted; only what was deleted before can be removed for good"
    ))
}
