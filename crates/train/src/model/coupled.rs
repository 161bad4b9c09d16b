//! Classes from pairs of classes: log odds of each pair to one score a class.
//!
//! From the shares `r_ij` of class `i` against `j` the probability of `i` is proportional to
//! `1 / (sum over j of 1 / r_ij - (k - 2))` (Price, Knerr, Personnaz and Dreyfus 1995; compared with others by Wu, Lin and
//! Weng 2004). Unlike the iterative couplings it is a closed form, so that the graph can hold it.

use everloop_package::graph::{GraphBuilder, Matrix};

use super::Model;
use crate::encoder::Design;

/// Shares of a pair stay so far from 0 and 1, as libsvm has it.
const LEAST_SHARE: f64 = 1e-7;

/// Scores are logarithms of probabilities up to a constant.
#[derive(Debug)]
pub(crate) struct CoupledModel {
    /// The log odds of the first class of each pair (0 and 1, 0 and 2, …, 1 and 2, …) against the second.
    pub(crate) pairs: Box<dyn Model>,
    pub(crate) n_classes: usize,
}

impl CoupledModel {
    /// The pairs of classes, in order.
    pub(crate) fn pairs(n_classes: usize) -> impl Iterator<Item = (usize, usize)> {
        (0..n_classes).flat_map(move |one| (one + 1..n_classes).map(move |other| (one, other)))
    }

    fn bias(&self) -> f64 {
        2.0 - self.n_classes as f64
    }
}

impl Model for CoupledModel {
    fn n_targets(&self) -> usize {
        self.n_classes
    }

    fn scores(&self, design: &Design) -> Vec<f64> {
        let odds = self.pairs.scores(design);
        let mut scores = Vec::with_capacity(design.n_rows * self.n_classes);
        for odds in odds.chunks(self.pairs.n_targets()) {
            let mut sums = vec![self.bias(); self.n_classes];
            for ((one, other), odds) in Self::pairs(self.n_classes).zip(odds) {
                let share = 1.0 / (1.0 + (-odds).exp());
                let share = share * (1.0 - 2.0 * LEAST_SHARE) + LEAST_SHARE;
                sums[one] += 1.0 / share;
                sums[other] += 1.0 / (1.0 - share);
            }
            scores.extend(sums.iter().map(|sum| -sum.ln()));
        }
        scores
    }

    fn emit(&self, builder: &mut GraphBuilder, matrix: &Matrix) -> Matrix {
        let odds = self.pairs.emit(builder, matrix);
        let n_pairs = odds.n_columns();
        let shares = builder.sigmoid(&odds);
        let shares = builder.multiply(&shares, 1.0 - 2.0 * LEAST_SHARE);
        let shares = builder.add(&shares, &vec![LEAST_SHARE; n_pairs]);
        let others = builder.multiply(&shares, -1.0);
        let others = builder.add(&others, &vec![1.0; n_pairs]);
        let both = builder.concat(&[shares, others]);
        let inverse = builder.reciprocal(&both);
        let mut weights = vec![0.0; 2 * n_pairs * self.n_classes];
        for (at, (one, other)) in Self::pairs(self.n_classes).enumerate() {
            weights[at * self.n_classes + one] = 1.0;
            weights[(n_pairs + at) * self.n_classes + other] = 1.0;
        }
        let sums = builder.linear(&inverse, &weights, &vec![self.bias(); self.n_classes]);
        let logarithms = builder.ln(&sums);
        builder.multiply(&logarithms, -1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{LinearModel, softmax};

    fn probabilities(odds: &[f64]) -> Vec<f64> {
        let model = CoupledModel {
            pairs: Box::new(LinearModel {
                weights: vec![0.0; odds.len()],
                bias: odds.to_vec(),
            }),
            n_classes: 3,
        };
        let row = Design {
            values: vec![0.0],
            n_rows: 1,
            n_columns: 1,
        };
        softmax(&model.scores(&row))
    }

    #[test]
    fn consistent_pairs_give_their_probabilities() {
        let expected = [0.5, 0.3, 0.2_f64];
        let odds = |one: usize, other: usize| (expected[one] / expected[other]).ln();
        let found = probabilities(&[odds(0, 1), odds(0, 2), odds(1, 2)]);
        for (found, expected) in found.iter().zip(expected) {
            assert!((found - expected).abs() < 1e-6, "{found} {expected}");
        }
    }

    #[test]
    fn certainty_is_no_division_by_zero() {
        let found = probabilities(&[1e9, 1e9, -1e9]);
        assert!(found[0] > 0.999 && found.iter().all(|share| share.is_finite()));
    }
}
