//! Growing one tree: the split with the greatest gain, until nothing is gained.
//!
//! Every row has gradients (one a target) and a weight. A leaf's value is `-G / (H + l2)` for the sums `G` and `H` of
//! gradients and weights, and a split gains `sum of G^2 / (H + l2)` over its sides (Chen and Guestrin 2016). With
//! gradients `-y` and weights 1 that is the reduction of variance; over one-hot classes it is Gini's index.

use everloop_package::graph::{Tree, TreeNode};

use super::Bins;

/// What is learnt from, row by row.
pub(crate) struct Rows<'a> {
    /// Gradients, row by row, one a target.
    pub(crate) gradients: &'a [f64],
    /// Weights: second derivatives, or how often a row was drawn.
    pub(crate) weights: &'a [f64],
    /// Targets.
    pub(crate) n_targets: usize,
}

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

/// Sums of a bin: gradients, then weight, then rows.
type Sums = Vec<f64>;

struct Split {
    gain: f64,
    column: usize,
    /// Bins up to this one go left.
    bin: usize,
    missing_goes_left: bool,
}

struct Grower<'a> {
    bins: &'a Bins,
    rows: &'a Rows<'a>,
    growth: Growth,
    leaves: Leaves,
    nodes: Vec<TreeNode>,
    gains: &'a mut [f64],
}

/// Grows a tree on some rows; `columns` chooses the columns that a node may split on, and `gains` sums what each column
/// has gained.
pub(crate) fn grow(
    bins: &Bins,
    rows: &Rows<'_>,
    mut picked: Vec<u32>,
    growth: Growth,
    leaves: Leaves,
    columns: &mut dyn FnMut() -> Vec<usize>,
    gains: &mut [f64],
) -> Tree {
    let mut grower = Grower {
        bins,
        rows,
        growth,
        leaves,
        nodes: Vec::new(),
        gains,
    };
    grower.node(&mut picked, 0, columns);
    Tree {
        nodes: grower.nodes,
    }
}

impl Grower<'_> {
    /// Makes the node of some rows and all below it; gives its place.
    fn node(
        &mut self,
        picked: &mut [u32],
        depth: usize,
        columns: &mut dyn FnMut() -> Vec<usize>,
    ) -> u32 {
        let place = self.nodes.len() as u32;
        let total = self.total(picked);
        let split = if depth < self.growth.max_depth && picked.len() >= 2 * self.growth.min_rows {
            self.best(picked, &total, &columns())
        } else {
            None
        };
        let Some(split) = split else {
            let leaf = self.leaf(&total);
            self.nodes.push(leaf);
            return place;
        };
        self.gains[split.column] += split.gain;
        let threshold = self.bins.cuts[split.column]
            .get(split.bin - 1)
            .copied()
            .unwrap_or(f32::INFINITY);
        let codes = self.bins.column(split.column);
        let goes_left = |row: u32| match usize::from(codes[row as usize]) {
            0 => split.missing_goes_left,
            bin => bin <= split.bin,
        };
        let middle = partition(picked, goes_left);
        self.nodes.push(TreeNode::Leaves(Vec::new()));
        let (left_rows, right_rows) = picked.split_at_mut(middle);
        let left = self.node(left_rows, depth + 1, columns);
        let right = self.node(right_rows, depth + 1, columns);
        self.nodes[place as usize] = TreeNode::Split {
            feature: split.column as u32,
            threshold,
            missing_goes_left: split.missing_goes_left,
            left,
            right,
        };
        place
    }

    fn width(&self) -> usize {
        self.rows.n_targets + 2
    }

    fn add(&self, sums: &mut [f64], row: u32) {
        let (row, n_targets) = (row as usize, self.rows.n_targets);
        for (sum, gradient) in sums
            .iter_mut()
            .zip(&self.rows.gradients[row * n_targets..(row + 1) * n_targets])
        {
            *sum += gradient;
        }
        sums[n_targets] += self.rows.weights[row];
        sums[n_targets + 1] += 1.0;
    }

    fn total(&self, picked: &[u32]) -> Sums {
        let mut total = vec![0.0; self.width()];
        for row in picked {
            self.add(&mut total, *row);
        }
        total
    }

    fn leaf(&self, total: &[f64]) -> TreeNode {
        let weight = total[self.rows.n_targets] + self.growth.l2;
        let value = |gradient: f64| {
            if weight > 0.0 {
                -gradient / weight * self.leaves.factor
            } else {
                0.0
            }
        };
        if self.rows.n_targets == 1 {
            return TreeNode::Leaf {
                target: self.leaves.target,
                weight: value(total[0]),
            };
        }
        TreeNode::Leaves(
            (0..self.rows.n_targets)
                .map(|target| (target as u32, value(total[target])))
                .collect(),
        )
    }

    /// The best split over the columns. Each column is looked at by one thread, so the result does not depend on how
    /// many there are.
    fn best(&self, picked: &[u32], total: &[f64], columns: &[usize]) -> Option<Split> {
        const ROWS_A_THREAD: usize = 4_000;
        let n_threads = self
            .growth
            .n_threads
            .min(picked.len() * columns.len() / (ROWS_A_THREAD * 8) + 1)
            .max(1);
        let look = |columns: &[usize]| -> Vec<Option<Split>> {
            columns
                .iter()
                .map(|column| self.best_of_column(picked, total, *column))
                .collect()
        };
        let found: Vec<Option<Split>> = if n_threads == 1 {
            look(columns)
        } else {
            let share = columns.len().div_ceil(n_threads);
            std::thread::scope(|scope| {
                let workers: Vec<_> = columns
                    .chunks(share)
                    .map(|columns| scope.spawn(move || look(columns)))
                    .collect();
                workers
                    .into_iter()
                    .flat_map(|worker| worker.join().unwrap_or_default())
                    .collect()
            })
        };
        // The first of equal gains wins.
        found
            .into_iter()
            .flatten()
            .reduce(|best, next| if next.gain > best.gain { next } else { best })
    }

    fn best_of_column(&self, picked: &[u32], total: &[f64], column: usize) -> Option<Split> {
        let (width, n_bins) = (self.width(), self.bins.n_bins(column));
        let codes = self.bins.column(column);
        let mut histogram = vec![0.0; n_bins * width];
        for row in picked {
            let at = usize::from(codes[*row as usize]) * width;
            self.add(&mut histogram[at..at + width], *row);
        }
        let missing = &histogram[..width];
        let has_missing = missing[width - 1] > 0.0;
        let whole = self.score(total);
        let mut left = vec![0.0; width];
        let mut best: Option<Split> = None;
        for bin in 1..n_bins {
            for (sum, value) in left
                .iter_mut()
                .zip(&histogram[bin * width..(bin + 1) * width])
            {
                *sum += value;
            }
            for missing_goes_left in [false, true] {
                // With nothing missing the side does not matter: missing values will go right.
                if missing_goes_left && !has_missing {
                    continue;
                }
                let side: Sums = if missing_goes_left {
                    left.iter()
                        .zip(missing)
                        .map(|(sum, missing)| sum + missing)
                        .collect()
                } else {
                    left.clone()
                };
                let other: Sums = total
                    .iter()
                    .zip(&side)
                    .map(|(total, side)| total - side)
                    .collect();
                if !self.is_allowed(&side) || !self.is_allowed(&other) {
                    continue;
                }
                let gain = self.score(&side) + self.score(&other) - whole;
                if gain > 1e-9 * whole.abs().max(1e-12)
                    && best.as_ref().is_none_or(|best| gain > best.gain)
                {
                    best = Some(Split {
                        gain,
                        column,
                        bin,
                        missing_goes_left,
                    });
                }
            }
        }
        best
    }

    fn is_allowed(&self, side: &[f64]) -> bool {
        let n_targets = self.rows.n_targets;
        side[n_targets + 1] + 0.5 >= self.growth.min_rows as f64
            && side[n_targets] >= self.growth.min_weight
    }

    fn score(&self, sums: &[f64]) -> f64 {
        let weight = sums[self.rows.n_targets] + self.growth.l2;
        if weight <= 0.0 {
            return 0.0;
        }
        sums[..self.rows.n_targets]
            .iter()
            .map(|gradient| gradient * gradient)
            .sum::<f64>()
            / weight
    }
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
mod tests {
    use super::*;
    use crate::encoder::Design;

