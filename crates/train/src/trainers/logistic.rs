//! Logistic regression with L2 penalty.
//!
//! Two classes: Newton's method as iteratively reweighted least squares, with step halving. More: the softmax by
//! [`lbfgs`](super::lbfgs), because Newton's system would grow with the square of the classes.

use super::lbfgs::minimise;
use super::linear::{ridge, sizes};
use super::{CLASSIFICATION, Job, Trained, Trainer, shares};
use crate::encoder::{Design, Style};
use crate::model::{LinearModel, Link, softmax};
use crate::{Error, ParameterInfo, TrainerInfo};

/// The loss must fall by this share to go on.
const TOLERANCE: f64 = 1e-9;
/// The least penalty: without any, separable classes have no finite solution.
const MIN_L2: f64 = 1e-8;

pub(super) static TRAINER: Trainer = Trainer {
    info: TrainerInfo {
        name: "logistic",
        doc: "Logistic regression with L2 penalty; multinomial for more than two classes. Fitted by Newton's method, or L-BFGS for more than two classes.",
        tasks: CLASSIFICATION,
        parameters: &[
            ParameterInfo::number(
                "l2",
                (0.0, 1e9),
                1.0,
                "the penalty on squared weights of scaled inputs",
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
    let (solution, is_converged) = if n_targets == 1 {
        binary(job)?
    } else {
        multinomial(job)?
    };
    // The solution is column by class; the bias is the last line.
    let (weights, bias) = solution.split_at(solution.len() - n_targets);
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

fn binary(job: &mut Job<'_>) -> Result<(Vec<f64>, bool), Error> {
    let (design, iterations) = (job.design, job.parameters.integer("iterations"));
    let l2 = job.parameters.number("l2").max(MIN_L2);
    let mut solution = vec![0.0; design.n_columns + 1];
    let mut loss = binary_loss(job, &solution, l2);
    for step in 1..=iterations {
        let mut weights = Vec::with_capacity(design.n_rows);
        let mut targets = Vec::with_capacity(design.n_rows);
        for (row, score) in scores(design, &solution).into_iter().enumerate() {
            let probability = 1.0 / (1.0 + (-score).exp());
            let curvature = (probability * (1.0 - probability)).max(1e-6);
            weights.push(curvature * job.row_weights[row]);
            targets.push(score + (job.target[row] - probability) / curvature);
        }
        let goal = ridge("logistic", design, (&weights, &targets), l2)?;
        let mut factor = 1.0;
        let (next, next_loss) = loop {
            let pairs = solution.iter().zip(&goal);
            let next: Vec<f64> = pairs.map(|(old, new)| old + factor * (new - old)).collect();
            let next_loss = binary_loss(job, &next, l2);
            if next_loss <= loss || factor < 1e-4 {
                break (next, next_loss);
            }
            factor /= 2.0;
        };
        let is_converged = (loss - next_loss).abs() <= TOLERANCE * loss.abs().max(1e-12);
        (solution, loss) = (next, next_loss);
        job.tell(step, iterations, Some(train_loss(loss, design)))?;
        if is_converged {
            return Ok((solution, true));
        }
    }
    Ok((solution, false))
}

fn train_loss(loss: f64, design: &Design) -> (String, f64) {
    ("train_log_loss".to_owned(), loss / design.n_rows as f64)
}

fn scores(design: &Design, solution: &[f64]) -> Vec<f64> {
    let (weights, bias) = solution.split_at(design.n_columns);
    let rows = design.values.chunks(design.n_columns);
    rows.map(|values| bias[0] + dot(values, weights)).collect()
}

fn dot(left: &[f64], right: &[f64]) -> f64 {
    left.iter()
        .zip(right)
        .map(|(left, right)| left * right)
        .sum()
}

fn binary_loss(job: &Job<'_>, solution: &[f64], l2: f64) -> f64 {
    let weights = &solution[..job.design.n_columns];
    let fit: f64 = scores(job.design, solution)
        .iter()
        .zip(job.target)
        .zip(&job.row_weights)
        .map(|((score, truth), weight)| {
            weight * (score.max(0.0) - score * truth + (-score.abs()).exp().ln_1p())
        })
        .sum();
    fit + l2 / 2.0 * dot(weights, weights)
}

fn multinomial(job: &mut Job<'_>) -> Result<(Vec<f64>, bool), Error> {
    let (design, iterations) = (job.design, job.parameters.integer("iterations"));
    let l2 = job.parameters.number("l2").max(MIN_L2);
    let (target, row_weights, n_classes) = (job.target, job.row_weights.clone(), job.n_classes);
    let start = vec![0.0; (design.n_columns + 1) * n_classes];
    let mut loss = |solution: &[f64], gradient: &mut [f64]| {
        let n_penalised = design.n_columns * n_classes;
        gradient.fill(0.0);
        let mut loss = 0.0;
        for (row, values) in design.values.chunks(design.n_columns).enumerate() {
            let mut scores = solution[n_penalised..].to_vec();
            for (value, weights) in values.iter().zip(solution.chunks(n_classes)) {
                scores
                    .iter_mut()
                    .zip(weights)
                    .for_each(|(score, weight)| *score += value * weight);
            }
            let mut residuals = softmax(&scores);
            let truth = target[row] as usize;
            loss -= row_weights[row] * residuals[truth].max(1e-300).ln();
            residuals[truth] -= 1.0;
            for residual in &mut residuals {
                *residual *= row_weights[row];
            }
            for (value, own) in values
                .iter()
                .chain(&[1.0])
                .zip(gradient.chunks_mut(n_classes))
            {
                own.iter_mut()
                    .zip(&residuals)
                    .for_each(|(own, residual)| *own += value * residual);
            }
        }
        let weights = &solution[..n_penalised];
        gradient
            .iter_mut()
            .zip(weights)
            .for_each(|(own, weight)| *own += l2 * weight);
        loss + l2 / 2.0 * dot(weights, weights)
    };
    let mut tell =
        |step: usize, loss: f64| job.tell(step, iterations, Some(train_loss(loss, design)));
    minimise(start, iterations, &mut loss, &mut tell)
}
