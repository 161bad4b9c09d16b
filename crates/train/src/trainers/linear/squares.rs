//! Least squares from the sums of products of one pass over the rows.

use faer::Mat;

use super::{Job, Line, Penalty, diverged};
use crate::Error;
use crate::algebra::{Factor, Quadratic, Term, add, check_system, dot, sums};
use crate::encoder::Design;

/// The greatest slope that is left, as a share of the greatest at the start.
const TOLERANCE: f64 = 1e-10;
/// How often a solution that has lost digits is refined by its residuals.
const N_REFINEMENTS: usize = 3;

/// The rows and what is known of them.
struct Rows<'a> {
    design: &'a Design,
    weights: &'a [f64],
    target: &'a [f64],
    n_threads: usize,
    total: usize,
}

/// Weights and bias that minimise the squared loss and the penalty; a first guess of them is not told as a step.
pub(super) fn fit(
    job: &mut Job<'_>,
    row_weights: &[f64],
    penalty: Penalty,
    is_guess: bool,
) -> Result<Line, Error> {
    let is_direct = penalty.l1 <= 0.0;
    let rows = Rows {
        design: job.design,
        weights: row_weights,
        target: job.target,
        n_threads: job.n_threads,
        total: if is_direct && !is_guess {
            1
        } else {
            job.parameters.integer("iterations")
        },
    };
    job.tell(0, rows.total, None)?;
    let line = if is_direct && job.design.n_columns > job.design.n_rows {
        rows.wide(penalty.l2)?
    } else {
        rows.tall(job, penalty)?
    };
    if !line.is_finite() {
        return Err(diverged(0));
    }
    if is_direct && !is_guess {
        let metric = ("train_objective".to_owned(), rows.objective(&line, penalty));
        job.tell(1, 1, Some(metric))?;
    }
    Ok(line)
}

