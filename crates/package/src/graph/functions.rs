//! Functions of each element of rows of numbers.

use crate::graph::{GraphBuilder, Matrix};

impl GraphBuilder {
    /// `e^x` of each element.
    pub fn exp(&mut self, matrix: &Matrix) -> Matrix {
        self.each("Exp", matrix)
    }

    /// The natural logarithm of each element.
    pub fn ln(&mut self, matrix: &Matrix) -> Matrix {
        self.each("Log", matrix)
    }

    /// `1 / x` of each element.
    pub fn reciprocal(&mut self, matrix: &Matrix) -> Matrix {
        self.each("Reciprocal", matrix)
    }

    /// Multiplies two matrices of the same width element by element.
    pub fn product(&mut self, left: &Matrix, right: &Matrix) -> Matrix {
        if left.n_columns != right.n_columns {
            self.refuse(format!(
                "{} columns cannot be multiplied by {} one by one",
                left.n_columns, right.n_columns
            ));
        }
        Matrix {
            edge: self.call("Mul", &[&left.edge, &right.edge]),
            n_columns: left.n_columns,
        }
    }

    /// A function of every element.
    pub(super) fn each(&mut self, op_type: &str, matrix: &Matrix) -> Matrix {
        Matrix {
            edge: self.call(op_type, &[&matrix.edge]),
            n_columns: matrix.n_columns,
        }
    }
}
