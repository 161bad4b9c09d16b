//! The names that gates and conditions may use.

mod groups;
mod words;

use everloop_domain::Task;

use self::words::{
    OF_ANOMALIES, OF_CLASSES, OF_CLUSTERS, OF_KNOWN_ANOMALIES, OF_MANY_CLASSES, OF_NUMBERS,
    OF_TWO_CLASSES,
};
use crate::shape::{Choice, Shape};

pub(crate) use self::groups::{COMPARISONS, N_COMPARISONS, RATES, is_comparison};

/// How many metrics there are.
const N_METRICS: usize = OF_CLASSES.len()
    + OF_TWO_CLASSES.len()
    + OF_MANY_CLASSES.len()
    + OF_NUMBERS.len()
    + OF_ANOMALIES.len()
    + OF_CLUSTERS.len();

/// All metrics with what they are.
pub(crate) const METRIC_WORDS: [(&str, &str); N_METRICS] = all();

const fn all() -> [(&'static str, &'static str); N_METRICS] {
    let tables: [&[(&str, &str)]; 6] = [
        &OF_CLASSES,
        &OF_TWO_CLASSES,
        &OF_MANY_CLASSES,
        &OF_NUMBERS,
        &OF_ANOMALIES,
        &OF_CLUSTERS,
    ];
    let mut all = [("", ""); N_METRICS];
    let (mut table, mut at) = (0, 0);
    while table < tables.len() {
        let mut row = 0;
        while row < tables[table].len() {
            all[at] = tables[table][row];
            (row, at) = (row + 1, at + 1);
        }
        table += 1;
    }
    all
}

/// The name of a metric.
pub(crate) const METRIC: Shape = Shape::Choice(Choice {
    words: &METRIC_WORDS,
});

/// What is measured of a candidate besides its metrics.
pub(crate) const OF_CANDIDATE: [&str; 9] = [
    "latency_p99_ms",
    "n_rows",
    "package_mb",
    "train_seconds",
    "peak_memory_mb",
    "champion.p_value",
    "champion.difference",
    "champion.difference.lower",
    "champion.difference.upper",
];

/// What is measured of the champion in service besides its metrics.
pub(crate) const OF_SERVICE: [&str; 6] = [
    "drift",
    "error_rate",
    "p50_ms",
    "p99_ms",
    "latency_p99_ms",
    "n_rows",
];

/// The metrics that suit a task, the usual ones first.
pub(crate) fn suiting(task: Task) -> impl Iterator<Item = &'static str> + Clone {
    let (general, special): (&[_], &[_]) = match task {
        Task::Binary => (&OF_CLASSES, &OF_TWO_CLASSES),
        Task::Multiclass => (&OF_CLASSES, &OF_MANY_CLASSES),
        Task::Regression => (&OF_NUMBERS, &[]),
        Task::Anomaly => (&OF_KNOWN_ANOMALIES, &OF_ANOMALIES),
        Task::Clustering => (&OF_CLUSTERS, &[]),
    };
    general.iter().chain(special).map(|(metric, _)| *metric)
}

/// Whether the metric suits the task.
pub(crate) fn suits(metric: &str, task: Task) -> bool {
    suiting(task).any(|suiting| suiting == metric)
}

/// The usual metrics of a task, in words, and how many there are.
pub(crate) fn usual(task: Task) -> String {
    let usual: Vec<&str> = defaults(task).collect();
    format!("{}, … ({} in all)", usual.join(", "), suiting(task).count())
}

/// The metrics that are measured when the file names none.
pub(crate) fn defaults(task: Task) -> impl Iterator<Item = &'static str> {
    suiting(task).take(match task {
        Task::Regression => 3,
        Task::Binary | Task::Multiclass | Task::Clustering => 6,
        Task::Anomaly => usize::MAX,
    })
}

/// Whether the metric compares with a truth that the task does without.
pub(crate) fn needs_target(metric: &str, task: Task) -> bool {
    task == Task::Anomaly && OF_KNOWN_ANOMALIES.iter().any(|(known, _)| *known == metric)
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
        for (metric, words) in METRIC_WORDS {
            assert!(
                Task::ALL.iter().any(|task| suits(metric, *task)),
                "{metric}"
            );
            assert!(!words.is_empty(), "{metric}");
        }
    }

    #[test]
    fn the_usual_metrics_suit_their_task() {
        let usual = |task| defaults(task).collect::<Vec<_>>().join(" ");
        let of_classes = "accuracy precision recall f1 roc_auc log_loss";
        assert_eq!(usual(Task::Binary), of_classes);
        assert_eq!(usual(Task::Multiclass), of_classes);
        assert_eq!(usual(Task::Regression), "rmse mae r2");
        assert_eq!(
            usual(Task::Anomaly),
            "roc_auc average_precision precision recall f1 flagged_share"
        );
        assert_eq!(
            usual(Task::Clustering),
            "silhouette davies_bouldin calinski_harabasz inertia"
        );
    }
}
