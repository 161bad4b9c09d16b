//! Huber's loss with a scale that is fitted, too (Huber and Ronchetti 2009, section 7.7, as in scikit-learn's
//! `HuberRegressor`).
//!
//! Minimises `1 / (2W) * sum of weight (s + s H(r / s)) + l2 / 2 |w|^2` over weights, bias and scale `s > 0`, where `r` is
//! the residual and `H(u)` is `u^2` up to `epsilon` and `2 epsilon |u| - epsilon^2` beyond. It is convex in all of them and
//! quadratic between the places where rows become outliers, so Newton's method ends in few steps.

use super::{Job, Line, Penalty, diverged};
use crate::Error;
use crate::algebra::{Quadratic, Sums, Term, add, dot, sums};

/// What a step promises must be at least this share of the loss to go on.
const TOLERANCE: f64 = 1e-15;
/// The share of the promised fall that a step must bring (Armijo).
const LEAST_FALL: f64 = 1e-4;
/// The scale falls by at most this factor in a step.
const MOST_SHRINKING: f64 = 0.1;

/// Weights, bias and scale, with the sums over the rows there.
struct Place {
    /// Weights, then the bias, then the scale.
    values: Vec<f64>,
    sums: Sums,
    loss: f64,
}

struct Huber<'a> {
    row_weights: &'a [f64],
    /// Twice that of the objective, like everything here.
    penalty: Penalty,
    epsilon: f64,
    sum: f64,
}

/// Goes on from the least squares solution.
pub(super) fn fit(
    job: &mut Job<'_>,
    row_weights: &[f64],
    penalty: Penalty,
    start: Line,
) -> Result<Line, Error> {
    let total = job.parameters.integer("iterations");
    let huber = Huber {
        row_weights,
        penalty: Penalty {
            l2: 2.0 * penalty.l2,
            ..penalty
        },
        epsilon: job.parameters.number("epsilon"),
        sum: row_weights.iter().sum(),
    };
    let scale = huber.deviation(job, &start);
    let greatest = job
        .target
        .iter()
        .fold(0.0_f64, |so_far, value| so_far.max(value.abs()));
    if scale <= f64::EPSILON * greatest {
        // Every row is met: there are no residuals to weigh.
        return Ok(start);
    }
    let mut values = start.weights;
    values.extend([start.bias, scale]);
    let mut place = huber.look(job, values, 0, total)?;
    for step in 1..=total {
        let (next, is_last) = huber.step(job, &place, step, total)?;
        place = next;
        let metric = ("train_objective".to_owned(), place.loss / 2.0);
        job.tell(step, total, Some(metric))?;
        if is_last {
            return Ok(line(place, true));
        }
    }
    Ok(line(place, false))
}

fn line(mut place: Place, is_converged: bool) -> Line {
    let n_columns = place.values.len() - 2;
    let bias = place.values[n_columns];
    place.values.truncate(n_columns);
    Line {
        weights: place.values,
        bias,
        is_converged,
    }
}

impl Huber<'_> {
    fn deviation(&self, job: &Job<'_>, line: &Line) -> f64 {
        let rows = job.design.values.chunks(job.design.n_columns).enumerate();
        let squares = rows.map(|(row, values)| {
            let residual = job.target[row] - line.bias - dot(values, &line.weights);
            self.row_weights[row] * residual * residual
        });
        (squares.sum::<f64>() / self.sum).sqrt()
    }

    /// The sums over the rows at a place.
    fn look(
        &self,
        job: &mut Job<'_>,
        values: Vec<f64>,
        step: usize,
        total: usize,
    ) -> Result<Place, Error> {
        let (design, target) = (job.design, job.target);
        let n_columns = design.n_columns;
        let (weights, [bias, scale]) = (
            &values[..n_columns],
            [values[n_columns], values[n_columns + 1]],
        );
        let term = |row: usize, inputs: &[f64]| {
            let count = self.row_weights[row];
            let residual = (target[row] - bias - dot(inputs, weights)) / scale;
            let size = residual.abs();
            if size <= self.epsilon {
                let square = residual * residual;
                Term {
                    weight: 2.0 * count / scale,
                    extra: residual,
                    slope: -2.0 * count * residual,
                    losses: [count * scale * (1.0 + square), count * (1.0 - square)],
                }
            } else {
                let beyond = self.epsilon * (2.0 * size - self.epsilon);
                Term {
                    slope: -2.0 * count * self.epsilon * residual.signum(),
                    losses: [
                        count * scale * (1.0 + beyond),
                        count * (1.0 - self.epsilon.powi(2)),
                    ],
                    ..Term::default()
                }
            }
        };
        let sums = sums(design, job.n_threads, &term, &mut || {
            job.tell(step, total, None)
        })?;
        let loss = sums.losses[0] / self.sum + self.penalty.of(&values);
        if !loss.is_finite() {
            return Err(diverged(step));
        }
        Ok(Place { values, sums, loss })
    }

    /// A step of Newton's method, halved until the loss falls; and whether there was nothing more to gain.
    fn step(
        &self,
        job: &mut Job<'_>,
        place: &Place,
        step: usize,
        total: usize,
    ) -> Result<(Place, bool), Error> {
        let mut slopes: Vec<f64> = place
            .sums
            .gradient
            .iter()
            .map(|slope| slope / self.sum)
            .collect();
        slopes.push(place.sums.losses[1] / self.sum);
        add(
            &mut slopes[..self.penalty.n_places],
            self.penalty.l2,
            &place.values[..self.penalty.n_places],
        );
        let curvature = faer::Scale(1.0 / self.sum) * &place.sums.products;
        let downhill = slopes.iter().map(|slope| -slope).collect();
        let quadratic = Quadratic::of_lower(curvature, downhill, self.penalty);
        let factor = quadratic.factor().ok_or_else(|| diverged(step))?;
        let way = factor.solve(&quadratic.linear);
        let promise = dot(&way, &slopes);
        let (scale, change) = (place.values[way.len() - 1], way[way.len() - 1]);
        let mut share = if change < (MOST_SHRINKING - 1.0) * scale {
            (MOST_SHRINKING - 1.0) * scale / change
        } else {
            1.0
        };
        loop {
            let mut values = place.values.clone();
            add(&mut values, share, &way);
            let next = self.look(job, values, step, total)?;
            let is_last = promise.abs() <= TOLERANCE * place.loss || share < 1e-9;
            if is_last || next.loss <= place.loss + LEAST_FALL * share * promise {
                return Ok((next, is_last));
            }
            share /= 2.0;
        }
    }
}
