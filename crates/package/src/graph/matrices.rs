//! Rows of numbers: putting columns together, linear maps, activations.

use crate::graph::emit::{doubles, int, integers, node};
use crate::graph::{Column, GraphBuilder, Matrix};

impl GraphBuilder {
    /// Columns side by side, as numbers.
    pub fn column_matrix(&mut self, columns: &[Column]) -> Matrix {
        let axis = self.constant(integers(&[1], &[1]));
        let mut parts = Vec::with_capacity(columns.len());
        for column in columns {
            let column = self.number(column);
            let edge = self.call("Unsqueeze", &[&column.edge, &axis]);
            parts.push(Matrix { edge, n_columns: 1 });
        }
        self.concat(&parts)
    }

    /// Matrices side by side.
    pub fn concat(&mut self, parts: &[Matrix]) -> Matrix {
        let n_columns = parts.iter().map(|part| part.n_columns).sum();
        let edge = match parts {
            [] => {
                self.refuse("a model needs at least one feature".to_owned());
                String::new()
            }
            [only] => only.edge.clone(),
            parts => {
                let edges: Vec<&str> = parts.iter().map(|part| part.edge.as_str()).collect();
                let mut concat = node("Concat", &edges);
                concat.attribute.push(int("axis", 1));
                self.push(concat)
            }
        };
        Matrix { edge, n_columns }
    }

    /// `matrix · weights + bias`: weights are row-major, one row per column of the matrix and one
    /// column per element of the bias.
    pub fn linear(&mut self, matrix: &Matrix, weights: &[f64], bias: &[f64]) -> Matrix {
        let n_columns = bias.len();
        if weights.len() != matrix.n_columns * n_columns || n_columns == 0 {
            let (found, n_rows) = (weights.len(), matrix.n_columns);
            self.refuse(format!(
                "a linear map of {n_rows} columns to {n_columns} was given {found} weights"
            ));
        }
        if let Some(wrong) = weights
            .iter()
            .chain(bias)
            .find(|weight| !weight.is_finite())
        {
            let wrong = *wrong;
            self.refuse(format!("a linear map has the weight {wrong}"));
        }
        let weights = self.constant(doubles(&[matrix.n_columns, n_columns], weights));
        let bias = self.constant(doubles(&[n_columns], bias));
        // The bias is added by a node of its own: ONNX Runtime 1.17 fuses a product with bias and a
        // sigmoid into an operator that it does not have for doubles.
        let product = self.call("Gemm", &[&matrix.edge, &weights]);
        Matrix {
            edge: self.call("Add", &[&product, &bias]),
            n_columns,
        }
    }

    /// `1 / (1 + e^-x)` of each element.
    pub fn sigmoid(&mut self, matrix: &Matrix) -> Matrix {
        Matrix {
            edge: self.call("Sigmoid", &[&matrix.edge]),
            n_columns: matrix.n_columns,
        }
    }

    /// `e^x` of each element.
    pub fn exponential(&mut self, matrix: &Matrix) -> Matrix {
        Matrix {
            edge: self.call("Exp", &[&matrix.edge]),
            n_columns: matrix.n_columns,
        }
    }

    /// The softmax of each row.
    pub fn softmax(&mut self, matrix: &Matrix) -> Matrix {
        let mut softmax = node("Softmax", &[&matrix.edge]);
        softmax.attribute.push(int("axis", 1));
        Matrix {
            edge: self.push(softmax),
            n_columns: matrix.n_columns,
        }
    }

    /// Adds one number to each column.
    pub fn add(&mut self, matrix: &Matrix, terms: &[f64]) -> Matrix {
        let n_columns = matrix.n_columns;
        if terms.len() != n_columns {
            let found = terms.len();
            self.refuse(format!(
                "{found} numbers cannot be added to {n_columns} columns"
            ));
        }
        let terms = self.constant(doubles(&[terms.len()], terms));
        Matrix {
            edge: self.call("Add", &[&matrix.edge, &terms]),
            n_columns,
        }
    }

    /// Multiplies each element.
    pub fn multiply(&mut self, matrix: &Matrix, factor: f64) -> Matrix {
        let factor = self.number_constant(factor);
        Matrix {
            edge: self.call("Mul", &[&matrix.edge, &factor]),
            n_columns: matrix.n_columns,
        }
    }
}
