//! The train rows as bins: one byte for each column of a row, row by row, so that a row is one piece of memory.
//!
//! Features are 32-bit floats, as the graph sees them. Bin 0 holds missing values; bin `b > 0` holds values between cut
//! `b - 2` and cut `b - 1`, and a value equal to a cut lies to the right of it, because a split sends `x < cut` left.
//!
//! The columns of a one-hot text, and neighbouring columns of two values of which at most one is set in a row, are kept as
//! one [`Bundle`] (Ke et al. 2017, "exclusive feature bundling"): their sums cost one pass over the rows, and the splits
//! found are the same.

use std::ops::Range;

use super::cuts::{code, cuts};
use crate::Error;

/// Bins beside the one of missing values, at most.
pub(crate) const MAX_BINS: usize = 255;
/// Bytes behind the codes of the last row.
pub(super) const PADDING: usize = 64;
/// Rows that are brought from columns into rows at a time.
const BLOCK: usize = 256;

/// An input on its way into bins.
#[derive(Debug)]
pub(crate) enum Values {
    /// One column.
    Numbers(Vec<f32>),
    /// As many columns as categories: by row which one is set, counted from 1, or 0.
    Categories(Vec<u8>, usize),
}

/// The bins of train rows.
#[derive(Debug)]
pub(crate) struct Bins {
    /// Cuts by column, growing.
    pub(crate) cuts: Vec<Vec<f32>>,
    /// The columns, kept together where they can be.
    pub(crate) bundles: Vec<Bundle>,
    /// The bundle of each column.
    bundle_of: Vec<usize>,
    /// A code for each bundle of each row, row by row.
    codes: Vec<u8>,
    pub(crate) n_rows: usize,
}

/// One column, or several of which at most one is set in a row. A code is the bin of the one column; of several, it tells
/// which one is set, counted from 1, or 0.
#[derive(Debug)]
pub(crate) struct Bundle {
    /// Its columns.
    pub(crate) columns: Range<usize>,
    /// Codes are below it.
    pub(crate) n_codes: usize,
}

impl Bundle {
    /// Whether it holds several columns.
    pub(crate) fn is_exclusive(&self) -> bool {
        self.columns.len() > 1
    }
}

/// An input in bins.
struct Sorted {
    cuts: Vec<Vec<f32>>,
    codes: Vec<u8>,
    n_codes: usize,
    /// Whether it is one column of two values, without missing ones.
    is_binary: bool,
}

impl Sorted {
    fn new(values: Values, max_bins: usize) -> Self {
        match values {
            Values::Numbers(values) => {
                let cuts = cuts(&values, max_bins);
                Self {
                    is_binary: cuts.len() == 1 && !values.iter().any(|value| value.is_nan()),
                    codes: values.iter().map(|value| code(&cuts, *value)).collect(),
                    n_codes: cuts.len() + 2,
                    cuts: vec![cuts],
                }
            }
            // A single column has bins.
            Values::Categories(codes, n_columns) => {
                let base = u8::from(n_columns == 1);
                Self {
                    is_binary: false,
                    codes: codes.into_iter().map(|code| code + base).collect(),
                    n_codes: n_columns + 1 + usize::from(base),
                    cuts: vec![vec![0.5]; n_columns],
                }
            }
        }
    }
}

impl Bins {
    /// Cuts and sorts in `n_inputs` inputs, of which `values` gives each. Results do not depend on the number of threads.
    pub(crate) fn new(
        n_inputs: usize,
        max_bins: usize,
        n_threads: usize,
        values: &(dyn Fn(usize) -> Result<Values, Error> + Sync),
    ) -> Result<Self, Error> {
        let n_threads = n_threads.clamp(1, n_inputs.max(1));
        let some = |thread: usize| -> Result<Vec<Sorted>, Error> {
            let own = (thread..n_inputs).step_by(n_threads);
            own.map(|input| Ok(Sorted::new(values(input)?, max_bins)))
                .collect()
        };
        let sorted: Result<Vec<Vec<Sorted>>, Error> = std::thread::scope(|scope| {
            let others: Vec<_> = (1..n_threads)
                .map(|thread| scope.spawn(move || some(thread)))
                .collect();
            let others = others.into_iter().map(|worker| {
                let done = worker.join();
                done.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
            });
            std::iter::once(some(0)).chain(others).collect()
        });
        let mut sorted: Vec<_> = sorted?.into_iter().map(Vec::into_iter).collect();
        let in_order = (0..n_inputs).filter_map(|input| sorted[input % n_threads].next());
        Ok(Self::gather(in_order.collect()))
    }

