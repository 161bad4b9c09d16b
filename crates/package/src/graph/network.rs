//! What neural networks need beside linear maps: picked columns, embeddings, the functions of hidden units.

use std::f64::consts::FRAC_2_PI;

use crate::graph::emit::{doubles, int, integers, node};
use crate::graph::{GraphBuilder, Matrix};
use crate::onnx::data_type;

/// The weight of the cube in the approximation of GELU with tanh (Hendrycks and Gimpel 2016).
const GELU_CUBE: f64 = 0.044_715;

impl GraphBuilder {
    /// Some columns of a matrix, in the order given.
    pub fn pick(&mut self, matrix: &Matrix, columns: &[usize]) -> Matrix {
        self.check_columns(matrix, columns);
        let places: Vec<i64> = columns.iter().map(|&column| column as i64).collect();
        let places = self.constant(integers(&[columns.len()], &places));
        let mut gather = node("Gather", &[&matrix.edge, &places]);
        gather.attribute.push(int("axis", 1));
        Matrix {
            edge: self.push(gather),
            n_columns: columns.len(),
        }
    }

    /// The rows of a table that a column of the matrix points at: `table` is row-major with rows of `width` numbers, and
    /// the column has whole numbers from 0 to its last row.
    pub fn embed(&mut self, matrix: &Matrix, column: usize, table: &[f64], width: usize) -> Matrix {
        self.check_columns(matrix, &[column]);
        if width == 0 || table.is_empty() || !table.len().is_multiple_of(width) {
            let found = table.len();
            self.refuse(format!(
                "{found} numbers are no table of rows of {width} numbers"
            ));
        }
        if let Some(wrong) = table.iter().find(|value| !value.is_finite()).copied() {
            self.refuse(format!("an embedding has the value {wrong}"));
        }
        let place = self.constant(integers(&[], &[column as i64]));
        let mut gather = node("Gather", &[&matrix.edge, &place]);
        gather.attribute.push(int("axis", 1));
        let places = self.push(gather);
        let places = self.cast(&places, data_type::INT64);
        let n_rows = table.len() / width.max(1);
        let table = self.constant(doubles(&[n_rows, width], table));
        let mut gather = node("Gather", &[&table, &places]);
        gather.attribute.push(int("axis", 0));
        Matrix {
            edge: self.push(gather),
            n_columns: width,
        }
    }

    /// The greater of each element and 0.
    pub fn relu(&mut self, matrix: &Matrix) -> Matrix {
        self.each("Relu", matrix)
    }

    /// The hyperbolic tangent of each element.
    pub fn tanh(&mut self, matrix: &Matrix) -> Matrix {
        self.each("Tanh", matrix)
    }

    /// `x / (1 + e^-x)` of each element.
    pub fn silu(&mut self, matrix: &Matrix) -> Matrix {
        let gates = self.sigmoid(matrix);
        Matrix {
            edge: self.call("Mul", &[&matrix.edge, &gates.edge]),
            n_columns: matrix.n_columns,
        }
    }

    /// `x / 2 (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3)))` of each element: ONNX Runtime has no error function of doubles.
    pub fn gelu(&mut self, matrix: &Matrix) -> Matrix {
        let of = |edge: String| Matrix {
            edge,
            n_columns: matrix.n_columns,
        };
        let factor = FRAC_2_PI.sqrt();
        let one = self.number_constant(1.0);
        let linear = self.number_constant(factor);
        let square = of(self.call("Mul", &[&matrix.edge, &matrix.edge]));
        let cubic = self.multiply(&square, factor * GELU_CUBE);
        let both = self.call("Add", &[&cubic.edge, &linear]);
        let inner = of(self.call("Mul", &[&matrix.edge, &both]));
        let bent = self.tanh(&inner);
        let gates = self.call("Add", &[&bent.edge, &one]);
        let half = self.multiply(matrix, 0.5);
        of(self.call("Mul", &[&half.edge, &gates]))
    }

    fn check_columns(&mut self, matrix: &Matrix, columns: &[usize]) {
        let n_columns = matrix.n_columns;
        if let Some(wrong) = columns.iter().find(|&&column| column >= n_columns) {
            self.refuse(format!(
                "column {wrong} was picked of a matrix of {n_columns} columns"
            ));
        }
    }
}
