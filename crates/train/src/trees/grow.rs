//! Growing one tree: the split with the greatest gain, until nothing is gained.
//!
//! A leaf's value is `-G / (H + l2)` for the sums of its rows, which with gradients `-y` and weights 1 is the mean; or the
//! shares of its classes. With a bound on leaves the node that gains most is split next (Shi 2007), otherwise the tree
//! grows depth first, which is the same tree.

use std::ops::Range;

use everloop_package::graph::{Tree, TreeNode};
use rand::{Rng, RngExt as _};
use rand_chacha::ChaCha8Rng;

use super::bins::Bins;
use super::growth::Growth;
use super::items::{Items, Kind};
use super::partition::{GoesLeft, Spare};
use super::split::Split;
use super::sums::Sums;

/// Rows times bundles between two questions whether to stop.
const WORK_A_POLL: usize = 10_000_000;

/// How the values of leaves are written.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Leaves {
    /// Values are multiplied by it.
    pub(crate) factor: f64,
    /// The target of a tree with one target.
    pub(crate) target: u32,
}

/// Chance in a tree: columns that each node chooses from anew, and cuts.
#[derive(Clone, Debug)]
pub(crate) struct Chance {
    pub(crate) rng: ChaCha8Rng,
    /// Columns that a node chooses from.
    pub(crate) n_candidates: usize,
    /// Whether a column is cut by chance, not where most is gained.
    pub(crate) cuts: bool,
}

/// What a tree is grown on.
pub(crate) struct Ground<'a> {
    pub(crate) bins: &'a Bins,
    pub(crate) growth: &'a Growth,
    /// The columns that may be split on, growing.
    pub(crate) columns: &'a [usize],
    pub(crate) chance: Option<Chance>,
    pub(crate) leaves: Leaves,
}

/// A tree, and where its rows went.
pub(crate) struct Grown {
    pub(crate) tree: Tree,
    /// By node what its split has gained; zero for leaves.
    pub(crate) gains: Vec<f64>,
    /// By node what it would be as a leaf, if the tree is to be pruned.
    pub(crate) as_leaves: Vec<TreeNode>,
    /// The rows, leaf by leaf.
    pub(crate) rows: Vec<u32>,
    /// The places of leaves in `rows`, and their nodes.
    pub(crate) leaves: Vec<(Range<usize>, usize)>,
    /// By node its split in codes.
    pub(crate) steps: Vec<Step>,
}

/// A split in codes; a leaf has itself on both sides.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Step {
    bundle: u32,
    goes_left: GoesLeft,
    left: u32,
    right: u32,
}

/// How many rows go down a tree side by side, so that the loads of one hide behind those of the others.
const LANES: usize = 8;

impl Grown {
    /// What each column has gained.
    pub(crate) fn gains_by_column(&self, n_columns: usize) -> Vec<f64> {
        let mut sums = vec![0.0; n_columns];
        for (node, gain) in self.tree.nodes.iter().zip(&self.gains) {
            if let TreeNode::Split { feature, .. } = node {
                sums[*feature as usize] += gain;
            }
        }
        sums
    }

    /// The leaves of train rows, whether the tree was grown on them or not.
    pub(crate) fn leaves_of(&self, bins: &Bins, rows: &[u32]) -> Vec<u32> {
        let mut leaves = Vec::with_capacity(rows.len());
        let (together, alone) = rows.as_chunks::<LANES>();
        for rows in together {
            leaves.extend(self.descend(bins, *rows));
        }
        leaves.extend(alone.iter().flat_map(|row| self.descend(bins, [*row])));
        leaves
    }

    fn descend<const N: usize>(&self, bins: &Bins, rows: [u32; N]) -> [u32; N] {
        let (codes, stride) = bins.codes();
        let codes = rows.map(|row| &codes[row as usize * stride..][..stride]);
        let mut at = [0; N];
        loop {
            let next: [u32; N] = std::array::from_fn(|lane| {
                let step = &self.steps[at[lane] as usize];
                let goes_left = step.goes_left.has(codes[lane][step.bundle as usize]);
                if goes_left { step.left } else { step.right }
            });
            if next == at {
                return at;
            }
            at = next;
        }
    }
}

