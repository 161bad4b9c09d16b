//! Minimising a smooth function by L-BFGS (Nocedal and Wright 2006, algorithm 7.5) with a backtracking line search, and with
//! an L1 penalty beside it by the orthant-wise variant (Andrew and Gao 2007).

use std::collections::VecDeque;

use crate::Error;
use crate::algebra::{add, dot};

/// Steps that are remembered.
const MEMORY: usize = 10;
/// The greatest slope must fall by this share.
const TOLERANCE: f64 = 1e-8;
/// Or else the value must rest: it falls by less than this share, so many times in turn.
const REST: f64 = 1e-13;
const N_RESTS: usize = 3;
/// The share of the fall that the slope promises which a step must bring (Armijo).
const LEAST_FALL: f64 = 1e-4;
/// The least share of a step that is tried.
const LEAST_STEP: f64 = 1e-12;

/// What is minimised.
pub(super) trait Function {
    /// The value at a place; also writes the gradient.
    fn value(&mut self, place: &[f64], gradient: &mut [f64]) -> Result<f64, Error>;

    /// Learns step and value, the penalty included; may cancel.
    fn tell(&mut self, step: usize, value: f64) -> Result<(), Error>;
}

/// A step and the change of the gradient that it brought.
struct Remembered {
    step: Vec<f64>,
    change: Vec<f64>,
}

/// Where the search is.
struct Place {
    at: Vec<f64>,
    gradient: Vec<f64>,
    /// The penalty included.
    value: f64,
}

/// Goes from `start` to a minimum of the function plus `l1` times the sizes of the first places (how many: the second
/// number) in at most `n_steps`; gives the place and whether it has converged.
pub(super) fn minimise(
    start: Vec<f64>,
    l1: (f64, usize),
    n_steps: usize,
    function: &mut dyn Function,
) -> Result<(Vec<f64>, bool), Error> {
    let mut search = Search {
        function,
        l1: l1.0,
        n_penalised: if l1.0 > 0.0 { l1.1 } else { 0 },
        memory: VecDeque::with_capacity(MEMORY),
    };
    let mut place = search.look(start)?;
    let first = greatest(&search.slopes(&place));
    let mut n_rests = 0;
    for step in 1..=n_steps {
        let next = search.step(&place)?;
        let fall = place.value - next.value;
        let is_at_rest = fall <= REST * place.value.abs().max(1e-12);
        n_rests = if is_at_rest { n_rests + 1 } else { 0 };
        search.remember(
            difference(&next.at, &place.at),
            difference(&next.gradient, &place.gradient),
        );
        place = next;
        search.function.tell(step, place.value)?;
        if n_rests == N_RESTS || greatest(&search.slopes(&place)) <= TOLERANCE * first {
            return Ok((place.at, true));
        }
    }
    Ok((place.at, false))
}

struct Search<'a> {
    function: &'a mut dyn Function,
    l1: f64,
    n_penalised: usize,
    memory: VecDeque<Remembered>,
}

impl Search<'_> {
    fn look(&mut self, at: Vec<f64>) -> Result<Place, Error> {
        let mut gradient = vec![0.0; at.len()];
        let smooth = self.function.value(&at, &mut gradient)?;
        let sizes: f64 = at[..self.n_penalised].iter().map(|value| value.abs()).sum();
        Ok(Place {
            value: smooth + self.l1 * sizes,
            at,
            gradient,
        })
    }

    /// The gradient, with the subgradient of the penalty that is closest to zero.
    fn slopes(&self, place: &Place) -> Vec<f64> {
        let mut slopes = place.gradient.clone();
        for (slope, at) in slopes.iter_mut().zip(&place.at).take(self.n_penalised) {
            *slope = if *at == 0.0 {
                slope.signum() * (slope.abs() - self.l1).max(0.0)
            } else {
                *slope + self.l1 * at.signum()
            };
        }
        slopes
    }

    /// The next place: along the remembered curvature, or, where that leads nowhere, straight down.
    fn step(&mut self, place: &Place) -> Result<Place, Error> {
        let slopes = self.slopes(place);
        loop {
            let mut way = direction(&slopes, &self.memory);
            for (way, slope) in way.iter_mut().zip(&slopes).take(self.n_penalised) {
                if *way * slope >= 0.0 {
                    *way = 0.0;
                }
            }
            let mut share = if self.memory.is_empty() {
                1.0 / dot(&slopes, &slopes).sqrt().max(1.0)
            } else {
                1.0
            };
            loop {
                let next = self.along(place, &slopes, &way, share);
                let promise = dot(&difference(&next, &place.at), &slopes);
                let next = self.look(next)?;
                if next.value <= place.value + LEAST_FALL * promise {
                    return Ok(next);
                }
                if share < LEAST_STEP {
                    break;
                }
                share /= 2.0;
            }
            if self.memory.is_empty() {
                return self.look(place.at.clone());
            }
            self.memory.clear();
        }
    }

    /// A place on the way; what would change its sign stays at zero.
    fn along(&self, place: &Place, slopes: &[f64], way: &[f64], share: f64) -> Vec<f64> {
        let mut next = place.at.clone();
        add(&mut next, share, way);
        for at in 0..self.n_penalised {
            let old = place.at[at];
            let side = if old == 0.0 { -slopes[at] } else { old };
            if next[at] * side <= 0.0 {
                next[at] = 0.0;
            }
        }
        next
    }

    fn remember(&mut self, step: Vec<f64>, change: Vec<f64>) {
        // Only steps of positive curvature keep the direction one of descent.
        if dot(&step, &change) <= 1e-12 * dot(&change, &change) {
            return;
        }
        if self.memory.len() == MEMORY {
            self.memory.pop_front();
        }
        self.memory.push_back(Remembered { step, change });
    }
}

