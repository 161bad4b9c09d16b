//! Logistic regression with L1 and L2 penalties.
//!
//! Minimises `sum of weight loss + l1 |w|_1 + l2 / 2 |w|^2` over weights of scaled inputs, where the loss of a row is
//! minus the logarithm of the probability of its class; the bias is not penalised. In scikit-learn's words
//! `l2 = 1 / C`; with `l1_ratio`, `l1 = l1_ratio / C` and `l2 = (1 - l1_ratio) / C`.
//!
//! Two classes: Newton's method ([`binary`]). More: the softmax over one set of weights a class by L-BFGS
//! ([`multinomial`]), because Newton's system would grow with the square of the classes.
//!
//! Golden values: `tests/golden/linear.json`.

mod binary;
mod multinomial;

use super::linear::sizes;
use super::{CLASSIFICATION, Job, Trained, Trainer, shares};
use crate::algebra::Penalty;
use crate::encoder::Style;
use crate::model::{LinearModel, Link};
use crate::{Error, ParameterInfo, TrainerInfo};

/// The least L2 penalty where there is no other: without any, separable classes have no finite solution.
const MIN_L2: f64 = 1e-8;

pub(super) static TRAINER: Trainer = Trainer {
    info: TrainerInfo {
        name: "logistic",
        doc: "Logistic regression with L2 penalty, L1 penalty or both; multinomial for more than two classes. Minimises the sum of the log losses, plus l1 |w| + l2 / 2 |w|^2, over scaled inputs. Fitted by Newton's method, or L-BFGS for more than two classes.",
        tasks: CLASSIFICATION,
        parameters: &[
            ParameterInfo::number(
                "l2",
                (0.0, 1e9),
                1.0,
                "the penalty on half the squared weights of scaled inputs: 1 / `C` of scikit-learn",
            ),
            ParameterInfo::number(
                "l1",
                (0.0, 1e9),
                0.0,
                "the penalty on the sizes of weights of scaled inputs; weights that do not help become 0",
            ),
            ParameterInfo::integer("iterations", (1.0, 10_000.0), 100.0, "steps at most"),
            ParameterInfo::CLASS_WEIGHT,
        ],
    },
    style: Style::Scaled,
    fit,
};

fn fit(job: &mut Job<'_>) -> Result<Trained, Error> {
    let n_targets = if job.n_classes == 2 { 1 } else { job.n_classes };
    let (l1, l2) = (job.parameters.number("l1"), job.parameters.number("l2"));
    let penalty = Penalty {
        l1,
        l2: if l1 > 0.0 { l2 } else { l2.max(MIN_L2) },
        n_places: job.design.n_columns * n_targets,
    };
    let row_weights = std::mem::take(&mut job.row_weights);
    // The solution is column by class; the bias is the last line.
    let (solution, is_converged) = if n_targets == 1 {
        binary::fit(job, &row_weights, penalty)?
    } else {
        multinomial::fit(job, &row_weights, penalty)?
    };
    let (weights, bias) = solution.split_at(penalty.n_places);
    let notes = if is_converged {
        Vec::new()
    } else {
        vec!["logistic regression has not converged: raise `iterations` or `l2`".to_owned()]
    };
    Ok(Trained {
        importances: shares(&sizes(job.design, weights, n_targets)),
        model: Box::new(LinearModel {
            weights: weights.to_vec(),
            bias: bias.to_vec(),
        }),
        link: if n_targets == 1 {
            Link::Sigmoid
        } else {
            Link::Softmax
        },
        notes,
    })
}

fn train_loss(loss: f64, row_weights: &[f64]) -> (String, f64) {
    let sum: f64 = row_weights.iter().sum();
    ("train_log_loss".to_owned(), loss / sum)
}

fn diverged(step: usize) -> Error {
    Error::Diverged {
        trainer: TRAINER.info.name,
        step,
        hint: "columns are too large or depend on each other: raise `l2` or exclude some",
    }
}
