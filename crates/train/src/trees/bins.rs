//! Numbers to bins: each column is cut at quantiles of its train values.
//!
//! Features are 32-bit floats, as the graph sees them. Bin 0 holds missing values; bin `b > 0` holds values between cut
//! `b - 2` and cut `b - 1`, and a value equal to a cut lies to the right of it, because a split sends `x < cut` left.
//!
//! Neighbouring columns of two values of which at most one is set in a row, as one-hot encoding makes them, are kept as one
//! [`Bundle`] (Ke et al. 2017, "exclusive feature bundling"): their sums cost one pass over the rows, and the splits found
//! are the same.

use std::ops::Range;

use crate::encoder::Design;

/// Bins beside the one of missing values.
const MAX_BINS: usize = 255;
/// Values that quantiles are taken from.
const MAX_SAMPLE: usize = 200_000;

/// The bins of train rows.
pub(crate) struct Bins {
    /// Cuts by column, growing.
    pub(crate) cuts: Vec<Vec<f32>>,
    /// The columns, kept together where they can be.
    pub(crate) bundles: Vec<Bundle>,
    /// The bundle of each column.
    bundle_of: Vec<usize>,
}

/// One column, or several of which at most one is set in a row.
pub(crate) struct Bundle {
    /// Its columns.
    pub(crate) columns: Range<usize>,
    /// By row: the bin of the one column; of several, which one is set, counted from 1, or 0.
    pub(crate) codes: Vec<u8>,
    /// Codes are below it.
    pub(crate) n_codes: usize,
}

impl Bundle {
    /// Whether it holds several columns.
    pub(crate) fn is_exclusive(&self) -> bool {
        self.columns.len() > 1
    }
}

impl Bins {
    /// Cuts and sorts in the columns of a matrix.
    pub(crate) fn new(design: &Design) -> Self {
        let mut bins = Self {
            cuts: Vec::with_capacity(design.n_columns),
            bundles: Vec::new(),
            bundle_of: Vec::with_capacity(design.n_columns),
        };
        let mut can_join = false;
        for index in 0..design.n_columns {
            let values: Vec<f32> = (0..design.n_rows)
                .map(|row| design.values[row * design.n_columns + index] as f32)
                .collect();
            let cuts = cuts(&values);
            let is_binary = cuts.len() == 1 && !values.iter().any(|value| value.is_nan());
            let codes: Vec<u8> = values.iter().map(|value| code(&cuts, *value)).collect();
            if !(is_binary && can_join && bins.join(index, &codes)) {
                bins.bundles.push(Bundle {
                    columns: index..index + 1,
                    codes,
                    n_codes: cuts.len() + 2,
                });
            }
            can_join = is_binary;
            bins.bundle_of.push(bins.bundles.len() - 1);
            bins.cuts.push(cuts);
        }
        bins
    }

    /// Adds a binary column to the last bundle, unless both are set in a row.
    fn join(&mut self, column: usize, bins: &[u8]) -> bool {
        let Some(last) = self.bundles.last_mut() else {
            return false;
        };
        // The codes of a single binary column are bins 1 and 2, those of a bundle 0 and 1.
        let base = u8::from(!last.is_exclusive());
        let clashes = |(code, bin): (&u8, &u8)| *code > base && *bin == 2;
        if last.columns.len() >= MAX_BINS || last.codes.iter().zip(bins).any(clashes) {
            return false;
        }
        last.columns.end = column + 1;
        last.n_codes = last.columns.len() + 1;
        let own = last.columns.len() as u8;
        for (code, bin) in last.codes.iter_mut().zip(bins) {
            *code = if *bin == 2 { own } else { *code - base };
        }
        true
    }

    /// Columns.
    pub(crate) fn n_columns(&self) -> usize {
        self.cuts.len()
    }

    /// The place of the bundle that a column is kept in.
    pub(crate) fn bundle_of(&self, column: usize) -> usize {
        self.bundle_of[column]
    }

    /// The bin of a column in a row.
    pub(crate) fn bin(&self, column: usize, row: u32) -> usize {
        let bundle = &self.bundles[self.bundle_of[column]];
        let code = usize::from(bundle.codes[row as usize]);
        if bundle.is_exclusive() {
            1 + usize::from(code == column - bundle.columns.start + 1)
        } else {
            code
        }
    }

