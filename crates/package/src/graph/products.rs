//! Products of a matrix with itself.

use crate::graph::{GraphBuilder, Matrix};

impl GraphBuilder {
    /// The square of each element.
    pub fn square(&mut self, matrix: &Matrix) -> Matrix {
        Matrix {
            edge: self.call("Mul", &[&matrix.edge, &matrix.edge]),
            n_columns: matrix.n_columns,
        }
    }
}
