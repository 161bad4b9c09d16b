//! Fitted models: what they predict, and how they are written into the graph.

use everloop_package::graph::{GraphBuilder, Matrix, TreeEnsemble, TreeNode};

use crate::encoder::Design;
use crate::trees::leaf;

/// A fitted model, before its link.
#[derive(Clone, Debug)]
pub(crate) enum Model {
    /// `x W + b`.
    Linear {
        /// Column by target.
        weights: Vec<f64>,
        bias: Vec<f64>,
    },
    /// A base and a sum of trees, of 32-bit features.
    Trees {
        ensemble: TreeEnsemble,
        base: Vec<f64>,
    },
}

/// From scores to what is predicted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Link {
    /// Scores are values, or probabilities already.
    Identity,
    /// Scores of the positive class are log odds.
    Sigmoid,
    /// Scores of the classes are log probabilities up to a constant.
    Softmax,
    /// Scores of the classes are shares; the positive one is the last of two.
    Shares,
}

impl Model {
    /// Targets.
    pub(crate) fn n_targets(&self) -> usize {
        match self {
            Self::Linear { bias, .. } => bias.len(),
            Self::Trees { base, .. } => base.len(),
        }
    }

    /// Scores, row by row.
    pub(crate) fn scores(&self, design: &Design) -> Vec<f64> {
        let n_targets = self.n_targets();
        let mut scores = Vec::with_capacity(design.n_rows * n_targets);
        for row in design.values.chunks(design.n_columns.max(1)) {
            match self {
                Self::Linear { weights, bias } => scores.extend((0..n_targets).map(|target| {
                    bias[target]
                        + row
                            .iter()
                            .enumerate()
                            .map(|(at, value)| value * weights[at * n_targets + target])
                            .sum::<f64>()
                })),
                Self::Trees { ensemble, base } => scores.extend(tree_scores(ensemble, base, row)),
            }
        }
        scores
    }

    /// The same, as nodes of the graph.
    pub(crate) fn emit(&self, builder: &mut GraphBuilder, matrix: &Matrix) -> Matrix {
        match self {
            Self::Linear { weights, bias } => builder.linear(matrix, weights, bias),
            Self::Trees { ensemble, base } => {
                let sums = builder.trees(matrix, ensemble);
                if base.iter().all(|base| *base == 0.0) {
                    sums
                } else {
                    builder.add(&sums, base)
                }
            }
        }
    }
}

/// The graph's operator gives 32-bit sums; so do we, before the base is added.
fn tree_scores(ensemble: &TreeEnsemble, base: &[f64], row: &[f64]) -> Vec<f64> {
    let mut sums = vec![0.0; base.len()];
    for tree in &ensemble.trees {
        add_leaf(leaf(tree, row), &mut sums);
    }
    sums.iter()
        .zip(base)
        .map(|(sum, base)| f64::from(*sum as f32) + base)
        .collect()
}

/// Adds the values of a leaf to scores, one a target.
pub(crate) fn add_leaf(leaf: &TreeNode, scores: &mut [f64]) {
    match leaf {
        TreeNode::Leaf { target, weight } => scores[*target as usize] += weight,
        TreeNode::Leaves(values) => {
            for (target, weight) in values {
                scores[*target as usize] += weight;
            }
        }
        TreeNode::Split { .. } => {}
    }
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
            Self::Shares if n_targets == 2 => scores.chunks(2).map(|shares| shares[1]).collect(),
            Self::Identity | Self::Shares => scores.to_vec(),
        }
    }

    /// The same, as nodes of the graph.
    pub(crate) fn emit(self, builder: &mut GraphBuilder, scores: &Matrix) -> Matrix {
        match self {
            Self::Sigmoid => builder.sigmoid(scores),
            Self::Softmax => builder.softmax(scores),
            Self::Shares if scores.n_columns() == 2 => builder.linear(scores, &[0.0, 1.0], &[0.0]),
            Self::Identity | Self::Shares => scores.clone(),
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
