//! Numbers to bins: each column is cut at quantiles of its train values.
//!
//! Features are 32-bit floats, as the graph sees them. Bin 0 holds missing values; bin `b > 0` holds values between cut
//! `b - 2` and cut `b - 1`, and a value equal to a cut lies to the right of it, because a split sends `x < cut` left.

use crate::encoder::Design;

/// Bins beside the one of missing values.
const MAX_BINS: usize = 255;
/// Values that quantiles are taken from.
const MAX_SAMPLE: usize = 200_000;

/// The bins of train rows, column by column.
pub(crate) struct Bins {
    /// Cuts by column, growing.
    pub(crate) cuts: Vec<Vec<f32>>,
    /// Bins by column, then row.
    codes: Vec<Vec<u8>>,
}

impl Bins {
    /// Cuts and sorts in the columns of a matrix.
    pub(crate) fn new(design: &Design) -> Self {
        let column = |index: usize| {
            (0..design.n_rows).map(move |row| design.values[row * design.n_columns + index] as f32)
        };
        let cuts: Vec<Vec<f32>> = (0..design.n_columns)
            .map(|index| cuts(column(index)))
            .collect();
        let codes = cuts
            .iter()
            .enumerate()
            .map(|(index, cuts)| column(index).map(|value| code(cuts, value)).collect())
            .collect();
        Self { cuts, codes }
    }

    pub(crate) fn n_columns(&self) -> usize {
        self.cuts.len()
    }

    /// The bins of a column.
    pub(crate) fn column(&self, index: usize) -> &[u8] {
        &self.codes[index]
    }

    /// How many bins a column has, the one of missing values included.
    pub(crate) fn n_bins(&self, index: usize) -> usize {
        self.cuts[index].len() + 2
    }
}

fn cuts(values: impl ExactSizeIterator<Item = f32>) -> Vec<f32> {
    let step = values.len().div_ceil(MAX_SAMPLE).max(1);
    let mut sorted: Vec<f32> = values
        .step_by(step)
        .filter(|value| !value.is_nan())
        .collect();
    sorted.sort_by(f32::total_cmp);
    let mut distinct = sorted.clone();
    distinct.dedup();
    let between = |left: f32, right: f32| {
        let middle = left + (right - left) / 2.0;
        if middle > left { middle } else { right }
    };
    if distinct.len() <= MAX_BINS {
        return distinct
            .windows(2)
            .map(|pair| between(pair[0], pair[1]))
            .collect();
    }
    let mut cuts = Vec::with_capacity(MAX_BINS);
    for bin in 1..MAX_BINS {
        let at = bin * sorted.len() / MAX_BINS;
        let (left, right) = (sorted[at - 1], sorted[at]);
        if right > left {
            cuts.push(between(left, right));
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

    #[test]
    fn few_values_get_a_bin_each() {
        let design = Design {
            values: vec![1.0, 3.0, f64::NAN, 1.0],
            n_rows: 4,
            n_columns: 1,
        };
        let bins = Bins::new(&design);
        assert_eq!(bins.cuts[0], [2.0]);
        assert_eq!(bins.column(0), [1, 2, 0, 1]);
        assert_eq!(bins.n_bins(0), 3);
    }

    #[test]
    fn many_values_share_bins() {
        let design = Design {
            values: (0..10_000).map(f64::from).collect(),
            n_rows: 10_000,
            n_columns: 1,
        };
        let bins = Bins::new(&design);
        assert!(bins.n_bins(0) <= 256);
        let counts = bins.column(0).iter().fold(vec![0; 256], |mut counts, bin| {
            counts[usize::from(*bin)] += 1;
            counts
        });
        assert!(counts.iter().all(|count| *count < 80), "{counts:?}");
    }

    #[test]
    fn a_value_on_a_cut_lies_right_of_it() {
        assert_eq!((code(&[2.0], 1.9), code(&[2.0], 2.0)), (1, 2));
    }
}