/// A node that may be split yet.
pub(super) struct Open {
    place: usize,
    pub(super) range: Range<usize>,
    depth: usize,
    pub(super) bounds: (f64, f64),
    pub(super) total: Vec<i64>,
    /// Its sums by code, if they are kept.
    pub(super) tables: Option<Vec<i64>>,
    pub(super) split: Option<Split>,
}

struct Grower<'a, 's> {
    ground: Ground<'a>,
    items: Items,
    sums: Sums<'a>,
    /// The columns, in the order that chance has left them in.
    order: Vec<usize>,
    spare: Spare,
    grown: Grown,
    open: Vec<Open>,
    work: usize,
    is_stopped: &'s mut dyn FnMut() -> bool,
    stopped: bool,
}

/// Grows a tree on some rows. Once `is_stopped` says so, what is left becomes leaves.
pub(crate) fn grow(
    ground: Ground<'_>,
    items: Items,
    is_stopped: &mut dyn FnMut() -> bool,
) -> Grown {
    let total = items.units.total(items.piece(0..items.rows.len()));
    let mut grower = Grower {
        sums: Sums::new(ground.bins, ground.growth, ground.columns, items.units),
        order: ground.columns.to_vec(),
        spare: Spare::new(&items),
        grown: Grown {
            tree: Tree { nodes: Vec::new() },
            gains: Vec::new(),
            as_leaves: Vec::new(),
            rows: Vec::new(),
            leaves: Vec::new(),
            steps: Vec::new(),
        },
        open: Vec::new(),
        work: 0,
        is_stopped,
        stopped: false,
        ground,
        items,
    };
    let everywhere = (f64::NEG_INFINITY, f64::INFINITY);
    let mut root = grower.node(0..grower.items.rows.len(), 0, everywhere, total);
    if grower.may_split(&root) {
        grower.look(&mut root);
    }
    grower.settle(root);
    while let Some(next) = grower.next() {
        grower.split(next);
    }
    grower.grown.rows = grower.items.rows;
    grower.grown
}

impl Grower<'_, '_> {
    /// Makes a node, which is neither leaf nor split yet.
    fn node(
        &mut self,
        range: Range<usize>,
        depth: usize,
        bounds: (f64, f64),
        total: Vec<i64>,
    ) -> Open {
        let place = self.grown.steps.len();
        // What it is comes when it is split or closed.
        let unknown = TreeNode::Leaf {
            target: 0,
            weight: 0.0,
        };
        self.grown.tree.nodes.push(unknown);
        self.grown.gains.push(0.0);
        self.grown.steps.push(Step {
            bundle: 0,
            goes_left: GoesLeft::ALL,
            left: place as u32,
            right: place as u32,
        });
        Open {
            place,
            range,
            depth,
            bounds,
            total,
            tables: None,
            split: None,
        }
    }

    fn leaf(&self, total: &[i64], bounds: (f64, f64)) -> TreeNode {
        let (units, Leaves { factor, target }) = (self.items.units, self.ground.leaves);
        if let (Kind::Moments, [gradient, word]) = (units.kind, total) {
            let (gradient, weight) = (units.gradient(*gradient), units.weight(*word));
            return TreeNode::Leaf {
                target,
                weight: self.ground.growth.value(gradient, weight, bounds) * factor,
            };
        }
        let weights = total.iter().map(|word| units.weight(*word));
        let sum: f64 = weights.clone().sum();
        let share = |weight: f64| {
            if sum > 0.0 {
                weight / sum * factor
            } else {
                0.0
            }
        };
        if let [_, positive] = total {
            let weight = share(units.weight(*positive));
            return TreeNode::Leaf { target, weight };
        }
        let shares = weights.zip(0..).filter(|(weight, _)| *weight > 0.0);
        let mut leaves = Vec::with_capacity(shares.clone().count());
        leaves.extend(shares.map(|(weight, class)| (class, share(weight))));
        TreeNode::Leaves(leaves)
    }

