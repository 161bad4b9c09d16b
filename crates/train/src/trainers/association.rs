//! How much each encoded column has to do with the target, one by one.

use super::{Job, shares};

/// The share of a column's variance that the classes explain, or its squared correlation with the values; over all
/// columns they sum to 1.
pub(super) fn association(job: &Job<'_>) -> Vec<f64> {
    let columns = 0..job.design.n_columns;
    shares(
        &columns
            .map(|column| of_column(job, column))
            .collect::<Vec<_>>(),
    )
}

fn of_column(job: &Job<'_>, column: usize) -> f64 {
    let values = || {
        let values = job.design.values.iter().skip(column);
        values.step_by(job.design.n_columns).zip(&job.row_weights)
    };
    let total: f64 = job.row_weights.iter().sum();
    let mean = values().map(|(value, weight)| value * weight).sum::<f64>() / total;
    let spread = |value: f64, weight: f64| weight * (value - mean).powi(2);
    let variance: f64 = values()
        .map(|(value, weight)| spread(*value, *weight))
        .sum();
    let explained = if job.task.is_classification() {
        let mut sums = vec![(0.0, 0.0); job.n_classes];
        for ((value, weight), class) in values().zip(job.target) {
            let (sum, count) = &mut sums[*class as usize];
            *sum += value * weight;
            *count += weight;
        }
        let of_class = |(sum, count): &(f64, f64)| spread(sum / count.max(1e-300), *count);
        sums.iter().map(of_class).sum()
    } else {
        let pairs = || job.target.iter().zip(&job.row_weights);
        let level = pairs().map(|(target, weight)| target * weight).sum::<f64>() / total;
        let own: f64 = pairs()
            .map(|(target, weight)| weight * (target - level).powi(2))
            .sum();
        let both: f64 = values()
            .zip(job.target)
            .map(|((value, weight), target)| weight * (value - mean) * (target - level))
            .sum();
        both.powi(2) / own
    };
    let share = explained / variance;
    if share.is_finite() {
        share.clamp(0.0, 1.0)
    } else {
        0.0
    }
}
