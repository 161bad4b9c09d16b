//! Support vector machines: classification with probabilities, and regression.
//!
//! What is minimised is libsvm's: `|w|^2 / 2 + C * sum of weight * loss` in the space of the kernel, with the hinge loss
//! of each pair of classes, or the loss of values outside a tube of half width `epsilon`. Kernels by sequential minimal
//! optimisation ([`smo`]); `kernel: linear` on many rows by dual coordinate descent ([`descent`]). Probabilities are
//! Platt's ([`platt`]), from decision values of five folds that start from the solution of all rows; those of several
//! classes are coupled from pairs ([`CoupledModel`]).
//!
//! Memory: single copies of the inputs in 32-bit floats for each thread, and a bounded cache of kernel rows.
//!
//! Golden values: `tests/golden/svm.json`.

mod cache;
mod classes;
mod descent;
mod kernel;
mod machine;
mod platt;
mod smo;
mod watched;

use super::linear::sizes;
use super::{ALL_TASKS, Job, Trained, Trainer, shares};
use crate::encoder::{Design, Style};
use crate::model::{CoupledModel, Kernel, KernelModel, LinearModel, Link, Model};
use crate::{Error, ParameterInfo, TrainerInfo};
use machine::{Machine, Solved};
use smo::Problem;

/// More support vectors would not fit the bounds of the native engine.
const MAX_VECTORS: usize = 60_000;

pub(super) static TRAINER: Trainer = Trainer {
    info: TrainerInfo {
        name: "svm",
        doc: "Support vector machines: `SVC` and `SVR` of scikit-learn (libsvm), over scaled inputs. Classes have probabilities (Platt scaling on five folds; several classes by pairs). `kernel: rbf` grows with the square of the rows: beyond some 100,000 take `kernel: linear` or `boosting`.",
        tasks: ALL_TASKS,
        parameters: &[
            ParameterInfo::choice(
                "kernel",
                &["rbf", "linear", "polynomial"],
                "how alike rows are; `linear` on more than 10,000 rows is solved as by LIBLINEAR, with a bias that is penalised, too",
            ),
            ParameterInfo::number(
                "c",
                (1e-6, 1e6),
                1.0,
                "what an error costs; greater values fit the rows more closely, and take longer",
            ),
            ParameterInfo::number(
                "gamma",
                (0.0, 1e6),
                0.0,
                "how fast likeness falls with distance; 0 is 1 / (columns * variance of the inputs), scikit-learn's `scale`",
            ),
            ParameterInfo::integer(
                "degree",
                (1.0, 10.0),
                3.0,
                "the power of `kernel: polynomial`",
            ),
            ParameterInfo::number(
                "coef0",
                (-1e6, 1e6),
                0.0,
                "what is added before the power is taken; for `kernel: polynomial`",
            ),
            ParameterInfo::number(
                "epsilon",
                (0.0, 1e9),
                0.1,
                "errors of values up to here cost nothing; in units of the target, for regression",
            ),
            ParameterInfo::number(
                "tolerance",
                (1e-9, 1.0),
                1e-3,
                "how far slopes may differ in the end",
            ),
            ParameterInfo::integer(
                "iterations",
                (1.0, 1e9),
                1e7,
                "steps at most, of two rows each",
            ),
            ParameterInfo::integer(
                "cache_mb",
                (1.0, 1e6),
                200.0,
                "megabytes of kernel rows that each thread keeps",
            ),
            ParameterInfo::CLASS_WEIGHT,
        ],
    },
    style: Style::Scaled,
    fit,
};

/// Decision values as a model: factors of the rows, row by target, and biases.
struct Decision {
    factors: Vec<f64>,
    bias: Vec<f64>,
}

fn fit(job: &mut Job<'_>) -> Result<Trained, Error> {
    job.tell(0, 1, None)?;
    let row_weights = std::mem::take(&mut job.row_weights);
    let machine = Machine::new(job, kernel(job));
    let mut notes = Vec::new();
    let n_classes = job.n_classes;
    let (decision, is_converged) = if job.task.is_classification() {
        classes::fit(job, &machine, &row_weights)?
    } else {
        values(job, &machine, &row_weights)?
    };
    if !is_converged {
        notes.push(format!(
            "the support vector machine has not converged in {} steps: raise `iterations` or `tolerance`, or lower `c`",
            job.parameters.integer("iterations")
        ));
    }
    check_vectors(machine.kernel, &decision)?;
    let (model, importances) = model(machine.kernel, job.design, decision);
    let (model, link): (Box<dyn Model>, Link) = match n_classes {
        0 => (model, Link::Identity),
        2 => (model, Link::Sigmoid),
        _ => {
            let pairs = model;
            (Box::new(CoupledModel { pairs, n_classes }), Link::Softmax)
        }
    };
    Ok(Trained {
        model,
        link,
        importances: shares(&sizes(
            job.design,
            &importances,
            importances.len() / job.design.n_columns,
        )),
        notes,
    })
}

