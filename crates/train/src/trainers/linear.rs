//! Linear regression: least squares, ridge, lasso, elastic net, and Huber's loss.
//!
//! What is minimised, with `W` the sum of what the rows count, and inputs `x` scaled to mean 0 and deviation 1:
//!
//! - `loss: squared`: `1 / (2W) * sum of weight (y - xw - b)^2 + l1 |w|_1 + l2 / 2 |w|^2`. In scikit-learn's words `l1` is
//!   `Lasso(alpha)`, `l1 = alpha * l1_ratio` and `l2 = alpha * (1 - l1_ratio)` is `ElasticNet`, and `W * l2` is
//!   `Ridge(alpha)`. The bias `b` is never penalised. With neither penalty, columns that depend on each other get the
//!   shortest of all solutions, as with `LinearRegression`.
//! - `loss: huber`: see [`huber`]; `W * l2` is `HuberRegressor(alpha)`.
//!
//! Golden values: `tests/golden/linear.json`.

mod huber;
mod squares;

use everloop_domain::Task;

use super::{Job, Trained, Trainer, shares};
use crate::algebra::Penalty;
use crate::encoder::{Design, Style};
use crate::model::{LinearModel, Link};
use crate::{Error, ParameterInfo, TrainerInfo};

pub(super) static TRAINER: Trainer = Trainer {
    info: TrainerInfo {
        name: "linear",
        doc: "Linear regression: least squares without penalties, ridge with `l2`, lasso with `l1`, elastic net with both; Huber's loss where outliers are not to count much. Minimises the mean of (y - xw - b)^2 / 2, plus l1 |w| + l2 / 2 |w|^2, over scaled inputs.",
        tasks: &[Task::Regression],
        parameters: &[
            ParameterInfo::number(
                "l1",
                (0.0, 1e9),
                0.0,
                "the penalty on the sizes of weights of scaled inputs: `alpha` of scikit-learn's `Lasso`; weights that do not help become 0",
            ),
            ParameterInfo::number(
                "l2",
                (0.0, 1e9),
                0.0,
                "the penalty on half the squared weights of scaled inputs: `alpha` of scikit-learn's `Ridge` divided by the number of rows",
            ),
            ParameterInfo::choice(
                "loss",
                &["squared", "huber"],
                "what a residual costs; `huber` grows linearly for outliers, as scikit-learn's `HuberRegressor` has it",
            ),
            ParameterInfo::number(
                "epsilon",
                (1.0, 1e6),
                1.35,
                "residuals beyond so many times the fitted scale are outliers; for `loss: huber`",
            ),
            ParameterInfo::integer(
                "iterations",
                (1.0, 1e6),
                1000.0,
                "steps at most: sweeps over the columns with `l1`, Newton's with `loss: huber`",
            ),
        ],
    },
    style: Style::Scaled,
    fit,
};

/// Weights and bias, found.
struct Line {
    weights: Vec<f64>,
    bias: f64,
    is_converged: bool,
}

impl Line {
    fn is_finite(&self) -> bool {
        self.bias.is_finite() && self.weights.iter().all(|weight| weight.is_finite())
    }
}

fn fit(job: &mut Job<'_>) -> Result<Trained, Error> {
    let design = job.design;
    let penalty = Penalty {
        l1: job.parameters.number("l1"),
        l2: job.parameters.number("l2"),
        n_places: design.n_columns,
    };
    let is_huber = job.parameters.number("loss") > 0.0;
    if is_huber && penalty.l1 > 0.0 {
        return Err(Error::Parameter {
            name: "l1".to_owned(),
            problem: format!("it is {}, but `loss: huber` takes `l2` only", penalty.l1),
        });
    }
    let row_weights = std::mem::take(&mut job.row_weights);
    let mut line = squares::fit(job, &row_weights, penalty, is_huber)?;
    if is_huber {
        line = huber::fit(job, &row_weights, penalty, line)?;
    }
    let mut notes = Vec::new();
    if !line.is_converged {
        notes.push(format!(
            "linear regression has not converged in {} steps: raise `iterations` or the penalty",
            job.parameters.integer("iterations")
        ));
    }
    Ok(Trained {
        importances: shares(&sizes(design, &line.weights, 1)),
        model: Box::new(LinearModel {
            weights: line.weights,
            bias: vec![line.bias],
        }),
        link: Link::Identity,
        notes,
    })
}

/// How far each column moves the scores: the sizes of its weights times its deviation.
pub(super) fn sizes(design: &Design, weights: &[f64], n_targets: usize) -> Vec<f64> {
    let mut sums = vec![0.0; design.n_columns];
    let mut squares = vec![0.0; design.n_columns];
    for row in design.values.chunks(design.n_columns) {
        for ((value, sum), square) in row.iter().zip(&mut sums).zip(&mut squares) {
            *sum += value;
            *square += value * value;
        }
    }
    let count = design.n_rows as f64;
    let moments = sums.iter().zip(&squares);
    moments
        .zip(weights.chunks(n_targets))
        .map(|((sum, square), weights)| {
            let deviation = (square / count - (sum / count).powi(2)).max(0.0).sqrt();
            weights.iter().map(|weight| weight.abs()).sum::<f64>() * deviation
        })
        .collect()
}

const HINT: &str = "columns are too large or depend on each other: raise `l2` or exclude some";

fn diverged(step: usize) -> Error {
    Error::Diverged {
        trainer: TRAINER.info.name,
        step,
        hint: HINT,
    }
}

#[cfg(test)]
mod tests;
