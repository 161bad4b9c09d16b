//! Quadratic models without mixed terms: `x W + x² S + b`.

use everloop_package::graph::{GraphBuilder, Matrix};

use super::{LinearModel, Model};
use crate::encoder::Design;

/// `x W + x² S + b`.
#[derive(Debug)]
pub(crate) struct QuadraticModel {
    /// Of the columns, then of their squares.
    both: LinearModel,
}

impl QuadraticModel {
    /// Weights are column by target.
    pub(crate) fn new(mut linear: Vec<f64>, squares: Vec<f64>, bias: Vec<f64>) -> Self {
        linear.extend(squares);
        Self {
            both: LinearModel {
                weights: linear,
                bias,
            },
        }
    }

    /// Whether all weights are numbers.
    pub(crate) fn is_finite(&self) -> bool {
        let weights = self.both.weights.iter().chain(&self.both.bias);
        weights.into_iter().all(|weight| weight.is_finite())
    }
}

impl Model for QuadraticModel {
    fn n_targets(&self) -> usize {
        self.both.n_targets()
    }

    fn scores(&self, design: &Design) -> Vec<f64> {
        let rows = design.values.chunks(design.n_columns.max(1));
        let values = rows.flat_map(|row| {
            let squares = row.iter().map(|value| value * value);
            row.iter().copied().chain(squares).collect::<Vec<f64>>()
        });
        self.both.scores(&Design {
            values: values.collect(),
            n_rows: design.n_rows,
            n_columns: 2 * design.n_columns,
        })
    }

    fn emit(&self, builder: &mut GraphBuilder, matrix: &Matrix) -> Matrix {
        let squares = builder.square(matrix);
        let both = builder.concat(&[matrix.clone(), squares]);
        self.both.emit(builder, &both)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn squares_have_weights_of_their_own() {
        let model = QuadraticModel::new(vec![1.0, 2.0], vec![10.0, 0.0], vec![0.5]);
        let design = Design {
            values: vec![3.0, 4.0],
            n_rows: 1,
            n_columns: 2,
        };
        assert_eq!(model.scores(&design), [0.5 + 3.0 + 8.0 + 90.0]);
    }
}
