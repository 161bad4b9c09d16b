//! Logistic regression with L1 and L2 penalties.
//!
//! Minimises `sum of weight loss + l1 |w|_1 + l2 / 2 |w|^2` over weights of scaled inputs, where the loss of a row is
//! minus the logarithm of the probability of its class; the bias is not penalised. In scikit-learn's words
//! `l2 = 1 / C`; with `l1_ratio`, `l1 = l1_ratio / C` and `l2 = (1 - l1_ratio) / C`.
//!
//! Two classes: Newton's method ([`binary`]). More classes, or many columns: the softmax over one set of weights a class by L-BFGS
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

/// Beyond so many columns the system of Newton's method is too large to be solved in every step.
const MANY_COLUMNS: usize = 1000;

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
    let (solution, is_converged) = if n_targets == 1 && job.design.n_columns > MANY_COLUMNS {
        by_softmax(job, &row_weights, penalty)?
    } else if n_targets == 1 {
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

/// Two classes as the softmax of two: its weights are the halves of ours with opposite signs, which cost the same when
/// their L2 penalty is doubled.
fn by_softmax(
    job: &mut Job<'_>,
    row_weights: &[f64],
    penalty: Penalty,
) -> Result<(Vec<f64>, bool), Error> {
    let doubled = Penalty {
        l2: 2.0 * penalty.l2,
        n_places: 2 * penalty.n_places,
        ..penalty
    };
    let (both, is_converged) = multinomial::fit(job, row_weights, doubled)?;
    let differences = both.chunks(2).map(|pair| pair[1] - pair[0]);
    Ok((differences.collect(), is_converged))
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use everloop_domain::Task;

    use super::*;
    use crate::trainers::tests::probe::{Probe, design};

    /// Bias and first two weights, with columns of zeros beside them.
    fn found(n_columns: usize, parameters: &[(&str, f64)]) -> Vec<f64> {
        let n_rows = 80;
        let mut values = vec![0.0; n_rows * n_columns];
        for (row, values) in values.chunks_mut(n_columns).enumerate() {
            values[0] = (row * 37 % 80) as f64 / 40.0 - 1.0;
            values[1] = (row * 11 % 80) as f64 / 40.0 - 1.0;
        }
        let truth = |values: &[f64]| f64::from(u8::from(values[0] - values[1].powi(2) > -0.2));
        let target: Vec<f64> = values.chunks(n_columns).map(truth).collect();
        let probe = Probe {
            trainer: "logistic",
            task: Task::Binary,
            parameters: BTreeMap::new(),
            design: &design(n_columns, &values),
            target: &target,
            row_weights: &vec![1.5; n_rows],
            n_threads: 1,
        };
        let mut coefficients = probe.with(parameters).coefficients().unwrap().remove(0);
        coefficients.truncate(3);
        coefficients
    }

    #[test]
    fn many_columns_are_solved_as_few_are() {
        for parameters in [&[("l2", 0.5)][..], &[("l1", 2.0), ("l2", 0.5)]] {
            let few = found(2, parameters);
            let many = found(MANY_COLUMNS + 1, parameters);
            for (few, many) in few.iter().zip(&many) {
                assert!((few - many).abs() < 1e-5, "{parameters:?}: {few} {many}");
            }
        }
    }
}
