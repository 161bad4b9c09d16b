//! What a tree learns from: for each row two integers, so that sums of rows are exact and do not depend on their order,
//! on threads, or on whether they were taken anew or by subtraction.
//!
//! Numbers are fixed-point: a number is a multiple of a unit, a power of two that leaves room for the sum of all rows. Of
//! the second integer the low bits count rows. With a million rows a gradient has 42 bits and a weight 22.

use std::ops::Range;

/// Rows at most: with more, too few bits would be left for weights.
pub(crate) const MAX_ROWS: usize = 1 << 27;

/// What is summed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Sums of gradients, and of weights and rows: two words.
    Moments,
    /// Sums of weights and rows for each of some classes: a word each.
    Classes(usize),
}

impl Kind {
    /// The words of a sum.
    pub(crate) fn width(self) -> usize {
        match self {
            Self::Moments => 2,
            Self::Classes(count) => count,
        }
    }
}

/// How numbers are written as integers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Units {
    pub(crate) kind: Kind,
    gradient: f64,
    weight: f64,
    /// The bits that count rows.
    count_bits: u32,
}

/// Some rows of a tree, in any order.
#[derive(Clone, Debug)]
pub(crate) struct Items {
    pub(crate) units: Units,
    pub(crate) rows: Vec<u32>,
    /// By item: gradient and weight, or class and weight. Weights hold the count of one row.
    pub(super) values: Values,
}

/// The values of items.
#[derive(Clone, Debug)]
pub(super) enum Values {
    /// Each item has its own.
    Each(Vec<[i64; 2]>),
    /// Few differ: by item its place in the list of those that do. That is a quarter of the bytes to be moved.
    Few(Vec<u8>, Palette),
}

/// Values that differ, at most 256.
#[derive(Clone, Debug)]
pub(super) struct Palette {
    /// What is behind the last of them is zero.
    pub(super) values: Box<[[i64; 2]; 256]>,
    pub(super) count: usize,
}

/// The values of some items.
#[derive(Clone, Copy, Debug)]
pub(super) enum Piece<'a> {
    Each(&'a [[i64; 2]]),
    Few(&'a [u8], &'a Palette),
}

impl Items {
    /// Items in the order of their rows.
    pub(crate) fn new(
        units: Units,
        rows: Vec<u32>,
        values: impl Iterator<Item = [i64; 2]> + Clone,
    ) -> Self {
        let few = match units.kind {
            Kind::Moments => None,
            Kind::Classes(_) => Palette::of(values.clone()),
        };
        let values = match few {
            Some((places, palette)) => Values::Few(places, palette),
            None => Values::Each(values.collect()),
        };
        Self {
            units,
            rows,
            values,
        }
    }

    /// The values of some items.
    pub(super) fn piece(&self, range: Range<usize>) -> Piece<'_> {
        match &self.values {
            Values::Each(values) => Piece::Each(&values[range]),
            Values::Few(places, palette) => Piece::Few(&places[range], palette),
        }
    }
}

impl Palette {
    /// The values that differ and the place of each, unless there are too many.
    fn of(values: impl Iterator<Item = [i64; 2]>) -> Option<(Vec<u8>, Self)> {
        let mut palette = Self {
            values: Box::new([[0; 2]; 256]),
            count: 0,
        };
        let place = |value: [i64; 2]| {
            let known = &palette.values[..palette.count];
            let place = known.iter().position(|known| *known == value);
            if place.is_none() {
                *palette.values.get_mut(palette.count)? = value;
                palette.count += 1;
            }
            Some(place.unwrap_or(palette.count - 1) as u8)
        };
        let places: Option<Vec<u8>> = values.map(place).collect();
        places.map(|places| (places, palette))
    }

    /// The same for other values.
    pub(super) fn with(&self, value: impl Fn([i64; 2]) -> [i64; 2]) -> Self {
        Self {
            values: Box::new(self.values.map(value)),
            count: self.count,
        }
    }
}

impl Piece<'_> {
    pub(super) fn iter(self) -> impl Iterator<Item = [i64; 2]> {
        let (each, few) = match self {
            Self::Each(values) => (values, None),
            Self::Few(places, palette) => ([].as_slice(), Some((places, palette))),
        };
        let few = few.into_iter().flat_map(|(places, palette)| {
            places
                .iter()
                .map(|place| palette.values[usize::from(*place)])
        });
        each.iter().copied().chain(few)
    }
}

impl Units {
    /// Units for so many rows (each counted once) with gradients and weights up to some sizes.
    pub(crate) fn new(kind: Kind, n_rows: usize, max_gradient: f64, max_weight: f64) -> Self {
        let count_bits = usize::BITS - n_rows.max(1).leading_zeros();
        let room = |bits: u32, max: f64| {
            let power = if max > 0.0 {
                max.log2().floor() as i32 + 1
            } else {
                1
            };
            2.0_f64.powi(power - bits as i32)
        };
        Self {
            kind,
            gradient: room(62 - count_bits, max_gradient),
            weight: room(62 - 2 * count_bits, max_weight),
            count_bits,
        }
    }

