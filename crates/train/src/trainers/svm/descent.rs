//! Dual coordinate descent where the kernel is linear and rows are many (Hsieh et al. 2008 for classes, Ho and Lin 2012
//! for values; as in LIBLINEAR, the bias is the weight of a column of ones).

use rand::SeedableRng as _;
use rand::seq::SliceRandom as _;
use rand_chacha::ChaCha8Rng;

use super::machine::{STEPS_TOLD, Solved, Watch};
use super::smo::Problem;
use crate::algebra::{add, dot};
use crate::encoder::Design;

/// Rounds over the rows at most.
const N_ROUNDS: u64 = 1000;
/// The slopes of single rows say less than those of pairs: LIBLINEAR stops at ten times what libsvm does, too.
const TOLERANCE: f64 = 10.0;
/// Rows between two words to the watch.
const INTERVAL: usize = 100_000;

/// Rows, the problem, and where the search is.
pub(super) struct Descent<'a> {
    design: &'a Design,
    rows: &'a [u32],
    problem: &'a Problem,
    factors: Vec<f64>,
    /// One for each column, then the bias.
    weights: Vec<f64>,
}

impl<'a> Descent<'a> {
    /// Starts from factors of the rows.
    pub(super) fn new(
        design: &'a Design,
        rows: &'a [u32],
        problem: &'a Problem,
        factors: Vec<f64>,
    ) -> Self {
        let mut new = Self {
            design,
            rows,
            problem,
            factors,
            weights: vec![0.0; design.n_columns + 1],
        };
        for at in 0..rows.len() {
            new.shift(at, new.factors[at]);
        }
        new
    }

    /// Rounds over the rows in orders of chance. Rows that rest at a bound by more than any other row had to move in
    /// the last round are left out, and checked in the end.
    pub(super) fn solve(mut self, tolerance: f64, seed: u64, watch: Watch<'_>) -> Solved {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let mut active: Vec<u32> = (0..self.rows.len() as u32).collect();
        let squares: Vec<f64> = active
            .iter()
            .map(|at| {
                let values = self.values(*at as usize);
                dot(values, values) + 1.0
            })
            .collect();
        let mut last = f64::INFINITY;
        let mut is_converged = false;
        let mut n_rounds = 0;
        while n_rounds < N_ROUNDS && !watch(n_rounds * STEPS_TOLD, self.objective()) {
            n_rounds += 1;
            active.shuffle(&mut rng);
            let mut worst = 0.0_f64;
            let mut is_stopped = false;
            let mut count = 0;
            active.retain(|at| {
                count += 1;
                if count % INTERVAL == 0 {
                    is_stopped = is_stopped || watch(n_rounds * STEPS_TOLD, f64::NAN);
                }
                let slack = self.visit(*at as usize, squares[*at as usize]);
                worst = worst.max(-slack);
                slack <= last
            });
            last = if worst > 0.0 { worst } else { f64::INFINITY };
            if is_stopped {
                break;
            }
            if worst <= TOLERANCE * tolerance {
                is_converged = active.len() == self.rows.len();
                if is_converged {
                    break;
                }
                active = (0..self.rows.len() as u32).collect();
                last = f64::INFINITY;
            }
        }
        let products = (0..self.rows.len()).map(|at| dot(self.values(at), &self.weights));
        Solved {
            products: products.collect(),
            bias: self.weights[self.design.n_columns],
            factors: self.factors,
            is_converged,
            n_steps: n_rounds * STEPS_TOLD,
        }
    }

    fn values(&self, at: usize) -> &'a [f64] {
        let n_columns = self.design.n_columns;
        &self.design.values[self.rows[at] as usize * n_columns..][..n_columns]
    }

    fn shift(&mut self, at: usize, change: f64) {
        if change != 0.0 {
            let values = self.values(at);
            add(&mut self.weights, change, values);
            self.weights[values.len()] += change;
        }
    }

    /// Minimises along one factor; gives how far its slope was from moving it, less than zero if it did.
    fn visit(&mut self, at: usize, square: f64) -> f64 {
        let problem = self.problem;
        let (old, low, high) = (self.factors[at], problem.low[at], problem.high[at]);
        let values = self.values(at);
        let product = dot(values, &self.weights) + self.weights[values.len()];
        let up = if old < high {
            product - problem.up(at, old)
        } else {
            f64::INFINITY
        };
        let down = if old > low {
            problem.down(at, old) - product
        } else {
            f64::INFINITY
        };
        let slack = up.min(down);
        if slack < 0.0 {
            let goal = old - (product - problem.targets[at]) / square;
            let drawn = goal.signum() * (goal.abs() - problem.epsilon / square).max(0.0);
            let new = drawn.clamp(low, high);
            self.factors[at] = new;
            self.shift(at, new - old);
        }
        slack
    }

    fn objective(&self) -> f64 {
        let rows = self.factors.iter().zip(&self.problem.targets);
        let costs =
            rows.map(|(factor, target)| self.problem.epsilon * factor.abs() - factor * target);
        dot(&self.weights, &self.weights) / 2.0 + costs.sum::<f64>()
    }
}
