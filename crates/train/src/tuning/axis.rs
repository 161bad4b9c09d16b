//! One dimension as samplers see it: choices, or a line between two bounds.

use everloop_domain::search::Domain;
use rand::{Rng, RngExt as _};

/// How many values of a range without steps a grid has.
const N_GRID_VALUES: usize = 5;
/// So many values of a range with steps are in a grid, all of them.
const MAX_GRID_VALUES: usize = 1000;

/// A dimension. Its values are places among choices, or the numbers themselves.
#[derive(Clone, Debug)]
pub(super) enum Axis {
    Choices(usize),
    Line(Line),
}

/// Numbers, and the coordinate on which they lie evenly: the logarithm where factors count.
#[derive(Clone, Debug)]
pub(super) struct Line {
    is_log: bool,
    /// The smallest and the greatest value.
    ends: (f64, f64),
    step: Option<f64>,
    /// The bounds of the coordinate; half a step beyond the ends, so that all values have the same share.
    pub(super) bounds: (f64, f64),
}

impl Axis {
    pub(super) fn new(domain: &Domain) -> Self {
        match *domain {
            Domain::Choices(ref choices) => Self::Choices(choices.len()),
            Domain::Range {
                low,
                high,
                step,
                is_log,
                is_whole,
            } => Self::Line(Line::new(
                (low, high),
                step.or(is_whole.then_some(1.0)),
                is_log,
            )),
        }
    }

    /// A value by chance.
    pub(super) fn draw(&self, rng: &mut impl Rng) -> f64 {
        match self {
            Self::Choices(count) => rng.random_range(0..*count) as f64,
            Self::Line(line) => line.at_share(rng.random()),
        }
    }

    /// The values of a grid.
    pub(super) fn grid(&self) -> Vec<f64> {
        match self {
            Self::Choices(count) => (0..*count).map(|choice| choice as f64).collect(),
            Self::Line(line) => line.grid(),
        }
    }

    /// Where a value lies between the bounds, 0 to 1; a choice is its place.
    pub(super) fn share(&self, value: f64) -> f64 {
        match self {
            Self::Choices(_) => value,
            Self::Line(line) => line.share(value),
        }
    }

    /// Whether the value is one of the dimension's.
    pub(super) fn contains(&self, value: f64) -> bool {
        match self {
            Self::Choices(count) => value.fract() == 0.0 && (0.0..*count as f64).contains(&value),
            Self::Line(line) => {
                (line.ends.0..=line.ends.1).contains(&value) && line.is_reached(value)
            }
        }
    }
}

impl Line {
    fn new((low, high): (f64, f64), step: Option<f64>, is_log: bool) -> Self {
        let mut line = Self {
            is_log,
            ends: (low, high),
            step,
            bounds: (0.0, 0.0),
        };
        let half = step.unwrap_or_default() / 2.0;
        if let Some(step) = step {
            // The last value that the steps reach; a little is allowed for rounding.
            line.ends.1 = (low + ((high - low) / step + 1e-9).floor() * step).min(high);
        }
        line.bounds = (
            line.coordinate(line.ends.0 - half),
            line.coordinate(line.ends.1 + half),
        );
        line
    }

    pub(super) fn coordinate(&self, value: f64) -> f64 {
        if self.is_log { value.ln() } else { value }
    }

    /// The value nearest to a coordinate.
    pub(super) fn value(&self, coordinate: f64) -> f64 {
        let value = if self.is_log {
            coordinate.exp()
        } else {
            coordinate
        };
        let (low, high) = self.ends;
        let value = match self.step {
            Some(step) => low + ((value - low) / step).round() * step,
            None => value,
        };
        value.clamp(low, high)
    }

    /// Whether the steps lead to a value; a little is allowed for rounding.
    fn is_reached(&self, value: f64) -> bool {
        self.step.is_none_or(|step| {
            let steps = (value - self.ends.0) / step;
            (steps - steps.round()).abs() < 1e-6
        })
    }

    /// The part of the line that belongs to a value; nothing where every number is a value.
    pub(super) fn cell(&self, value: f64) -> Option<(f64, f64)> {
        let half = self.step? / 2.0;
        Some((self.coordinate(value - half), self.coordinate(value + half)))
    }

    pub(super) fn at_share(&self, share: f64) -> f64 {
        self.value(self.bounds.0 + share * (self.bounds.1 - self.bounds.0))
    }

    pub(super) fn share(&self, value: f64) -> f64 {
        let (low, high) = self.bounds;
        if high > low {
            (self.coordinate(value) - low) / (high - low)
        } else {
            0.5
        }
    }

    fn grid(&self) -> Vec<f64> {
        let (low, high) = self.ends;
        let n_steps = self
            .step
            .map(|step| ((high - low) / step).round() as usize + 1);
        if let (Some(n_values), Some(step)) = (n_steps, self.step)
            && n_values
                <= if step == 1.0 {
                    2 * N_GRID_VALUES
                } else {
                    MAX_GRID_VALUES
                }
        {
            return (0..n_values)
                .map(|k| (low + k as f64 * step).min(high))
                .collect();
        }
        let (from, to) = (self.coordinate(low), self.coordinate(high));
        let share = |k: usize| k as f64 / (N_GRID_VALUES - 1) as f64;
        let mut values: Vec<f64> = (0..N_GRID_VALUES)
            .map(|k| self.value(from + share(k) * (to - from)))
            .collect();
        values.dedup();
        values
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng as _;
    use rand_chacha::ChaCha8Rng;

    use super::*;

    fn line(low: f64, high: f64, step: Option<f64>, is_log: bool, is_whole: bool) -> Axis {
        Axis::new(&Domain::Range {
            low,
            high,
            step,
            is_log,
            is_whole,
        })
    }

    #[test]
    fn grids_take_the_steps_that_are_named() {
        assert_eq!(
            line(3.0, 6.0, None, false, true).grid(),
            [3.0, 4.0, 5.0, 6.0]
        );
        assert_eq!(
            line(0.0, 1.0, None, false, false).grid(),
            [0.0, 0.25, 0.5, 0.75, 1.0]
        );
        assert_eq!(
            line(0.0, 0.7, Some(0.25), false, false).grid(),
            [0.0, 0.25, 0.5]
        );
        let log = line(0.01, 100.0, None, true, false).grid();
        assert!(
            log.iter()
                .zip([0.01, 0.1, 1.0, 10.0, 100.0])
                .all(|(a, b)| (a / b - 1.0).abs() < 1e-9)
        );
        assert_eq!(line(1.0, 1000.0, None, true, true).grid().len(), 5);
    }

    #[test]
    fn every_whole_number_has_its_share() {
        let axis = line(1.0, 4.0, None, false, true);
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let mut counts = [0; 4];
        for _ in 0..8000 {
            counts[axis.draw(&mut rng) as usize - 1] += 1;
        }
        assert!(
            counts.iter().all(|count| (1850..2150).contains(count)),
            "{counts:?}"
        );
    }

    #[test]
    fn values_and_coordinates_agree() {
        let Axis::Line(line) = line(1.0, 512.0, None, true, true) else {
            panic!("a line");
        };
        for value in [1.0, 7.0, 512.0] {
            assert_eq!(line.value(line.coordinate(value)), value);
        }
        assert_eq!((line.at_share(0.0), line.at_share(1.0)), (1.0, 512.0));
    }
}
