//! Linear models: `x W + b`.

use everloop_package::graph::{GraphBuilder, Matrix};

use super::Model;
use crate::algebra::dot;
use crate::encoder::Design;

/// `x W + b`.
#[derive(Debug)]
pub(crate) struct LinearModel {
    /// Column by target.
    pub(crate) weights: Vec<f64>,
    pub(crate) bias: Vec<f64>,
}

impl Model for LinearModel {
    fn n_targets(&self) -> usize {
        self.bias.len()
    }

    fn scores(&self, design: &Design) -> Vec<f64> {
        let n_targets = self.n_targets();
        let mut scores = Vec::with_capacity(design.n_rows * n_targets);
        for row in design.values.chunks(design.n_columns.max(1)) {
            if n_targets == 1 {
                scores.push(self.bias[0] + dot(row, &self.weights));
                continue;
            }
            scores.extend((0..n_targets).map(|target| {
                let weights = self.weights.iter().skip(target).step_by(n_targets);
                let products = row
                    .iter()
                    .zip(weights)
                    .map(|(value, weight)| value * weight);
                self.bias[target] + products.sum::<f64>()
            }));
        }
        scores
    }

    fn emit(&self, builder: &mut GraphBuilder, matrix: &Matrix) -> Matrix {
        builder.linear(matrix, &self.weights, &self.bias)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn linear_models_have_a_weight_for_each_target() {
        let model = LinearModel {
            weights: vec![2.0, 3.0],
            bias: vec![1.0, 0.0],
        };
        let design = Design {
            values: vec![1.0, -1.0],
            n_rows: 2,
            n_columns: 1,
        };
        assert_eq!(model.scores(&design), [3.0, 3.0, -1.0, -3.0]);
    }
}
