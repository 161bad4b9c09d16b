//! Fitted models: what they predict, and how they are written into the graph.

mod clusters;
mod coupled;
mod kernel;
mod linear;
mod nearest;
mod neural;
mod quadratic;
mod trees;

use std::fmt;

use everloop_package::graph::{GraphBuilder, Matrix};

use crate::encoder::Design;

pub(crate) use clusters::ClusterModel;
pub(crate) use coupled::CoupledModel;
pub(crate) use kernel::{Kernel, KernelModel};
pub(crate) use linear::LinearModel;
pub(crate) use nearest::NearestModel;
pub(crate) use neural::{Activation, Dense, Embedding, NeuralModel};
pub(crate) use quadratic::QuadraticModel;
pub(crate) use trees::{TreeModel, add_leaf};

/// A fitted model, before its link. It predicts in two ways, here and in the graph, and a parity check compares both.
pub(crate) trait Model: fmt::Debug + Send + Sync {
    /// Scores of a row.
    fn n_targets(&self) -> usize;

    /// Scores, row by row.
    fn scores(&self, design: &Design) -> Vec<f64>;

    /// The same, as nodes of the graph: a matrix of one column a target.
    fn emit(&self, builder: &mut GraphBuilder, matrix: &Matrix) -> Matrix;
}

/// From scores to what is predicted.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Link {
    /// Scores are values, or probabilities already.
    Identity,
    /// Scores of the positive class are log odds.
    Sigmoid,
    /// Scores of the classes are log probabilities up to a constant.
    Softmax,
    /// Scores of the classes are shares; the positive one is the last of two.
    Shares,
    /// Scores are logarithms of values.
    Exponential,
    /// Scores are mean depths: `exp(factor * depth)` tells anomalies, those above the cutoff are none.
    Isolation { factor: f64, cutoff: f64 },
    /// Scores are distances to the centres of groups.
    Distances,
}

impl Link {
    /// Scores to values or probabilities; binary models end with one number a row, the probability of the positive class.
    pub(crate) fn apply(self, scores: &[f64], n_targets: usize) -> Vec<f64> {
        match self {
            Self::Sigmoid => scores
                .iter()
                .map(|score| 1.0 / (1.0 + (-score).exp()))
                .collect(),
            Self::Softmax => scores.chunks(n_targets).flat_map(softmax).collect(),
            Self::Exponential => scores.iter().map(|score| score.exp()).collect(),
            Self::Shares if n_targets == 2 => scores.chunks(2).map(|shares| shares[1]).collect(),
            Self::Identity | Self::Shares | Self::Isolation { .. } | Self::Distances => {
                scores.to_vec()
            }
        }
    }

    /// The same, as nodes of the graph.
    pub(crate) fn emit(self, builder: &mut GraphBuilder, scores: &Matrix) -> Matrix {
        match self {
            Self::Sigmoid => builder.sigmoid(scores),
            Self::Softmax => builder.softmax(scores),
            Self::Exponential => builder.exponential(scores),
            Self::Shares if scores.n_columns() == 2 => builder.linear(scores, &[0.0, 1.0], &[0.0]),
            Self::Identity | Self::Shares | Self::Isolation { .. } | Self::Distances => {
                scores.clone()
            }
        }
    }
}

pub(crate) fn softmax(scores: &[f64]) -> Vec<f64> {
    let greatest = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let powers: Vec<f64> = scores
        .iter()
        .map(|score| (score - greatest).exp())
        .collect();
    let sum: f64 = powers.iter().sum();
    powers.into_iter().map(|power| power / sum).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_end_in_probabilities() {
        assert_eq!(Link::Identity.apply(&[7.0], 1), [7.0]);
        assert_eq!(Link::Sigmoid.apply(&[0.0], 1), [0.5]);
        assert_eq!(Link::Exponential.apply(&[0.0], 1), [1.0]);
        assert_eq!(Link::Softmax.apply(&[3.0, 3.0], 2), [0.5, 0.5]);
        assert_eq!(Link::Shares.apply(&[0.25, 0.75], 2), [0.75]);
        assert_eq!(Link::Shares.apply(&[0.2, 0.3, 0.5], 3), [0.2, 0.3, 0.5]);
        assert!(softmax(&[1000.0, 0.0])[0].is_finite());
    }
}
