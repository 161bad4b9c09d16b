//! Sums of trees.

use prost::bytes::Bytes;

use crate::Error;
use crate::graph::emit::{double_tensor, int, ints, node, text, texts};
use crate::graph::{GraphBuilder, Matrix};
use crate::onnx::{AttributeProto, ML_DOMAIN, data_type};

/// Trees whose leaves are summed per target. Scale the weights yourself for an average.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TreeEnsemble {
    /// How many sums there are: 1 for regression and binary, one per class for multiclass.
    pub n_targets: usize,
    /// The trees.
    pub trees: Vec<Tree>,
}

/// A tree; node 0 is its root, and a child comes after its parent.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Tree {
    /// The nodes.
    pub nodes: Vec<TreeNode>,
}

/// A question or an answer.
#[derive(Clone, Debug, PartialEq)]
pub enum TreeNode {
    /// Goes left if the feature, rounded to 32 bits, is less than the threshold.
    Split {
        /// The column of the matrix.
        feature: u32,
        /// What the feature is compared with.
        threshold: f32,
        /// Where NaN goes.
        missing_goes_left: bool,
        /// The node for `feature < threshold`.
        left: u32,
        /// The node for all others.
        right: u32,
    },
    /// Adds a weight to one target.
    Leaf {
        /// The target.
        target: u32,
        /// What is added to it.
        weight: f64,
    },
    /// Adds weights to several targets.
    Leaves(Vec<(u32, f64)>),
}

impl TreeEnsemble {
    /// Checks that every index is inside and that every node but the root has exactly one parent,
    /// which comes before it.
    ///
    /// # Errors
    ///
    /// Fails with the first tree and node that is wrong.
    pub fn check(&self, n_features: usize) -> Result<(), Error> {
        for (index, tree) in self.trees.iter().enumerate() {
            self.check_tree(tree, n_features)
                .map_err(|problem| Error::Build(format!("tree {index}: {problem}")))?;
        }
        Ok(())
    }

    fn check_tree(&self, tree: &Tree, n_features: usize) -> Result<(), String> {
        if tree.nodes.is_empty() {
            return Err("it has no nodes".to_owned());
        }
        let mut has_parent = vec![false; tree.nodes.len()];
        for (at, node) in tree.nodes.iter().enumerate() {
            if at > 0 && !has_parent[at] {
                return Err(format!("node {at} comes before its parent, or has none"));
            }
            match node {
                TreeNode::Split {
                    feature,
                    threshold,
                    left,
                    right,
                    ..
                } => {
                    if *feature as usize >= n_features {
                        return Err(format!(
                            "node {at} asks for feature {feature} of {n_features}"
                        ));
                    }
                    if threshold.is_nan() {
                        return Err(format!("node {at} has a threshold that is not a number"));
                    }
                    for child in [*left as usize, *right as usize] {
                        if child <= at || child >= tree.nodes.len() || has_parent[child] {
                            return Err(format!(
                                "node {at} has child {child}: out of range, or a child twice"
                            ));
                        }
                        has_parent[child] = true;
                    }
                }
                TreeNode::Leaf { target, weight } => self.check_leaf(at, *target, *weight)?,
                TreeNode::Leaves(leaves) => {
                    leaves
                        .iter()
                        .try_for_each(|(target, weight)| self.check_leaf(at, *target, *weight))?;
                }
            }
        }
        Ok(())
    }

    fn check_leaf(&self, at: usize, target: u32, weight: f64) -> Result<(), String> {
        if target as usize >= self.n_targets {
            return Err(format!(
                "leaf {at} adds to target {target} of {}",
                self.n_targets
            ));
        }
        if !weight.is_finite() {
            return Err(format!("leaf {at} has the weight {weight}"));
        }
        Ok(())
    }
}

impl GraphBuilder {
    /// The sums of an ensemble per target: `n_targets` columns. Features are rounded to 32 bits
    /// before they are compared, sums are taken in 64 bits and rounded to 32 bits at the end
    /// (the operator's output type).
    pub fn trees(&mut self, matrix: &Matrix, ensemble: &TreeEnsemble) -> Matrix {
        let n_columns = ensemble.n_targets;
        if let Err(error) = ensemble.check(matrix.n_columns) {
            self.fail(error);
            return Matrix {
                edge: matrix.edge.clone(),
                n_columns,
            };
        }
        let single = self.cast(&matrix.edge, data_type::FLOAT);
        let features = self.cast(&single, data_type::DOUBLE);
        let mut call = node("TreeEnsembleRegressor", &[&features]);
        ML_DOMAIN.clone_into(&mut call.domain);
        call.attribute = attributes(&ensemble.trees, ensemble.n_targets);
        let sums = self.push(call);
        Matrix {
            edge: self.cast(&sums, data_type::DOUBLE),
            n_columns,
        }
    }
}

