//! Permutation importances of the candidate on the test rows, by the first metric; rows count by their weight.

use arrow::array::RecordBatch;
use everloop_lifecycle::Lifecycle;
use everloop_measure::Metric;
use everloop_package::Scorer;

use crate::Error;
use crate::error::ModelError;
use crate::scoring::{Scored, inputs};

/// How often each column is shuffled.
const N_REPEATS: usize = 5;
/// So many rows are scored in all, about.
const MAX_SCORED_ROWS: usize = 30_000;
/// So many rows are shuffled at least, if there are as many: fewer would tell chance.
const MIN_ROWS: usize = 100;
/// So many at most.
const MAX_ROWS: usize = 2000;

/// By input: the mean loss of the first metric and its standard deviation, the greatest first. Without a truth: the
/// share of rows whose prediction changes. Nothing if the metric is not defined on these rows.
pub(super) fn importances(
    lifecycle: &Lifecycle,
    scorer: &dyn Scorer,
    test: &RecordBatch,
) -> Result<Vec<(String, f64, f64)>, Error> {
    let all = inputs(scorer, lifecycle, test)?;
    let n_columns = all.num_columns().max(1);
    let n_rows = (MAX_SCORED_ROWS / (n_columns * N_REPEATS)).clamp(MIN_ROWS, MAX_ROWS);
    let n_rows = n_rows.min(all.num_rows());
    let weights = weights(lifecycle, test, n_rows)?;
    let (rows, test) = (all.slice(0, n_rows), test.slice(0, n_rows));
    let seed = lifecycle.train.seed;
    let truth = test.column_by_name(&lifecycle.dataset.target);
    let metric = lifecycle.evaluate.metrics.first();
    let metric = metric.and_then(|name| Metric::parse(name));
    let (Some(truth), Some(metric)) = (truth, metric) else {
        let usual = scorer.score(&rows)?;
        let mut goodness =
            |rows: &RecordBatch| agreement(&usual, &scorer.score(rows)?, weights.as_deref());
        return everloop_train::permutation_importances(&rows, N_REPEATS, seed, &mut goodness);
    };
    let mut goodness = |rows: &RecordBatch| -> Result<f64, Error> {
        let mut scored = Scored::new(lifecycle.train.task, truth, &scorer.score(rows)?, &[])?;
        scored.weights.clone_from(&weights);
        let value = scored.score(metric)?;
        Ok(if metric.higher_is_better() {
            value
        } else {
            -value
        })
    };
    let found = everloop_train::permutation_importances(&rows, N_REPEATS, seed, &mut goodness);
    match found {
        Err(Error::Model(ModelError::Measure(_))) => Ok(Vec::new()),
        found => found,
    }
}

/// How much the first rows count, if the file says it and any of them does.
fn weights(
    lifecycle: &Lifecycle,
    test: &RecordBatch,
    n_rows: usize,
) -> Result<Option<Vec<f64>>, Error> {
    let Some(column) = &lifecycle.dataset.weight else {
        return Ok(None);
    };
    let mut weights = everloop_train::sample_weights(test, column, "test")?;
    weights.truncate(n_rows);
    let counts = weights.iter().any(|weight| *weight > 0.0);
    Ok(counts.then_some(weights))
}

/// The share of rows with the same prediction, by weight.
fn agreement(
    usual: &RecordBatch,
    now: &RecordBatch,
    weights: Option<&[f64]>,
) -> Result<f64, Error> {
    let column = |rows: &RecordBatch| {
        let column = rows.column_by_name("prediction");
        let column = column.map(crate::scoring::texts);
        column.ok_or_else(|| Error::Invalid("the model gives no column `prediction`".to_owned()))
    };
    let (usual, now) = (column(usual)?, column(now)?);
    let (mut same, mut all) = (0.0, 0.0);
    for (row, (usual, now)) in usual.iter().zip(&now).enumerate() {
        let weight = weights.map_or(1.0, |weights| weights[row]);
        all += weight;
        same += if usual == now { weight } else { 0.0 };
    }
    Ok(if all > 0.0 { same / all } else { 0.0 })
}
