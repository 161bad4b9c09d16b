//! Sums of items by code.
//!
//! A table has room for 256 codes of a bundle; tables of several bundles lie one after the other.

use super::bins::Bins;
use super::items::{Kind, Piece};

/// Codes of a table.
pub(super) const N_CODES: usize = 256;
/// Tables that fit the nearest caches: wider rows are gone through piece by piece.
const TOGETHER: usize = 32;
/// Rows whose codes are asked for at once, so that their ways from memory overlap.
const AHEAD: usize = 16;

/// Which codes are there, a bit each.
pub(super) type Present = [u64; N_CODES / 64];

/// Adds items to the tables of some bundles, growing.
pub(super) fn accumulate(
    bins: &Bins,
    kind: Kind,
    bundles: &[usize],
    (rows, values): (&[u32], Piece<'_>),
    tables: &mut [i64],
) {
    match values {
        Piece::Each(values) => {
            let of = |at: usize| values[at];
            accumulate_by(bins, kind, bundles, (rows, &of), tables);
        }
        Piece::Few(places, palette) => {
            let of = |at: usize| palette.values[usize::from(places[at])];
            accumulate_by(bins, kind, bundles, (rows, &of), tables);
        }
    }
}

/// Adds items whose values are given by their place.
fn accumulate_by(
    bins: &Bins,
    kind: Kind,
    bundles: &[usize],
    (rows, values): (&[u32], &impl Fn(usize) -> [i64; 2]),
    tables: &mut [i64],
) {
    let pieces = tables.chunks_mut(TOGETHER * N_CODES * kind.width());
    for (bundles, tables) in bundles.chunks(TOGETHER).zip(pieces) {
        match kind {
            Kind::Moments => {
                let (cells, _) = tables.as_chunks_mut::<2>();
                let (tables, _) = cells.as_chunks_mut::<N_CODES>();
                for_rows(bins, bundles, rows, values, |place, code, value| {
                    let cell = &mut tables[place][usize::from(code)];
                    cell[0] += value[0];
                    cell[1] += value[1];
                });
            }
            Kind::Classes(2) => {
                let (cells, _) = tables.as_chunks_mut::<2>();
                let (tables, _) = cells.as_chunks_mut::<N_CODES>();
                for_rows(bins, bundles, rows, values, |place, code, value| {
                    tables[place][usize::from(code)][(value[0] & 1) as usize] += value[1];
                });
            }
            Kind::Classes(width) => {
                for_rows(bins, bundles, rows, values, |place, code, value| {
                    let at = (place * N_CODES + usize::from(code)) * width + value[0] as usize;
                    tables[at] += value[1];
                });
            }
        }
    }
}

/// Calls with the place of a bundle, its code and the value of each item, row by row.
#[inline]
fn for_rows(
    bins: &Bins,
    bundles: &[usize],
    rows: &[u32],
    value: &impl Fn(usize) -> [i64; 2],
    mut add: impl FnMut(usize, u8, [i64; 2]),
) {
    let (codes, stride) = bins.codes();
    let (Some(&first), Some(&last)) = (bundles.first(), bundles.last()) else {
        return;
    };
    let is_together = last - first + 1 == bundles.len();
    for (first_at, rows) in (0..).step_by(AHEAD).zip(rows.chunks(AHEAD)) {
        let touched = rows
            .iter()
            .fold(0, |all, row| all | codes[*row as usize * stride + first]);
        std::hint::black_box(touched);
        for (at, row) in (first_at..).zip(rows) {
            let value = value(at);
            let start = *row as usize * stride;
            if is_together {
                let own = &codes[start + first..start + first + bundles.len()];
                for (place, code) in own.iter().enumerate() {
                    add(place, *code, value);
                }
            } else {
                let own = &codes[start..start + stride];
                for (place, bundle) in bundles.iter().enumerate() {
                    add(place, own[*bundle], value);
                }
            }
        }
    }
}

/// Adds few items to the table of one bundle, which was empty, and tells which codes they have.
pub(super) fn accumulate_few(
    bins: &Bins,
    kind: Kind,
    bundle: usize,
    (rows, values): (&[u32], Piece<'_>),
    table: &mut [i64],
) -> Present {
    let mut present = Present::default();
    let width = kind.width();
    for (row, value) in rows.iter().zip(values.iter()) {
        let code = usize::from(bins.code(bundle, *row));
        present[code / 64] |= 1 << (code % 64);
        match kind {
            Kind::Moments => {
                table[code * 2] += value[0];
                table[code * 2 + 1] += value[1];
            }
            Kind::Classes(_) => table[code * width + value[0] as usize] += value[1],
        }
    }
    present
}

/// Which codes of a table have rows.
pub(super) fn present(kind: Kind, n_codes: usize, table: &[i64]) -> Present {
    let mut present = Present::default();
    let width = kind.width();
    for (code, cell) in table.chunks_exact(width).take(n_codes).enumerate() {
        // The word of a weight counts rows: it is zero without any.
        let is_there = match kind {
            Kind::Moments => cell[1] != 0,
            Kind::Classes(_) => cell.iter().any(|word| *word != 0),
        };
        present[code / 64] |= u64::from(is_there) << (code % 64);
    }
    present
}

/// The codes that are there, growing.
pub(super) fn codes(present: Present) -> impl Iterator<Item = usize> {
    present.into_iter().enumerate().flat_map(|(word, bits)| {
        let mut bits = bits;
        std::iter::from_fn(move || {
            if bits == 0 {
                return None;
            }
            let bit = bits.trailing_zeros() as usize;
            bits &= bits - 1;
            Some(word * 64 + bit)
        })
    })
}
