//! A Gaussian process with a Matern 5/2 kernel, whose lengths and noise are those of the greatest posterior density
//! (Rasmussen and Williams 2006, chapters 2, 4 and 5).

use everloop_package::lanes::settle;
use faer::linalg::solvers::Solve as _;
use faer::{Mat, Side};

use super::super::normal::mean_and_deviation;

/// Steps of the search for lengths and noise.
const N_STEPS: usize = 60;
/// The prior of a length: its logarithm is normal around this plus half the logarithm of the number of dimensions
/// (Hvarfner et al. 2024), this wide.
const LENGTH: (f64, f64) = (0.0, 1.5);
/// The prior of the noise's variance: its logarithm is normal.
const NOISE: (f64, f64) = (-7.0, 2.0);
/// The prior of the kernel's variance: its logarithm is normal.
const VARIANCE: (f64, f64) = (0.0, 1.0);
/// The logarithm of no setting leaves these bounds.
const BOUNDS: (f64, f64) = (-12.0, 6.0);
/// Added to the diagonal, so that equal places do no harm.
const JITTER: f64 = 1e-8;

pub(super) struct Process {
    is_choice: Vec<bool>,
    places: Vec<Vec<f64>>,
    /// Mean and deviation of the values as given.
    scale: (f64, f64),
    values: Vec<f64>,
    /// Logarithms of the lengths, of the kernel's variance and of the noise.
    settings: Vec<f64>,
    inverse: Mat<f64>,
    /// The inverse times the values.
    weights: Vec<f64>,
}

/// A factorised covariance.
struct Solved {
    inverse: Mat<f64>,
    weights: Vec<f64>,
    log_determinant: f64,
}

impl Process {
    /// Nothing if the values say nothing.
    pub(super) fn fit(is_choice: Vec<bool>, places: Vec<Vec<f64>>, values: &[f64]) -> Option<Self> {
        let scale = mean_and_deviation(values);
        if !(scale.1.is_finite() && scale.1 > 0.0) {
            return None;
        }
        let values: Vec<f64> = values
            .iter()
            .map(|value| (value - scale.0) / scale.1)
            .collect();
        let n_dimensions = is_choice.len();
        let mut settings = vec![start_length(n_dimensions); n_dimensions];
        settings.extend([VARIANCE.0, NOISE.0]);
        let mut process = Self {
            is_choice,
            places,
            scale,
            values,
            settings,
            inverse: Mat::zeros(0, 0),
            weights: Vec::new(),
        };
        process.settle();
        process.solved()
    }

    /// The process with a place more, and the same settings.
    pub(super) fn with(mut self, place: Vec<f64>, value: f64) -> Option<Self> {
        self.places.push(place);
        self.values.push((value - self.scale.0) / self.scale.1);
        self.solved()
    }

    fn solved(mut self) -> Option<Self> {
        let solved = self.solve(&self.settings)?;
        self.inverse = solved.inverse;
        self.weights = solved.weights;
        Some(self)
    }

    /// The smallest value.
    pub(super) fn least(&self) -> f64 {
        let least = self.values.iter().copied().fold(f64::INFINITY, f64::min);
        self.scale.0 + self.scale.1 * least
    }

    /// Mean and deviation at a place.
    pub(super) fn predict(&self, place: &[f64]) -> (f64, f64) {
        let lengths = self.inverse_squares(&self.settings);
        let variance = self.settings[self.is_choice.len()].exp();
        let near: Vec<f64> = self
            .places
            .iter()
            .map(|other| variance * matern(self.distance(&lengths, place, other)))
            .collect();
        let mean: f64 = near
            .iter()
            .zip(&self.weights)
            .map(|(near, weight)| near * weight)
            .sum();
        let mut explained = 0.0;
        for (column, by) in near.iter().enumerate() {
            let column = self.inverse.col(column);
            let product: f64 = near
                .iter()
                .zip(column.iter())
                .map(|(near, value)| near * value)
                .sum();
            explained += by * product;
        }
        let left = (variance - explained).max(1e-12);
        (
            self.scale.0 + self.scale.1 * mean,
            self.scale.1 * left.sqrt(),
        )
    }

