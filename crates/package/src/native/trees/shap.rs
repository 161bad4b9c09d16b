//! SHAP values of trees: the share of every feature in a sum of trees.
//!
//! The path-dependent algorithm of Lundberg et al. (2020, "From local explanations to global understanding with
//! explainable AI for trees", algorithm 2): features that are not known follow each branch as often as the background
//! rows did. The values of a row and the mean of the background, weighed by those branches, sum to the prediction.

use super::{Feature, Forest, Leaves, Trees, Walker};
use crate::native::tensor::{Data, Problem, Tensor};

/// Trees with how many background rows reach each node.
#[derive(Debug)]
pub(in crate::native) struct CoveredTrees {
    trees: Trees,
    cover: Vec<f64>,
}

/// A feature on the way from the root to a node.
#[derive(Clone, Copy, Debug)]
struct Element {
    feature: usize,
    /// The share of ways that go on when the feature is unknown, and when it is known.
    zero: f64,
    one: f64,
    weight: f64,
}

impl CoveredTrees {
    /// Sends background rows down all trees.
    pub(in crate::native) fn new(trees: Trees, background: &Tensor) -> Result<Self, Problem> {
        let n_columns = background.shape.n_columns;
        if background.shape.rank != 2 || n_columns < trees.n_features {
            return Err(format!("the background has the shape {}", background.shape));
        }
        let cover = match (&trees.walker, &background.data) {
            (Walker::Single(forest), Data::F32(rows)) => cover(forest, rows, n_columns),
            (Walker::Double(forest), Data::F64(rows)) => cover(forest, rows, n_columns),
            (_, data) => return Err(format!("the background is {}", data.type_name())),
        };
        Ok(Self { trees, cover })
    }

    pub(in crate::native) fn n_targets(&self) -> usize {
        self.trees.n_targets
    }

    /// About how many elementary steps a row takes.
    pub(in crate::native) fn steps_per_row(&self) -> usize {
        match &self.trees.walker {
            Walker::Single(forest) => forest.steps(self.trees.n_targets),
            Walker::Double(forest) => forest.steps(self.trees.n_targets),
        }
    }

    /// The mean of the sums over the ways of the background, one a target.
    pub(in crate::native) fn base(&self) -> Vec<f64> {
        let mut base = self.trees.base.clone();
        match &self.trees.walker {
            Walker::Single(forest) => self.add_means(forest, &mut base),
            Walker::Double(forest) => self.add_means(forest, &mut base),
        }
        base
    }

    fn add_means<T: Feature>(&self, forest: &Forest<T>, base: &mut [f64]) {
        for root in &forest.roots {
            let mut open = vec![(*root, 1.0)];
            while let Some((at, share)) = open.pop() {
                match forest.children(at) {
                    None => self.trees.leaves.add_share(at, share, base),
                    Some(children) => {
                        let shares = self.shares(at, children);
                        open.extend([
                            (children[0], share * shares[0]),
                            (children[1], share * shares[1]),
                        ]);
                    }
                }
            }
        }
    }

    /// The shares of the background's rows at a node that go left and right; halves where none came.
    fn shares(&self, at: u32, children: [u32; 2]) -> [f64; 2] {
        let here = self.cover[at as usize];
        if here > 0.0 {
            children.map(|child| self.cover[child as usize] / here)
        } else {
            [0.5, 0.5]
        }
    }

    /// The values of all rows: row by row, feature by feature, one a target.
    pub(in crate::native) fn values(&self, rows: &Tensor) -> Result<Vec<f64>, Problem> {
        let (n_rows, n_columns) = (rows.shape.n_rows, rows.shape.n_columns);
        let width = n_columns * self.trees.n_targets;
        let mut values = vec![0.0; n_rows * width];
        match (&self.trees.walker, &rows.data) {
            (Walker::Single(forest), Data::F32(cells)) => {
                self.add(forest, cells, n_columns, &mut values);
            }
            (Walker::Double(forest), Data::F64(cells)) => {
                self.add(forest, cells, n_columns, &mut values);
            }
            (_, data) => return Err(format!("the rows are {}", data.type_name())),
        }
        Ok(values)
    }

    fn add<T: Feature>(
        &self,
        forest: &Forest<T>,
        cells: &[T],
        n_columns: usize,
        values: &mut [f64],
    ) {
        if n_columns == 0 {
            return;
        }
        let width = n_columns * self.trees.n_targets;
        for (row, values) in cells
            .chunks_exact(n_columns)
            .zip(values.chunks_exact_mut(width))
        {
            for root in &forest.roots {
                let mut walk = Walk {
                    trees: self,
                    forest,
                    row,
                    values,
                };
                walk.node(*root, &[], Element::new(usize::MAX, 1.0, 1.0));
            }
        }
    }
}

/// How many rows come to each node.
fn cover<T: Feature>(forest: &Forest<T>, cells: &[T], n_columns: usize) -> Vec<f64> {
    let mut cover = vec![0.0; forest.nodes.len()];
    if n_columns == 0 {
        return cover;
    }
    for row in cells.chunks_exact(n_columns) {
        for root in &forest.roots {
            let mut at = *root;
            loop {
                cover[at as usize] += 1.0;
                let next = forest.nodes[at as usize].next(at, row);
                if next == at {
                    break;
                }
                at = next;
            }
        }
    }
    cover
}

