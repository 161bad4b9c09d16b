//! One problem, solved by the method that suits kernel and rows.

use super::super::Job;
use super::kernel::Points;
use super::smo::{Limits, Problem, Start, add_products};
use super::watched::watched;
use super::{TRAINER, descent, smo};
use crate::Error;
use crate::encoder::Design;
use crate::model::Kernel;

pub(super) use super::smo::Solved;

/// More rows than these are too many for sequential minimal optimisation where the kernel is linear.
const MANY_ROWS: usize = 10_000;
/// Steps that are told as one.
pub(super) const STEPS_TOLD: u64 = 1000;
/// Folds need not be solved as exactly: their decision values only place a sigmoid.
const FOLD_TOLERANCE: f64 = 10.0;

/// What all problems of a job have in common.
pub(super) struct Machine<'a> {
    pub(super) design: &'a Design,
    pub(super) kernel: Kernel,
    pub(super) c: f64,
    pub(super) seed: u64,
    pub(super) limits: Limits,
}

/// Rows of a problem, as the method wants them.
pub(super) enum Rows<'a> {
    Points(Points),
    Many(&'a Design, &'a [u32]),
}

/// Learns steps and objective (or NaN), and says whether to stop.
pub(super) type Watch<'a> = &'a mut dyn FnMut(u64, f64) -> bool;

impl<'a> Machine<'a> {
    pub(super) fn new(job: &Job<'a>, kernel: Kernel) -> Self {
        Self {
            design: job.design,
            kernel,
            c: job.parameters.number("c"),
            seed: job.seed,
            limits: Limits {
                tolerance: job.parameters.number("tolerance"),
                n_steps: job.parameters.number("iterations") as u64,
                cache_bytes: job.parameters.integer("cache_mb") << 20,
            },
        }
    }

    /// Steps that may be told of one problem.
    pub(super) fn n_told(&self) -> usize {
        (self.limits.n_steps / STEPS_TOLD) as usize + 1
    }

    pub(super) fn rows<'r>(&'r self, rows: &'r [u32]) -> Rows<'r> {
        if self.kernel == Kernel::Linear && rows.len() > MANY_ROWS {
            Rows::Many(self.design, rows)
        } else {
            Rows::Points(Points::new(self.kernel, self.design, rows))
        }
    }

    /// Solves from nothing.
    pub(super) fn solve(&self, rows: &Rows<'_>, problem: &Problem, watch: Watch<'_>) -> Solved {
        let nothing = vec![0.0; problem.targets.len()];
        let start = Start {
            factors: nothing.clone(),
            products: nothing,
        };
        self.solve_from(rows, problem, start, self.limits, watch)
    }

    fn solve_from(
        &self,
        rows: &Rows<'_>,
        problem: &Problem,
        start: Start,
        limits: Limits,
        watch: Watch<'_>,
    ) -> Solved {
        match rows {
            Rows::Points(points) => smo::solve(points, problem, start, limits, watch),
            Rows::Many(design, rows) => {
                let descent = descent::Descent::new(design, rows, problem, start.factors);
                descent.solve(limits.tolerance, self.seed, watch)
            }
        }
    }

    /// Solves one problem of all rows, telling its objective.
    pub(super) fn solve_watched(
        &self,
        job: &mut Job<'_>,
        rows: &[u32],
        problem: &Problem,
    ) -> Result<Solved, Error> {
        let total = self.n_told();
        let solve = |_: usize, watch: Watch<'_>| self.solve(&self.rows(rows), problem, watch);
        let mut told = 0;
        let mut tell = |steps: u64, objective: f64| {
            told = told.max((steps / STEPS_TOLD) as usize);
            let metric = objective
                .is_finite()
                .then(|| ("train_objective".to_owned(), objective));
            job.tell(told, total, metric)
        };
        let mut solved = watched(0..1, 1, &solve, &mut tell)?;
        let solved = solved.pop().ok_or(Error::Cancelled { step: 0 })?;
        check(solved)
    }

    /// Solves without the rows of a fold, starting from the solution of all; gives the decision values of all rows.
    pub(super) fn without(
        &self,
        rows: &Rows<'_>,
        problem: &Problem,
        solved: &Solved,
        is_held: &dyn Fn(usize) -> bool,
        watch: Watch<'_>,
    ) -> Vec<f64> {
        let mut problem = problem.clone();
        let mut factors = solved.factors.clone();
        for row in (0..factors.len()).filter(|row| is_held(*row)) {
            (problem.low[row], problem.high[row], factors[row]) = (0.0, 0.0, 0.0);
        }
        let mut products = solved.products.clone();
        if let Rows::Points(points) = rows {
            level(&mut factors);
            let changes = factors
                .iter()
                .zip(&solved.factors)
                .map(|(new, old)| new - old);
            let stop = &mut || watch(0, f64::NAN);
            add_products(points, &mut products, points, changes.enumerate(), stop);
        }
        let limits = Limits {
            tolerance: FOLD_TOLERANCE * self.limits.tolerance,
            ..self.limits
        };
        let start = Start { factors, products };
        let found = self.solve_from(rows, &problem, start, limits, watch);
        found
            .products
            .iter()
            .map(|product| product + found.bias)
            .collect()
    }
}

/// Takes from the first factors of the side that is too heavy until they sum to zero.
fn level(factors: &mut [f64]) {
    let mut excess: f64 = factors.iter().sum();
    for factor in factors {
        if *factor * excess > 0.0 {
            let taken = if factor.abs() < excess.abs() {
                *factor
            } else {
                excess
            };
            *factor -= taken;
            excess -= taken;
        }
    }
}

pub(super) fn check(solved: Solved) -> Result<Solved, Error> {
    let is_finite =
        solved.bias.is_finite() && solved.products.iter().all(|product| product.is_finite());
    if is_finite {
        return Ok(solved);
    }
    Err(Error::Diverged {
        trainer: TRAINER.info.name,
        step: (solved.n_steps / STEPS_TOLD) as usize,
        hint: "kernels are too large for 32-bit floats: take `kernel: rbf`, or a smaller `gamma` or `degree`",
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levelled_factors_sum_to_zero() {
        let mut factors = vec![1.0, -1.0, 1.0, 0.5, -0.25];
        level(&mut factors);
        assert_eq!(factors, [0.0, -1.0, 0.75, 0.5, -0.25]);
    }
}
