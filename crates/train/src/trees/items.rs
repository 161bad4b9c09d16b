//! What a tree learns from: for each row two integers, so that sums of rows are exact and do not depend on their order,
//! on threads, or on whether they were taken anew or by subtraction.
//!
//! Numbers are fixed-point: a number is a multiple of a unit, a power of two that leaves room for the sum of all rows. Of
//! the second integer the low bits count rows. With a million rows a gradient has 42 bits and a weight 22.

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
    pub(crate) values: Vec<[i64; 2]>,
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
    pub(crate) fn total(self, values: &[[i64; 2]]) -> Vec<i64> {
        let mut total = vec![0; self.kind.width()];
        for value in values {
            match self.kind {
                Kind::Moments => {
                    total[0] += value[0];
                    total[1] += value[1];
                }
                Kind::Classes(_) => total[value[0] as usize] += value[1],
            }
        }
        total
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
        let total = units.total(&values);
        let mut turned = values.clone();
        turned.reverse();
        assert_eq!(total, units.total(&turned));
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
        let total = units.total(&[
            units.class(2, 0.5),
            units.class(0, 1.0),
            units.class(2, 0.5),
        ]);
        assert_eq!(units.weight(total[2]), 1.0);
        assert_eq!(units.count(total[2]), 2);
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
