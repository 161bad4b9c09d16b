//! The naive prediction beside the candidate: a model that is not better than a constant is worth nothing.

use std::collections::BTreeMap;

use arrow::array::RecordBatch;
use everloop_lifecycle::Lifecycle;
use everloop_measure::Metric;
use everloop_train::Naive;
use serde::{Deserialize, Serialize};

use super::metrics;
use crate::Error;
use crate::scoring::Scored;

/// What stands before a metric of the naive prediction, in gates and runs.
const PREFIX: &str = "naive";

/// How the naive prediction does on the candidate's rows.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct NaiveScores {
    /// How it was found: `mean`, `last` or `prior`.
    pub strategy: String,
    /// Its scores; a metric that is not defined of a constant is absent.
    pub metrics: BTreeMap<String, f64>,
    /// Why there is none, if there is none.
    pub problem: Option<String>,
}

impl NaiveScores {
    /// Fits it to the train part and scores it on the test rows.
    pub(super) fn of(lifecycle: &Lifecycle, train: &RecordBatch, test: &RecordBatch) -> Self {
        if !lifecycle.train.task.is_supervised() {
            return Self::default();
        }
        match Self::compute(lifecycle, train, test) {
            Ok(found) => found,
            Err(error) => Self {
                problem: Some(error.to_string()),
                ..Self::default()
            },
        }
    }

    /// Of several naive predictions the one that is hardest to beat by the first metric.
    fn compute(
        lifecycle: &Lifecycle,
        train: &RecordBatch,
        test: &RecordBatch,
    ) -> Result<Self, Error> {
        let dataset = &lifecycle.dataset;
        let all = Naive::fit(
            lifecycle.train.task,
            train,
            &dataset.target,
            dataset.weight.as_deref(),
            dataset.time.as_deref(),
        )?;
        let metrics = metrics(lifecycle);
        let mut best: Option<(Self, Option<f64>)> = None;
        for naive in all {
            let own = Self::score(lifecycle, &naive, test, &metrics)?;
            let first = metrics.first().and_then(|metric| {
                let value = own.metrics.get(metric.name())?;
                Some(if metric.higher_is_better() {
                    *value
                } else {
                    -value
                })
            });
            if best.as_ref().is_none_or(|(_, best)| first > *best) {
                best = Some((own, first));
            }
        }
        Ok(best.map(|(own, _)| own).unwrap_or_default())
    }

    fn score(
        lifecycle: &Lifecycle,
        naive: &Naive,
        test: &RecordBatch,
        metrics: &[Metric],
    ) -> Result<Self, Error> {
        let predictions = naive.predict(test.num_rows())?;
        let scored = Scored::of(lifecycle, ("test", test), &predictions, &naive.classes)?;
        let metrics = metrics.iter().filter_map(|metric| {
            let value = scored.score(*metric).ok()?;
            Some((metric.name().to_owned(), value))
        });
        Ok(Self {
            strategy: naive.strategy.to_owned(),
            metrics: metrics.collect(),
            problem: None,
        })
    }

    /// Its scores under the names that gates and runs have for them.
    pub(crate) fn named(&self) -> impl Iterator<Item = (String, f64)> + '_ {
        let metrics = self.metrics.iter();
        metrics.map(|(name, value)| (format!("{PREFIX}.{name}"), *value))
    }

    /// In words, how a candidate's score compares; nothing if the metric is not defined of a constant.
    #[must_use]
    pub fn comparison(&self, metric: &str, candidate: f64) -> Option<String> {
        let (own, parsed) = (*self.metrics.get(metric)?, Metric::parse(metric)?);
        let is_better = if parsed.higher_is_better() {
            candidate > own
        } else {
            candidate < own
        };
        let words = if is_better {
            "naive"
        } else {
            "NOT better than naive"
        };
        Some(format!("{words} ({}) {own:.4}", self.strategy))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_comparison_says_whether_anything_was_learnt() {
        let naive = NaiveScores {
            strategy: "mean".to_owned(),
            metrics: BTreeMap::from([("rmse".to_owned(), 2.0), ("r2".to_owned(), 0.0)]),
            problem: None,
        };
        let check = |metric, candidate, expected: Option<&str>| {
            let found = naive.comparison(metric, candidate);
            assert_eq!(found.as_deref(), expected);
        };
        check("rmse", 1.0, Some("naive (mean) 2.0000"));
        check("rmse", 2.0, Some("NOT better than naive (mean) 2.0000"));
        check("r2", 0.1, Some("naive (mean) 0.0000"));
        check("r2", -0.1, Some("NOT better than naive (mean) 0.0000"));
        check("mae", 1.0, None);
        let named: Vec<(String, f64)> = naive.named().collect();
        assert_eq!(named[1], ("naive.rmse".to_owned(), 2.0));
    }
}
