//! What runs read and made: datasets and logged models.

use everloop_domain::{ExperimentId, RunId};

use super::Runs;
use crate::Error;
use crate::session::values;
use crate::values::{json, to_json};

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

/// That a run read a dataset.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DatasetInput {
    /// The dataset.
    pub dataset: Dataset,
    /// What is said of it; the tag `mlflow.data.context` tells what it was for (`train`, `test`).
    pub tags: Vec<(String, String)>,
}

impl DatasetInput {
    /// A dataset that was read for something.
    #[must_use]
    pub fn in_context(dataset: Dataset, context: &str) -> Self {
        let tags = vec![(CONTEXT_TAG.to_owned(), context.to_owned())];
        Self { dataset, tags }
    }

    /// What it was for; empty if nobody said.
    #[must_use]
    pub fn context(&self) -> &str {
        self.tags
            .iter()
            .find(|(key, _)| key == CONTEXT_TAG)
            .map_or("", |(_, context)| context)
    }
}

/// The tag of an input that tells what it was for.
const CONTEXT_TAG: &str = "mlflow.data.context";

/// A model that a run made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Output {
    /// The logged model's id.
    pub model_id: String,
    /// The step at which it was made.
    pub step: i64,
}

impl Runs<'_> {
    /// Says that a run read a dataset; saying it again changes nothing.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] if there is no such run, [`Error::Invalid`] if it is deleted.
    pub fn log_dataset(&self, id: &RunId, input: &DatasetInput) -> Result<(), Error> {
        let dataset = &input.dataset;
        let info = self.require_active(id)?;
        let sql = "insert into datasets (experiment, name, digest, source_type, source, schema, profile) \
             values ($1, $2, $3, $4, $5, $6, $7) on conflict (experiment, name, digest) do nothing";
        self.0.execute(
            sql,
            &values![
                info.experiment.0,
                dataset.name,
                dataset.digest,
                dataset.source_type,
                dataset.source,
                dataset.schema,
                dataset.profile
            ],
        )?;
        let sql = "insert into inputs (run, dataset, context, tags) select $1, id, $2, $3 from datasets \
             where experiment = $4 and name = $5 and digest = $6 on conflict do nothing";
        self.0.execute(
            sql,
            &values![
                id.as_str(),
                input.context(),
                to_json(&input.tags),
                info.experiment.0,
                dataset.name,
                dataset.digest
            ],
        )?;
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
        let rows: Vec<_> = outputs
            .iter()
            .map(|output| values![id.as_str(), output.model_id, output.step].to_vec())
            .collect();
        self.0.insert_rows(sql, &rows)?;
        Ok(())
    }

    /// Says that a run read a logged model.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] if there is no such run, [`Error::Invalid`] if it is deleted.
    pub fn log_model_input(&self, id: &RunId, model_id: &str) -> Result<(), Error> {
        self.require_active(id)?;
        let sql = "insert into model_inputs (run, model) values ($1, $2) on conflict do nothing";
        self.0.execute(sql, &values![id.as_str(), model_id])?;
        Ok(())
    }

    pub(super) fn model_inputs(&self, id: &RunId) -> Result<Vec<String>, Error> {
        let sql = "select model from model_inputs where run = $1 order by model";
        self.0.query(sql, &values![id.as_str()], |row| row.get(0))
    }

    /// The names, digests and contexts of the datasets that runs of an experiment read.
    ///
    /// # Errors
    ///
    /// Fails if the store cannot be read.
    pub fn dataset_summaries(
        &self,
        experiment: ExperimentId,
        limit: usize,
    ) -> Result<Vec<(String, String, String)>, Error> {
        let sql = "select distinct name, digest, context from inputs join datasets on datasets.id = inputs.dataset \
             where experiment = $1 order by name, digest, context limit $2";
        self.0.query(sql, &values![experiment.0, limit], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?))
        })
    }

    pub(super) fn datasets(&self, id: &RunId) -> Result<Vec<DatasetInput>, Error> {
        let sql = "select name, digest, source_type, source, schema, profile, tags from inputs \
             join datasets on datasets.id = inputs.dataset where run = $1 order by datasets.id, context";
        self.0.query(sql, &values![id.as_str()], |row| {
            let dataset = Dataset {
                name: row.get(0)?,
                digest: row.get(1)?,
                source_type: row.get(2)?,
                source: row.get(3)?,
                schema: row.get(4)?,
                profile: row.get(5)?,
            };
            let tags = json(&row.get::<String>(6)?, "inputs", "tags", id)?;
            Ok(DatasetInput { dataset, tags })
        })
    }

    pub(super) fn outputs(&self, id: &RunId) -> Result<Vec<Output>, Error> {
        let sql = "select model, step from outputs where run = $1 order by step, model";
        self.0.query(sql, &values![id.as_str()], |row| {
            Ok(Output {
                model_id: row.get(0)?,
                step: row.get(1)?,
            })
        })
    }
}
