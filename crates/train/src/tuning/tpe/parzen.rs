//! A density over some dimensions: a mixture of kernels around points, and a wide prior.

use rand::{Rng, RngExt as _};

use crate::tuning::axis::{Axis, Line};
use crate::tuning::normal::{LOG_SQRT_2_PI, between, draw_between};

/// Kernels are no narrower than the range divided by the geometric mean of the points here and of all points, and by so
/// many: the few best points may be told apart as finely as all of them are (by the few alone, kernels would be wide for
/// long, and the best values on every golden function are worse).
const MAX_NARROWNESS: f64 = 100.0;
/// So many of the latest points count fully, older ones less.
const N_FULL: usize = 25;

pub(super) struct Parzen<'a> {
    log_weights: Vec<f64>,
    /// Sums of the weights, to draw a kernel.
    sums: Vec<f64>,
    kernels: Vec<Kernels<'a>>,
}

/// The kernels of one dimension, the prior last.
enum Kernels<'a> {
    Line {
        line: &'a Line,
        /// Mean, width, and the logarithm of the share within the bounds.
        normals: Vec<(f64, f64, f64)>,
    },
    /// The probability of each choice.
    Choices(Vec<Vec<f64>>),
}

impl<'a> Parzen<'a> {
    /// The density around points, of which there are `n_all` with those of the other part; the first of each pair tells
    /// how old it is.
    pub(super) fn new(axes: &[&'a Axis], points: &[(usize, Vec<f64>)], n_all: usize) -> Self {
        let mut points: Vec<&(usize, Vec<f64>)> = points.iter().collect();
        points.sort_by_key(|(number, _)| *number);
        let mut weights = ages(points.len());
        weights.push(1.0);
        let total: f64 = weights.iter().sum();
        let mut sum = 0.0;
        let sums = weights.iter().map(|weight| {
            sum += weight / total;
            sum
        });
        let kernels = axes.iter().enumerate().map(|(place, axis)| {
            let values: Vec<f64> = points.iter().map(|(_, values)| values[place]).collect();
            Kernels::new(axis, &values, n_all)
        });
        Self {
            sums: sums.collect(),
            log_weights: weights.iter().map(|weight| (weight / total).ln()).collect(),
            kernels: kernels.collect(),
        }
    }

    pub(super) fn draw(&self, rng: &mut impl Rng) -> Vec<f64> {
        let share = rng.random::<f64>();
        let kernel = self
            .sums
            .partition_point(|sum| *sum < share)
            .min(self.sums.len() - 1);
        self.kernels
            .iter()
            .map(|kernels| kernels.draw(kernel, rng))
            .collect()
    }

    pub(super) fn log_density(&self, values: &[f64]) -> f64 {
        let mut logs = self.log_weights.clone();
        for (kernels, value) in self.kernels.iter().zip(values) {
            kernels.add_logs(*value, &mut logs);
        }
        let greatest = logs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        greatest
            + logs
                .iter()
                .map(|log| (log - greatest).exp())
                .sum::<f64>()
                .ln()
    }
}

/// The weights of points, the oldest first.
fn ages(n_points: usize) -> Vec<f64> {
    let n_old = n_points.saturating_sub(N_FULL);
    let old = (0..n_old).map(|place| {
        let least = 1.0 / n_points as f64;
        let share = if n_old > 1 {
            place as f64 / (n_old - 1) as f64
        } else {
            0.0
        };
        least + (1.0 - least) * share
    });
    old.chain(std::iter::repeat_n(1.0, n_points - n_old))
        .collect()
}

/// How wide kernels are: as far as the farther neighbour. The bounds are the neighbours of a single mean only.
fn widths(means: &[f64], (low, high): (f64, f64)) -> Vec<f64> {
    let mut order: Vec<usize> = (0..means.len()).collect();
    order.sort_by(|left, right| means[*left].total_cmp(&means[*right]));
    let mut widths = vec![0.0; means.len()];
    for (place, at) in order.iter().enumerate() {
        let mean = means[*at];
        let before = place.checked_sub(1).map(|place| mean - means[order[place]]);
        let after = order.get(place + 1).map(|next| means[*next] - mean);
        widths[*at] = match (before, after) {
            (None, None) => (mean - low).max(high - mean),
            (before, after) => before.unwrap_or_default().max(after.unwrap_or_default()),
        };
    }
    widths
}

impl<'a> Kernels<'a> {
    fn new(axis: &'a Axis, values: &[f64], n_all: usize) -> Self {
        let n_kernels = values.len() as f64 + 1.0;
        match axis {
            Axis::Choices(count) => {
                let uniform = vec![1.0 / *count as f64; *count];
                let around = |value: &f64| {
                    let mut shares = vec![1.0 / n_kernels; *count];
                    shares[*value as usize] += 1.0;
                    let sum: f64 = shares.iter().sum();
                    shares.into_iter().map(|share| share / sum).collect()
                };
                Self::Choices(values.iter().map(around).chain([uniform]).collect())
            }
            Axis::Line(line) => {
                let (low, high) = line.bounds;
                let range = high - low;
                let narrowest =
                    range / (2.0 + (values.len() as f64 * n_all as f64).sqrt()).min(MAX_NARROWNESS);
                let normal = |mean: f64, width: f64| {
                    let share = between((low - mean) / width, (high - mean) / width);
                    (mean, width, share.ln())
                };
                let means: Vec<f64> = values.iter().map(|value| line.coordinate(*value)).collect();
                let widths = widths(&means, line.bounds);
                let around = means.into_iter().zip(widths);
                let around =
                    around.map(|(mean, width)| normal(mean, width.clamp(narrowest, range)));
                let prior = normal(low.midpoint(high), range);
                Self::Line {
                    line,
                    normals: around.chain([prior]).collect(),
                }
            }
        }
    }

