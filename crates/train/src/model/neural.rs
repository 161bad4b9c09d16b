//! Neural networks: embeddings of texts beside numbers, then layers `f(x W + b)`, the last without `f`.

use std::f64::consts::FRAC_2_PI;

use everloop_package::graph::{GraphBuilder, Matrix};
use everloop_package::lanes::product;
use faer::{Accum, MatMut, MatRef};

use super::Model;
use crate::encoder::Design;

/// Rows that are scored at a time.
const CHUNK_ROWS: usize = 256;

/// The function of hidden units.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Activation {
    Relu,
    Tanh,
    /// By its approximation with tanh (Hendrycks and Gimpel 2016).
    Gelu,
    Silu,
}

#[derive(Debug)]
pub(crate) struct NeuralModel {
    /// The columns that are numbers: the first inputs.
    pub(crate) numbers: Vec<usize>,
    /// The columns that are places of categories: the inputs after them.
    pub(crate) embeddings: Vec<Embedding>,
    pub(crate) layers: Vec<Dense>,
    pub(crate) activation: Activation,
}

/// A row of numbers for each place of a column.
#[derive(Debug)]
pub(crate) struct Embedding {
    pub(crate) column: usize,
    pub(crate) width: usize,
    pub(crate) table: Vec<f64>,
}

/// `x W + b`, a row of weights for each input.
#[derive(Debug)]
pub(crate) struct Dense {
    pub(crate) weights: Vec<f64>,
    pub(crate) bias: Vec<f64>,
}

impl Activation {
    pub(crate) fn of(self, x: f64) -> f64 {
        match self {
            Self::Relu => x.max(0.0),
            Self::Tanh => x.tanh(),
            Self::Gelu => 0.5 * x * (1.0 + (FRAC_2_PI.sqrt() * (x + 0.044_715 * x.powi(3))).tanh()),
            Self::Silu => x / (1.0 + (-x).exp()),
        }
    }
}

impl NeuralModel {
    pub(crate) fn n_weights(&self) -> usize {
        self.layers.iter().map(|layer| layer.weights.len()).sum()
    }

    /// The inputs of the first layer.
    fn inputs(&self, design: &Design, rows: std::ops::Range<usize>) -> Vec<f64> {
        let n_columns = design.n_columns;
        let mut inputs = Vec::new();
        for row in design.values[rows.start * n_columns..rows.end * n_columns].chunks(n_columns) {
            inputs.extend(self.numbers.iter().map(|column| row[*column]));
            for embedding in &self.embeddings {
                let start = row[embedding.column] as usize * embedding.width;
                inputs.extend_from_slice(&embedding.table[start..start + embedding.width]);
            }
        }
        inputs
    }
}

impl Model for NeuralModel {
    fn n_targets(&self) -> usize {
        self.layers.last().map_or(0, |last| last.bias.len())
    }

    fn scores(&self, design: &Design) -> Vec<f64> {
        let mut scores = Vec::with_capacity(design.n_rows * self.n_targets());
        for start in (0..design.n_rows).step_by(CHUNK_ROWS) {
            let n_rows = CHUNK_ROWS.min(design.n_rows - start);
            let mut values = self.inputs(design, start..start + n_rows);
            for (at, layer) in self.layers.iter().enumerate() {
                values = layer.apply(&values, n_rows);
                if at + 1 < self.layers.len() {
                    for value in &mut values {
                        *value = self.activation.of(*value);
                    }
                }
            }
            scores.extend(values);
        }
        scores
    }

    fn emit(&self, builder: &mut GraphBuilder, matrix: &Matrix) -> Matrix {
        let mut parts = Vec::with_capacity(1 + self.embeddings.len());
        if self.embeddings.is_empty() {
            parts.push(matrix.clone());
        } else if !self.numbers.is_empty() {
            parts.push(builder.pick(matrix, &self.numbers));
        }
        for embedding in &self.embeddings {
            let (column, width) = (embedding.column, embedding.width);
            parts.push(builder.embed(matrix, column, &embedding.table, width));
        }
        let mut values = builder.concat(&parts);
        for (at, layer) in self.layers.iter().enumerate() {
            values = builder.linear(&values, &layer.weights, &layer.bias);
            if at + 1 < self.layers.len() {
                values = match self.activation {
                    Activation::Relu => builder.relu(&values),
                    Activation::Tanh => builder.tanh(&values),
                    Activation::Gelu => builder.gelu(&values),
                    Activation::Silu => builder.silu(&values),
                };
            }
        }
        values
    }
}

impl Dense {
    fn apply(&self, inputs: &[f64], n_rows: usize) -> Vec<f64> {
        let n_out = self.bias.len();
        let n_in = self.weights.len() / n_out;
        let mut outputs = self.bias.repeat(n_rows);
        product(
            MatMut::from_row_major_slice_mut(&mut outputs, n_rows, n_out),
            Accum::Add,
            MatRef::from_row_major_slice(inputs, n_rows, n_in),
            MatRef::from_row_major_slice(&self.weights, n_in, n_out),
        );
        outputs
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_by_hand() {
        let model = NeuralModel {
            numbers: vec![1],
            embeddings: vec![Embedding {
                column: 0,
                width: 2,
                table: vec![0.0, 0.0, 1.0, -1.0],
            }],
            layers: vec![
                Dense {
                    weights: vec![1.0, 2.0, 3.0, 0.0, 0.0, 1.0],
                    bias: vec![0.5, 0.0],
                },
                Dense {
                    weights: vec![1.0, 10.0],
                    bias: vec![1.0],
                },
            ],
            activation: Activation::Relu,
        };
        let design = Design {
            values: vec![0.0, 2.0, 1.0, 2.0, 1.0, -4.0],
            n_rows: 3,
            n_columns: 2,
        };
        // Hidden units: [2.5, 4], [5.5, 3], [-0.5, -9].
        assert_eq!(model.scores(&design), [43.5, 36.5, 1.0]);
    }
}
