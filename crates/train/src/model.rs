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

#[cfg(test)]
mod tests {
    use everloop_package::graph::Tree;

    use super::*;

    fn stump(missing_goes_left: bool) -> Model {
        let split = TreeNode::Split {
            feature: 0,
            threshold: 0.5,
            missing_goes_left,
            left: 1,
            right: 2,
        };
        let leaf = |weight: f64| TreeNode::Leaves(vec![(0, weight), (1, -weight)]);
        Model::Trees {
            ensemble: TreeEnsemble {
                n_targets: 2,
                trees: vec![Tree {
                    nodes: vec![split, leaf(1.0), leaf(2.0)],
                }],
            },
            base: vec![10.0, 0.0],
        }
    }

    #[track_caller]
    fn check(model: &Model, values: &[f64], expected: &[f64]) {
        let design = Design {
            values: values.to_vec(),
            n_rows: values.len(),
            n_columns: 1,
        };
        assert_eq!(model.scores(&design), expected);
    }

    #[test]
    fn trees_part_at_their_threshold() {
        check(
            &stump(true),
            &[0.4, 0.5, f64::NAN],
            &[11.0, -1.0, 12.0, -2.0, 11.0, -1.0],
        );
        check(&stump(false), &[f64::NAN], &[12.0, -2.0]);
        // Features are 32-bit: the nearest such number is the threshold itself.
        check(&stump(true), &[0.5 - 1e-12], &[12.0, -2.0]);
    }

    #[test]
    fn linear_models_have_a_weight_for_each_target() {
        let model = Model::Linear {
            weights: vec![2.0, 3.0],
            bias: vec![1.0, 0.0],
        };
        check(&model, &[1.0, -1.0], &[3.0, 3.0, -1.0, -3.0]);
    }

    #[test]
    fn links_end_in_probabilities() {
        assert_eq!(Link::Identity.apply(&[7.0], 1), [7.0]);
        assert_eq!(Link::Sigmoid.apply(&[0.0], 1), [0.5]);
        assert_eq!(Link::Softmax.apply(&[3.0, 3.0], 2), [0.5, 0.5]);
        assert_eq!(Link::Shares.apply(&[0.25, 0.75], 2), [0.75]);
        assert_eq!(Link::Shares.apply(&[0.2, 0.3, 0.5], 3), [0.2, 0.3, 0.5]);
        assert!(softmax(&[1000.0, 0.0])[0].is_finite());
    }
}