    fn draw(&self, kernel: usize, rng: &mut impl Rng) -> f64 {
        match self {
            Self::Choices(shares) => {
                let mut left = rng.random::<f64>();
                let shares = &shares[kernel];
                let found = shares.iter().position(|share| {
                    left -= share;
                    left < 0.0
                });
                found.unwrap_or(shares.len() - 1) as f64
            }
            Self::Line { line, normals } => {
                let (mean, width, _) = normals[kernel];
                line.value(draw_between(mean, width, line.bounds, rng))
            }
        }
    }

    /// Adds the logarithm of each kernel at a value.
    fn add_logs(&self, value: f64, logs: &mut [f64]) {
        match self {
            Self::Choices(shares) => {
                for (log, shares) in logs.iter_mut().zip(shares) {
                    *log += shares[value as usize].ln();
                }
            }
            Self::Line { line, normals } => {
                let (at, cell) = (line.coordinate(value), line.cell(value));
                for (log, (mean, width, log_share)) in logs.iter_mut().zip(normals) {
                    let density = if let Some((low, high)) = cell {
                        let share = between((low - mean) / width, (high - mean) / width);
                        share.max(1e-300).ln()
                    } else {
                        let z = (at - mean) / width;
                        -z * z / 2.0 - LOG_SQRT_2_PI - width.ln()
                    };
                    *log += density - log_share;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use everloop_domain::search::Domain;
    use rand::SeedableRng as _;
    use rand_chacha::ChaCha8Rng;

    use super::*;

    fn line(is_whole: bool) -> Axis {
        Axis::new(&Domain::Range {
            low: 0.0,
            high: 9.0,
            step: None,
            is_log: false,
            is_whole,
        })
    }

    #[test]
    fn densities_sum_to_one() {
        let points = [(0, vec![2.0, 1.0]), (1, vec![7.0, 0.0])];
        let (numbers, choices) = (line(true), Axis::Choices(3));
        let density = Parzen::new(&[&numbers, &choices], &points, 2);
        let cells = (0..10)
            .flat_map(|number| (0..3).map(move |choice| [f64::from(number), f64::from(choice)]));
        let sum: f64 = cells.map(|values| density.log_density(&values).exp()).sum();
        assert!((sum - 1.0).abs() < 1e-9, "{sum}");
        let smooth = line(false);
        let density = Parzen::new(&[&smooth], &[(0, vec![2.0]), (1, vec![9.0])], 2);
        let sum: f64 = (0..9000)
            .map(|k| density.log_density(&[(f64::from(k) + 0.5) / 1000.0]).exp() / 1000.0)
            .sum();
        assert!((sum - 1.0).abs() < 1e-5, "{sum}");
    }

    #[test]
    fn draws_follow_the_density() {
        let (numbers, points) = (line(true), [(0, vec![2.0]), (1, vec![2.0])]);
        let density = Parzen::new(&[&numbers], &points, 2);
        let mut rng = ChaCha8Rng::seed_from_u64(3);
        let n_draws = 20_000;
        let hits = (0..n_draws)
            .filter(|_| density.draw(&mut rng) == [2.0])
            .count();
        let expected = density.log_density(&[2.0]).exp();
        assert!(
            (hits as f64 / f64::from(n_draws) - expected).abs() < 0.01,
            "{expected}"
        );
    }

    #[test]
    fn kernels_reach_their_neighbours() {
        assert_eq!(widths(&[3.0], (0.0, 10.0)), [7.0]);
        assert_eq!(widths(&[6.0, 1.0, 2.0], (0.0, 10.0)), [4.0, 1.0, 4.0]);
    }

    #[test]
    fn old_points_count_less() {
        assert_eq!(ages(2), [1.0, 1.0]);
        let weights = ages(27);
        assert_eq!(weights.len(), 27);
        assert!(weights[0] < 0.05 && weights[2..].iter().all(|weight| *weight == 1.0));
    }
}
