//! Growing one tree: the split with the greatest gain, until nothing is gained.
//!
//! Every row has gradients (one a target) and a weight; a leaf's value is `-G / (H + l2)` for their sums. With gradients
//! `-y` and weights 1 that is the mean, and the gain is the reduction of variance; over one-hot classes it is Gini's index.

use std::ops::Range;

use everloop_package::graph::{Tree, TreeNode};

use super::Bins;
use super::histogram::{Node, Rows, Split, accumulate, best_split};

/// Rows times bundles that one thread looks through before another is worth starting.
const WORK_A_THREAD: usize = 400_000;
/// Rows times bundles between two questions whether to stop.
const WORK_A_POLL: usize = 10_000_000;

/// How a tree may grow.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Growth {
    pub(crate) max_depth: usize,
    pub(crate) min_rows: usize,
    pub(crate) min_weight: f64,
    pub(crate) l2: f64,
    pub(crate) n_threads: usize,
}

/// How the values of leaves are written.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Leaves {
    /// Values are multiplied by it.
    pub(crate) factor: f64,
    /// The target of a tree with one target.
    pub(crate) target: u32,
}

/// The columns that may be split on, growing.
pub(crate) enum Columns<'a> {
    /// The same for all nodes.
    Same(&'a [usize]),
    /// Chosen for each node.
    Each(&'a mut dyn FnMut() -> Vec<usize>),
}

/// A tree, and where its rows went.
pub(crate) struct Grown {
    pub(crate) tree: Tree,
    /// What each column has gained.
    pub(crate) gains: Vec<f64>,
    /// The rows, leaf by leaf.
    pub(crate) picked: Vec<u32>,
    /// The places of leaves in `picked`, and their nodes.
    pub(crate) leaves: Vec<(Range<usize>, usize)>,
}

struct Grower<'a, 'c> {
    bins: &'a Bins,
    rows: &'a Rows<'a>,
    growth: Growth,
    leaf: Leaves,
    columns: Columns<'c>,
    /// The bundles whose sums are kept and subtracted, with the places of their sums; none if columns change.
    kept: Vec<(usize, usize)>,
    kept_length: usize,
    nodes: Vec<TreeNode>,
    gains: Vec<f64>,
    leaves: Vec<(Range<usize>, usize)>,
    work: usize,
    is_stopped: &'a mut dyn FnMut() -> bool,
    stopped: bool,
}

/// Grows a tree on some rows. Once `is_stopped` says so, what is left becomes leaves.
pub(crate) fn grow(
    bins: &Bins,
    rows: &Rows<'_>,
    mut picked: Vec<u32>,
    growth: Growth,
    leaf: Leaves,
    columns: Columns<'_>,
    is_stopped: &mut dyn FnMut() -> bool,
) -> Grown {
    let (kept, kept_length) = match &columns {
        Columns::Same(columns) => kept(bins, columns, rows.width()),
        Columns::Each(_) => (Vec::new(), 0),
    };
    let mut grower = Grower {
        bins,
        rows,
        growth,
        leaf,
        columns,
        kept,
        kept_length,
        nodes: Vec::new(),
        gains: vec![0.0; bins.n_columns()],
        leaves: Vec::new(),
        work: 0,
        is_stopped,
        stopped: false,
    };
    grower.node(&mut picked, 0, 0, None);
    Grown {
        tree: Tree {
            nodes: grower.nodes,
        },
        gains: grower.gains,
        leaves: grower.leaves,
        picked,
    }
}

/// The bundles of columns, each with the place of its sums in one buffer, and the length of that.
fn kept(bins: &Bins, columns: &[usize], width: usize) -> (Vec<(usize, usize)>, usize) {
    let mut bundles: Vec<usize> = columns
        .iter()
        .map(|column| bins.bundle_of(*column))
        .collect();
    bundles.dedup();
    let mut length = 0;
    let places = bundles.into_iter().map(|bundle| {
        let place = length;
        length += bins.bundles[bundle].n_codes * width;
        (bundle, place)
    });
    let places = places.collect();
    (places, length)
}

impl Grower<'_, '_> {
    /// Makes the node of some rows and all below it; gives its place. `sums` are those of the kept bundles, if they are
    /// known already.
    fn node(
        &mut self,
        picked: &mut [u32],
        start: usize,
        depth: usize,
        sums: Option<Vec<f64>>,
    ) -> u32 {
        let place = self.nodes.len();
        let gathered = self.rows.gather(picked);
        let total = self.total(&gathered);
        let mut sums = sums;
        let may_split = depth < self.growth.max_depth
            && picked.len() >= 2 * self.growth.min_rows
            && !self.poll(picked.len());
        let split = if may_split {
            let node = Node {
                picked,
                gathered: &gathered,
                total: &total,
            };
            self.best(&node, &mut sums)
        } else {
            None
        };
        drop(gathered);
        let Some(split) = split else {
            self.leaves.push((start..start + picked.len(), place));
            self.nodes.push(self.leaf(&total));
            return place as u32;
        };
        self.gains[split.column] += split.gain;
        let threshold = self.bins.cuts[split.column]
            .get(split.bin - 1)
            .copied()
            .unwrap_or(f32::INFINITY);
        let middle = partition(picked, |row| match self.bins.bin(split.column, row) {
            0 => split.missing_goes_left,
            bin => bin <= split.bin,
        });
        self.nodes.push(TreeNode::Leaves(Vec::new()));
        let (left_rows, right_rows) = picked.split_at_mut(middle);
        let (left_sums, right_sums) = self.children(sums, left_rows, right_rows, depth + 1);
        let left = self.node(left_rows, start, depth + 1, left_sums);
        let right = self.node(right_rows, start + middle, depth + 1, right_sums);
        self.nodes[place] = TreeNode::Split {
            feature: split.column as u32,
            threshold,
            missing_goes_left: split.missing_goes_left,
            left,
            right,
        };
        place as u32
    }

    /// Whether to stop; asked now and then.
    fn poll(&mut self, n_rows: usize) -> bool {
        self.work += n_rows * self.bins.bundles.len();
        if self.work >= WORK_A_POLL && !self.stopped {
            self.work = 0;
            self.stopped = (self.is_stopped)();
        }
        self.stopped
    }

    fn total(&self, gathered: &[f64]) -> Vec<f64> {
        let stride = self.rows.n_targets + 1;
        let mut total = vec![0.0; stride + 1];
        for own in gathered.chunks_exact(stride) {
            total
                .iter_mut()
                .zip(own)
                .for_each(|(sum, value)| *sum += value);
        }
        total[stride] = (gathered.len() / stride) as f64;
        total
    }

    fn leaf(&self, total: &[f64]) -> TreeNode {
        let n_targets = self.rows.n_targets;
        let weight = total[n_targets] + self.growth.l2;
        let value = |gradient: f64| {
            if weight > 0.0 {
                -gradient / weight * self.leaf.factor
            } else {
                0.0
            }
        };
        if n_targets == 1 {
            return TreeNode::Leaf {
                target: self.leaf.target,
                weight: value(total[0]),
            };
        }
        let targets = 0..n_targets;
        TreeNode::Leaves(
            targets
                .map(|target| (target as u32, value(total[target])))
                .collect(),
        )
    }

    /// Whether a node of so many rows keeps sums: with fewer rows than sums it is cheaper to look at the rows alone.
    fn keeps_sums(&self, n_rows: usize) -> bool {
        !self.kept.is_empty()
            && n_rows * self.kept.len() * 2 >= self.kept_length / self.rows.width()
    }

    /// The sums of both children: of the smaller one anew, of the other one by subtraction.
    fn children(
        &self,
        parent: Option<Vec<f64>>,
        left: &[u32],
        right: &[u32],
        depth: usize,
    ) -> (Option<Vec<f64>>, Option<Vec<f64>>) {
        let (small, large) = if left.len() <= right.len() {
            (left, right)
        } else {
            (right, left)
        };
        let needs = depth < self.growth.max_depth
            && large.len() >= 2 * self.growth.min_rows
            && self.keeps_sums(large.len());
        let Some(mut others) = parent.filter(|_| needs) else {
            return (None, None);
        };
        let own = self.sums(small, &self.rows.gather(small));
        others
            .iter_mut()
            .zip(&own)
            .for_each(|(other, own)| *other -= own);
        let own = self.keeps_sums(small.len()).then_some(own);
        if left.len() <= right.len() {
            (own, Some(others))
        } else {
            (Some(others), own)
        }
    }

    /// The sums of the kept bundles, each taken by one thread.
    fn sums(&self, picked: &[u32], gathered: &[f64]) -> Vec<f64> {
        let mut sums = vec![0.0; self.kept_length];
        let width = self.rows.width();
        let fill = |bundles: &[(usize, usize)], mut sums: &mut [f64]| {
            for (bundle, _) in bundles {
                let bundle = &self.bins.bundles[*bundle];
                let (own, rest) = std::mem::take(&mut sums).split_at_mut(bundle.n_codes * width);
                accumulate(bundle, picked, gathered, own);
                sums = rest;
            }
        };
        let n_threads = self.n_threads(picked.len(), self.kept.len());
        if n_threads == 1 {
            fill(&self.kept, &mut sums);
            return sums;
        }
        let share = self.kept.len().div_ceil(n_threads);
        std::thread::scope(|scope| {
            let mut rest: &mut [f64] = &mut sums;
            let mut at = 0;
            for (index, bundles) in self.kept.chunks(share).enumerate() {
                let end = self
                    .kept
                    .get((index + 1) * share)
                    .map_or(self.kept_length, |next| next.1);
                let (own, others) = std::mem::take(&mut rest).split_at_mut(end - at);
                (rest, at) = (others, end);
                scope.spawn(move || fill(bundles, own));
            }
        });
        sums
    }

    fn n_threads(&self, n_rows: usize, n_bundles: usize) -> usize {
        let useful = n_rows * n_bundles / WORK_A_THREAD;
        self.growth.n_threads.min(useful).clamp(1, n_bundles.max(1))
    }

    /// The best split over the columns; the first of equal gains wins, on any number of threads.
    fn best(&mut self, node: &Node<'_>, sums: &mut Option<Vec<f64>>) -> Option<Split> {
        if sums.is_none() && self.keeps_sums(node.picked.len()) {
            *sums = Some(self.sums(node.picked, node.gathered));
        }
        let chosen;
        let columns: &[usize] = match &mut self.columns {
            Columns::Same(columns) => columns,
            Columns::Each(choose) => {
                chosen = choose();
                &chosen
            }
        };
        let found = match sums {
            Some(sums) => best_of_sums(
                self.bins,
                &self.kept,
                columns,
                sums,
                node.total,
                &self.growth,
            ),
            None => best_of_rows(self.bins, columns, node, &self.growth),
        };
        found
            .into_iter()
            .reduce(|best, next| if next.gain > best.gain { next } else { best })
    }
}

/// The best splits of columns whose sums are kept.
fn best_of_sums(
    bins: &Bins,
    kept: &[(usize, usize)],
    columns: &[usize],
    sums: &[f64],
    total: &[f64],
    growth: &Growth,
) -> Vec<Split> {
    let mut found = Vec::new();
    let mut at = 0;
    for column in columns {
        while kept[at].0 != bins.bundle_of(*column) {
            at += 1;
        }
        found.extend(best_split(
            bins,
            *column,
            &sums[kept[at].1..],
            total,
            growth,
        ));
    }
    found
}

/// The best splits of columns, each from the rows of the node.
fn best_of_rows(bins: &Bins, columns: &[usize], node: &Node<'_>, growth: &Growth) -> Vec<Split> {
    let width = node.total.len();
    let mut found = Vec::new();
    let mut sums: Vec<f64> = Vec::new();
    let mut last = usize::MAX;
    for column in columns {
        let bundle = bins.bundle_of(*column);
        if bundle != last {
            sums.clear();
            sums.resize(bins.bundles[bundle].n_codes * width, 0.0);
            accumulate(&bins.bundles[bundle], node.picked, node.gathered, &mut sums);
            last = bundle;
        }
        found.extend(best_split(bins, *column, &sums, node.total, growth));
    }
    found
}

/// Brings the rows that go left to the front, keeping the order on both sides; gives how many there are.
fn partition(picked: &mut [u32], goes_left: impl Fn(u32) -> bool) -> usize {
    let mut right = Vec::with_capacity(picked.len());
    let mut at = 0;
    for index in 0..picked.len() {
        let row = picked[index];
        if goes_left(row) {
            picked[at] = row;
            at += 1;
        } else {
            right.push(row);
        }
    }
    picked[at..].copy_from_slice(&right);
    at
}

#[cfg(test)]
mod tests;
