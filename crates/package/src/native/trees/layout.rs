//! The lists of a tree ensemble, checked and put in order.

use std::collections::HashMap;

use crate::native::attributes::Attributes;
use crate::native::tensor::Problem;

/// More targets than any classifier has classes.
pub(super) const MAX_TARGETS: usize = 1 << 16;
/// Features fit in 31 bits beside a flag.
const MAX_FEATURES: i64 = 1 << 24;

/// Trees as flat nodes, each tree depth first, left before right.
#[derive(Debug, Default)]
pub(super) struct Layout {
    pub(super) roots: Vec<u32>,
    pub(super) nodes: Vec<Node>,
    /// Per node: its range of `weights`.
    pub(super) leaves: Vec<(u32, u32)>,
    pub(super) weights: Vec<(u32, f64)>,
}

/// A node; its left child is the next one. A leaf is a node that always goes right, to itself:
/// nothing is below negative infinity.
#[derive(Clone, Copy, Debug)]
pub(super) struct Node {
    pub(super) feature: u32,
    pub(super) threshold: f64,
    pub(super) missing_goes_left: bool,
    pub(super) right: u32,
}

/// The lists as the model has them.
struct Lists<'a> {
    tree: &'a [i64],
    node: &'a [i64],
    feature: &'a [i64],
    threshold: Vec<f64>,
    mode: Vec<&'a str>,
    left: &'a [i64],
    right: &'a [i64],
    missing_goes_left: &'a [i64],
    /// The place in the lists of each `(tree, node)`.
    places: HashMap<(i64, i64), usize>,
}

impl<'a> Lists<'a> {
    fn new(attributes: &Attributes<'a>) -> Result<Self, Problem> {
        let node = attributes.ints("nodes_nodeids");
        let tree = attributes.ints("nodes_treeids");
        let places = tree
            .iter()
            .copied()
            .zip(node.iter().copied())
            .zip(0..)
            .collect();
        let _ = (
            attributes.floats("nodes_hitrates"),
            attributes.numbers("nodes_hitrates")?,
        );
        let lists = Self {
            tree,
            node,
            feature: attributes.ints("nodes_featureids"),
            threshold: attributes.numbers("nodes_values")?,
            mode: attributes.strings("nodes_modes")?,
            left: attributes.ints("nodes_truenodeids"),
            right: attributes.ints("nodes_falsenodeids"),
            missing_goes_left: attributes.ints("nodes_missing_value_tracks_true"),
            places,
        };
        let n = lists.node.len();
        let lengths = [
            lists.tree.len(),
            lists.feature.len(),
            lists.threshold.len(),
            lists.mode.len(),
            lists.left.len(),
            lists.right.len(),
        ];
        if lengths.iter().any(|&length| length != n) || u32::try_from(n).is_err() {
            return Err("its lists of nodes differ in length".to_owned());
        }
        if !matches!(lists.missing_goes_left.len(), 0) && lists.missing_goes_left.len() != n {
            return Err(
                "`nodes_missing_value_tracks_true` differs in length from the nodes".to_owned(),
            );
        }
        if lists.places.len() != n {
            return Err("a node is given twice".to_owned());
        }
        Ok(lists)
    }

    fn is_leaf(&self, place: usize) -> bool {
        self.mode[place] == "LEAF"
    }

    /// The places of the children of a split.
    fn children(&self, place: usize) -> Result<[usize; 2], Problem> {
        let tree = self.tree[place];
        let find = |node: i64| {
            let found = self.places.get(&(tree, node)).copied();
            found.ok_or_else(|| {
                format!(
                    "node {} of tree {tree} has the child {node}, which is none",
                    self.node[place]
                )
            })
        };
        Ok([find(self.left[place])?, find(self.right[place])?])
    }

    /// The node that has no parent, per tree, in the order of the lists.
    fn roots(&self) -> Result<Vec<usize>, Problem> {
        let mut has_parent = vec![false; self.node.len()];
        for place in 0..self.node.len() {
            if self.is_leaf(place) {
                continue;
            }
            for child in self.children(place)? {
                if std::mem::replace(&mut has_parent[child], true) {
                    return Err(format!(
                        "node {} of tree {} has two parents",
                        self.node[child], self.tree[child]
                    ));
                }
            }
        }
        Ok((0..self.node.len())
            .filter(|&place| !has_parent[place])
            .collect())
    }
}

