//! Classes: pairs of them, and the folds that give probabilities.

use rand::SeedableRng as _;
use rand::seq::SliceRandom as _;
use rand_chacha::ChaCha8Rng;

use super::super::Job;
use super::machine::{Machine, Rows, Solved, Watch, check};
use super::platt::{Row, Sigmoid};
use super::smo::Problem;
use super::watched::watched;
use super::{CoupledModel, Decision};
use crate::Error;

/// Folds whose decision values place the sigmoid.
const N_FOLDS: usize = 5;

/// The rows of two classes.
struct Pair {
    rows: Vec<u32>,
    problem: Problem,
    weights: Vec<f64>,
    /// The fold of each row.
    folds: Vec<u8>,
}

/// Log odds of the positive class, or of the first class of each pair against the second.
pub(super) fn fit(
    job: &mut Job<'_>,
    machine: &Machine<'_>,
    row_weights: &[f64],
) -> Result<(Decision, bool), Error> {
    let new = |classes| Pair::new(job, machine, row_weights, classes);
    if job.n_classes == 2 {
        return two(job, machine, &new((1, 0)));
    }
    let pairs: Vec<Pair> = CoupledModel::pairs(job.n_classes).map(new).collect();
    let solve = |at: usize, watch: Watch<'_>| pairs[at].solve(machine, watch);
    let mut decision = Decision {
        factors: vec![0.0; job.design.n_rows * pairs.len()],
        bias: Vec::with_capacity(pairs.len()),
    };
    let mut is_converged = true;
    let n_threads = job.n_threads.max(1);
    for first in (0..pairs.len()).step_by(n_threads) {
        let range = first..pairs.len().min(first + n_threads);
        let mut tell = |_, _| job.tell(first, pairs.len(), None);
        let solved = watched(range.clone(), n_threads, &solve, &mut tell)?;
        for (at, (solved, sigmoid)) in range.clone().zip(solved) {
            let solved = check(solved)?;
            is_converged &= solved.is_converged;
            decision
                .bias
                .push(sigmoid.slope * solved.bias + sigmoid.offset);
            for (row, factor) in pairs[at].rows.iter().zip(&solved.factors) {
                decision.factors[*row as usize * pairs.len() + at] = sigmoid.slope * factor;
            }
        }
        job.tell(range.end, pairs.len(), None)?;
    }
    Ok((decision, is_converged))
}

/// One pair only: its folds go on threads.
fn two(job: &mut Job<'_>, machine: &Machine<'_>, pair: &Pair) -> Result<(Decision, bool), Error> {
    let solved = machine.solve_watched(job, &pair.rows, &pair.problem)?;
    let rows = machine.rows(&pair.rows);
    let fold = |fold: usize, watch: Watch<'_>| pair.decisions(machine, &rows, &solved, fold, watch);
    let (total, n_threads) = (machine.n_told(), job.n_threads);
    let mut tell = |_, _| job.tell(total, total, None);
    let decisions = watched(0..N_FOLDS, n_threads, &fold, &mut tell)?;
    let sigmoid = pair.sigmoid(&decisions);
    job.tell(total, total, None)?;
    let decision = Decision {
        bias: vec![sigmoid.slope * solved.bias + sigmoid.offset],
        factors: solved
            .factors
            .iter()
            .map(|factor| sigmoid.slope * factor)
            .collect(),
    };
    Ok((decision, solved.is_converged))
}

impl Pair {
    /// The first class counts as 1, the other as -1.
    fn new(
        job: &Job<'_>,
        machine: &Machine<'_>,
        row_weights: &[f64],
        (one, other): (usize, usize),
    ) -> Self {
        let class = |row: &u32| job.target[*row as usize] as usize;
        let rows =
            (0..job.design.n_rows as u32).filter(|row| class(row) == one || class(row) == other);
        let rows: Vec<u32> = rows.collect();
        let targets: Vec<f64> = rows
            .iter()
            .map(|row| if class(row) == one { 1.0 } else { -1.0 })
            .collect();
        let weights: Vec<f64> = rows.iter().map(|row| row_weights[*row as usize]).collect();
        let bound = |side: f64| {
            let rows = targets.iter().zip(&weights);
            rows.map(|(target, weight)| {
                if *target == side {
                    side * machine.c * weight
                } else {
                    0.0
                }
            })
            .collect()
        };
        let problem = Problem {
            low: bound(-1.0),
            high: bound(1.0),
            epsilon: 0.0,
            targets,
        };
        Self {
            folds: folds(&problem.targets, machine.seed),
            problem,
            rows,
            weights,
        }
    }

    fn solve(&self, machine: &Machine<'_>, watch: Watch<'_>) -> (Solved, Sigmoid) {
        let rows = machine.rows(&self.rows);
        let solved = machine.solve(&rows, &self.problem, watch);
        let fold = |fold| self.decisions(machine, &rows, &solved, fold, watch);
        let decisions: Vec<Vec<f64>> = (0..N_FOLDS).map(fold).collect();
        let sigmoid = self.sigmoid(&decisions);
        (solved, sigmoid)
    }

    /// Decision values of a machine that has not seen a fold.
    fn decisions(
        &self,
        machine: &Machine<'_>,
        rows: &Rows<'_>,
        solved: &Solved,
        fold: usize,
        watch: Watch<'_>,
    ) -> Vec<f64> {
        let is_held = |row: usize| usize::from(self.folds[row]) == fold;
        machine.without(rows, &self.problem, solved, &is_held, watch)
    }

    fn sigmoid(&self, decisions: &[Vec<f64>]) -> Sigmoid {
        let row = |at: usize| Row {
            decision: decisions[usize::from(self.folds[at])][at],
            is_positive: self.problem.targets[at] > 0.0,
            weight: self.weights[at],
        };
        let rows: Vec<Row> = (0..self.rows.len()).map(row).collect();
        Sigmoid::fit(&rows)
    }
}

/// Each class is dealt to the folds in turns, in an order of chance.
fn folds(targets: &[f64], seed: u64) -> Vec<u8> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut folds = vec![0; targets.len()];
    for side in [1.0, -1.0] {
        let mut rows: Vec<usize> = (0..targets.len())
            .filter(|row| targets[*row] == side)
            .collect();
        rows.shuffle(&mut rng);
        for (turn, row) in rows.into_iter().enumerate() {
            folds[row] = (turn % N_FOLDS) as u8;
        }
    }
    folds
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fold_has_its_share_of_each_class() {
        let targets: Vec<f64> = (0..100)
            .map(|row| if row < 20 { 1.0 } else { -1.0 })
            .collect();
        let mut counts = [[0; N_FOLDS]; 2];
        for (target, fold) in targets.iter().zip(folds(&targets, 3)) {
            counts[usize::from(*target < 0.0)][usize::from(fold)] += 1;
        }
        assert_eq!(counts, [[4; N_FOLDS], [16; N_FOLDS]]);
    }
}
