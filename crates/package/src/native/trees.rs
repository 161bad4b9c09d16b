//! `ai.onnx.ml.TreeEnsembleRegressor`: sums of trees, fast.
//!
//! Nodes are laid out flat, depth first, so that a left child follows its parent; a leaf points at
//! itself. Eight walks go on side by side (eight
//! rows down one tree, or one row down eight trees), each step without a branch, until none moves:
//! the loads of one walk hide behind those of the others. Sums are taken tree by tree in either
//! form, so a row has the same result alone and in a batch.

mod layout;
mod shap;

use crate::native::attributes::Attributes;
use crate::native::operation::require;
use crate::native::tensor::{Data, Problem, Shape, Tensor};
use layout::Layout;
pub(super) use shap::CoveredTrees;

/// How many walks go on side by side.
const LANES: usize = 8;

/// An ensemble that is ready to run.
#[derive(Debug)]
pub(super) struct Trees {
    n_targets: usize,
    n_features: usize,
    base: Vec<f64>,
    walker: Walker,
    leaves: Leaves,
}

/// The nodes, by the width of the features.
#[derive(Debug)]
enum Walker {
    Single(Forest<f32>),
    Double(Forest<f64>),
}

#[derive(Debug)]
struct Forest<T> {
    roots: Vec<u32>,
    nodes: Vec<Node<T>>,
}

#[derive(Clone, Copy, Debug)]
struct Node<T> {
    threshold: T,
    /// The feature, and in the lowest bit whether NaN goes left.
    feature_and_missing: u32,
    /// Where to go if not to the next node, which is the left child. A leaf always goes "right", to
    /// itself.
    right: u32,
}

/// What is added at a leaf, by node.
#[derive(Debug)]
enum Leaves {
    /// One weight for the only target.
    One(Vec<f64>),
    /// A range of `(target, weight)` pairs.
    Many(Vec<(u32, u32)>, Vec<(u32, f64)>),
}

impl Trees {
    /// Reads the lists of the operator. With `single`, features are 32-bit floats (or were, before
    /// they were cast): thresholds are then rounded up to 32 bits, which changes no comparison.
    pub(super) fn new(attributes: &Attributes<'_>, single: bool) -> Result<Self, Problem> {
        require(
            attributes.text("aggregate_function", "SUM") == "SUM",
            "`aggregate_function` must be SUM",
        )?;
        require(
            attributes.text("post_transform", "NONE") == "NONE",
            "`post_transform` must be NONE",
        )?;
        let n_targets = usize::try_from(attributes.int("n_targets", 1)).unwrap_or(0);
        require(
            (1..=layout::MAX_TARGETS).contains(&n_targets),
            "`n_targets` is out of range",
        )?;
        let layout = Layout::new(attributes, n_targets)?;
        let mut base = attributes.numbers("base_values")?;
        require(
            base.is_empty() || base.len() == n_targets,
            "`base_values` does not fit `n_targets`",
        )?;
        base.resize(n_targets, 0.0);
        let n_features = layout
            .nodes
            .iter()
            .map(|node| node.feature as usize + 1)
            .max()
            .unwrap_or(0);
        let walker = if single {
            Walker::Single(Forest::new(&layout, round_up))
        } else {
            Walker::Double(Forest::new(&layout, |threshold| threshold))
        };
        Ok(Self {
            n_targets,
            n_features,
            base,
            walker,
            leaves: Leaves::new(&layout, n_targets),
        })
    }

    pub(super) fn run(&self, features: &Tensor) -> Result<Tensor, Problem> {
        let shape = features.shape;
        if shape.rank != 2 || shape.n_columns < self.n_features {
            return Err(format!(
                "features of shape {shape} are given, {} are asked for",
                self.n_features
            ));
        }
        let output = Shape::matrix(shape.n_rows, self.n_targets)?;
        let mut sums = vec![0.0; output.n_elements()];
        match (&self.walker, &features.data) {
            (Walker::Single(forest), Data::F32(values)) => {
                self.sum(forest, values, shape.n_columns, &mut sums);
            }
            (Walker::Double(forest), Data::F64(values)) => {
                self.sum(forest, values, shape.n_columns, &mut sums);
            }
            (_, data) => return Err(format!("it is not supported for {}", data.type_name())),
        }
        let with_base = sums
            .chunks_exact(self.n_targets)
            .flat_map(|row| row.iter().zip(&self.base));
        let results: Vec<f32> = with_base.map(|(sum, base)| (sum + base) as f32).collect();
        Ok(Tensor::new(results, output))
    }