    /// Keeps a node to be split, or leaves it a leaf.
    fn settle(&mut self, node: Open) {
        if node.split.is_some() {
            self.open.push(node);
        } else {
            self.close(node);
        }
    }

    fn close(&mut self, node: Open) {
        self.sums.give_back(node.tables);
        self.grown.tree.nodes[node.place] = self.leaf(&node.total, node.bounds);
        self.grown.leaves.push((node.range, node.place));
    }

    /// The node to be split next, if any may be.
    fn next(&mut self) -> Option<Open> {
        let max_leaves = self.ground.growth.max_leaves;
        if self.stopped || self.grown.leaves.len() + self.open.len() >= max_leaves {
            for node in std::mem::take(&mut self.open) {
                self.close(node);
            }
            return None;
        }
        if max_leaves == usize::MAX {
            return self.open.pop();
        }
        let gain = |at: usize| self.open[at].split.map_or(0.0, |split| split.gain);
        let best =
            (0..self.open.len()).reduce(|best, at| if gain(at) > gain(best) { at } else { best });
        best.map(|at| self.open.remove(at))
    }

    fn split(&mut self, mut node: Open) {
        let Some(split) = node.split else {
            return;
        };
        let bins = self.ground.bins;
        let bundle = bins.bundle_of(split.column);
        let goes_left = goes_left(bins, split);
        let n_threads = self.ground.growth.n_threads;
        let question = (bins, bundle, &goes_left);
        let (items, range) = (&mut self.items, node.range.clone());
        let n_left = self.spare.part(question, items, range, n_threads);
        let middle = node.range.start + n_left;
        let (left_total, right_total) = self.totals(&node, middle);
        let (left_bounds, right_bounds) = self.bounds(&node, split, &left_total, &right_total);
        let depth = node.depth + 1;
        let left = self.node(node.range.start..middle, depth, left_bounds, left_total);
        let right = self.node(middle..node.range.end, depth, right_bounds, right_total);
        let (left_place, right_place) = (left.place as u32, right.place as u32);
        self.grown.gains[node.place] = split.gain;
        self.grown.steps[node.place] = Step {
            bundle: bundle as u32,
            goes_left,
            left: left_place,
            right: right_place,
        };
        let as_split = TreeNode::Split {
            feature: split.column as u32,
            threshold: threshold(bins, split),
            missing_goes_left: split.missing_goes_left,
            left: left_place,
            right: right_place,
        };
        if self.ground.growth.is_pruned {
            let n_nodes = self.grown.steps.len();
            let as_leaf = self.leaf(&node.total, node.bounds);
            let none = TreeNode::Leaves(Vec::new());
            self.grown.as_leaves.resize(n_nodes, none);
            self.grown.as_leaves[node.place] = as_leaf;
        }
        self.grown.tree.nodes[node.place] = as_split;
        self.children(node.tables.take(), left, right);
    }

    /// The sums of both children of a node: of the smaller one they are taken, the others are what is left.
    fn totals(&self, node: &Open, middle: usize) -> (Vec<i64>, Vec<i64>) {
        let (left, right) = (node.range.start..middle, middle..node.range.end);
        let is_left_small = left.len() <= right.len();
        let small = if is_left_small { left } else { right };
        let own = self.items.units.total(self.items.piece(small));
        let pairs = node.total.iter().zip(&own);
        let other = pairs.map(|(all, own)| all - own).collect();
        if is_left_small {
            (own, other)
        } else {
            (other, own)
        }
    }

