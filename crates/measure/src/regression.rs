//! Scores of predicted numbers.

use crate::Outcomes;

fn mean(values: impl ExactSizeIterator<Item = f64>) -> f64 {
    let count = values.len() as f64;
    values.sum::<f64>() / count
}

/// Mean squared error, in the target's unit squared.
pub(crate) fn mse(outcomes: &Outcomes<'_>) -> f64 {
    mean(
        outcomes
            .truth
            .iter()
            .zip(outcomes.predicted)
            .map(|(truth, predicted)| (truth - predicted).powi(2)),
    )
}

/// Mean absolute error, in the target's unit.
pub(crate) fn mae(outcomes: &Outcomes<'_>) -> f64 {
    mean(
        outcomes
            .truth
            .iter()
            .zip(outcomes.predicted)
            .map(|(truth, predicted)| (truth - predicted).abs()),
    )
}

/// The share of the variance that is explained. For a constant truth it is 1 if the predictions are exact and 0
/// otherwise, as in scikit-learn.
pub(crate) fn r2(outcomes: &Outcomes<'_>) -> f64 {
    let centre = mean(outcomes.truth.iter().copied());
    let total: f64 = outcomes
        .truth
        .iter()
        .map(|truth| (truth - centre).powi(2))
        .sum();
    let residual = mse(outcomes) * outcomes.n_rows() as f64;
    match (total > 0.0, residual > 0.0) {
        (true, _) => 1.0 - residual / total,
        (false, true) => 0.0,
        (false, false) => 1.0,
    }
}

#[cfg(test)]
mod tests {
    use everloop_domain::Task;

    use crate::{Metric, Outcomes, score};

    #[track_caller]
    fn check(metric: Metric, truth: &[f64], predicted: &[f64], expected: f64) {
        let outcomes = Outcomes {
            task: Task::Regression,
            truth,
            predicted,
            probabilities: None,
            n_classes: 0,
        };
        let found = score(metric, &outcomes).unwrap();
        assert!(
            (found - expected).abs() < 1e-12,
            "{metric:?}: {found}, expected {expected}"
        );
    }

    #[test]
    fn errors_are_averaged() {
        let (truth, predicted) = ([3.0, -0.5, 2.0, 7.0], [2.5, 0.0, 2.0, 8.0]);
        check(Metric::Mse, &truth, &predicted, 0.375);
        check(Metric::Rmse, &truth, &predicted, 0.375_f64.sqrt());
        check(Metric::Mae, &truth, &predicted, 0.5);
        check(Metric::R2, &truth, &predicted, 0.948_608_137_044_967_9);
    }

    #[test]
    fn a_constant_truth_has_no_variance_to_explain() {
        check(Metric::R2, &[1.0, 1.0], &[1.0, 1.0], 1.0);
        check(Metric::R2, &[1.0, 1.0], &[1.0, 2.0], 0.0);
    }
}