impl Rows<'_> {
    /// `Q` and `q` are the covariances of the columns, and of each with the target.
    fn tall(&self, job: &mut Job<'_>, penalty: Penalty) -> Result<Line, Error> {
        let n_columns = self.design.n_columns;
        check_system(n_columns)?;
        // Far from zero, squares would lose the digits of the target.
        let shift = self.target[0];
        let term = |row: usize, _: &[f64]| Term {
            weight: self.weights[row],
            extra: self.target[row] - shift,
            ..Term::default()
        };
        let total = self.total;
        let sums = sums(self.design, self.n_threads, &term, &mut || {
            job.tell(0, total, None)
        })?;
        let (one, extra) = (n_columns, n_columns + 1);
        let sum = sums.product(one, one);
        let mean = |place: usize| sums.product(place, one) / sum;
        let covariance =
            |left: usize, right: usize| sums.product(left, right) / sum - mean(left) * mean(right);
        let linear = (0..n_columns).map(|at| covariance(at, extra)).collect();
        let lower = Mat::from_fn(n_columns, n_columns, |row, column| {
            if row >= column {
                covariance(row, column)
            } else {
                0.0
            }
        });
        if (0..n_columns).any(|at| !lower[(at, at)].is_finite()) {
            return Err(diverged(0));
        }
        let means: Vec<f64> = (0..n_columns).map(mean).collect();
        let quadratic = Quadratic::of_lower(lower, linear, penalty);
        let centre = (means.as_slice(), shift + mean(extra));
        if penalty.l1 <= 0.0 {
            let factor = quadratic.factor().ok_or_else(|| diverged(0))?;
            let solution = factor.solve(&quadratic.linear);
            return self.refined(job, &factor, centre, solution, penalty.l2);
        }
        let greatest = quadratic
            .linear
            .iter()
            .fold(0.0_f64, |so_far, slope| so_far.max(slope.abs()));
        let mut tell = |sweep: usize, value: f64| {
            // The value lacks the half variance of the target, which no weight changes.
            let value = value + covariance(extra, extra) / 2.0;
            job.tell(sweep, total, Some(("train_objective".to_owned(), value)))
        };
        let start = vec![0.0; n_columns];
        let found = quadratic.descend(start, TOLERANCE * greatest, total, &mut tell)?;
        Ok(line(found.place, centre, found.is_converged))
    }

    /// The solution as it is, or, where digits were lost, corrected by what its residuals still hold.
    fn refined(
        &self,
        job: &mut Job<'_>,
        factor: &Factor,
        centre: (&[f64], f64),
        mut solution: Vec<f64>,
        l2: f64,
    ) -> Result<Line, Error> {
        let rounds = if factor.is_doubtful() {
            N_REFINEMENTS
        } else {
            0
        };
        let sum: f64 = self.weights.iter().sum();
        for _ in 0..rounds {
            let line = line(solution.clone(), centre, true);
            let term = |row: usize, values: &[f64]| Term {
                slope: self.weights[row] * self.residual(&line, row, values),
                ..Term::default()
            };
            let left = sums(self.design, self.n_threads, &term, &mut || {
                job.tell(0, 1, None)
            })?;
            let (slopes, of_bias) = left.gradient.split_at(solution.len());
            let slopes: Vec<f64> = (slopes.iter().zip(centre.0).zip(&solution))
                .map(|((slope, mean), weight)| (slope - mean * of_bias[0]) / sum - l2 * weight)
                .collect();
            add(&mut solution, 1.0, &factor.solve(&slopes));
        }
        Ok(line(solution, centre, true))
    }

    /// With fewer rows than columns: `w = Z'a` for the `a` that solves `(ZZ' + W l2 I) a = y`, with `Z` the centred rows
    /// times the roots of their weights.
    fn wide(&self, l2: f64) -> Result<Line, Error> {
        let (n_rows, n_columns) = (self.design.n_rows, self.design.n_columns);
        check_system(n_rows)?;
        let sum: f64 = self.weights.iter().sum();
        let mut means = vec![0.0; n_columns];
        let values = self.design.values.chunks(n_columns);
        for (values, weight) in values.zip(self.weights) {
            add(&mut means, weight / sum, values);
        }
        let mean_target = dot(self.weights, self.target) / sum;
        let root = |row: usize| self.weights[row].sqrt();
        let z = Mat::from_fn(n_rows, n_columns, |row, column| {
            root(row) * (self.design.values[row * n_columns + column] - means[column])
        });
        let y = (0..n_rows).map(|row| root(row) * (self.target[row] - mean_target));
        let dual = Quadratic {
            matrix: &z * z.transpose(),
            linear: y.collect(),
            penalty: Penalty {
                l1: 0.0,
                l2: l2 * sum,
                n_places: n_rows,
            },
        };
        if !dual.matrix.norm_max().is_finite() {
            return Err(diverged(0));
        }
        let factor = dual.factor().ok_or_else(|| diverged(0))?;
        let solution = factor.solve(&dual.linear);
        let weights = z.transpose() * Mat::from_fn(n_rows, 1, |row, _| solution[row]);
        Ok(line(
            weights.col_as_slice(0).to_vec(),
            (&means, mean_target),
            true,
        ))
    }

    fn residual(&self, line: &Line, row: usize, values: &[f64]) -> f64 {
        self.target[row] - line.bias - dot(values, &line.weights)
    }

    fn objective(&self, line: &Line, penalty: Penalty) -> f64 {
        let rows = self.design.values.chunks(self.design.n_columns).enumerate();
        let costs =
            rows.map(|(row, values)| self.weights[row] * self.residual(line, row, values).powi(2));
        costs.sum::<f64>() / 2.0 / self.weights.iter().sum::<f64>() + penalty.of(&line.weights)
    }
}

/// The line through the centre of the rows.
fn line(weights: Vec<f64>, (means, mean_target): (&[f64], f64), is_converged: bool) -> Line {
    Line {
        bias: mean_target - dot(&weights, means),
        weights,
        is_converged,
    }
}
