//! The names that gates and conditions may use.

use everloop_domain::Task;

use crate::shape::{Choice, Shape};

/// Metrics of classes.
const OF_CLASSES: [&str; 6] = [
    "accuracy",
    "precision",
    "recall",
    "f1",
    "roc_auc",
    "log_loss",
];
/// Metrics of numbers.
const OF_NUMBERS: [&str; 4] = ["rmse", "mae", "r2", "mse"];

/// All metrics with what they are.
pub(crate) const METRIC_WORDS: [(&str, &str); 10] = [
    ("accuracy", "the share of right predictions"),
    (
        "precision",
        "the share of predicted positives that are positive",
    ),
    ("recall", "the share of positives that are found"),
    ("f1", "the harmonic mean of precision and recall"),
    ("roc_auc", "the area under the ROC curve"),
    ("log_loss", "the negative log-likelihood of the truth"),
    ("mse", "the mean squared error"),
    ("rmse", "the root of the mean squared error"),
    ("mae", "the mean absolute error"),
    ("r2", "the share of the variance that is explained"),
];

/// The name of a metric.
pub(crate) const METRIC: Shape = Shape::Choice(Choice {
    words: &METRIC_WORDS,
    planned: &[],
});

/// Differences between groups of people.
pub(crate) const FAIRNESS: [&str; 2] =
    ["demographic_parity_difference", "equalized_odds_difference"];

/// What is measured of a candidate besides its metrics.
pub(crate) const OF_CANDIDATE: [&str; 2] = ["latency_p99_ms", "n_rows"];

/// What is measured of the champion in service besides its metrics.
pub(crate) const OF_SERVICE: [&str; 6] = [
    "drift",
    "error_rate",
    "p50_ms",
    "p99_ms",
    "latency_p99_ms",
    "n_rows",
];

/// The metrics that suit a task.
pub(crate) fn suiting(task: Task) -> &'static [&'static str] {
    if task.is_classification() {
        &OF_CLASSES
    } else {
        &OF_NUMBERS
    }
}

/// The metrics that are measured when the file names none.
pub(crate) fn defaults(task: Task) -> &'static [&'static str] {
    if task.is_classification() {
        &OF_CLASSES
    } else {
        &OF_NUMBERS[..3]
    }
}

/// Whether the word is a metric of any task.
pub(crate) fn is_metric(word: &str) -> bool {
    METRIC_WORDS.iter().any(|(metric, _)| *metric == word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_metric_suits_some_task() {
        for (metric, _) in METRIC_WORDS {
            assert!(
                Task::ALL
                    .iter()
                    .any(|task| suiting(*task).contains(&metric)),
                "{metric}"
            );
        }
        for task in Task::ALL {
            assert!(
                defaults(task)
                    .iter()
                    .all(|metric| is_metric(metric) && suiting(task).contains(metric))
            );
        }
    }
}
