//! Bayesian search by a Gaussian process: Matern 5/2 with a length for each dimension, and the logarithm of the expected
//! improvement (Jones et al. 1998; Ament et al. 2023). Several objectives are made one by random weights, new ones for
//! each trial (Knowles 2006). Dimensions that do not apply lie in the middle.

mod process;

use rand::{Rng, RngExt as _};

use super::axis::Axis;
use super::normal::{draw, log_improvement};
use super::pareto::losses;
use super::space::{Point, Space};
use super::tpe::History;
use super::trial::{Trial, TrialState};
use process::Process;

/// So many trials are drawn by chance first.
const N_STARTUP: usize = 10;
/// Points that are looked at by chance, and near the best trials.
const N_FAR: usize = 800;
const N_NEAR: usize = 200;
/// The best points are moved a little, in rounds of smaller and smaller steps.
const N_STARTS: usize = 4;
const N_ROUNDS: usize = 10;
const N_MOVES: usize = 12;
/// No trial counts as worse than the median by more than so many times the way from the best to the median.
const MAX_LOSS: f64 = 3.0;

pub(super) fn choose(space: &Space, history: &History<'_>, rng: &mut impl Rng) -> Point {
    let n_complete = history
        .ended
        .iter()
        .filter(|trial| trial.is_complete())
        .count();
    if n_complete < N_STARTUP {
        return space.draw(rng);
    }
    let Some(process) = fit(space, history, rng) else {
        return space.draw(rng);
    };
    let best = process.least();
    let gain = |point: &Point| {
        let (mean, deviation) = process.predict(&coordinates(space, point));
        log_improvement((best - mean) / deviation) + deviation.ln()
    };
    let mut found: Vec<(f64, Point)> = start_points(space, history, rng)
        .into_iter()
        .map(|point| (gain(&point), point))
        .collect();
    found.sort_by(|left, right| right.0.total_cmp(&left.0));
    found.truncate(N_STARTS);
    for (value, point) in &mut found {
        climb(space, (value, point), &gain, rng);
    }
    let best = found
        .into_iter()
        .max_by(|left, right| left.0.total_cmp(&right.0));
    best.map_or_else(|| space.draw(rng), |(_, point)| point)
}

/// The process over the trials that have ended, and over those that are under way as it expects them to end.
fn fit(space: &Space, history: &History<'_>, rng: &mut impl Rng) -> Option<Process> {
    let (trials, values) = scalar_losses(history, rng);
    let places = trials
        .iter()
        .map(|trial| coordinates(space, &trial.point))
        .collect();
    let is_choice: Vec<bool> = space
        .axes
        .iter()
        .map(|axis| matches!(axis, Axis::Choices(_)))
        .collect();
    let mut process = Process::fit(is_choice, places, &values)?;
    for point in history.pending {
        let place = coordinates(space, point);
        let (mean, _) = process.predict(&place);
        process = process.with(place, mean)?;
    }
    Some(process)
}

/// One loss for each trial. What was ended early counts as middling, what failed as the worst.
fn scalar_losses<'a>(history: &History<'a>, rng: &mut impl Rng) -> (Vec<&'a Trial>, Vec<f64>) {
    let complete: Vec<&Trial> = history
        .ended
        .iter()
        .copied()
        .filter(|trial| trial.is_complete())
        .collect();
    let all: Vec<Vec<f64>> = complete
        .iter()
        .map(|trial| losses(trial, history.is_maximized))
        .collect();
    let mut values = weighed(&all, rng);
    let mut sorted = values.clone();
    sorted.sort_by(f64::total_cmp);
    let (least, middle) = (sorted[0], sorted[sorted.len() / 2]);
    let most = middle + MAX_LOSS * (middle - least);
    for value in &mut values {
        *value = value.min(most);
    }
    let mut trials = complete;
    for trial in history.ended.iter().filter(|trial| !trial.is_complete()) {
        trials.push(trial);
        values.push(if trial.state == TrialState::Pruned {
            middle
        } else {
            most
        });
    }
    (trials, values)
}

