//! Sums by bin, and the best split that they show.
//!
//! A split gains `sum of G^2 / (H + l2)` over its sides, `G` and `H` being sums of gradients and weights (Chen and
//! Guestrin 2016). Only bins with rows in them are candidates, so a node's result is the same whether its sums were taken
//! anew or by subtracting a sibling's from the parent's.

use super::bins::{Bins, Bundle};
use super::grow::Growth;

/// What is learnt from, row by row.
pub(crate) struct Rows<'a> {
    /// Gradients, row by row, one a target.
    pub(crate) gradients: &'a [f64],
    /// Weights: second derivatives, or how often a row was drawn.
    pub(crate) weights: &'a [f64],
    /// Targets.
    pub(crate) n_targets: usize,
}

impl Rows<'_> {
    /// The length of sums: gradients, then weight, then rows.
    pub(crate) fn width(&self) -> usize {
        self.n_targets + 2
    }

    /// Gradients and weight of some rows, one after the other, so that every bundle reads them in order.
    pub(crate) fn gather(&self, picked: &[u32]) -> Vec<f64> {
        let mut gathered = Vec::with_capacity(picked.len() * (self.n_targets + 1));
        for row in picked {
            let row = *row as usize;
            let own = row * self.n_targets..(row + 1) * self.n_targets;
            gathered.extend_from_slice(&self.gradients[own]);
            gathered.push(self.weights[row]);
        }
        gathered
    }
}

/// The rows of a node.
pub(crate) struct Node<'a> {
    pub(crate) picked: &'a [u32],
    /// Their gradients and weights.
    pub(crate) gathered: &'a [f64],
    /// Sums over them.
    pub(crate) total: &'a [f64],
}

/// A way to part the rows of a node.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Split {
    pub(crate) gain: f64,
    pub(crate) column: usize,
    /// Bins up to this one go left.
    pub(crate) bin: usize,
    pub(crate) missing_goes_left: bool,
}

/// Adds the rows of a node to the sums of a bundle's codes.
pub(crate) fn accumulate(bundle: &Bundle, picked: &[u32], gathered: &[f64], sums: &mut [f64]) {
    let stride = gathered.len() / picked.len().max(1);
    if stride == 2 {
        // One target: the usual case, without an inner loop.
        for (row, own) in picked.iter().zip(gathered.chunks_exact(2)) {
            let at = usize::from(bundle.codes[*row as usize]) * 3;
            let sums = &mut sums[at..at + 3];
            sums[0] += own[0];
            sums[1] += own[1];
            sums[2] += 1.0;
        }
        return;
    }
    for (row, own) in picked.iter().zip(gathered.chunks_exact(stride)) {
        let at = usize::from(bundle.codes[*row as usize]) * (stride + 1);
        let sums = &mut sums[at..=at + stride];
        for (sum, value) in sums.iter_mut().zip(own) {
            *sum += value;
        }
        sums[stride] += 1.0;
    }
}

/// The best split of a column, given the sums of its bundle's codes.
pub(crate) fn best_split(
    bins: &Bins,
    column: usize,
    sums: &[f64],
    total: &[f64],
    growth: &Growth,
) -> Option<Split> {
    let width = total.len();
    let bundle = &bins.bundles[bins.bundle_of(column)];
    let mut scan = Scan {
        total,
        growth,
        whole: score(&total[..width - 2], total[width - 2] + growth.l2),
        column,
        best: None,
    };
    if bundle.is_exclusive() {
        let code = column - bundle.columns.start + 1;
        let set = &sums[code * width..(code + 1) * width];
        let left: Vec<f64> = total
            .iter()
            .zip(set)
            .map(|(total, set)| total - set)
            .collect();
        scan.consider(&left, None, 1);
        return scan.best;
    }
    let missing = &sums[..width];
    let has_missing = missing[width - 1] > 0.0;
    let n_candidates = bundle.n_codes - usize::from(bins.ends_infinite(column));
    let mut left = vec![0.0; width];
    for bin in 1..n_candidates {
        let own = &sums[bin * width..(bin + 1) * width];
        if own[width - 1] == 0.0 {
            continue;
        }
        left.iter_mut()
            .zip(own)
            .for_each(|(left, own)| *left += own);
        scan.consider(&left, None, bin);
        if has_missing {
            scan.consider(&left, Some(missing), bin);
        }
    }
    // With nothing missing, what will be missing goes where most rows went.
    scan.best.map(|best| {
        if has_missing {
            best
        } else {
            most_rows(best, sums, total)
        }
    })
}

fn most_rows(split: Split, sums: &[f64], total: &[f64]) -> Split {
    let width = total.len();
    let left: f64 = (1..=split.bin)
        .map(|bin| sums[bin * width + width - 1])
        .sum();
    Split {
        missing_goes_left: left * 2.0 > total[width - 1],
        ..split
    }
}

struct Scan<'a> {
    total: &'a [f64],
    growth: &'a Growth,
    whole: f64,
    column: usize,
    best: Option<Split>,
}

impl Scan<'_> {
    /// Looks at a split: `left`, and missing rows if they go left too.
    fn consider(&mut self, left: &[f64], missing: Option<&[f64]>, bin: usize) {
        let n_targets = self.total.len() - 2;
        let at = |index: usize| left[index] + missing.map_or(0.0, |missing| missing[index]);
        let (weight, count) = (at(n_targets), at(n_targets + 1));
        let (other_weight, other_count) = (
            self.total[n_targets] - weight,
            self.total[n_targets + 1] - count,
        );
        let (min_rows, min_weight) = (self.growth.min_rows as f64, self.growth.min_weight);
        if count < min_rows
            || other_count < min_rows
            || weight < min_weight
            || other_weight < min_weight
        {
            return;
        }
        let (mut squares, mut other_squares) = (0.0, 0.0);
        for index in 0..n_targets {
            let gradient = at(index);
            let other = self.total[index] - gradient;
            squares += gradient * gradient;
            other_squares += other * other;
        }
        let l2 = self.growth.l2;
        let gain =
            share(squares, weight + l2) + share(other_squares, other_weight + l2) - self.whole;
        let is_gain = gain > 1e-9 * self.whole.abs().max(1e-12);
        if is_gain && self.best.is_none_or(|best| gain > best.gain) {
            self.best = Some(Split {
                gain,
                column: self.column,
                bin,
                missing_goes_left: missing.is_some(),
            });
        }
    }
}

fn score(gradients: &[f64], weight: f64) -> f64 {
    share(
        gradients.iter().map(|gradient| gradient * gradient).sum(),
        weight,
    )
}

fn share(squares: f64, weight: f64) -> f64 {
    if weight > 0.0 { squares / weight } else { 0.0 }
}
