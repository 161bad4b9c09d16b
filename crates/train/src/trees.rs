//! Trees on histograms, shared by `tree`, `forest` and `boosting`.

mod bins;
mod grow;
mod histogram;

use everloop_package::graph::{Tree, TreeNode};

use crate::ParameterInfo;

pub(crate) use bins::Bins;
pub(crate) use grow::{Columns, Grown, Growth, Leaves, grow};
pub(crate) use histogram::Rows;

pub(crate) const DEPTH: ParameterInfo =
    ParameterInfo::integer("depth", (1.0, 30.0), 12.0, "the deepest a tree may grow");
pub(crate) const MIN_LEAF: ParameterInfo = ParameterInfo::integer(
    "min_samples_leaf",
    (1.0, 1e6),
    1.0,
    "the fewest rows of a leaf",
);

/// The leaf of a row of features.
pub(crate) fn leaf<'a>(tree: &'a Tree, row: &[f64]) -> &'a TreeNode {
    let mut node = &tree.nodes[0];
    while let TreeNode::Split {
        feature,
        threshold,
        missing_goes_left,
        left,
        right,
    } = node
    {
        let value = row[*feature as usize] as f32;
        let goes_left = if value.is_nan() {
            *missing_goes_left
        } else {
            value < *threshold
        };
        node = &tree.nodes[if goes_left { *left } else { *right } as usize];
    }
    node
}
