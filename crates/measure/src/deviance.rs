//! Deviances of the Tweedie family: Poisson (power 1), gamma (2) and what lies between (Jørgensen 1987).

use crate::outcomes::within;
use crate::regression::explained;
use crate::{Error, Outcomes};

/// The mean deviance of a power from 1 to 2.
///
/// Predictions must be positive; truths must not be negative, and for the gamma deviance be positive.
pub(crate) fn tweedie(outcomes: &Outcomes<'_>, power: f64) -> Result<f64, Error> {
    let (truth, predicted) = (outcomes.truth, outcomes.predicted);
    if power < 2.0 {
        within("the truth", truth, "at least 0", |value| value >= 0.0)?;
    } else {
        within("the truth", truth, "more than 0", |value| value > 0.0)?;
    }
    within("the prediction", predicted, "more than 0", |value| {
        value > 0.0
    })?;
    Ok(outcomes.mean(|truth, predicted| of_row(truth, predicted, power)))
}

/// How much less the deviance is than that of the mean of the truth.
pub(crate) fn d2(outcomes: &Outcomes<'_>, power: f64) -> Result<f64, Error> {
    let loss = tweedie(outcomes, power)?;
    let mean = outcomes.mean(|truth, _| truth);
    if mean <= 0.0 {
        return Ok(explained(loss, 0.0));
    }
    let of_constant = outcomes.mean(|truth, _| of_row(truth, mean, power));
    Ok(explained(loss, of_constant))
}

fn of_row(truth: f64, predicted: f64, power: f64) -> f64 {
    if power <= 1.0 {
        let fit = if truth > 0.0 {
            truth * (truth / predicted).ln()
        } else {
            0.0
        };
        return 2.0 * (fit - truth + predicted);
    }
    if power >= 2.0 {
        return 2.0 * ((predicted / truth).ln() + truth / predicted - 1.0);
    }
    let (first, second) = (1.0 - power, 2.0 - power);
    2.0 * (truth.powf(second) / (first * second) - truth * predicted.powf(first) / first
        + predicted.powf(second) / second)
}
