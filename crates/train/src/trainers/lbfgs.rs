//! Minimising a smooth function by L-BFGS (Nocedal and Wright 2006, algorithm 7.5) with a backtracking line search.

use std::collections::VecDeque;

use crate::Error;

/// Steps that are remembered.
const MEMORY: usize = 10;
/// The value must fall by this share to go on.
const TOLERANCE: f64 = 1e-10;
/// The share of the fall that the slope promises which a step must bring (Armijo).
const LEAST_FALL: f64 = 1e-4;

/// A step and the change of the gradient that it brought.
struct Remembered {
    step: Vec<f64>,
    change: Vec<f64>,
}

/// Goes from `start` to a minimum in at most `n_steps`; gives the place and whether it has converged. `value` also writes
/// the gradient; `tell` learns step and value, and may cancel.
pub(super) fn minimise(
    start: Vec<f64>,
    n_steps: usize,
    value: &mut dyn FnMut(&[f64], &mut [f64]) -> f64,
    tell: &mut dyn FnMut(usize, f64) -> Result<(), Error>,
) -> Result<(Vec<f64>, bool), Error> {
    let mut place = start;
    let mut gradient = vec![0.0; place.len()];
    let mut current = value(&place, &mut gradient);
    let mut memory: VecDeque<Remembered> = VecDeque::with_capacity(MEMORY);
    for step in 1..=n_steps {
        let direction = direction(&gradient, &memory);
        let slope = dot(&direction, &gradient);
        let mut factor = if memory.is_empty() {
            1.0 / dot(&gradient, &gradient).sqrt().max(1.0)
        } else {
            1.0
        };
        let mut next_gradient = vec![0.0; place.len()];
        let (next, next_value) = loop {
            let pairs = place.iter().zip(&direction);
            let next: Vec<f64> = pairs.map(|(at, way)| at + factor * way).collect();
            let next_value = value(&next, &mut next_gradient);
            if next_value <= current + LEAST_FALL * factor * slope || factor < 1e-12 {
                break (next, next_value);
            }
            factor /= 2.0;
        };
        let is_converged = (current - next_value).abs() <= TOLERANCE * current.abs().max(1e-12);
        remember(
            &mut memory,
            difference(&next, &place),
            difference(&next_gradient, &gradient),
        );
        (place, gradient, current) = (next, next_gradient, next_value);
        tell(step, current)?;
        if is_converged {
            return Ok((place, true));
        }
    }
    Ok((place, false))
}

fn remember(memory: &mut VecDeque<Remembered>, step: Vec<f64>, change: Vec<f64>) {
    // Only steps of positive curvature keep the direction one of descent.
    if dot(&step, &change) <= 1e-12 * dot(&change, &change) {
        return;
    }
    if memory.len() == MEMORY {
        memory.pop_front();
    }
    memory.push_back(Remembered { step, change });
}

/// The gradient times the inverse curvature that the remembered steps tell of, downwards.
fn direction(gradient: &[f64], memory: &VecDeque<Remembered>) -> Vec<f64> {
    let mut way: Vec<f64> = gradient.iter().map(|value| -value).collect();
    let mut factors = Vec::with_capacity(memory.len());
    for past in memory.iter().rev() {
        let factor = dot(&past.step, &way) / dot(&past.step, &past.change);
        add(&mut way, -factor, &past.change);
        factors.push(factor);
    }
    if let Some(last) = memory.back() {
        let scale = dot(&last.step, &last.change) / dot(&last.change, &last.change);
        for value in &mut way {
            *value *= scale;
        }
    }
    for (past, factor) in memory.iter().zip(factors.into_iter().rev()) {
        let other = dot(&past.change, &way) / dot(&past.step, &past.change);
        add(&mut way, factor - other, &past.step);
    }
    way
}

fn dot(left: &[f64], right: &[f64]) -> f64 {
    left.iter()
        .zip(right)
        .map(|(left, right)| left * right)
        .sum()
}

fn add(to: &mut [f64], factor: f64, other: &[f64]) {
    to.iter_mut()
        .zip(other)
        .for_each(|(to, other)| *to += factor * other);
}

fn difference(left: &[f64], right: &[f64]) -> Vec<f64> {
    left.iter()
        .zip(right)
        .map(|(left, right)| left - right)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_valley_of_rosenbrock_is_followed_to_its_end() {
        let mut value = |at: &[f64], gradient: &mut [f64]| {
            let (x, y) = (at[0], at[1]);
            gradient[0] = -2.0 * (1.0 - x) - 400.0 * x * (y - x * x);
            gradient[1] = 200.0 * (y - x * x);
            (1.0 - x).powi(2) + 100.0 * (y - x * x).powi(2)
        };
        let (place, is_converged) =
            minimise(vec![-1.2, 1.0], 200, &mut value, &mut |_, _| Ok(())).unwrap();
        assert!(is_converged);
        assert!(
            (place[0] - 1.0).abs() < 1e-4 && (place[1] - 1.0).abs() < 1e-4,
            "{place:?}"
        );
    }

    #[test]
    fn too_few_steps_are_told() {
        let mut value = |at: &[f64], gradient: &mut [f64]| {
            gradient[0] = 4.0 * at[0].powi(3);
            at[0].powi(4)
        };
        let mut told = Vec::new();
        let (_, is_converged) = minimise(vec![3.0], 2, &mut value, &mut |step, _| {
            told.push(step);
            Ok(())
        })
        .unwrap();
        assert!(!is_converged);
        assert_eq!(told, [1, 2]);
    }
}