    fn gather(inputs: Vec<Sorted>) -> Self {
        let mut bins = Self {
            cuts: Vec::new(),
            bundles: Vec::new(),
            bundle_of: Vec::new(),
            codes: Vec::new(),
            n_rows: inputs.first().map_or(0, |input| input.codes.len()),
        };
        let mut columns: Vec<Vec<u8>> = Vec::new();
        let mut can_join = false;
        for input in inputs {
            let at = bins.cuts.len();
            let joins = input.is_binary && can_join && bins.join(columns.last_mut(), &input.codes);
            can_join = input.is_binary;
            if !joins {
                bins.bundles.push(Bundle {
                    columns: at..at + input.cuts.len(),
                    n_codes: input.n_codes,
                });
                columns.push(input.codes);
            }
            let bundle = bins.bundles.len() - 1;
            bins.bundle_of
                .extend(std::iter::repeat_n(bundle, input.cuts.len()));
            bins.cuts.extend(input.cuts);
        }
        let n_codes = bins.n_rows * columns.len();
        bins.codes = vec![0; n_codes + PADDING];
        for (block, rows) in bins.codes[..n_codes]
            .chunks_mut(BLOCK * columns.len().max(1))
            .enumerate()
        {
            for (place, column) in columns.iter().enumerate() {
                let own = rows.iter_mut().skip(place).step_by(columns.len());
                own.zip(&column[block * BLOCK..])
                    .for_each(|(to, from)| *to = *from);
            }
        }
        bins
    }

    /// Adds a binary column to the last bundle, unless both are set in a row.
    fn join(&mut self, codes: Option<&mut Vec<u8>>, bins: &[u8]) -> bool {
        let (Some(last), Some(codes)) = (self.bundles.last_mut(), codes) else {
            return false;
        };
        // The codes of a single binary column are bins 1 and 2, those of a bundle 0 and 1.
        let base = u8::from(!last.is_exclusive());
        let clashes = |(code, bin): (&u8, &u8)| *code > base && *bin == 2;
        if last.columns.len() >= MAX_BINS || codes.iter().zip(bins).any(clashes) {
            return false;
        }
        last.columns.end += 1;
        last.n_codes = last.columns.len() + 1;
        let own = last.columns.len() as u8;
        for (code, bin) in codes.iter_mut().zip(bins) {
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

    /// All codes, and how many a row has.
    pub(crate) fn codes(&self) -> (&[u8], usize) {
        let n_codes = self.codes.len() - PADDING;
        (&self.codes[..n_codes], self.bundles.len())
    }

    /// All codes with at least [`PADDING`] bytes behind those of each row, and how many a row has.
    pub(super) fn padded_codes(&self) -> (&[u8], usize) {
        (&self.codes, self.bundles.len())
    }

    /// The code of a bundle in a row.
    pub(crate) fn code(&self, bundle: usize, row: u32) -> u8 {
        self.codes[row as usize * self.bundles.len() + bundle]
    }

    /// Whether the last bin of a column holds infinity, which no threshold sends left.
    pub(crate) fn ends_infinite(&self, column: usize) -> bool {
        self.cuts[column].last() == Some(&f32::INFINITY)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bins(columns: &[&[f32]]) -> Bins {
        let values = |input: usize| Ok(Values::Numbers(columns[input].to_vec()));
        Bins::new(columns.len(), MAX_BINS, 2, &values).unwrap()
    }

    fn codes(bins: &Bins, bundle: usize) -> Vec<u8> {
        (0..bins.n_rows as u32)
            .map(|row| bins.code(bundle, row))
            .collect()
    }

    #[test]
    fn columns_are_brought_into_rows() {
        let long: Vec<f32> = (0..1000).map(|row| (row % 7) as f32).collect();
        let other: Vec<f32> = (0..1000).map(|row| (row / 500) as f32).collect();
        let bins = bins(&[&long, &other]);
        assert_eq!(bins.bundles[0].n_codes, 8);
        assert!((0..1000).all(|row| bins.code(0, row) == (row % 7) as u8 + 1));
        assert!((0..1000).all(|row| bins.code(1, row) == (row / 500) as u8 + 1));
    }

    #[test]
    fn one_hot_columns_are_kept_together() {
        let bins = bins(&[
            &[1.0, 0.0, 0.0, 0.0],
            &[0.0, 1.0, 0.0, 0.0],
            &[0.0, 0.0, 1.0, 0.0],
        ]);
        assert_eq!(bins.bundles.len(), 1);
        assert_eq!(codes(&bins, 0), [1, 2, 3, 0]);
        assert_eq!((bins.bundle_of(2), bins.n_columns()), (0, 3));
    }

    #[test]
    fn columns_that_are_set_together_are_kept_apart() {
        let bins = bins(&[&[1.0, 0.0, 1.0], &[1.0, 1.0, 0.0]]);
        assert_eq!(bins.bundles.len(), 2);
        assert_eq!(codes(&bins, 1), [2, 2, 1]);
    }

    #[test]
    fn categories_are_a_bundle() {
        let values = |input: usize| match input {
            0 => Ok(Values::Categories(vec![2, 0, 1], 2)),
            _ => Ok(Values::Categories(vec![1, 0, 1], 1)),
        };
        let bins = Bins::new(2, MAX_BINS, 1, &values).unwrap();
        assert_eq!(
            (codes(&bins, 0), codes(&bins, 1)),
            (vec![2, 0, 1], vec![2, 1, 2])
        );
        assert_eq!(bins.cuts, vec![vec![0.5]; 3]);
    }
}
