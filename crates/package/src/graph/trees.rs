//! Sums of trees.

use crate::Error;
use crate::graph::emit::{double_tensor, int, ints, node, strings, text};
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

/// The lists of `TreeEnsembleRegressor`: parallel per node, and parallel per leaf weight.
#[derive(Default)]
struct Lists {
    tree: Vec<i64>,
    node: Vec<i64>,
    feature: Vec<i64>,
    threshold: Vec<f64>,
    mode: Vec<&'static str>,
    left: Vec<i64>,
    right: Vec<i64>,
    missing_goes_left: Vec<i64>,
    target_tree: Vec<i64>,
    target_node: Vec<i64>,
    target: Vec<i64>,
    weight: Vec<f64>,
}

impl Lists {
    fn push(&mut self, tree: i64, at: i64, node: &TreeNode) {
        let (feature, threshold, mode, left, right, missing) = match node {
            TreeNode::Split {
                feature,
                threshold,
                missing_goes_left,
                left,
                right,
            } => (
                *feature,
                *threshold,
                "BRANCH_LT",
                *left,
                *right,
                *missing_goes_left,
            ),
            TreeNode::Leaf { .. } | TreeNode::Leaves(_) => (0, 0.0, "LEAF", 0, 0, false),
        };
        self.tree.push(tree);
        self.node.push(at);
        self.feature.push(i64::from(feature));
        self.threshold.push(f64::from(threshold));
        self.mode.push(mode);
        self.left.push(i64::from(left));
        self.right.push(i64::from(right));
        self.missing_goes_left.push(i64::from(missing));
        match node {
            TreeNode::Split { .. } => {}
            TreeNode::Leaf { target, weight } => self.push_weight(tree, at, *target, *weight),
            TreeNode::Leaves(leaves) => {
                for (target, weight) in leaves {
                    self.push_weight(tree, at, *target, *weight);
                }
            }
        }
    }

    fn push_weight(&mut self, tree: i64, at: i64, target: u32, weight: f64) {
        self.target_tree.push(tree);
        self.target_node.push(at);
        self.target.push(i64::from(target));
        self.weight.push(weight);
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
    let mut lists = Lists::default();
    for (tree, nodes) in (0..).zip(trees) {
        for (at, node) in (0..).zip(&nodes.nodes) {
            lists.push(tree, at, node);
        }
    }
    vec![
        text("aggregate_function", "SUM"),
        int("n_targets", n_targets as i64),
        ints("nodes_falsenodeids", &lists.right),
        ints("nodes_featureids", &lists.feature),
        ints("nodes_missing_value_tracks_true", &lists.missing_goes_left),
        strings("nodes_modes", &lists.mode),
        ints("nodes_nodeids", &lists.node),
        ints("nodes_treeids", &lists.tree),
        ints("nodes_truenodeids", &lists.left),
        double_tensor("nodes_values_as_tensor", &lists.threshold),
        text("post_transform", "NONE"),
        ints("target_ids", &lists.target),
        ints("target_nodeids", &lists.target_node),
        ints("target_treeids", &lists.target_tree),
        double_tensor("target_weights_as_tensor", &lists.weight),
    ]
}