    fn sum<T: Feature>(
        &self,
        forest: &Forest<T>,
        values: &[T],
        n_columns: usize,
        sums: &mut [f64],
    ) {
        if n_columns == 0 {
            // No tree asks anything: every root is a leaf.
            for sums in sums.chunks_exact_mut(self.n_targets) {
                forest
                    .roots
                    .iter()
                    .for_each(|&root| self.leaves.add(root, sums));
            }
            return;
        }
        let n_block = LANES * n_columns;
        let n_together = values.len() / n_block * LANES;
        let (together, alone) = values.split_at(n_together * n_columns);
        let (sums_together, sums_alone) = sums.split_at_mut(n_together * self.n_targets);
        for &root in &forest.roots {
            let blocks = together
                .chunks_exact(n_block)
                .zip(sums_together.chunks_exact_mut(LANES * self.n_targets));
            for (block, sums) in blocks {
                let reached = forest.walk_rows(root, block, n_columns);
                for (node, sums) in reached
                    .into_iter()
                    .zip(sums.chunks_exact_mut(self.n_targets))
                {
                    self.leaves.add(node, sums);
                }
            }
        }
        for (row, sums) in alone
            .chunks_exact(n_columns)
            .zip(sums_alone.chunks_exact_mut(self.n_targets))
        {
            let (eights, rest) = forest.roots.as_chunks::<LANES>();
            for roots in eights {
                forest
                    .walk_trees(*roots, row)
                    .into_iter()
                    .for_each(|node| self.leaves.add(node, sums));
            }
            for &root in rest {
                self.leaves.add(forest.walk(root, row), sums);
            }
        }
    }
}

/// The smallest 32-bit float that is not below: for a 32-bit `x`, `x < t` holds for both or neither.
fn round_up(threshold: f64) -> f32 {
    let nearest = threshold as f32;
    if f64::from(nearest) < threshold {
        nearest.next_up()
    } else {
        nearest
    }
}

/// A float that nodes compare.
trait Feature: Copy + PartialOrd {
    fn is_missing(self) -> bool;
}

impl Feature for f32 {
    fn is_missing(self) -> bool {
        self.is_nan()
    }
}

impl Feature for f64 {
    fn is_missing(self) -> bool {
        self.is_nan()
    }
}

impl<T: Feature> Node<T> {
    /// The next node for a row that is at this one.
    fn next(&self, at: u32, row: &[T]) -> u32 {
        let value = row[(self.feature_and_missing >> 1) as usize];
        let missing_goes_left = self.feature_and_missing & 1 == 1;
        let goes_left = (value < self.threshold) | (missing_goes_left & value.is_missing());
        if goes_left { at + 1 } else { self.right }
    }
}

impl<T: Feature> Forest<T> {
    fn new(layout: &Layout, threshold: impl Fn(f64) -> T) -> Self {
        let node = |node: &layout::Node| Node {
            threshold: threshold(node.threshold),
            feature_and_missing: node.feature << 1 | u32::from(node.missing_goes_left),
            right: node.right,
        };
        Self {
            roots: layout.roots.clone(),
            nodes: layout.nodes.iter().map(node).collect(),
        }
    }

    /// The leaves that eight rows reach in one tree.
    fn walk_rows(&self, root: u32, block: &[T], n_columns: usize) -> [u32; LANES] {
        let rows: [&[T]; LANES] =
            std::array::from_fn(|lane| &block[lane * n_columns..(lane + 1) * n_columns]);
        let mut at = [root; LANES];
        loop {
            let next = std::array::from_fn(|lane| {
                self.nodes[at[lane] as usize].next(at[lane], rows[lane])
            });
            if next == at {
                return at;
            }
            at = next;
        }
    }

    /// The leaves that one row reaches in eight trees.
    fn walk_trees(&self, mut at: [u32; LANES], row: &[T]) -> [u32; LANES] {
        loop {
            let next = at.map(|node| self.nodes[node as usize].next(node, row));
            if next == at {
                return at;
            }
            at = next;
        }
    }

    fn walk(&self, mut at: u32, row: &[T]) -> u32 {
        loop {
            let next = self.nodes[at as usize].next(at, row);
            if next == at {
                return at;
            }
            at = next;
        }
    }
}

impl Leaves {
    fn new(layout: &Layout, n_targets: usize) -> Self {
        if n_targets == 1 {
            let weight = |&(start, end): &(u32, u32)| {
                layout.weights[start as usize..end as usize]
                    .iter()
                    .map(|(_, weight)| weight)
                    .sum()
            };
            return Self::One(layout.leaves.iter().map(weight).collect());
        }
        Self::Many(layout.leaves.clone(), layout.weights.clone())
    }

    fn add(&self, node: u32, sums: &mut [f64]) {
        match self {
            Self::One(weights) => sums[0] += weights[node as usize],
            Self::Many(ranges, weights) => {
                let (start, end) = ranges[node as usize];
                for (target, weight) in &weights[start as usize..end as usize] {
                    sums[*target as usize] += weight;
                }
            }
        }
    }
}