    fn tree(values: &[f64], y: &[f64], growth: Growth) -> Tree {
        let bins = Bins::new(&Design {
            values: values.to_vec(),
            n_rows: y.len(),
            n_columns: 1,
        });
        let gradients: Vec<f64> = y.iter().map(|y| -y).collect();
        let rows = Rows {
            gradients: &gradients,
            weights: &vec![1.0; y.len()],
            n_targets: 1,
        };
        let leaves = Leaves {
            factor: 1.0,
            target: 0,
        };
        grow(
            &bins,
            &rows,
            (0..y.len() as u32).collect(),
            growth,
            leaves,
            &mut || vec![0],
            &mut [0.0],
        )
    }

    const GROWTH: Growth = Growth {
        max_depth: 3,
        min_rows: 1,
        min_weight: 0.0,
        l2: 0.0,
        n_threads: 1,
    };

    #[test]
    fn a_step_is_found() {
        let found = tree(&[1.0, 2.0, 3.0, 4.0], &[0.0, 0.0, 9.0, 9.0], GROWTH);
        assert!(
            matches!(
                found.nodes[0],
                TreeNode::Split {
                    threshold: 2.5,
                    left: 1,
                    right: 2,
                    ..
                }
            ),
            "{found:?}"
        );
        assert!(matches!(found.nodes[1], TreeNode::Leaf { weight: 0.0, .. }));
        assert!(matches!(found.nodes[2], TreeNode::Leaf { weight: 9.0, .. }));
    }

    #[test]
    fn missing_values_go_to_the_better_side() {
        let found = tree(&[1.0, 2.0, f64::NAN, 4.0], &[0.0, 0.0, 9.0, 9.0], GROWTH);
        assert!(
            matches!(
                found.nodes[0],
                TreeNode::Split {
                    missing_goes_left: false,
                    ..
                }
            ),
            "{found:?}"
        );
        let found = tree(&[1.0, 2.0, f64::NAN, 4.0], &[9.0, 9.0, 9.0, 0.0], GROWTH);
        assert!(
            matches!(
                found.nodes[0],
                TreeNode::Split {
                    missing_goes_left: true,
                    ..
                }
            ),
            "{found:?}"
        );
    }

    #[test]
    fn growth_is_bounded() {
        let y = [0.0, 0.0, 9.0, 9.0];
        assert_eq!(
            tree(
                &[1.0, 2.0, 3.0, 4.0],
                &y,
                Growth {
                    max_depth: 0,
                    ..GROWTH
                }
            )
            .nodes
            .len(),
            1
        );
        assert_eq!(
            tree(
                &[1.0, 2.0, 3.0, 4.0],
                &y,
                Growth {
                    min_rows: 3,
                    ..GROWTH
                }
            )
            .nodes
            .len(),
            1
        );
        assert_eq!(tree(&[1.0; 4], &y, GROWTH).nodes.len(), 1);
    }
}
