//! Quantiles, and the loss of predicted quantiles.

use crate::Outcomes;
use crate::regression::explained;

/// The mean pinball loss of predictions of a quantile (Koenker and Bassett 1978), in the target's unit.
pub(crate) fn pinball(outcomes: &Outcomes<'_>, share: f64) -> f64 {
    outcomes.mean(|truth, predicted| of_row(truth, predicted, share))
}

/// How much less the pinball loss is than that of the quantile of the truth.
pub(crate) fn d2(outcomes: &Outcomes<'_>, share: f64) -> f64 {
    let rows = outcomes.truth.iter().enumerate();
    let constant = quantile(
        rows.map(|(row, truth)| (*truth, outcomes.weight(row))),
        share,
    );
    explained(
        pinball(outcomes, share),
        outcomes.mean(|truth, _| of_row(truth, constant, share)),
    )
}

/// The median of the absolute errors, in the target's unit.
pub(crate) fn median_absolute_error(outcomes: &Outcomes<'_>) -> f64 {
    let errors = (0..outcomes.n_rows()).map(|row| {
        let error = (outcomes.truth[row] - outcomes.predicted[row]).abs();
        (error, outcomes.weight(row))
    });
    quantile(errors, 0.5)
}

fn of_row(truth: f64, predicted: f64, share: f64) -> f64 {
    let above = truth - predicted;
    if above >= 0.0 {
        share * above
    } else {
        (share - 1.0) * above
    }
}

/// The quantile of weighted values: the mean of both neighbours where the share falls between two of them (definition
/// 2 of Hyndman and Fan 1996). There must be a value with weight.
pub(crate) fn quantile(values: impl Iterator<Item = (f64, f64)>, share: f64) -> f64 {
    let mut values: Vec<(f64, f64)> = values.filter(|(_, weight)| *weight > 0.0).collect();
    values.sort_unstable_by(|left, right| left.0.total_cmp(&right.0));
    let mut below = 0.0;
    for (_, weight) in &mut values {
        below += *weight;
        *weight = below;
    }
    let wanted = share * below;
    let last = values.len() - 1;
    let at = values
        .partition_point(|(_, below)| *below < wanted)
        .min(last);
    if values[at].1 - wanted > f64::EPSILON {
        values[at].0
    } else {
        f64::midpoint(values[at].0, values[(at + 1).min(last)].0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(values: &[(f64, f64)], share: f64, expected: f64) {
        assert_eq!(quantile(values.iter().copied(), share), expected);
    }

    #[test]
    fn a_quantile_between_two_values_is_their_mean() {
        check(&[(1.0, 1.0), (3.0, 1.0)], 0.5, 2.0);
        check(&[(3.0, 1.0), (1.0, 1.0), (2.0, 1.0)], 0.5, 2.0);
        check(&[(1.0, 1.0), (3.0, 1.0)], 0.9, 3.0);
        check(&[(7.0, 1.0)], 0.1, 7.0);
    }

    #[test]
    fn rows_without_weight_do_not_count() {
        check(&[(1.0, 1.0), (2.0, 0.0), (3.0, 1.0)], 0.5, 2.0);
        check(&[(1.0, 1.0), (2.0, 5.0), (3.0, 1.0)], 0.5, 2.0);
    }
}
