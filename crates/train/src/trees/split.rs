//! The best split of a node, given its sums by code.
//!
//! With sums `G` of gradients and `H` of weights, a side is worth `T(G)^2 / (H + l2)`, where `T` draws `G` towards zero by
//! `l1`; a split gains what its sides are worth beyond the whole (Chen and Guestrin 2016). For classes a side is worth
//! `sum of C^2 / W` (Gini's index) or `sum of C log C - W log W` (entropy), `C` being the weights of its classes.
//!
//! Only codes with rows in them are candidates, so a node's result is the same however its sums were taken.

use rand::{Rng, RngExt as _};

use super::bins::{Bins, Bundle};
use super::growth::{Criterion, Growth};
use super::histogram::{Present, codes};
use super::items::{Kind, Units};

/// A way to part the rows of a node.
#[derive(Clone, Copy, Debug)]
pub(super) struct Split {
    pub(super) gain: f64,
    pub(super) column: usize,
    /// Bins up to this one go left.
    pub(super) bin: usize,
    pub(super) missing_goes_left: bool,
}

impl Split {
    /// The better of two; the first if they are equal.
    pub(super) fn better(best: Option<Self>, next: Option<Self>) -> Option<Self> {
        match (best, next) {
            (Some(best), Some(next)) if next.gain > best.gain => Some(next),
            (None, next) => next,
            (best, _) => best,
        }
    }
}

/// A node whose splits are looked at.
pub(super) struct Search<'a> {
    pub(super) bins: &'a Bins,
    pub(super) units: Units,
    pub(super) growth: &'a Growth,
    /// The columns that may be split on; all if there are none.
    pub(super) allowed: &'a [bool],
    /// Sums of the node.
    total: &'a [i64],
    n_rows: u32,
    /// Between what the values of the node and of all below it must lie.
    bounds: (f64, f64),
    whole: f64,
}

/// What a split has to be better than, and the best so far.
struct Best {
    column: usize,
    least: f64,
    split: Option<Split>,
}

