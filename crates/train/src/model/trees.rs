//! Sums of trees, of 32-bit features.

use everloop_package::graph::{GraphBuilder, Matrix, TreeEnsemble, TreeNode};

use super::Model;
use crate::encoder::Design;
use crate::trees::leaf;

/// A base and a sum of trees.
#[derive(Debug)]
pub(crate) struct TreeModel {
    pub(crate) ensemble: TreeEnsemble,
    pub(crate) base: Vec<f64>,
}

impl Model for TreeModel {
    fn n_targets(&self) -> usize {
        self.base.len()
    }

    fn scores(&self, design: &Design) -> Vec<f64> {
        let rows = design.values.chunks(design.n_columns.max(1));
        rows.flat_map(|row| tree_scores(&self.ensemble, &self.base, row))
            .collect()
    }

    fn emit(&self, builder: &mut GraphBuilder, matrix: &Matrix) -> Matrix {
        let sums = builder.trees(matrix, &self.ensemble);
        if self.base.iter().all(|base| *base == 0.0) {
            sums
        } else {
            builder.add(&sums, &self.base)
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

#[cfg(test)]
mod tests {
    use everloop_package::graph::Tree;

    use super::*;

    fn stump(missing_goes_left: bool) -> TreeModel {
        let split = TreeNode::Split {
            feature: 0,
            threshold: 0.5,
            missing_goes_left,
            left: 1,
            right: 2,
        };
        let leaf = |weight: f64| TreeNode::Leaves(vec![(0, weight), (1, -weight)]);
        TreeModel {
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
    fn check(model: &TreeModel, values: &[f64], expected: &[f64]) {
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
}