    /// Looks for the splits of both children of a node, whose sums are given if they were kept.
    fn children(&mut self, tables: Option<Vec<i64>>, mut left: Open, mut right: Open) {
        // Both are leaves yet, beside those that wait and those that are done.
        let n_leaves = self.grown.leaves.len() + self.open.len() + 2;
        let is_full = n_leaves >= self.ground.growth.max_leaves;
        let may = [&left, &right].map(|node| !is_full && self.may_split(node));
        match tables {
            Some(tables) if may != [false, false] => {
                let is_left_small = left.range.len() <= right.range.len();
                let (small, large) = if is_left_small {
                    (&mut left, &mut right)
                } else {
                    (&mut right, &mut left)
                };
                let (may_small, may_large) = if is_left_small {
                    (may[0], may[1])
                } else {
                    (may[1], may[0])
                };
                self.sums
                    .both(&self.items, tables, (small, may_small), (large, may_large));
            }
            tables => {
                self.sums.give_back(tables);
                for (node, may) in [&mut left, &mut right].into_iter().zip(may) {
                    if may {
                        self.look(node);
                    }
                }
            }
        }
        self.settle(left);
        self.settle(right);
    }

    /// Looks for the split of a node whose sums are not known.
    fn look(&mut self, node: &mut Open) {
        let Some(mut chance) = self.ground.chance.take() else {
            self.sums.one(&self.items, node);
            return;
        };
        // Columns are drawn until one of them differs within the node.
        let mut drawn = 0;
        let mut differs = false;
        while !differs && drawn < self.order.len() {
            let end = (drawn + chance.n_candidates).min(self.order.len());
            for at in drawn..end {
                let other = chance.rng.random_range(at..self.order.len());
                self.order.swap(at, other);
            }
            let cuts = chance.cuts.then_some(&mut chance.rng as &mut dyn Rng);
            let found = self
                .sums
                .some(&self.items, node, &self.order[drawn..end], cuts);
            (node.split, differs) = found;
            drawn = end;
        }
        self.ground.chance = Some(chance);
    }

    fn may_split(&mut self, node: &Open) -> bool {
        let growth = self.ground.growth;
        node.depth < growth.max_depth
            && node.range.len() >= 2 * growth.min_rows.max(1) as usize
            && !is_pure(self.items.units.kind, &node.total)
            && !self.poll(node.range.len())
    }

    /// Whether to stop; asked now and then.
    fn poll(&mut self, n_rows: usize) -> bool {
        self.work += n_rows * self.ground.bins.bundles.len();
        if self.work >= WORK_A_POLL && !self.stopped {
            self.work = 0;
            self.stopped = (self.is_stopped)();
        }
        self.stopped
    }

    /// Between what the values of both children must lie: where one of them may not exceed the other, the middle of their
    /// values parts them.
    fn bounds(
        &self,
        node: &Open,
        split: Split,
        left: &[i64],
        right: &[i64],
    ) -> ((f64, f64), (f64, f64)) {
        let direction = self
            .ground
            .growth
            .monotone
            .get(split.column)
            .copied()
            .unwrap_or(0);
        let (low, high) = node.bounds;
        if direction == 0 {
            return (node.bounds, node.bounds);
        }
        let units = self.items.units;
        let value = |total: &[i64]| {
            let (gradient, weight) = (units.gradient(total[0]), units.weight(total[1]));
            self.ground.growth.value(gradient, weight, node.bounds)
        };
        let middle = f64::midpoint(value(left), value(right));
        if direction > 0 {
            ((low, middle), (middle, high))
        } else {
            ((middle, high), (low, middle))
        }
    }
}

/// Whether all rows are of one class.
fn is_pure(kind: Kind, total: &[i64]) -> bool {
    matches!(kind, Kind::Classes(_)) && total.iter().filter(|word| **word != 0).count() < 2
}

fn goes_left(bins: &Bins, split: Split) -> GoesLeft {
    let bundle = &bins.bundles[bins.bundle_of(split.column)];
    if bundle.is_exclusive() {
        let own = split.column - bundle.columns.start + 1;
        return GoesLeft::ALL.with(own, false);
    }
    GoesLeft::up_to(split.bin).with(0, split.missing_goes_left)
}

fn threshold(bins: &Bins, split: Split) -> f32 {
    let cut = bins.cuts[split.column].get(split.bin - 1);
    cut.copied().unwrap_or(f32::INFINITY)
}

#[cfg(test)]
mod tests;