    fn inverse_squares(&self, settings: &[f64]) -> Vec<f64> {
        settings[..self.is_choice.len()]
            .iter()
            .map(|log| (-2.0 * log).exp())
            .collect()
    }

    /// The squared distance, each dimension by its length.
    fn distance(&self, lengths: &[f64], left: &[f64], right: &[f64]) -> f64 {
        (0..lengths.len())
            .map(|at| lengths[at] * self.square(at, left, right))
            .sum()
    }

    fn square(&self, dimension: usize, left: &[f64], right: &[f64]) -> f64 {
        if self.is_choice[dimension] {
            f64::from(u8::from(left[dimension] != right[dimension]))
        } else {
            (left[dimension] - right[dimension]).powi(2)
        }
    }

    fn solve(&self, settings: &[f64]) -> Option<Solved> {
        let count = self.places.len();
        let lengths = self.inverse_squares(settings);
        let n_dimensions = lengths.len();
        let (variance, noise) = (
            settings[n_dimensions].exp(),
            settings[n_dimensions + 1].exp(),
        );
        let mut covariance = Mat::<f64>::zeros(count, count);
        for row in 0..count {
            for column in 0..=row {
                let distance = self.distance(&lengths, &self.places[row], &self.places[column]);
                let value = variance * matern(distance);
                covariance[(row, column)] = value;
                covariance[(column, row)] = value;
            }
            covariance[(row, row)] += noise + JITTER;
        }
        let factor = covariance.llt(Side::Lower).ok()?;
        let inverse = factor.solve(Mat::<f64>::identity(count, count));
        let values = Mat::from_fn(count, 1, |row, _| self.values[row]);
        let solution = factor.solve(&values);
        settle();
        let diagonal = (0..count).map(|at| factor.L()[(at, at)].ln());
        Some(Solved {
            log_determinant: 2.0 * diagonal.sum::<f64>(),
            weights: (0..count).map(|row| solution[(row, 0)]).collect(),
            inverse,
        })
    }

    /// Finds the settings by their gradient's signs (Igel and Huesken 2003), from the same start each time.
    fn settle(&mut self) {
        let mut at = self.settings.clone();
        let mut steps = vec![0.2; at.len()];
        let mut before = vec![0.0; at.len()];
        let mut best = (f64::NEG_INFINITY, at.clone());
        for _ in 0..N_STEPS {
            let Some((value, gradient)) = self.posterior(&at) else {
                break;
            };
            if value > best.0 {
                best = (value, at.clone());
            }
            for place in 0..at.len() {
                let agreement = gradient[place] * before[place];
                if agreement > 0.0 {
                    steps[place] = (steps[place] * 1.2_f64).min(1.0);
                } else if agreement < 0.0 {
                    steps[place] = (steps[place] * 0.5_f64).max(1e-3);
                }
                before[place] = if agreement < 0.0 {
                    0.0
                } else {
                    gradient[place]
                };
                let moved = at[place]
                    + steps[place]
                        * before[place].signum()
                        * f64::from(u8::from(before[place] != 0.0));
                at[place] = moved.clamp(BOUNDS.0, BOUNDS.1);
            }
        }
        self.settings = best.1;
    }