/// The weights of a node: a target and what is added to it.
fn weights(node: &TreeNode) -> impl Iterator<Item = (u32, f64)> {
    let (one, many) = match node {
        TreeNode::Split { .. } => (None, [].as_slice()),
        TreeNode::Leaf { target, weight } => (Some((*target, *weight)), [].as_slice()),
        TreeNode::Leaves(leaves) => (None, leaves.as_slice()),
    };
    one.into_iter().chain(many.iter().copied())
}

/// Lists of the operator, one element a node or a weight. Each is made when it is asked for, so that a large ensemble is not
/// in memory once more.
struct Lists<'a> {
    trees: &'a [Tree],
    n_nodes: usize,
    n_weights: usize,
}

impl Lists<'_> {
    /// A whole number for each node, given its tree, its place and itself.
    fn nodes(&self, name: &str, number: impl Fn(i64, i64, &TreeNode) -> i64) -> AttributeProto {
        let mut values = Vec::with_capacity(self.n_nodes);
        for (tree, nodes) in (0..).zip(self.trees) {
            let own = (0..).zip(&nodes.nodes);
            values.extend(own.map(|(at, node)| number(tree, at, node)));
        }
        AttributeProto {
            ints: values,
            ..ints(name, &[])
        }
    }

    /// A whole number for each weight, given the tree, the place and the target.
    fn weights(&self, name: &str, number: impl Fn(i64, i64, i64) -> i64) -> AttributeProto {
        let mut values = Vec::with_capacity(self.n_weights);
        for (tree, nodes) in (0..).zip(self.trees) {
            for (at, node) in (0..).zip(&nodes.nodes) {
                let own = weights(node);
                values.extend(own.map(|(target, _)| number(tree, at, i64::from(target))));
            }
        }
        AttributeProto {
            ints: values,
            ..ints(name, &[])
        }
    }

    fn all(&self) -> impl Iterator<Item = &TreeNode> {
        self.trees.iter().flat_map(|tree| &tree.nodes)
    }
}

/// The settings of the operator, which needs at least one tree: no trees are one that adds nothing.
fn attributes(trees: &[Tree], n_targets: usize) -> Vec<AttributeProto> {
    let nothing = [Tree {
        nodes: vec![TreeNode::Leaf {
            target: 0,
            weight: 0.0,
        }],
    }];
    let trees = if trees.is_empty() { &nothing } else { trees };
    let lists = Lists {
        trees,
        n_nodes: trees.iter().map(|tree| tree.nodes.len()).sum(),
        n_weights: trees
            .iter()
            .flat_map(|tree| &tree.nodes)
            .flat_map(weights)
            .count(),
    };
    let thresholds = lists.all().map(|node| match node {
        TreeNode::Split { threshold, .. } => f64::from(*threshold),
        _ => 0.0,
    });
    // Words of the program: none is copied.
    let modes = lists.all().map(|node| match node {
        TreeNode::Split { .. } => Bytes::from_static(b"BRANCH_LT"),
        _ => Bytes::from_static(b"LEAF"),
    });
    let sums = lists.all().flat_map(weights).map(|(_, weight)| weight);
    vec![
        text("aggregate_function", "SUM"),
        int("n_targets", n_targets as i64),
        lists.nodes("nodes_falsenodeids", |_, _, node| match node {
            TreeNode::Split { right, .. } => i64::from(*right),
            _ => 0,
        }),
        lists.nodes("nodes_featureids", |_, _, node| match node {
            TreeNode::Split { feature, .. } => i64::from(*feature),
            _ => 0,
        }),
        lists.nodes("nodes_missing_value_tracks_true", |_, _, node| match node {
            TreeNode::Split {
                missing_goes_left, ..
            } => i64::from(*missing_goes_left),
            _ => 0,
        }),
        texts("nodes_modes", listed(lists.n_nodes, modes)),
        lists.nodes("nodes_nodeids", |_, at, _| at),
        lists.nodes("nodes_treeids", |tree, _, _| tree),
        lists.nodes("nodes_truenodeids", |_, _, node| match node {
            TreeNode::Split { left, .. } => i64::from(*left),
            _ => 0,
        }),
        double_tensor("nodes_values_as_tensor", listed(lists.n_nodes, thresholds)),
        text("post_transform", "NONE"),
        lists.weights("target_ids", |_, _, target| target),
        lists.weights("target_nodeids", |_, at, _| at),
        lists.weights("target_treeids", |tree, _, _| tree),
        double_tensor("target_weights_as_tensor", listed(lists.n_weights, sums)),
    ]
}

/// So many values, in memory for no more.
fn listed<T>(count: usize, values: impl Iterator<Item = T>) -> Vec<T> {
    let mut list = Vec::with_capacity(count);
    list.extend(values);
    list
}
