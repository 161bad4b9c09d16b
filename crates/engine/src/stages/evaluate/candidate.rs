//! A model that is evaluated, champion or candidate, and what its predictions amount to.

use std::collections::BTreeMap;
use std::path::Path;

use arrow::array::RecordBatch;
use everloop_domain::{Task, Value};
use everloop_lifecycle::Lifecycle;
use everloop_measure::Metric;
use everloop_package::Scorer;

use super::unsupervised;
use crate::Error;
use crate::learning::input_columns;
use crate::scoring::{Scored, inputs};

/// A model that is looked at, and how its rows are scored.
pub(super) struct Candidate<'a> {
    pub(super) scorer: &'a dyn Scorer,
    pub(super) lifecycle: &'a Lifecycle,
    classes: Vec<Value>,
}

impl<'a> Candidate<'a> {
    pub(super) fn new(
        scorer: &'a dyn Scorer,
        lifecycle: &'a Lifecycle,
        dir: &Path,
    ) -> Result<Self, Error> {
        Ok(Self {
            scorer,
            lifecycle,
            classes: everloop_package::open(dir)?.classes,
        })
    }

    pub(super) fn score(&self, rows: &RecordBatch) -> Result<Scored, Error> {
        self.scored(rows, &self.predict(rows)?)
    }

    fn predict(&self, rows: &RecordBatch) -> Result<RecordBatch, Error> {
        let inputs = inputs(self.scorer, self.lifecycle, rows)?;
        Ok(self.scorer.score(&inputs)?)
    }

    fn scored(&self, rows: &RecordBatch, predictions: &RecordBatch) -> Result<Scored, Error> {
        Scored::of(self.lifecycle, ("test", rows), predictions, &self.classes)
    }

    /// What can be said of the model's predictions for rows, with and without a truth.
    pub(super) fn measure(
        &self,
        train: &RecordBatch,
        rows: &RecordBatch,
    ) -> Result<Measured, Error> {
        let lifecycle = self.lifecycle;
        let task = lifecycle.train.task;
        let mut measured = Measured::default();
        let predictions = self.predict(rows)?;
        if !task.is_supervised() {
            measured.metrics = unsupervised::scores(lifecycle, train, rows, &predictions)?;
            if task == Task::Clustering || lifecycle.dataset.target.is_empty() {
                return Ok(measured);
            }
        }
        let scored = self.scored(rows, &predictions)?;
        let (metrics, missing) = scores(lifecycle, &scored)?;
        measured.metrics.extend(metrics);
        Ok(Measured {
            missing,
            scored: Some(scored),
            ..measured
        })
    }

    /// The columns that the model sees.
    pub(super) fn inputs(&self, rows: &RecordBatch) -> Vec<String> {
        let declared = &self.scorer.signature().inputs;
        if declared.is_empty() {
            return input_columns(self.lifecycle, &rows.schema()).0;
        }
        declared.iter().map(|input| input.name.clone()).collect()
    }
}

/// What a model's predictions for some rows amount to.
#[derive(Default)]
pub(super) struct Measured {
    pub(super) metrics: BTreeMap<String, f64>,
    /// Why a metric has no value.
    pub(super) missing: BTreeMap<String, String>,
    /// Truth and predictions, where there is a truth.
    pub(super) scored: Option<Scored>,
}

/// Every metric of the task that can be computed on these rows; why the others cannot.
#[expect(
    clippy::type_complexity,
    reason = "values and what is missing belong together only here"
)]
fn scores(
    lifecycle: &Lifecycle,
    scored: &Scored,
) -> Result<(BTreeMap<String, f64>, BTreeMap<String, String>), Error> {
    let (mut metrics, mut missing) = (BTreeMap::new(), BTreeMap::new());
    // What is measured without a truth is no metric of outcomes.
    let is_own =
        |name: &&String| scored.task == lifecycle.train.task || Metric::parse(name).is_some();
    for name in lifecycle.evaluate.metrics.iter().filter(is_own) {
        let metric = Metric::parse(name)
            .ok_or_else(|| Error::Invalid(format!("unknown metric `{name}`")))?;
        match scored.score(metric) {
            Ok(value) => {
                metrics.insert(name.clone(), value);
            }
            Err(error) => {
                missing.insert(name.clone(), error.to_string());
            }
        }
    }
    // Something must be known of a candidate.
    match missing.first_key_value() {
        Some((_, why)) if metrics.is_empty() => Err(Error::Invalid(why.clone())),
        _ => Ok((metrics, missing)),
    }
}
