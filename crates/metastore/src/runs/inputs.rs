//! What runs read and made: datasets and logged models.

use everloop_domain::RunId;
use rusqlite::params;

use super::Runs;
use crate::Error;

/// A dataset, as MLflow describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dataset {
    /// Its name.
    pub name: String,
    /// The digest of its rows.
    pub digest: String,
    /// How it was read: `local`, `sql` …
    pub source_type: String,
    /// Where from.
    pub source: String,
    /// Its schema, as JSON.
    pub schema: Option<String>,
    /// Its profile, as JSON.
    pub profile: Option<String>,
}

/// A model that a run made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Output {
    /// The logged model's id.
    pub model_id: String,
    /// The step at which it was made.
    pub step: i64,
}

impl Runs<'_> {
    /// Says that a run read a dataset, in a context (`train`, `test`, or nothing).
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] if there is no such run, [`Error::Invalid`] if it is deleted.
    pub fn log_dataset(&self, id: &RunId, dataset: &Dataset, context: &str) -> Result<(), Error> {
        let info = self.require_active(id)?;
        let sql = "insert into datasets (experiment, name, digest, source_type, source, schema, profile) \
             values ($1, $2, $3, $4, $5, $6, $7) on conflict (experiment, name, digest) do nothing";
        self.0.prepare_cached(sql)?.execute(params![
            info.experiment.0,
            dataset.name,
            dataset.digest,
            dataset.source_type,
            dataset.source,
            dataset.schema,
            dataset.profile
        ])?;
        let sql = "insert into inputs (run, dataset, context) select $1, id, $2 from datasets \
             where experiment = $3 and name = $4 and digest = $5 on conflict do nothing";
        self.0.prepare_cached(sql)?.execute(params![
            id.as_str(),
            context,
            info.experiment.0,
            dataset.name,
            dataset.digest
        ])?;
        Ok(())
    }

    /// Says that a run made models.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] if there is no such run, [`Error::Invalid`] if it is deleted.
    pub fn log_outputs(&self, id: &RunId, outputs: &[Output]) -> Result<(), Error> {
        self.require_active(id)?;
        let sql =
            "insert into outputs (run, model, step) values ($1, $2, $3) on conflict do nothing";
        let mut statement = self.0.prepare_cached(sql)?;
        for output in outputs {
            statement.execute(params![id.as_str(), output.model_id, output.step])?;
        }
        Ok(())
    }

    pub(super) fn datasets(&self, id: &RunId) -> Result<Vec<(Dataset, String)>, Error> {
        let sql = "select name, digest, source_type, source, schema, profile, context from inputs \
             join datasets on datasets.id = inputs.dataset where run = $1 order by datasets.id, context";
        let mut statement = self.0.prepare_cached(sql)?;
        let rows = statement.query_map([id.as_str()], |row| {
            let dataset = Dataset {
                name: row.get(0)?,
                digest: row.get(1)?,
                source_type: row.get(2)?,
                source: row.get(3)?,
                schema: row.get(4)?,
                profile: row.get(5)?,
            };
            Ok((dataset, row.get(6)?))
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    pub(super) fn outputs(&self, id: &RunId) -> Result<Vec<Output>, Error> {
        let mut statement = self.0.prepare_cached(
            "select model, step from outputs where run = $1 order by step, model",
        )?;
        let rows = statement.query_map([id.as_str()], |row| {
            Ok(Output {
                model_id: row.get(0)?,
                step: row.get(1)?,
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}