impl<'a> Search<'a> {
    pub(super) fn new(
        bins: &'a Bins,
        units: Units,
        growth: &'a Growth,
        allowed: &'a [bool],
        (total, bounds): (&'a [i64], (f64, f64)),
    ) -> Self {
        let mut search = Self {
            bins,
            units,
            growth,
            allowed,
            total,
            n_rows: rows(units, total),
            bounds,
            whole: 0.0,
        };
        search.whole = search.worth(total);
        search
    }

    /// The best split of a bundle's columns, and whether any of them differs within the node.
    pub(super) fn bundle(
        &self,
        bundle: usize,
        table: &[i64],
        present: Present,
        chance: Option<&mut (dyn Rng + '_)>,
    ) -> (Option<Split>, bool) {
        let bundle = &self.bins.bundles[bundle];
        if bundle.is_exclusive() {
            return self.exclusive(bundle, table, present);
        }
        let column = bundle.columns.start;
        if !self.may(column) {
            return (None, false);
        }
        let differs = present.iter().map(|bits| bits.count_ones()).sum::<u32>() > 1;
        if !differs {
            return (None, false);
        }
        let split = match chance {
            Some(chance) => self.by_chance(column, table, present, chance),
            None => self.number(column, table, present),
        };
        (split, true)
    }

    fn may(&self, column: usize) -> bool {
        self.allowed.is_empty() || self.allowed[column]
    }

    fn best(&self, column: usize) -> Best {
        let least = 1e-9 * self.whole.abs().max(1e-12);
        Best {
            column,
            least: least.max(self.growth.min_gain),
            split: None,
        }
    }

    /// Each column of a bundle against all the others.
    fn exclusive(&self, bundle: &Bundle, table: &[i64], present: Present) -> (Option<Split>, bool) {
        let mut found = None;
        let mut differs = false;
        let mut left = self.total.to_vec();
        for code in codes(present).filter(|code| *code > 0) {
            let column = bundle.columns.start + code - 1;
            if !self.may(column) {
                continue;
            }
            let own = self.cell(table, code);
            differs |= rows(self.units, own) < self.n_rows;
            left.copy_from_slice(self.total);
            take(&mut left, own);
            let mut best = self.best(column);
            self.consider(&mut best, &left, 1, false);
            found = Split::better(found, best.split);
        }
        (found, differs)
    }

    /// Every cut of a column, with missing rows on either side.
    fn number(&self, column: usize, table: &[i64], present: Present) -> Option<Split> {
        let missing = (present[0] & 1 == 1).then(|| self.cell(table, 0));
        let last = self.last_bin(column);
        let mut best = self.best(column);
        let mut left = vec![0; self.total.len()];
        let mut with_missing = Vec::new();
        for bin in codes(present).filter(|bin| (1..=last).contains(bin)) {
            add(&mut left, self.cell(table, bin));
            self.consider(&mut best, &left, bin, false);
            if let Some(missing) = missing {
                with_missing.clone_from(&left);
                add(&mut with_missing, missing);
                self.consider(&mut best, &with_missing, bin, true);
            }
        }
        best.split
    }

    /// One cut of a column, evenly by chance between its least and its greatest value (Geurts et al. 2006).
    fn by_chance(
        &self,
        column: usize,
        table: &[i64],
        present: Present,
        chance: &mut (dyn Rng + '_),
    ) -> Option<Split> {
        let mut bins = codes(present).filter(|bin| *bin > 0);
        let first = bins.next()?;
        let last = bins.last().unwrap_or(first);
        let bin = self.cut(column, (first, last), chance);
        let mut left = vec![0; self.total.len()];
        let below = codes(present).filter(|code| (1..=bin).contains(code));
        below.for_each(|code| add(&mut left, self.cell(table, code)));
        let missing = (present[0] & 1 == 1).then(|| self.cell(table, 0));
        self.parted(column, bin, left, missing)
    }

    /// The last bin that goes left, by chance, of a column whose values lie between two bins.
    pub(super) fn cut(
        &self,
        column: usize,
        (first, last): (usize, usize),
        chance: &mut (dyn Rng + '_),
    ) -> usize {
        let end = last.saturating_sub(1).max(first).min(self.last_bin(column));
        let cuts = &self.bins.cuts[column];
        let share: f64 = chance.random();
        match (cuts.get(first - 1), cuts.get(end.max(1) - 1)) {
            (Some(low), Some(high)) if low.is_finite() && high.is_finite() => {
                let value = f64::from(*low) + share * (f64::from(*high) - f64::from(*low));
                let at = cuts.partition_point(|cut| f64::from(*cut) <= value);
                at.clamp(first, end)
            }
            _ => end,
        }
    }

    /// A cut with these sums on its left, if it gains anything; missing rows go to the better side.
    pub(super) fn parted(
        &self,
        column: usize,
        bin: usize,
        mut left: Vec<i64>,
        missing: Option<&[i64]>,
    ) -> Option<Split> {
        let mut best = self.best(column);
        self.consider(&mut best, &left, bin, false);
        if let Some(missing) = missing {
            add(&mut left, missing);
            self.consider(&mut best, &left, bin, true);
        }
        best.split
    }

    /// The last bin that can be the end of the left side.
    fn last_bin(&self, column: usize) -> usize {
        self.bins.cuts[column].len() + 1 - usize::from(self.bins.ends_infinite(column))
    }

    fn cell<'t>(&self, table: &'t [i64], code: usize) -> &'t [i64] {
        let width = self.total.len();
        &table[code * width..(code + 1) * width]
    }

    /// Looks at a split with these sums on its left.
    #[inline]
    fn consider(&self, best: &mut Best, left: &[i64], bin: usize, missing_goes_left: bool) {
        let gain = match (self.units.kind, left, self.total) {
            (Kind::Moments, [gradient, word], [all_gradients, all]) => self.moments_gain(
                best.column,
                (*gradient, *word),
                (all_gradients - gradient, all - word),
            ),
            (_, [first, second], [all_first, all_second])
                if self.growth.criterion == Criterion::Gini =>
            {
                let right = (all_first - first, all_second - second);
                self.two_classes_gain((*first, *second), right)
            }
            _ => self.classes_gain(left),
        };
        if let Some(gain) = gain
            && gain > best.least
        {
            best.least = gain;
            best.split = Some(Split {
                gain,
                column: best.column,
                bin,
                missing_goes_left,
            });
        }
    }

    #[inline]
    fn moments_gain(&self, column: usize, left: (i64, i64), right: (i64, i64)) -> Option<f64> {
        let (units, growth) = (self.units, self.growth);
        let (count, other) = (units.count(left.1), units.count(right.1));
        if count.min(other) < growth.min_rows {
            return None;
        }
        let (weight, other_weight) = (units.weight(left.1), units.weight(right.1));
        if weight.min(other_weight) < growth.min_weight {
            return None;
        }
        let (gradient, other) = (units.gradient(left.0), units.gradient(right.0));
        if growth.monotone.is_empty() {
            let worth = growth.worth(gradient, weight) + growth.worth(other, other_weight);
            return Some(worth - self.whole);
        }
        let value = growth.value(gradient, weight, self.bounds);
        let other_value = growth.value(other, other_weight, self.bounds);
        if f64::from(growth.monotone[column]) * (other_value - value) < 0.0 {
            return None;
        }
        let worth = growth.worth_of(value, gradient, weight);
        Some(worth + growth.worth_of(other_value, other, other_weight) - self.whole)
    }

    /// What [`Self::classes_gain`] gives for two classes by Gini's index, in a fraction of the time.
    #[inline]
    fn two_classes_gain(&self, left: (i64, i64), right: (i64, i64)) -> Option<f64> {
        let units = self.units;
        let count = units.count(left.0) + units.count(left.1);
        if count.min(self.n_rows - count) < self.growth.min_rows {
            return None;
        }
        let worth = |(first, second): (i64, i64)| {
            let (first, second) = (units.weight(first), units.weight(second));
            Criterion::Gini.of_side(first + second, first * first + second * second)
        };
        Some(worth(left) + worth(right) - self.whole)
    }

    fn classes_gain(&self, left: &[i64]) -> Option<f64> {
        let (units, growth) = (self.units, self.growth);
        let mut count = 0;
        let mut sides = [(0.0, 0.0); 2];
        for (own, all) in left.iter().zip(self.total) {
            count += units.count(*own);
            for (side, word) in sides.iter_mut().zip([*own, all - own]) {
                let weight = units.weight(word);
                side.0 += weight;
                side.1 += growth.criterion.of_class(weight);
            }
        }
        if count.min(self.n_rows - count) < growth.min_rows {
            return None;
        }
        let [left, right] = sides.map(|(weight, sum)| growth.criterion.of_side(weight, sum));
        Some(left + right - self.whole)
    }

    /// What a node is worth.
    fn worth(&self, total: &[i64]) -> f64 {
        let units = self.units;
        if let (Kind::Moments, [gradient, word]) = (units.kind, total) {
            let (gradient, weight) = (units.gradient(*gradient), units.weight(*word));
            if self.growth.monotone.is_empty() {
                return self.growth.worth(gradient, weight);
            }
            let value = self.growth.value(gradient, weight, self.bounds);
            return self.growth.worth_of(value, gradient, weight);
        }
        let weights = total.iter().map(|word| units.weight(*word));
        let criterion = self.growth.criterion;
        let sum = weights.clone().map(|weight| criterion.of_class(weight));
        criterion.of_side(weights.sum(), sum.sum())
    }
}

impl Criterion {
    #[inline]
    fn of_class(self, weight: f64) -> f64 {
        match self {
            Self::Gini => weight * weight,
            Self::Entropy => x_log_x(weight),
        }
    }

    #[inline]
    fn of_side(self, weight: f64, sum: f64) -> f64 {
        match self {
            Self::Gini if weight > 0.0 => sum / weight,
            Self::Gini => 0.0,
            Self::Entropy => sum - x_log_x(weight),
        }
    }
}

fn x_log_x(x: f64) -> f64 {
    if x > 0.0 { x * x.log2() } else { 0.0 }
}

/// The rows of a sum.
fn rows(units: Units, sum: &[i64]) -> u32 {
    match units.kind {
        Kind::Moments => units.count(sum[1]),
        Kind::Classes(_) => sum.iter().map(|word| units.count(*word)).sum(),
    }
}

fn add(sum: &mut [i64], other: &[i64]) {
    sum.iter_mut().zip(other).for_each(|(sum, own)| *sum += own);
}

fn take(sum: &mut [i64], other: &[i64]) {
    sum.iter_mut().zip(other).for_each(|(sum, own)| *sum -= own);
}
