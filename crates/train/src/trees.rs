//! Trees on histograms, shared by `tree`, `forest` and `boosting`.
//!
//! Inputs become [`Bins`], rows become [`Items`], [`grow()`] makes a tree of them, and a [`crew`] makes several at once. Sums
//! are of integers, so that trees do not depend on threads.
//!
//! Memory beside the table: a byte for each column and row, twice while bins are made; 40 bytes a row of each tree that
//! grows, 10 where rows have few values, as classes do; and the sums of nodes, at most 256 MiB a tree.

mod bins;
pub(crate) mod crew;
mod cuts;
mod grow;
mod growth;
mod histogram;
mod items;
mod partition;
pub(crate) mod prune;
mod sides;
mod split;
mod sums;

use everloop_package::graph::{Tree, TreeNode};

use crate::trainers::Job;
use crate::{Error, ParameterInfo};

pub(crate) use bins::{Bins, MAX_BINS, Values};
pub(crate) use grow::{Chance, Ground, Grown, Leaves, grow};
pub(crate) use growth::{Criterion, Growth};
pub(crate) use items::{Items, Kind, Units};

/// The most that bins and items may need, in bytes.
const MAX_BYTES: usize = 16 << 30;

pub(crate) const DEPTH: ParameterInfo =
    ParameterInfo::integer("depth", (1.0, 30.0), 12.0, "the deepest a tree may grow");
pub(crate) const MIN_LEAF: ParameterInfo = ParameterInfo::integer(
    "min_samples_leaf",
    (1.0, 1e6),
    1.0,
    "the fewest rows of a leaf",
);
pub(crate) const MIN_GAIN: ParameterInfo = ParameterInfo::number(
    "min_gain",
    (0.0, 1e12),
    0.0,
    "the least that a split must gain, as a sum over rows",
);
pub(crate) const BINS: ParameterInfo = ParameterInfo::integer(
    "max_bins",
    (2.0, MAX_BINS as f64),
    MAX_BINS as f64,
    "the most bins of a column, beside one for missing values",
);
pub(crate) const CRITERION: ParameterInfo = ParameterInfo::choice(
    "criterion",
    &["gini", "entropy"],
    "how the classes of a node are judged; regression takes squared errors",
);

/// The bins of the train rows, with as many cuts as the trainer's `max_bins` allows.
///
/// # Errors
///
/// Fails if there are too many rows, or `trees_at_once` trees would need too much memory.
pub(crate) fn bins(job: &Job<'_>, trees_at_once: usize) -> Result<Bins, Error> {
    let (n_rows, n_inputs) = (job.inputs.n_rows(), job.inputs.count());
    check_size(n_rows, n_inputs, trees_at_once)?;
    let max_bins = match job.parameters.integer(BINS.name) {
        0 => MAX_BINS,
        count => count,
    };
    let inputs = &job.inputs;
    Bins::new(n_inputs, max_bins, job.n_threads, &|input| {
        inputs.values(input)
    })
}

fn check_size(n_rows: usize, n_inputs: usize, trees_at_once: usize) -> Result<(), Error> {
    if n_rows > items::MAX_ROWS {
        return Err(Error::Inputs(format!(
            "{n_rows} rows are more than the {} that trees can count; train on a sample",
            items::MAX_ROWS
        )));
    }
    let n_bytes = n_rows.saturating_mul(2 * n_inputs + 40 * trees_at_once + 32);
    if n_bytes <= MAX_BYTES {
        return Ok(());
    }
    Err(Error::Inputs(format!(
        "{n_rows} rows of {n_inputs} inputs need {} GiB for {trees_at_once} trees at a time, at most {} GiB are used; \
         exclude columns or rows, or use fewer threads",
        n_bytes >> 30,
        MAX_BYTES >> 30
    )))
}

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn too_much_memory_is_refused_before_it_is_taken() {
        assert!(check_size(1_000_000, 1000, 2).is_ok());
        let error = check_size(100_000_000, 1000, 2).unwrap_err().to_string();
        assert!(error.contains("at most 16 GiB"), "{error}");
        let error = check_size(200_000_000, 1, 1).unwrap_err().to_string();
        assert!(error.contains("134217728"), "{error}");
    }
}
