//! Two classes: Newton's method with step halving; with an L1 penalty each step minimises the penalised quadratic by
//! coordinate descent (Lee, Sun and Saunders 2014, proximal Newton).

use everloop_package::lanes::settle;
use faer::Mat;

use super::{Job, Penalty, diverged, train_loss};
use crate::Error;
use crate::algebra::{Quadratic, Sums, Term, add, check_system, dot, sums};

/// What a step promises must be at least this share of the loss to go on.
const TOLERANCE: f64 = 1e-12;
/// The share of the promised fall that a step must bring.
const LEAST_FALL: f64 = 1e-4;
/// The least share of a step that is tried.
const LEAST_STEP: f64 = 1e-6;
/// Sweeps of coordinate descent for one step.
const N_SWEEPS: usize = 1000;
/// The rows that the first steps look at are every so many.
const STRIDE: usize = 16;
/// So many first steps at most, until one promises no more than this share of the loss.
const N_FIRST_STEPS: usize = 15;
const FIRST_TOLERANCE: f64 = 1e-5;
/// The fewest rows of which some are enough for the first steps.
const MANY_ROWS: usize = 100_000;

/// A place, with the sums over the rows there.
struct Place {
    /// Weights, then the bias.
    values: Vec<f64>,
    sums: Sums,
    loss: f64,
}

enum Step {
    To(Place),
    /// There is nothing more to gain than this.
    End(Vec<f64>),
}

struct Logistic<'a> {
    row_weights: &'a [f64],
    penalty: Penalty,
    /// Rows that are looked at: every so many.
    stride: usize,
    total: usize,
}

/// Weights and bias, and whether they have converged.
pub(super) fn fit(
    job: &mut Job<'_>,
    row_weights: &[f64],
    penalty: Penalty,
) -> Result<(Vec<f64>, bool), Error> {
    let total = job.parameters.integer("iterations");
    check_system(job.design.n_columns + 1)?;
    let logistic = Logistic {
        row_weights,
        penalty,
        stride: 1,
        total,
    };
    let mut start = vec![0.0; job.design.n_columns + 1];
    if job.design.n_rows >= MANY_ROWS {
        // A solution of some rows is close to that of all, and takes a fraction of the time.
        let of_some = Logistic {
            stride: STRIDE,
            total: N_FIRST_STEPS,
            penalty: Penalty {
                l1: penalty.l1 / STRIDE as f64,
                l2: penalty.l2 / STRIDE as f64,
                ..penalty
            },
            ..logistic
        };
        if let (found, true) = of_some.minimise(job, start.clone(), FIRST_TOLERANCE)? {
            start = found;
        }
    }
    logistic.minimise(job, start, TOLERANCE)
}

impl Logistic<'_> {
    fn minimise(
        &self,
        job: &mut Job<'_>,
        start: Vec<f64>,
        tolerance: f64,
    ) -> Result<(Vec<f64>, bool), Error> {
        let mut place = self.look(job, start, 0)?;
        for step in 1..=self.total {
            let is_last = match self.step(job, &place, step, tolerance)? {
                Step::To(next) => {
                    place = next;
                    false
                }
                Step::End(values) => {
                    place.values = values;
                    true
                }
            };
            if self.stride == 1 {
                let metric = train_loss(place.loss, self.row_weights);
                job.tell(step, self.total, Some(metric))?;
            }
            if is_last {
                return Ok((place.values, true));
            }
        }
        Ok((place.values, false))
    }

    /// The sums over the rows at a place.
    fn look(&self, job: &mut Job<'_>, values: Vec<f64>, step: usize) -> Result<Place, Error> {
        let (design, target) = (job.design, job.target);
        let (weights, bias) = values.split_at(design.n_columns);
        let term = |row: usize, inputs: &[f64]| {
            if !row.is_multiple_of(self.stride) {
                return Term::default();
            }
            let score = bias[0] + dot(inputs, weights);
            let (count, truth) = (self.row_weights[row], target[row]);
            // One power serves probability and loss; it cannot overflow.
            let power = (-score.abs()).exp();
            let share = 1.0 / (1.0 + power);
            let probability = if score >= 0.0 { share } else { power * share };
            let loss = score.max(0.0) - score * truth - share.ln();
            Term {
                weight: count * power * share * share,
                slope: count * (probability - truth),
                losses: [count * loss, 0.0],
                extra: 0.0,
            }
        };
        // What is told of the steps on some rows belongs to no step yet.
        let told = if self.stride == 1 {
            step.saturating_sub(1)
        } else {
            0
        };
        let total = self.total;
        let sums = sums(design, job.n_threads, &term, &mut || {
            job.tell(told, total, None)
        })?;
        let loss = sums.losses[0] + self.penalty.of(&values);
        if !loss.is_finite() {
            return Err(diverged(step));
        }
        Ok(Place { values, sums, loss })
    }

    /// A step, halved until the loss falls.
    fn step(
        &self,
        job: &mut Job<'_>,
        place: &Place,
        step: usize,
        tolerance: f64,
    ) -> Result<Step, Error> {
        let goal = self.goal(job, place, step)?;
        let way: Vec<f64> = goal
            .iter()
            .zip(&place.values)
            .map(|(new, old)| new - old)
            .collect();
        let promise = dot(&place.sums.gradient, &way) + self.penalty.of(&goal)
            - self.penalty.of(&place.values);
        if promise.abs() <= tolerance * place.loss.abs() {
            // Nobody would see what another pass over the rows could say.
            return Ok(Step::End(goal));
        }
        // The goal itself first, whose zeros are exact.
        let mut next = self.look(job, goal, step)?;
        let mut share = 1.0;
        while next.loss > place.loss + LEAST_FALL * share * promise {
            share /= 2.0;
            if share < LEAST_STEP {
                return Ok(Step::End(place.values.clone()));
            }
            let mut values = place.values.clone();
            add(&mut values, share, &way);
            next = self.look(job, values, step)?;
        }
        Ok(Step::To(next))
    }

    /// Where the quadratic that touches the loss at a place is least, penalties included.
    fn goal(&self, job: &mut Job<'_>, place: &Place, step: usize) -> Result<Vec<f64>, Error> {
        let size = place.values.len();
        let curvature = Mat::from_fn(size, size, |row, column| {
            place.sums.product(row.max(column), row.min(column))
        });
        let at = Mat::from_fn(size, 1, |row, _| place.values[row]);
        let mut linear = (&curvature * at).col_as_slice(0).to_vec();
        settle();
        add(&mut linear, -1.0, &place.sums.gradient);
        let quadratic = Quadratic {
            matrix: curvature,
            linear,
            penalty: self.penalty,
        };
        if self.penalty.l1 <= 0.0 {
            let factor = quadratic.factor().ok_or_else(|| diverged(step))?;
            return Ok(factor.solve(&quadratic.linear));
        }
        let greatest = quadratic
            .linear
            .iter()
            .fold(0.0_f64, |so_far, slope| so_far.max(slope.abs()));
        let (told, total) = (step.saturating_sub(1), self.total);
        let mut tell = |_, _| job.tell(if self.stride == 1 { told } else { 0 }, total, None);
        let start = place.values.clone();
        let found = quadratic.descend(start, 1e-11 * greatest, N_SWEEPS, &mut tell)?;
        Ok(found.place)
    }
}
