//! Logistic regression with L2 penalty.
//!
//! Two classes: Newton's method as iteratively reweighted least squares, with step halving. More: gradient steps on the
//! softmax with Böhning's bound on the curvature (1992), which needs no line search.

use super::linear::weighted_ridge;
use super::{Job, Trained, shares};
use crate::Error;
use crate::encoder::Design;
use crate::model::{Link, Model, softmax};

/// The loss must fall by this share to go on.
const TOLERANCE: f64 = 1e-9;

pub(super) fn fit(job: &mut Job<'_>) -> Result<Trained, Error> {
    let (model, link, is_converged) = if job.n_classes == 2 {
        binary(job)?
    } else {
        multinomial(job)?
    };
    let Model::Linear { weights, bias } = &model else {
        return Err(Error::Inputs("a logistic model is linear".to_owned()));
    };
    let sizes: Vec<f64> = weights
        .chunks(bias.len())
        .map(|weights| weights.iter().map(|weight| weight.abs()).sum())
        .collect();
    let notes = if is_converged {
        Vec::new()
    } else {
        vec!["logistic regression has not converged: raise `iterations` or `l2`".to_owned()]
    };
    Ok(Trained {
        importances: shares(&sizes),
        model,
        link,
        notes,
    })
}

fn binary(job: &mut Job<'_>) -> Result<(Model, Link, bool), Error> {
    let (design, l2, iterations) = (
        job.design,
        job.parameters.number("l2"),
        job.parameters.integer("iterations"),
    );
    let mut solution = vec![0.0; design.n_columns + 1];
    let mut loss = binary_loss(design, job.target, &solution, l2);
    for step in 1..=iterations {
        let scores = scores(design, &solution);
        let mut weights = Vec::with_capacity(scores.len());
        let mut targets = Vec::with_capacity(scores.len());
        for (score, truth) in scores.iter().zip(job.target) {
            let probability = 1.0 / (1.0 + (-score).exp());
            let weight = (probability * (1.0 - probability)).max(1e-6);
            weights.push(weight);
            targets.push(score + (truth - probability) / weight);
        }
        let goal = weighted_ridge(design, &weights, &targets, l2.max(1e-8))?;
        let mut factor = 1.0;
        let (next, next_loss) = loop {
            let next: Vec<f64> = solution
                .iter()
                .zip(&goal)
                .map(|(old, new)| old + factor * (new - old))
                .collect();
            let next_loss = binary_loss(design, job.target, &next, l2);
            if next_loss <= loss || factor < 1e-4 {
                break (next, next_loss);
            }
            factor /= 2.0;
        };
        let is_converged = (loss - next_loss).abs() <= TOLERANCE * loss.abs().max(1e-12);
        (solution, loss) = (next, next_loss);
        job.tell(
            step,
            iterations,
            Some(("train_log_loss".to_owned(), loss / design.n_rows as f64)),
        )?;
        if is_converged {
            return Ok((linear(&solution, 1), Link::Sigmoid, true));
        }
    }
    Ok((linear(&solution, 1), Link::Sigmoid, false))
}

fn scores(design: &Design, solution: &[f64]) -> Vec<f64> {
    let bias = solution[design.n_columns];
    let row = |values: &[f64]| {
        bias + values
            .iter()
            .zip(solution)
            .map(|(value, weight)| value * weight)
            .sum::<f64>()
    };
    design.values.chunks(design.n_columns).map(row).collect()
}

fn binary_loss(design: &Design, target: &[f64], solution: &[f64], l2: f64) -> f64 {
    let fit: f64 = scores(design, solution)
        .iter()
        .zip(target)
        .map(|(score, truth)| score.max(0.0) - score * truth + (-score.abs()).exp().ln_1p())
        .sum();
    fit + l2 / 2.0
        * solution[..design.n_columns]
            .iter()
            .map(|weight| weight * weight)
            .sum::<f64>()
}

fn multinomial(job: &mut Job<'_>) -> Result<(Model, Link, bool), Error> {
    let (design, n_classes) = (job.design, job.n_classes);
    let (l2, iterations) = (
        job.parameters.number("l2"),
        job.parameters.integer("iterations"),
    );
    let size = design.n_columns + 1;
    let mut solution = vec![0.0; size * n_classes];
    let mut loss = f64::INFINITY;
    for step in 1..=iterations {
        let mut next_loss = 0.0;
        // The residuals of each class are fitted with the constant weights of the bound.
        let mut residuals = vec![vec![0.0; design.n_rows]; n_classes];
        for (row, values) in design.values.chunks(design.n_columns).enumerate() {
            let scores: Vec<f64> = (0..n_classes)
                .map(|class| {
                    let own = &solution[class * size..(class + 1) * size];
                    own[design.n_columns]
                        + values
                            .iter()
                            .zip(own)
                            .map(|(value, weight)| value * weight)
                            .sum::<f64>()
                })
                .collect();
            let probabilities = softmax(&scores);
            let truth = job.target[row] as usize;
            next_loss -= probabilities[truth].max(1e-300).ln();
            for class in 0..n_classes {
                let residual = f64::from(u8::from(class == truth)) - probabilities[class];
                residuals[class][row] = scores[class] + 2.0 * residual;
            }
        }
        next_loss += l2 / 2.0 * solution.iter().map(|weight| weight * weight).sum::<f64>();
        let is_converged = (loss - next_loss).abs() <= 1e-6 * next_loss.abs();
        loss = next_loss;
        job.tell(
            step,
            iterations,
            Some(("train_log_loss".to_owned(), loss / design.n_rows as f64)),
        )?;
        if is_converged {
            return Ok((
                linear(&transposed(&solution, size, n_classes), n_classes),
                Link::Softmax,
                true,
            ));
        }
        let weights = vec![0.5; design.n_rows];
        for class in 0..n_classes {
            let own = weighted_ridge(design, &weights, &residuals[class], l2.max(1e-8))?;
            solution[class * size..(class + 1) * size].copy_from_slice(&own);
        }
    }
    Ok((
        linear(&transposed(&solution, size, n_classes), n_classes),
        Link::Softmax,
        false,
    ))
}

/// From class by column to column by class.
fn transposed(solution: &[f64], size: usize, n_classes: usize) -> Vec<f64> {
    (0..size)
        .flat_map(|at| (0..n_classes).map(move |class| solution[class * size + at]))
        .collect()
}

/// Splits the solution into weights and bias; the bias is the last line.
fn linear(solution: &[f64], n_targets: usize) -> Model {
    let at = solution.len() - n_targets;
    Model::Linear {
        weights: solution[..at].to_vec(),
        bias: solution[at..].to_vec(),
    }
}
