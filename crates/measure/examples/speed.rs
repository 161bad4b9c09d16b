//! Times metrics and fairness on generated rows; `cargo xtask bench measure` runs it beside its peers.
//!
//! Writes one JSON line: the rows, seconds by what was computed, and numbers by which the peers' can be checked.

#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a program that is read by the benchmark alone"
)]

use std::time::Instant;

use everloop_domain::Task;
use everloop_measure::{Comparison, GroupCounts, GroupRate, Groups, Metric, Outcomes, score};

const RATES: [GroupRate; 9] = [
    GroupRate::Count,
    GroupRate::SelectionRate,
    GroupRate::TruePositiveRate,
    GroupRate::FalsePositiveRate,
    GroupRate::TrueNegativeRate,
    GroupRate::FalseNegativeRate,
    GroupRate::Accuracy,
    GroupRate::Precision,
    GroupRate::F1,
];
const METRICS: [&str; 10] = [
    "accuracy",
    "precision",
    "recall",
    "f1",
    "mcc",
    "balanced_accuracy",
    "roc_auc",
    "log_loss",
    "average_precision",
    "brier",
];

/// A number that looks random, the same as in `peers.py`.
fn mixed(row: u64, salt: u64) -> u64 {
    (row * 2_654_435_761 + salt * 40_503) % 4_294_967_291 % 1_000_003
}

fn main() {
    let n_rows: u64 = std::env::args()
        .nth(1)
        .map_or(1_000_000, |it| it.parse().unwrap());
    let rows = || 0..n_rows;
    let truth: Vec<f64> = rows()
        .map(|row| f64::from(u8::from(mixed(row, 1) < 400_000)))
        .collect();
    let probabilities: Vec<f64> = rows()
        .zip(&truth)
        .map(|(row, truth)| {
            (mixed(row, 2) as f64 / 1_000_003.0 * 0.7 + 0.3 * truth).clamp(0.001, 0.999)
        })
        .collect();
    let predicted: Vec<f64> = probabilities
        .iter()
        .map(|it| f64::from(u8::from(*it > 0.5)))
        .collect();
    let column = |salt: u64, n_groups: u64| -> Vec<String> {
        rows()
            .map(|row| format!("group {}", mixed(row, salt) % n_groups))
            .collect()
    };
    let columns = [column(3, 2), column(4, 5), column(5, 9)];
    let outcomes = Outcomes {
        task: Task::Binary,
        truth: &truth,
        predicted: &predicted,
        probabilities: Some(&probabilities),
        n_classes: 2,
        weights: None,
    };
    let (by_column, check) = timed(|| {
        columns
            .iter()
            .map(|column| compare(&outcomes, &Groups::of(column)))
            .sum()
    });
    let (together, check_together) = timed(|| {
        let [one, two, three] = [0, 1, 2].map(|at: usize| Groups::of(&columns[at]));
        compare(
            &outcomes,
            &one.intersection(&two)
                .unwrap()
                .intersection(&three)
                .unwrap(),
        )
    });
    let (metrics, check_metrics) = timed(|| {
        METRICS
            .iter()
            .map(|name| score(Metric::parse(name).unwrap(), &outcomes).unwrap())
            .sum()
    });
    println!(
        "{{\"rows\": {n_rows}, \"seconds\": [{by_column}, {together}, {metrics}], \"checks\": [{check}, {check_together}, {check_metrics}]}}"
    );
}

/// The sum of all differences between groups and of all ratios to the overall number.
fn compare(outcomes: &Outcomes<'_>, groups: &Groups) -> f64 {
    let counts = GroupCounts::of(outcomes, groups).unwrap();
    RATES
        .iter()
        .map(|rate| {
            let values = counts.rate(*rate);
            values.difference(Comparison::BetweenGroups).unwrap()
                + values.ratio(Comparison::ToOverall).unwrap()
        })
        .sum()
}

/// Seconds that the processor has worked for this thread; those on the wall where the system does not tell.
fn processor_seconds(start: Instant) -> f64 {
    let told = std::fs::read_to_string("/proc/thread-self/schedstat");
    let nanoseconds = told
        .ok()
        .and_then(|it| it.split(' ').next()?.parse::<f64>().ok());
    nanoseconds.map_or_else(|| start.elapsed().as_secs_f64(), |it| it / 1e9)
}

/// The least of five times, in seconds of the processor, and what was computed.
fn timed(work: impl Fn() -> f64) -> (f64, f64) {
    let mut best = f64::INFINITY;
    let mut found = 0.0;
    let began = Instant::now();
    for _ in 0..5 {
        let start = processor_seconds(began);
        found = work();
        best = best.min(processor_seconds(began) - start);
    }
    (best, found)
}
