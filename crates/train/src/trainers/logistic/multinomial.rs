//! More classes: the softmax, by L-BFGS over sums of row blocks.

use everloop_package::lanes::product;
use faer::{Accum, MatMut, MatRef};

use super::{Job, Penalty, diverged, train_loss};
use crate::Error;
use crate::algebra::{add, in_order};
use crate::trainers::lbfgs::{Function, minimise};

/// Scores of a chunk of rows.
const CHUNK_VALUES: usize = 256 << 10;

/// The loss over all rows, and what it needs.
struct Multinomial<'a, 'b> {
    job: &'a mut Job<'b>,
    row_weights: &'a [f64],
    penalty: Penalty,
    step: usize,
    total: usize,
}

/// Weights, column by class, then the biases; and whether they have converged.
pub(super) fn fit(
    job: &mut Job<'_>,
    row_weights: &[f64],
    penalty: Penalty,
) -> Result<(Vec<f64>, bool), Error> {
    let total = job.parameters.integer("iterations");
    let start = vec![0.0; (job.design.n_columns + 1) * job.n_classes];
    let mut multinomial = Multinomial {
        job,
        row_weights,
        penalty,
        step: 0,
        total,
    };
    minimise(
        start,
        (penalty.l1, penalty.n_places),
        total,
        &mut multinomial,
    )
}

impl Function for Multinomial<'_, '_> {
    fn value(&mut self, solution: &[f64], gradient: &mut [f64]) -> Result<f64, Error> {
        let (design, target) = (self.job.design, self.job.target);
        let (n_columns, n_rows, n_classes) = (design.n_columns, design.n_rows, self.job.n_classes);
        let n_chunk = (CHUNK_VALUES / n_classes.max(n_columns)).max(16);
        let row_weights = self.row_weights;
        let chunk = |at: usize| {
            let rows = at * n_chunk..n_rows.min((at + 1) * n_chunk);
            let chunk = Chunk {
                values: &design.values[rows.start * n_columns..rows.end * n_columns],
                target: &target[rows.clone()],
                row_weights: &row_weights[rows],
                n_columns,
                n_classes,
            };
            chunk.sums(solution)
        };
        gradient.fill(0.0);
        let mut loss = 0.0;
        let n_threads = self.job.n_threads;
        in_order(
            n_rows.div_ceil(n_chunk),
            n_threads,
            &chunk,
            |(own, slopes)| {
                loss += own;
                add(gradient, 1.0, &slopes);
                self.job.tell(self.step, self.total, None)
            },
        )?;
        let n_places = self.penalty.n_places;
        add(
            &mut gradient[..n_places],
            self.penalty.l2,
            &solution[..n_places],
        );
        let smooth = Penalty {
            l1: 0.0,
            ..self.penalty
        };
        loss += smooth.of(solution);
        if loss.is_finite() {
            Ok(loss)
        } else {
            Err(diverged(self.step))
        }
    }

    fn tell(&mut self, step: usize, value: f64) -> Result<(), Error> {
        self.step = step;
        let loss = train_loss(value, self.row_weights);
        self.job.tell(step, self.total, Some(loss))
    }
}

/// Some rows.
struct Chunk<'a> {
    values: &'a [f64],
    target: &'a [f64],
    row_weights: &'a [f64],
    n_columns: usize,
    n_classes: usize,
}

impl Chunk<'_> {
    /// The loss and its gradient.
    fn sums(&self, solution: &[f64]) -> (f64, Vec<f64>) {
        let (n_rows, n_classes) = (self.target.len(), self.n_classes);
        let (weights, biases) = solution.split_at(self.n_columns * n_classes);
        let inputs = MatRef::from_row_major_slice(self.values, n_rows, self.n_columns);
        let weights = MatRef::from_row_major_slice(weights, self.n_columns, n_classes);
        let mut scores = biases.repeat(n_rows);
        let to = MatMut::from_row_major_slice_mut(&mut scores, n_rows, n_classes);
        product(to, Accum::Add, inputs, weights);
        let mut gradient = vec![0.0; solution.len()];
        let (slopes, bias_slopes) = gradient.split_at_mut(self.n_columns * n_classes);
        let mut loss = 0.0;
        let rows = self.target.iter().zip(self.row_weights);
        for (scores, (class, weight)) in scores.chunks_mut(n_classes).zip(rows) {
            loss += weight * residuals(scores, *class as usize);
            for (score, slope) in scores.iter_mut().zip(&mut *bias_slopes) {
                *score *= weight;
                *slope += *score;
            }
        }
        let residuals = MatRef::from_row_major_slice(&scores, n_rows, n_classes);
        let to = MatMut::from_row_major_slice_mut(slopes, self.n_columns, n_classes);
        product(to, Accum::Add, inputs.transpose(), residuals);
        (loss, gradient)
    }
}

/// Turns scores into probabilities less the truth; gives the log loss.
fn residuals(scores: &mut [f64], class: usize) -> f64 {
    let greatest = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let truth = scores[class] - greatest;
    let mut sum = 0.0;
    for score in scores.iter_mut() {
        *score = (*score - greatest).exp();
        sum += *score;
    }
    for score in scores.iter_mut() {
        *score /= sum;
    }
    scores[class] -= 1.0;
    sum.ln() - truth
}