/// The greatest of the weighed losses and a little of their sum (the augmented Tchebycheff function).
fn weighed(all: &[Vec<f64>], rng: &mut impl Rng) -> Vec<f64> {
    let n_objectives = all.first().map_or(0, Vec::len);
    if n_objectives == 1 {
        return all.iter().map(|losses| losses[0]).collect();
    }
    let mut weights: Vec<f64> = (0..n_objectives)
        .map(|_| -(1.0 - rng.random::<f64>()).ln())
        .collect();
    let sum: f64 = weights.iter().sum();
    for weight in &mut weights {
        *weight /= sum;
    }
    let ends: Vec<(f64, f64)> = (0..n_objectives)
        .map(|objective| {
            let values = all.iter().map(|losses| losses[objective]);
            values.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| {
                (low.min(value), high.max(value))
            })
        })
        .collect();
    let loss = |losses: &Vec<f64>| {
        let parts = losses.iter().zip(&ends).zip(&weights);
        let parts: Vec<f64> = parts
            .map(|((value, (low, high)), weight)| weight * (value - low) / (high - low).max(1e-12))
            .collect();
        parts.iter().copied().fold(0.0, f64::max) + 0.05 * parts.iter().sum::<f64>()
    };
    all.iter().map(loss).collect()
}

/// Coordinates from 0 to 1; choices are their places.
fn coordinates(space: &Space, point: &[Option<f64>]) -> Vec<f64> {
    let pairs = space.axes.iter().zip(point);
    pairs
        .map(|(axis, value)| match (axis, value) {
            (_, Some(value)) => axis.share(*value),
            (Axis::Choices(_), None) => -1.0,
            (Axis::Line(_), None) => 0.5,
        })
        .collect()
}

fn start_points(space: &Space, history: &History<'_>, rng: &mut impl Rng) -> Vec<Point> {
    let mut points: Vec<Point> = (0..N_FAR).map(|_| space.draw(rng)).collect();
    let order = super::pareto::ordered(history.ended, history.is_maximized);
    for index in 0..N_NEAR {
        let near = &history.ended[order[index % order.len().min(4)]].point;
        points.push(moved(space, near, 0.05, rng));
    }
    points
}

/// Goes uphill by chance.
fn climb(
    space: &Space,
    (value, point): (&mut f64, &mut Point),
    gain: &impl Fn(&Point) -> f64,
    rng: &mut impl Rng,
) {
    let mut scale = 0.1;
    for _ in 0..N_ROUNDS {
        for _ in 0..N_MOVES {
            let next = moved(space, point, scale, rng);
            let next_value = gain(&next);
            if next_value > *value {
                (*value, *point) = (next_value, next);
            }
        }
        scale *= 0.6;
    }
}

/// A point nearby: some numbers are moved, now and then a choice is drawn anew.
fn moved(space: &Space, point: &[Option<f64>], scale: f64, rng: &mut impl Rng) -> Point {
    let mut next: Point = vec![None; point.len()];
    let share = (2.0 / point.len() as f64).max(0.3);
    for (dimension, axis) in space.axes.iter().enumerate() {
        if !space.applies(dimension, &next) {
            continue;
        }
        let is_moved = rng.random::<f64>() < share;
        next[dimension] = Some(match (point[dimension], axis) {
            (Some(value), Axis::Line(line)) if is_moved => {
                line.at_share((line.share(value) + scale * draw(rng)).clamp(0.0, 1.0))
            }
            (Some(value), Axis::Choices(_)) if is_moved && rng.random::<f64>() < 0.5 => {
                let other = axis.draw(rng);
                if rng.random::<f64>() < 0.5 {
                    other
                } else {
                    value
                }
            }
            (Some(value), _) => value,
            (None, axis) => axis.draw(rng),
        });
    }
    next
}
