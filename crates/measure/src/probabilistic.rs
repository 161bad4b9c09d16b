//! Scores of predicted probabilities.

use everloop_domain::Task;

use crate::regression::explained;
use crate::tally::ratio;
use crate::{Error, Outcomes};

/// The mean negative log-likelihood in nats; probabilities are kept away from 0 and 1 by the machine epsilon, as in
/// scikit-learn.
pub(crate) fn log_loss(outcomes: &Outcomes<'_>) -> Result<f64, Error> {
    let probabilities = outcomes.probabilities("log_loss")?;
    Ok(mean_of_rows(outcomes, |row| {
        let class = outcomes.truth[row] as usize;
        surprise(outcomes, probabilities, row, class)
    }))
}

/// The log loss of each row.
pub(crate) fn log_losses(outcomes: &Outcomes<'_>) -> Result<Vec<f64>, Error> {
    let probabilities = outcomes.probabilities("log_loss")?;
    Ok((0..outcomes.n_rows())
        .map(|row| surprise(outcomes, probabilities, row, outcomes.truth[row] as usize))
        .collect())
}

/// How much less the log loss is than that of the shares of the classes.
pub(crate) fn d2_log_loss(outcomes: &Outcomes<'_>) -> Result<f64, Error> {
    let shares = shares(outcomes);
    let of_constant = mean_of_rows(outcomes, |row| {
        -clipped(shares[outcomes.truth[row] as usize]).ln()
    });
    Ok(explained(log_loss(outcomes)?, of_constant))
}

/// The mean squared distance of the probability from what was true (Brier 1950): binary, of the positive class;
/// multiclass, summed over the classes.
pub(crate) fn brier(outcomes: &Outcomes<'_>) -> Result<f64, Error> {
    let probabilities = outcomes.probabilities("brier")?;
    Ok(squares(outcomes, |row, class| {
        outcomes.probability(probabilities, row, class)
    }))
}

/// How much less the Brier score is than that of the shares of the classes: the Brier skill score.
pub(crate) fn d2_brier(outcomes: &Outcomes<'_>) -> Result<f64, Error> {
    let shares = shares(outcomes);
    let of_constant = squares(outcomes, |_, class| shares[class]);
    Ok(explained(brier(outcomes)?, of_constant))
}

/// The share of rows whose class is among the `k` most probable ones; of equally probable classes the later one comes
/// first, as in scikit-learn. With as many classes as `k` or fewer it is 1.
pub(crate) fn top_k_accuracy(outcomes: &Outcomes<'_>, k: usize) -> Result<f64, Error> {
    let probabilities = outcomes.probabilities("top_k_accuracy")?;
    Ok(mean_of_rows(outcomes, |row| {
        let of_row = &probabilities[row * outcomes.n_classes..(row + 1) * outcomes.n_classes];
        let truth = outcomes.truth[row] as usize;
        let n_before = of_row
            .iter()
            .enumerate()
            .filter(|(class, other)| {
                **other > of_row[truth] || (**other == of_row[truth] && *class > truth)
            })
            .count();
        f64::from(u8::from(n_before < k))
    }))
}

fn clipped(probability: f64) -> f64 {
    probability.clamp(f64::EPSILON, 1.0 - f64::EPSILON)
}

fn surprise(outcomes: &Outcomes<'_>, probabilities: &[f64], row: usize, class: usize) -> f64 {
    if outcomes.task == Task::Binary {
        let positive = clipped(probabilities[row]);
        return -(if class == 1 { positive } else { 1.0 - positive }).ln();
    }
    -clipped(outcomes.probability(probabilities, row, class)).ln()
}

fn squares(outcomes: &Outcomes<'_>, probability: impl Fn(usize, usize) -> f64) -> f64 {
    let classes = match outcomes.task {
        Task::Multiclass => 0..outcomes.n_classes,
        _ => 1..2,
    };
    mean_of_rows(outcomes, |row| {
        let truth = outcomes.truth[row] as usize;
        let square = |class: usize| {
            let was_true = f64::from(u8::from(class == truth));
            (was_true - probability(row, class)).powi(2)
        };
        classes.clone().map(square).sum()
    })
}

/// The share of each class in the truth.
fn shares(outcomes: &Outcomes<'_>) -> Vec<f64> {
    let mut shares = vec![0.0; outcomes.width()];
    let total = outcomes.total_weight();
    for row in 0..outcomes.n_rows() {
        shares[outcomes.truth[row] as usize] += outcomes.weight(row);
    }
    for share in &mut shares {
        *share = ratio(*share, total);
    }
    shares
}

fn mean_of_rows(outcomes: &Outcomes<'_>, number: impl Fn(usize) -> f64) -> f64 {
    let sum: f64 = (0..outcomes.n_rows())
        .map(|row| outcomes.weight(row) * number(row))
        .sum();
    sum / outcomes.total_weight()
}
