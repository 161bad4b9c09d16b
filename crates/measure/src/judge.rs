//! Many tests at once, again and again: when is a difference worth an alarm?
//!
//! A window is compared in every column, and windows follow each other, so some test would soon cry by chance. The
//! rate of false alarms over the whole life of a model is kept by spending it: look `k` may use the share
//! `6 / (pi k)^2` of it (the shares sum to 1), and within a look the columns are corrected by Holm's method (1979).
//! And a difference that is certain but small is none: the effect must reach a minimum.

use crate::ColumnDrift;

/// Whether a column drifted.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Judgement {
    /// Whether it drifted: significant, and large enough to matter.
    pub drifted: bool,
    /// The p-value must not exceed this.
    pub p_threshold: f64,
    /// The effect must reach this.
    pub min_effect: f64,
}

/// Judges the columns of one look, in their order. Looks count from 1.
#[must_use]
pub fn judge(
    drifts: &[ColumnDrift],
    false_alarm_rate: f64,
    min_effect: f64,
    look: u64,
) -> Vec<Judgement> {
    let look = look.max(1) as f64;
    let budget = false_alarm_rate * 6.0 / (std::f64::consts::PI * look).powi(2);
    let mut order: Vec<usize> = (0..drifts.len()).collect();
    order.sort_by(|left, right| drifts[*left].p_value.total_cmp(&drifts[*right].p_value));
    let mut judgements = vec![
        Judgement {
            drifted: false,
            p_threshold: 0.0,
            min_effect
        };
        drifts.len()
    ];
    let mut is_significant = true;
    for (rank, column) in order.into_iter().enumerate() {
        let p_threshold = budget / (drifts.len() - rank) as f64;
        // Holm: after the first that is not significant none is.
        is_significant &= drifts[column].p_value <= p_threshold;
        let drifted = is_significant && drifts[column].effect >= min_effect;
        judgements[column] = Judgement {
            drifted,
            p_threshold,
            min_effect,
        };
    }
    judgements
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drift(p_value: f64, effect: f64) -> ColumnDrift {
        ColumnDrift {
            statistic: "ks",
            value: effect,
            p_value,
            effect,
            n_reference: 100,
            n_window: 100,
        }
    }

    #[track_caller]
    fn check(drifts: &[(f64, f64)], look: u64, expected: &[bool]) {
        let drifts: Vec<_> = drifts
            .iter()
            .map(|(p_value, effect)| drift(*p_value, *effect))
            .collect();
        let found: Vec<bool> = judge(&drifts, 0.05, 0.1, look)
            .iter()
            .map(|judgement| judgement.drifted)
            .collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn both_significance_and_size_are_needed() {
        check(&[(1e-9, 0.5)], 1, &[true]);
        check(&[(1e-9, 0.01)], 1, &[false]);
        check(&[(0.5, 0.5)], 1, &[false]);
    }

    #[test]
    fn more_columns_need_stronger_evidence() {
        check(&[(0.02, 0.5)], 1, &[true]);
        check(
            &[(0.02, 0.5), (0.5, 0.5), (0.6, 0.5)],
            1,
            &[false, false, false],
        );
        check(
            &[(1e-6, 0.5), (0.5, 0.5), (0.014, 0.5)],
            1,
            &[true, false, true],
        );
    }

    #[test]
    fn later_looks_need_stronger_evidence() {
        check(&[(0.02, 0.5)], 1, &[true]);
        check(&[(0.02, 0.5)], 5, &[false]);
    }

    #[test]
    fn the_budget_is_never_exceeded() {
        let spent: f64 = (1..10_000)
            .map(|look| judge(&[drift(0.0, 1.0)], 0.05, 0.0, look)[0].p_threshold)
            .sum();
        assert!(spent <= 0.05, "{spent}");
    }
}