    /// Gradient and weight of a row. A positive weight stays positive.
    pub(crate) fn moments(self, gradient: f64, weight: f64) -> [i64; 2] {
        [(gradient / self.gradient).round() as i64, self.one(weight)]
    }

    /// Class and weight of a row.
    pub(crate) fn class(self, class: usize, weight: f64) -> [i64; 2] {
        [class as i64, self.one(weight)]
    }

    fn one(self, weight: f64) -> i64 {
        let scaled = (weight / self.weight).round() as i64;
        let scaled = if weight > 0.0 { scaled.max(1) } else { 0 };
        scaled << self.count_bits | 1
    }

    /// The rows of a word.
    pub(crate) fn count(self, word: i64) -> u32 {
        (word & ((1 << self.count_bits) - 1)) as u32
    }

    /// The weight of a word.
    pub(crate) fn weight(self, word: i64) -> f64 {
        (word >> self.count_bits) as f64 * self.weight
    }

    /// The gradient of a word.
    pub(crate) fn gradient(self, word: i64) -> f64 {
        word as f64 * self.gradient
    }

    /// The sums of some items.
    pub(super) fn total(self, values: Piece<'_>) -> Vec<i64> {
        let mut total = vec![0; self.kind.width()];
        match values {
            Piece::Each(values) => values.iter().for_each(|value| self.add(&mut total, *value)),
            Piece::Few(places, palette) => {
                let mut counts = [0_i64; 256];
                for place in places {
                    counts[usize::from(*place)] += 1;
                }
                for (count, [first, word]) in counts.iter().zip(&palette.values[..palette.count]) {
                    self.add(&mut total, [*first, word * count]);
                }
            }
        }
        total
    }

    fn add(self, total: &mut [i64], [first, word]: [i64; 2]) {
        match self.kind {
            Kind::Moments => {
                total[0] += first;
                total[1] += word;
            }
            Kind::Classes(_) => total[first as usize] += word,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_are_exact_in_any_order() {
        let n_rows = 100_000;
        let units = Units::new(Kind::Moments, n_rows, 10.0, 2.0);
        let values: Vec<[i64; 2]> = (0..n_rows)
            .map(|row| units.moments(10.0 - row as f64 / 5000.0, 2.0 - row as f64 / 100_000.0))
            .collect();
        let total = units.total(Piece::Each(&values));
        let mut turned = values.clone();
        turned.reverse();
        assert_eq!(total, units.total(Piece::Each(&turned)));
        assert_eq!(units.count(total[1]), 100_000);
        let (gradient, weight) = (units.gradient(total[0]), units.weight(total[1]));
        assert!((gradient - 10.0).abs() < 1e-4, "{gradient}");
        assert!((weight - 150_000.5).abs() < 0.1, "{weight}");
    }

    #[test]
    fn whole_numbers_stay_themselves() {
        let units = Units::new(Kind::Moments, 1000, 9.0, 3.0);
        let [gradient, word] = units.moments(-9.0, 3.0);
        assert_eq!(units.gradient(gradient), -9.0);
        assert_eq!((units.weight(word), units.count(word)), (3.0, 1));
    }

    #[test]
    fn tiny_weights_stay_positive_and_none_stays_none() {
        let units = Units::new(Kind::Classes(3), 1 << 20, 0.0, 1.0);
        assert!(units.weight(units.class(2, 1e-30)[1]) > 0.0);
        assert_eq!(units.weight(units.class(2, 0.0)[1]), 0.0);
        let total = units.total(Piece::Each(&[
            units.class(2, 0.5),
            units.class(0, 1.0),
            units.class(2, 0.5),
        ]));
        assert_eq!(units.weight(total[2]), 1.0);
        assert_eq!(units.count(total[2]), 2);
    }

    #[test]
    fn few_values_are_kept_once() {
        let units = Units::new(Kind::Classes(3), 1000, 0.0, 300.0);
        let items = |n_values: usize| {
            let values = (0..1000).map(move |row| units.class(row % 3, (row % n_values) as f64));
            let items = Items::new(units, (0..1000).collect(), values.clone());
            let all = items.piece(0..1000);
            assert!(all.iter().eq(values.clone()));
            let values: Vec<_> = values.collect();
            assert_eq!(units.total(all), units.total(Piece::Each(&values)));
            items
        };
        assert!(matches!(items(50).values, Values::Few(_, palette) if palette.count == 150));
        assert!(matches!(items(300).values, Values::Each(_)));
    }

    #[test]
    fn the_most_rows_leave_room() {
        let units = Units::new(Kind::Moments, MAX_ROWS, 1.0, 1.0);
        let [gradient, word] = units.moments(1.0, 1.0);
        let sum = word.checked_mul(MAX_ROWS as i64).unwrap();
        assert!(gradient.checked_mul(MAX_ROWS as i64).is_some());
        assert_eq!(units.count(sum), MAX_ROWS as u32);
        assert!((units.weight(sum) / MAX_ROWS as f64 - 1.0).abs() < 0.01);
    }
}