fn kernel(job: &Job<'_>) -> Kernel {
    let gamma = match job.parameters.number("gamma") {
        gamma if gamma > 0.0 => gamma,
        _ => {
            let values = &job.design.values;
            let count = values.len().max(1) as f64;
            let mean = values.iter().sum::<f64>() / count;
            let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
            1.0 / (job.design.n_columns as f64 * (squares / count).max(f64::MIN_POSITIVE))
        }
    };
    match job.parameters.integer("kernel") {
        0 => Kernel::Rbf { gamma },
        1 => Kernel::Linear,
        _ => Kernel::Polynomial {
            gamma,
            bias: job.parameters.number("coef0"),
            degree: job.parameters.integer("degree") as i32,
        },
    }
}

fn values(
    job: &mut Job<'_>,
    machine: &Machine<'_>,
    row_weights: &[f64],
) -> Result<(Decision, bool), Error> {
    let bounds = |sign: f64| {
        row_weights
            .iter()
            .map(|weight| sign * machine.c * weight)
            .collect()
    };
    let problem = Problem {
        targets: job.target.to_vec(),
        low: bounds(-1.0),
        high: bounds(1.0),
        epsilon: job.parameters.number("epsilon"),
    };
    let rows: Vec<u32> = (0..job.design.n_rows as u32).collect();
    let Solved {
        factors,
        bias,
        is_converged,
        ..
    } = machine.solve_watched(job, &rows, &problem)?;
    let decision = Decision {
        factors,
        bias: vec![bias],
    };
    Ok((decision, is_converged))
}

fn check_vectors(kernel: Kernel, decision: &Decision) -> Result<(), Error> {
    let rows = decision.factors.chunks(decision.bias.len());
    let count = rows
        .filter(|row| row.iter().any(|factor| *factor != 0.0))
        .count();
    if kernel == Kernel::Linear || count <= MAX_VECTORS {
        return Ok(());
    }
    Err(Error::Inputs(format!(
        "{count} rows became support vectors, at most {MAX_VECTORS} are kept; take fewer rows, `kernel: linear` or `boosting`"
    )))
}

/// The model, and the sizes of its slopes, column by target.
fn model(kernel: Kernel, design: &Design, decision: Decision) -> (Box<dyn Model>, Vec<f64>) {
    let (n_columns, n_targets) = (design.n_columns, decision.bias.len());
    let rows = design
        .values
        .chunks(n_columns)
        .zip(decision.factors.chunks(n_targets));
    // Without support vectors, where all values lie within the tube, only the bias is left.
    let is_constant = decision.factors.iter().all(|factor| *factor == 0.0);
    if kernel == Kernel::Linear || is_constant {
        let mut weights = vec![0.0; n_columns * n_targets];
        for (values, factors) in rows {
            for (at, factor) in factors
                .iter()
                .enumerate()
                .filter(|(_, factor)| **factor != 0.0)
            {
                for (column, value) in values.iter().enumerate() {
                    weights[column * n_targets + at] += factor * value;
                }
            }
        }
        let model = LinearModel {
            weights: weights.clone(),
            bias: decision.bias,
        };
        return (Box::new(model), weights);
    }
    let (mut vectors, mut kept) = (Vec::new(), Vec::new());
    for (values, factors) in rows.filter(|(_, factors)| factors.iter().any(|factor| *factor != 0.0))
    {
        vectors.extend_from_slice(values);
        kept.extend_from_slice(factors);
    }
    let model = KernelModel {
        kernel,
        n_columns,
        vectors,
        factors: kept,
        bias: decision.bias,
    };
    let slopes = model.slopes(design);
    (Box::new(model), slopes)
}

#[cfg(test)]
mod tests;