impl<T: Feature> Forest<T> {
    /// The left and the right child; nothing for a leaf.
    fn children(&self, at: u32) -> Option<[u32; 2]> {
        let right = self.nodes[at as usize].right;
        (right != at).then_some([at + 1, right])
    }

    /// The sum over all leaves of the square of their depth.
    fn steps(&self, n_targets: usize) -> usize {
        let mut n_steps = 0;
        for root in &self.roots {
            let mut open = vec![(*root, 1_usize)];
            while let Some((at, depth)) = open.pop() {
                match self.children(at) {
                    None => n_steps += depth * (depth + n_targets),
                    Some(children) => open.extend(children.map(|child| (child, depth + 1))),
                }
            }
        }
        n_steps
    }
}

impl Leaves {
    /// Adds a share of what a leaf adds.
    fn add_share(&self, at: u32, share: f64, sums: &mut [f64]) {
        match self {
            Self::One(weights) => sums[0] += share * weights[at as usize],
            Self::Many(ranges, weights) => {
                let (start, end) = ranges[at as usize];
                for (target, weight) in &weights[start as usize..end as usize] {
                    sums[*target as usize] += share * weight;
                }
            }
        }
    }
}

impl Element {
    fn new(feature: usize, zero: f64, one: f64) -> Self {
        Self {
            feature,
            zero,
            one,
            weight: 0.0,
        }
    }
}

/// One row on its way down one tree.
struct Walk<'a, T> {
    trees: &'a CoveredTrees,
    forest: &'a Forest<T>,
    row: &'a [T],
    values: &'a mut [f64],
}

impl<T: Feature> Walk<'_, T> {
    fn node(&mut self, at: u32, before: &[Element], last: Element) {
        let mut path = Vec::with_capacity(before.len() + 1);
        path.extend_from_slice(before);
        extend(&mut path, last);
        let Some(children) = self.forest.children(at) else {
            self.leaf(at, &path);
            return;
        };
        let node = self.forest.nodes[at as usize];
        let feature = (node.feature_and_missing >> 1) as usize;
        let known_child = node.next(at, self.row);
        let shares = self.trees.shares(at, children);
        let mut earlier = Element::new(feature, 1.0, 1.0);
        if let Some(index) = path.iter().skip(1).position(|it| it.feature == feature) {
            earlier = path[index + 1];
            unwind(&mut path, index + 1);
        }
        for (child, share) in children.into_iter().zip(shares) {
            let one = if child == known_child {
                earlier.one
            } else {
                0.0
            };
            // What neither knowing nor not knowing leads to adds nothing.
            let zero = share * earlier.zero;
            if zero > 0.0 || one > 0.0 {
                self.node(child, &path, Element::new(feature, zero, one));
            }
        }
    }

    fn leaf(&mut self, at: u32, path: &[Element]) {
        let n_targets = self.trees.trees.n_targets;
        for index in 1..path.len() {
            let element = path[index];
            let share = unwound_sum(path, index) * (element.one - element.zero);
            let start = element.feature * n_targets;
            let values = &mut self.values[start..start + n_targets];
            self.trees.trees.leaves.add_share(at, share, values);
        }
    }
}

/// Adds a feature to the way: the weights of subsets by their size.
fn extend(path: &mut Vec<Element>, mut last: Element) {
    let depth = path.len();
    last.weight = if depth == 0 { 1.0 } else { 0.0 };
    path.push(last);
    let n = (depth + 1) as f64;
    for at in (0..depth).rev() {
        path[at + 1].weight += last.one * path[at].weight * (at + 1) as f64 / n;
        path[at].weight = last.zero * path[at].weight * (depth - at) as f64 / n;
    }
}

/// Takes a feature off the way again.
fn unwind(path: &mut Vec<Element>, index: usize) {
    let depth = path.len() - 1;
    let Element { zero, one, .. } = path[index];
    let n = (depth + 1) as f64;
    let mut next = path[depth].weight;
    for at in (0..depth).rev() {
        if one == 0.0 {
            path[at].weight = path[at].weight * n / (zero * (depth - at) as f64);
        } else {
            let here = path[at].weight;
            path[at].weight = next * n / ((at + 1) as f64 * one);
            next = here - path[at].weight * zero * (depth - at) as f64 / n;
        }
    }
    for at in index..depth {
        path[at].feature = path[at + 1].feature;
        path[at].zero = path[at + 1].zero;
        path[at].one = path[at + 1].one;
    }
    path.truncate(depth);
}

/// The sum of the weights without one feature.
fn unwound_sum(path: &[Element], index: usize) -> f64 {
    let depth = path.len() - 1;
    let Element { zero, one, .. } = path[index];
    let n = (depth + 1) as f64;
    let mut next = path[depth].weight;
    let mut total = 0.0;
    for at in (0..depth).rev() {
        if one == 0.0 {
            total += path[at].weight * n / (zero * (depth - at) as f64);
        } else {
            let part = next * n / ((at + 1) as f64 * one);
            total += part;
            next = path[at].weight - part * zero * (depth - at) as f64 / n;
        }
    }
    total
}
