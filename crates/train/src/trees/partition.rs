//! Parting the rows of a node, in place.

use std::ops::Range;

use super::bins::Bins;
use super::items::{Items, Values};

/// Rows from which on a second thread is worth starting.
const PART_OF_A_THREAD: usize = 60_000;

/// Which codes of a bundle go left, a bit each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct GoesLeft(pub(super) [u64; 4]);

impl GoesLeft {
    /// All codes.
    pub(super) const ALL: Self = Self([u64::MAX; 4]);

    /// Codes up to one, which is below 256.
    pub(super) fn up_to(code: usize) -> Self {
        Self(std::array::from_fn(|word| match code / 64 {
            last if word < last => u64::MAX,
            last if word == last => u64::MAX >> (63 - code % 64),
            _ => 0,
        }))
    }

    /// The same with one code sent left or not.
    pub(super) fn with(mut self, code: usize, goes_left: bool) -> Self {
        self.0[code / 64] &= !(1 << (code % 64));
        self.0[code / 64] |= u64::from(goes_left) << (code % 64);
        self
    }

    #[inline]
    pub(crate) fn has(&self, code: u8) -> bool {
        self.0[usize::from(code / 64)] >> (code % 64) & 1 == 1
    }
}

/// Room for the items that go right, while those of a node are parted.
#[derive(Debug)]
pub(super) struct Spare {
    rows: Vec<u32>,
    each: Vec<[i64; 2]>,
    few: Vec<u8>,
}

impl Spare {
    pub(super) fn new(items: &Items) -> Self {
        let n_rows = items.rows.len();
        let (n_each, n_few) = match &items.values {
            Values::Each(_) => (n_rows, 0),
            Values::Few(..) => (0, n_rows),
        };
        Self {
            rows: vec![0; n_rows],
            each: vec![[0; 2]; n_each],
            few: vec![0; n_few],
        }
    }

    /// Parts some items: those that go left come to the front; gives how many there are.
    pub(super) fn part(
        &mut self,
        (bins, bundle, goes_left): (&Bins, usize, &GoesLeft),
        items: &mut Items,
        range: Range<usize>,
        n_threads: usize,
    ) -> usize {
        let rows = &mut items.rows[range.clone()];
        let spare = &mut self.rows[..rows.len()];
        match &mut items.values {
            Values::Each(values) => {
                let spare = (spare, &mut self.each[..rows.len()]);
                let both = (rows, &mut values[range]);
                partition(bins, bundle, goes_left, both, spare, n_threads)
            }
            Values::Few(values, _) => {
                let spare = (spare, &mut self.few[..rows.len()]);
                let both = (rows, &mut values[range]);
                partition(bins, bundle, goes_left, both, spare, n_threads)
            }
        }
    }
}

/// Rows and their values.
type Piece<'a, T> = (&'a mut [u32], &'a mut [T]);

/// Brings the items that go left to the front, keeping the order on both sides; gives how many there are.
fn partition<T: Copy + Send>(
    bins: &Bins,
    bundle: usize,
    goes_left: &GoesLeft,
    (rows, values): Piece<'_, T>,
    spare: Piece<'_, T>,
    n_threads: usize,
) -> usize {
    if n_threads < 2 || rows.len() < 2 * PART_OF_A_THREAD {
        return part(bins, bundle, goes_left, (rows, values), spare);
    }
    let share = n_threads / 2;
    let half = rows.len() / 2;
    let (rows_before, rows_after) = rows.split_at_mut(half);
    let (values_before, values_after) = values.split_at_mut(half);
    let (spare_rows, more_rows) = spare.0.split_at_mut(half);
    let (spare_values, more_values) = spare.1.split_at_mut(half);
    let (before, after) = std::thread::scope(|scope| {
        let after = (rows_after, values_after);
        let more = (more_rows, more_values);
        let after =
            scope.spawn(move || partition(bins, bundle, goes_left, after, more, n_threads - share));
        let before = (rows_before, values_before);
        let spare = (spare_rows, spare_values);
        let before = partition(bins, bundle, goes_left, before, spare, share);
        let after = after.join();
        (
            before,
            after.unwrap_or_else(|panic| std::panic::resume_unwind(panic)),
        )
    });
    // What goes right of the first half changes places with what goes left of the second.
    rows[before..half + after].rotate_left(half - before);
    values[before..half + after].rotate_left(half - before);
    before + after
}

fn part<T: Copy>(
    bins: &Bins,
    bundle: usize,
    goes_left: &GoesLeft,
    (rows, values): Piece<'_, T>,
    (right_rows, right_values): Piece<'_, T>,
) -> usize {
    let (codes, stride) = bins.codes();
    let (mut left, mut right) = (0, 0);
    // Without a branch: which way a row goes cannot be foreseen.
    for at in 0..rows.len() {
        let (row, value) = (rows[at], values[at]);
        let goes_left = goes_left.has(codes[row as usize * stride + bundle]);
        rows[left] = row;
        values[left] = value;
        right_rows[right] = row;
        right_values[right] = value;
        left += usize::from(goes_left);
        right += usize::from(!goes_left);
    }
    rows[left..].copy_from_slice(&right_rows[..right]);
    values[left..].copy_from_slice(&right_values[..right]);
    left
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trees::bins::{MAX_BINS, Values as Column};

    #[test]
    fn codes_are_told_apart() {
        for code in [0, 1, 63, 64, 200, 255] {
            let bits = GoesLeft::up_to(code);
            assert!((0..=255_u8).all(|other| bits.has(other) == (usize::from(other) <= code)));
            assert!(!GoesLeft::ALL.with(code, false).has(code as u8));
        }
    }

    #[test]
    fn both_sides_keep_their_order_on_any_number_of_threads() {
        let n_rows = 300_000_u32;
        let column: Vec<f32> = (0..n_rows).map(|row| (row * 7 % 11) as f32).collect();
        let bins = Bins::new(1, MAX_BINS, 1, &|_| Ok(Column::Numbers(column.clone()))).unwrap();
        let goes_left = (0..11).fold(GoesLeft::up_to(3), |all, code| {
            all.with(code, code % 3 == 0)
        });
        let expected: Vec<u32> = {
            let goes = |row: &u32| goes_left.has(bins.code(0, *row));
            let (left, right): (Vec<u32>, Vec<u32>) = (0..n_rows).partition(goes);
            [left, right].concat()
        };
        for n_threads in [1, 2, 3, 5] {
            let mut rows: Vec<u32> = (0..n_rows).collect();
            let mut values: Vec<i64> = rows.iter().map(|row| i64::from(*row)).collect();
            let (mut more_rows, mut more) = (rows.clone(), values.clone());
            let both = (rows.as_mut_slice(), values.as_mut_slice());
            let spare = (more_rows.as_mut_slice(), more.as_mut_slice());
            let n_left = partition(&bins, 0, &goes_left, both, spare, n_threads);
            assert!(goes_left.has(bins.code(0, rows[n_left - 1])));
            assert!(!goes_left.has(bins.code(0, rows[n_left])));
            assert_eq!(rows, expected);
            assert!(
                rows.iter()
                    .zip(&values)
                    .all(|(row, value)| i64::from(*row) == *value)
            );
        }
    }
}