fn greatest(values: &[f64]) -> f64 {
    values
        .iter()
        .fold(0.0, |so_far, value| so_far.max(value.abs()))
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

fn difference(left: &[f64], right: &[f64]) -> Vec<f64> {
    left.iter()
        .zip(right)
        .map(|(left, right)| left - right)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Tested<F> {
        of: F,
        told: Vec<usize>,
    }

    impl<F: FnMut(&[f64], &mut [f64]) -> f64> Function for Tested<F> {
        fn value(&mut self, place: &[f64], gradient: &mut [f64]) -> Result<f64, Error> {
            Ok((self.of)(place, gradient))
        }

        fn tell(&mut self, step: usize, _: f64) -> Result<(), Error> {
            self.told.push(step);
            Ok(())
        }
    }

    fn tested<F: FnMut(&[f64], &mut [f64]) -> f64>(of: F) -> Tested<F> {
        Tested {
            of,
            told: Vec::new(),
        }
    }

    #[test]
    fn the_valley_of_rosenbrock_is_followed_to_its_end() {
        let mut valley = tested(|at: &[f64], gradient: &mut [f64]| {
            let (x, y) = (at[0], at[1]);
            gradient[0] = -2.0 * (1.0 - x) - 400.0 * x * (y - x * x);
            gradient[1] = 200.0 * (y - x * x);
            (1.0 - x).powi(2) + 100.0 * (y - x * x).powi(2)
        });
        let (place, is_converged) = minimise(vec![-1.2, 1.0], (0.0, 0), 200, &mut valley).unwrap();
        assert!(is_converged);
        assert!(
            (place[0] - 1.0).abs() < 1e-6 && (place[1] - 1.0).abs() < 1e-6,
            "{place:?}"
        );
    }

    #[test]
    fn a_penalty_on_sizes_ends_in_zeros() {
        // (x - 2)^2 / 2 + (y - 0.5)^2 / 2 + x y / 4 + |x| + |y|.
        let mut bowl = tested(|at: &[f64], gradient: &mut [f64]| {
            let (x, y) = (at[0], at[1]);
            gradient[0] = x - 2.0 + y / 4.0;
            gradient[1] = y - 0.5 + x / 4.0;
            (x - 2.0).powi(2) / 2.0 + (y - 0.5).powi(2) / 2.0 + x * y / 4.0
        });
        let (place, is_converged) = minimise(vec![-1.0, 3.0], (1.0, 2), 100, &mut bowl).unwrap();
        assert!(is_converged);
        assert!(
            (place[0] - 1.0).abs() < 1e-7 && place[1] == 0.0,
            "{place:?}"
        );
    }

    #[test]
    fn too_few_steps_are_told() {
        let mut flat = tested(|at: &[f64], gradient: &mut [f64]| {
            gradient[0] = 4.0 * at[0].powi(3);
            at[0].powi(4)
        });
        let (_, is_converged) = minimise(vec![3.0], (0.0, 0), 2, &mut flat).unwrap();
        assert!(!is_converged);
        assert_eq!(flat.told, [1, 2]);
    }
}