    /// The logarithm of the posterior density of settings, up to a constant, and its gradient.
    fn posterior(&self, settings: &[f64]) -> Option<(f64, Vec<f64>)> {
        let solved = self.solve(settings)?;
        let n_dimensions = self.is_choice.len();
        let lengths = self.inverse_squares(settings);
        let variance = settings[n_dimensions].exp();
        let fit: f64 = self
            .values
            .iter()
            .zip(&solved.weights)
            .map(|(value, weight)| value * weight)
            .sum();
        let mut value = -0.5 * (fit + solved.log_determinant);
        let mut gradient = vec![0.0; settings.len()];
        for row in 0..self.places.len() {
            for column in 0..row {
                // Twice, for the matrix is symmetric; halved, by the formula.
                let pull =
                    solved.weights[row] * solved.weights[column] - solved.inverse[(row, column)];
                let (left, right) = (&self.places[row], &self.places[column]);
                let distance = self.distance(&lengths, left, right);
                gradient[n_dimensions] += pull * variance * matern(distance);
                let slope = pull * variance * slope(distance);
                for (dimension, length) in lengths.iter().enumerate() {
                    gradient[dimension] += slope * length * self.square(dimension, left, right);
                }
            }
            let pull = solved.weights[row].powi(2) - solved.inverse[(row, row)];
            gradient[n_dimensions] += 0.5 * pull * variance;
            gradient[n_dimensions + 1] += 0.5 * pull * settings[n_dimensions + 1].exp();
        }
        for (place, setting) in settings.iter().enumerate() {
            let (mean, width) = match place.checked_sub(n_dimensions) {
                None => (start_length(n_dimensions), LENGTH.1),
                Some(0) => VARIANCE,
                Some(_) => NOISE,
            };
            value -= 0.5 * ((setting - mean) / width).powi(2);
            gradient[place] -= (setting - mean) / (width * width);
        }
        value.is_finite().then_some((value, gradient))
    }
}

fn start_length(n_dimensions: usize) -> f64 {
    LENGTH.0 + 0.5 * (n_dimensions.max(1) as f64).ln() - 1.0
}

/// Matern 5/2 of a squared distance.
fn matern(square: f64) -> f64 {
    let distance = (5.0 * square).sqrt();
    (1.0 + distance + distance * distance / 3.0) * (-distance).exp()
}

/// Minus twice its derivative by the squared distance: what a length's logarithm changes, for each unit of its share.
fn slope(square: f64) -> f64 {
    let distance = (5.0 * square).sqrt();
    5.0 / 3.0 * (1.0 + distance) * (-distance).exp()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wave() -> Process {
        let places: Vec<Vec<f64>> = (0..12)
            .map(|k| vec![f64::from(k) / 11.0, f64::from(k % 3)])
            .collect();
        let values = places
            .iter()
            .map(|place| (6.0 * place[0]).sin() + 0.5 * f64::from(u8::from(place[1] == 1.0)));
        let values: Vec<f64> = values.collect();
        Process::fit(vec![false, true], places, &values).unwrap()
    }

    #[test]
    fn the_gradient_is_that_of_the_density() {
        let process = wave();
        let at = [-0.4, 0.3, 0.2, -3.0];
        let (_, gradient) = process.posterior(&at).unwrap();
        for place in 0..at.len() {
            let moved = |by: f64| {
                let mut at = at;
                at[place] += by;
                process.posterior(&at).unwrap().0
            };
            let slope = (moved(1e-5) - moved(-1e-5)) / 2e-5;
            assert!(
                (slope - gradient[place]).abs() < 1e-4 * slope.abs().max(1.0),
                "{place}: {slope} {gradient:?}"
            );
        }
    }

    #[test]
    fn what_was_seen_is_known_and_what_is_far_is_not() {
        let process = wave();
        let (mean, near) = process.predict(&[5.0 / 11.0, 2.0]);
        assert!((mean - (30.0_f64 / 11.0).sin()).abs() < 0.1, "{mean}");
        let (_, far) = process.predict(&[5.0, 2.0]);
        assert!(far > 3.0 * near, "{near} {far}");
        assert!(process.least() < -0.9);
    }

    #[test]
    fn equal_values_say_nothing() {
        assert!(Process::fit(vec![false], vec![vec![0.0], vec![1.0]], &[2.0, 2.0]).is_none());
    }
}