    /// Whether the last bin of a column holds infinity, which no threshold sends left.
    pub(crate) fn ends_infinite(&self, column: usize) -> bool {
        self.cuts[column].last() == Some(&f32::INFINITY)
    }
}

fn cuts(values: &[f32]) -> Vec<f32> {
    let step = values.len().div_ceil(MAX_SAMPLE).max(1);
    let mut sorted: Vec<f32> = values
        .iter()
        .copied()
        .step_by(step)
        .filter(|value| !value.is_nan())
        .collect();
    sorted.sort_unstable_by(f32::total_cmp);
    let mut distinct = sorted.clone();
    distinct.dedup();
    let between = |left: f32, right: f32| {
        let middle = left + (right - left) / 2.0;
        if middle > left { middle } else { right }
    };
    let mut cuts = Vec::with_capacity(MAX_BINS);
    if distinct.len() <= MAX_BINS {
        cuts.extend(distinct.windows(2).map(|pair| between(pair[0], pair[1])));
    } else {
        for bin in 1..MAX_BINS {
            let at = bin * sorted.len() / MAX_BINS;
            let (left, right) = (sorted[at - 1], sorted[at]);
            if right > left {
                cuts.push(between(left, right));
            }
        }
        if distinct.last() == Some(&f32::INFINITY) {
            cuts.truncate(MAX_BINS - 2);
            cuts.push(f32::INFINITY);
        }
    }
    cuts.dedup();
    cuts
}

fn code(cuts: &[f32], value: f32) -> u8 {
    if value.is_nan() {
        0
    } else {
        cuts.partition_point(|cut| *cut <= value) as u8 + 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bins(values: &[f64], n_columns: usize) -> Bins {
        Bins::new(&Design {
            values: values.to_vec(),
            n_rows: values.len() / n_columns,
            n_columns,
        })
    }

    #[test]
    fn few_values_get_a_bin_each() {
        let bins = bins(&[1.0, 3.0, f64::NAN, 1.0], 1);
        assert_eq!(bins.cuts[0], [2.0]);
        assert_eq!(bins.bundles[0].codes, [1, 2, 0, 1]);
        assert_eq!(bins.bundles[0].n_codes, 3);
    }

    #[test]
    fn many_values_share_bins() {
        let values: Vec<f64> = (0..10_000).map(f64::from).collect();
        let bins = bins(&values, 1);
        assert!(bins.bundles[0].n_codes <= 256);
        let counts = bins.bundles[0]
            .codes
            .iter()
            .fold(vec![0; 256], |mut counts, bin| {
                counts[usize::from(*bin)] += 1;
                counts
            });
        assert!(counts.iter().all(|count| *count < 80), "{counts:?}");
    }

    #[test]
    fn a_value_on_a_cut_lies_right_of_it() {
        assert_eq!((code(&[2.0], 1.9), code(&[2.0], 2.0)), (1, 2));
    }

    #[test]
    fn infinity_has_a_bin_of_its_own() {
        let mut values: Vec<f64> = (0..1000).map(f64::from).collect();
        values.push(f64::INFINITY);
        let bins = bins(&values, 1);
        assert!(bins.ends_infinite(0));
        let codes = &bins.bundles[0].codes;
        assert!(codes[1000] > codes[999]);
    }

    #[test]
    fn one_hot_columns_are_kept_together() {
        let rows = [1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0];
        let bins = bins(&rows, 3);
        assert_eq!(bins.bundles.len(), 1);
        assert_eq!(bins.bundles[0].codes, [1, 2, 3, 0]);
        for (at, value) in rows.iter().enumerate() {
            assert_eq!(bins.bin(at % 3, (at / 3) as u32), 1 + *value as usize);
        }
    }

    #[test]
    fn columns_that_are_set_together_are_kept_apart() {
        let rows = [1.0, 1.0, 0.0, 1.0, 1.0, 0.0];
        assert_eq!(bins(&rows, 2).bundles.len(), 2);
    }
}
