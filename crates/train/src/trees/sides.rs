//! Cuts by chance, without sums by code: a first pass over the rows of a node finds between which codes each column lies, a
//! second counts the rows that go left. Both go through all columns of a row at once.
//!
//! What is found is what [`Search::bundle`] finds in tables.

use rand::Rng;

use super::bins::{Bins, PADDING};
use super::items::{Palette, Piece};
use super::split::{Search, Split};

/// The most bundles of a row: as many as may be read at once.
const MAX_BUNDLES: usize = PADDING;
/// The most values that items may have.
const MAX_VALUES: usize = 16;
/// Rows from which on two passes are faster than tables.
const MIN_ROWS: usize = 48;
/// Rows that a byte can count.
const A_BYTE: usize = 255;

/// The rows of a node, with the places of their values in a palette.
pub(super) struct Sides<'a> {
    bins: &'a Bins,
    rows: &'a [u32],
    places: &'a [u8],
    palette: &'a Palette,
}

/// Between which codes the bundles of some rows lie.
struct Ranges<const N: usize> {
    /// The least code, 0 if a value is missing.
    least: [u8; N],
    /// One less than the least code beside those that are missing; 255 if all are.
    first: [u8; N],
    greatest: [u8; N],
}

/// Counts of rows by value and bundle.
type Counts<const N: usize> = [[u32; N]; MAX_VALUES];

impl<'a> Sides<'a> {
    /// Nothing where tables are the better way.
    pub(super) fn new(bins: &'a Bins, rows: &'a [u32], values: Piece<'a>) -> Option<Self> {
        let Piece::Few(places, palette) = values else {
            return None;
        };
        let fits = bins.bundles.len() <= MAX_BUNDLES && palette.count <= MAX_VALUES;
        (fits && rows.len() >= MIN_ROWS).then_some(Self {
            bins,
            rows,
            places,
            palette,
        })
    }

    /// The best split among some bundles of one column each, and whether any of them differs within the node.
    pub(super) fn best(
        &self,
        search: &Search<'_>,
        bundles: &[usize],
        chance: &mut dyn Rng,
    ) -> (Option<Split>, bool) {
        if self.bins.bundles.len() <= MAX_BUNDLES / 2 {
            self.find::<{ MAX_BUNDLES / 2 }>(search, bundles, chance)
        } else {
            self.find::<MAX_BUNDLES>(search, bundles, chance)
        }
    }

    fn find<const N: usize>(
        &self,
        search: &Search<'_>,
        bundles: &[usize],
        chance: &mut dyn Rng,
    ) -> (Option<Split>, bool) {
        let Ranges {
            least,
            first,
            greatest,
        } = self.ranges::<N>();
        // Codes up to the cut go left; none do where a column does not differ.
        let mut cuts = [0; N];
        let differing = |bundle: &&usize| least[**bundle] < greatest[**bundle];
        for bundle in bundles.iter().filter(differing) {
            let column = self.bins.bundles[*bundle].columns.start;
            let ends = (usize::from(first[*bundle]) + 1, greatest[*bundle].into());
            cuts[*bundle] = search.cut(column, ends, chance) as u8;
        }
        let is_missing = |bundle: &usize| least[*bundle] == 0;
        let counts = self.counts(|codes, own: &mut [u8; N]| {
            for ((own, code), cut) in own.iter_mut().zip(codes).zip(&cuts) {
                *own += u8::from(code.wrapping_sub(1) < *cut);
            }
        });
        let missing = bundles.iter().any(is_missing).then(|| {
            self.counts(|codes, own: &mut [u8; N]| {
                for (own, code) in own.iter_mut().zip(codes) {
                    *own += u8::from(*code == 0);
                }
            })
        });
        let mut found = None;
        for bundle in bundles.iter().filter(differing) {
            let column = self.bins.bundles[*bundle].columns.start;
            let left = self.sums(search, &counts, *bundle);
            let missing = missing.as_ref().filter(|_| is_missing(bundle));
            let missing = missing.map(|counts| self.sums(search, counts, *bundle));
            let split = search.parted(column, cuts[*bundle].into(), left, missing.as_deref());
            found = Split::better(found, split);
        }
        (found, bundles.iter().any(|bundle| differing(&bundle)))
    }

    /// The codes of a row, and what lies behind them.
    fn codes<const N: usize>(&self, row: u32) -> &[u8; N] {
        let (codes, stride) = self.bins.padded_codes();
        let (own, _) = codes[row as usize * stride..].as_chunks::<N>();
        own.first().unwrap_or(&[0; N])
    }

    fn ranges<const N: usize>(&self) -> Ranges<N> {
        let mut ranges = Ranges {
            least: [u8::MAX; N],
            first: [u8::MAX; N],
            greatest: [0; N],
        };
        for row in self.rows {
            let codes = self.codes::<N>(*row);
            for (at, code) in codes.iter().enumerate() {
                ranges.least[at] = ranges.least[at].min(*code);
                ranges.first[at] = ranges.first[at].min(code.wrapping_sub(1));
                ranges.greatest[at] = ranges.greatest[at].max(*code);
            }
        }
        ranges
    }

    /// Counts rows, in bytes first.
    fn counts<const N: usize>(&self, add: impl Fn(&[u8; N], &mut [u8; N])) -> Counts<N> {
        let mut counts = [[0; N]; MAX_VALUES];
        let pieces = self.rows.chunks(A_BYTE).zip(self.places.chunks(A_BYTE));
        for (rows, places) in pieces {
            let mut few = [[0; N]; MAX_VALUES];
            for (row, place) in rows.iter().zip(places) {
                add(
                    self.codes::<N>(*row),
                    &mut few[usize::from(*place) % MAX_VALUES],
                );
            }
            for (counts, few) in counts.iter_mut().zip(&few).take(self.palette.count) {
                for (count, few) in counts.iter_mut().zip(few) {
                    *count += u32::from(*few);
                }
            }
        }
        counts
    }

    /// The sums of the rows that were counted of a bundle.
    fn sums<const N: usize>(
        &self,
        search: &Search<'_>,
        counts: &Counts<N>,
        bundle: usize,
    ) -> Vec<i64> {
        let mut sums = vec![0; search.units.kind.width()];
        for (counts, [class, word]) in counts
            .iter()
            .zip(&self.palette.values[..self.palette.count])
        {
            sums[*class as usize] += word * i64::from(counts[bundle]);
        }
        sums
    }
}