impl Layout {
    /// Reads and checks the lists.
    pub(super) fn new(attributes: &Attributes<'_>, n_targets: usize) -> Result<Self, Problem> {
        let lists = Lists::new(attributes)?;
        let mut layout = Self::default();
        let mut order = Vec::with_capacity(lists.node.len());
        for root in lists.roots()? {
            layout.roots.push(order.len() as u32);
            layout.add_tree(&lists, root, &mut order)?;
        }
        if order.len() != lists.node.len() {
            return Err("a tree has a cycle".to_owned());
        }
        layout.add_weights(attributes, &lists, &order, n_targets)?;
        Ok(layout)
    }

    /// Adds the nodes below a root. Each node has one parent, so this ends.
    fn add_tree(
        &mut self,
        lists: &Lists<'_>,
        root: usize,
        order: &mut Vec<usize>,
    ) -> Result<(), Problem> {
        // What is still to be added, and whose right child it is.
        let mut open = vec![(root, None)];
        while let Some((place, parent)) = open.pop() {
            let at = self.nodes.len() as u32;
            if let Some(parent) = parent.and_then(|parent: u32| self.nodes.get_mut(parent as usize))
            {
                parent.right = at;
            }
            self.nodes.push(node(lists, place, at)?);
            order.push(place);
            if !lists.is_leaf(place) {
                let [left, right] = lists.children(place)?;
                open.push((right, Some(at)));
                open.push((left, None));
            }
        }
        Ok(())
    }

    fn add_weights(
        &mut self,
        attributes: &Attributes<'_>,
        lists: &Lists<'_>,
        order: &[usize],
        n_targets: usize,
    ) -> Result<(), Problem> {
        let trees = attributes.ints("target_treeids");
        let nodes = attributes.ints("target_nodeids");
        let targets = attributes.ints("target_ids");
        let weights = attributes.numbers("target_weights")?;
        let n = targets.len();
        if trees.len() != n || nodes.len() != n || weights.len() != n || u32::try_from(n).is_err() {
            return Err("its lists of weights differ in length".to_owned());
        }
        let mut by_place: Vec<Vec<(u32, f64)>> = vec![Vec::new(); order.len()];
        for at in 0..n {
            let place = lists
                .places
                .get(&(trees[at], nodes[at]))
                .copied()
                .filter(|&place| lists.is_leaf(place));
            let place = place.ok_or_else(|| {
                format!(
                    "a weight is for node {} of tree {}, no leaf",
                    nodes[at], trees[at]
                )
            })?;
            let target = u32::try_from(targets[at])
                .ok()
                .filter(|&target| (target as usize) < n_targets);
            let target = target
                .ok_or_else(|| format!("a weight is for target {} of {n_targets}", targets[at]))?;
            by_place[place].push((target, weights[at]));
        }
        for &place in order {
            let start = self.weights.len() as u32;
            self.weights.append(&mut by_place[place]);
            self.leaves.push((start, self.weights.len() as u32));
        }
        Ok(())
    }
}

/// One node at its new place, its children still to be set.
fn node(lists: &Lists<'_>, place: usize, at: u32) -> Result<Node, Problem> {
    let leaf = Node {
        feature: 0,
        threshold: f64::NEG_INFINITY,
        missing_goes_left: false,
        right: at,
    };
    let feature = lists.feature[place];
    let threshold = match lists.mode[place] {
        "LEAF" => return Ok(leaf),
        "BRANCH_LT" => lists.threshold[place],
        // What is not above a float is below the next one.
        "BRANCH_LEQ" if lists.threshold[place].is_finite() => lists.threshold[place].next_up(),
        mode => return Err(format!("node mode `{mode}` is not supported")),
    };
    if !(0..MAX_FEATURES).contains(&feature) {
        return Err(format!(
            "node {} of tree {} asks for feature {feature}",
            lists.node[place], lists.tree[place]
        ));
    }
    let missing_goes_left = lists
        .missing_goes_left
        .get(place)
        .is_some_and(|&flag| flag != 0);
    Ok(Node {
        feature: feature as u32,
        threshold,
        missing_goes_left,
        ..leaf
    })
}
