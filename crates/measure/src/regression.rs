//! Scores of predicted numbers.

use crate::outcomes::within;
use crate::{Error, Outcomes};

/// Mean squared error, in the target's unit squared.
pub(crate) fn mse(outcomes: &Outcomes<'_>) -> f64 {
    outcomes.mean(|truth, predicted| (truth - predicted).powi(2))
}

/// Mean absolute error, in the target's unit.
pub(crate) fn mae(outcomes: &Outcomes<'_>) -> f64 {
    outcomes.mean(|truth, predicted| (truth - predicted).abs())
}

/// The greatest absolute error, in the target's unit.
pub(crate) fn max_error(outcomes: &Outcomes<'_>) -> f64 {
    let pairs = outcomes.truth.iter().zip(outcomes.predicted);
    pairs
        .map(|(truth, predicted)| (truth - predicted).abs())
        .fold(0.0, f64::max)
}

/// The mean of the errors as shares of the truth. A truth of 0 counts as the machine epsilon, as in scikit-learn, so
/// that the number becomes huge: `smape` and `wape` are for such targets.
pub(crate) fn mape(outcomes: &Outcomes<'_>) -> f64 {
    outcomes.mean(|truth, predicted| (truth - predicted).abs() / truth.abs().max(f64::EPSILON))
}

/// The mean of the errors as shares of the mean of truth and prediction, 0 to 2; 0 where both are 0 (Makridakis 1993).
pub(crate) fn smape(outcomes: &Outcomes<'_>) -> f64 {
    outcomes.mean(|truth, predicted| {
        let size = truth.abs() + predicted.abs();
        if size > 0.0 {
            2.0 * (truth - predicted).abs() / size
        } else {
            0.0
        }
    })
}

/// The sum of the errors as a share of the sum of the truth, both without signs.
pub(crate) fn wape(outcomes: &Outcomes<'_>) -> Result<f64, Error> {
    let size = outcomes.mean(|truth, _| truth.abs());
    if size > 0.0 {
        return Ok(mae(outcomes) / size);
    }
    Err(Error::Undefined {
        metric: "wape",
        why: "the truth is 0 in all rows",
    })
}

/// The mean squared difference of `ln(1 + value)`.
pub(crate) fn msle(outcomes: &Outcomes<'_>) -> Result<f64, Error> {
    let lies_there = |value: f64| value > -1.0;
    within("the truth", outcomes.truth, "more than -1", lies_there)?;
    within(
        "the prediction",
        outcomes.predicted,
        "more than -1",
        lies_there,
    )?;
    Ok(outcomes.mean(|truth, predicted| (truth.ln_1p() - predicted.ln_1p()).powi(2)))
}

/// The share of the variance that is explained. For a constant truth it is 1 if the predictions are exact and 0
/// otherwise, as in scikit-learn.
pub(crate) fn r2(outcomes: &Outcomes<'_>) -> f64 {
    let centre = outcomes.mean(|truth, _| truth);
    explained(
        mse(outcomes),
        outcomes.mean(|truth, _| (truth - centre).powi(2)),
    )
}

/// As `r2`, but a constant error is forgiven.
pub(crate) fn explained_variance(outcomes: &Outcomes<'_>) -> f64 {
    let centre = outcomes.mean(|truth, _| truth);
    let bias = outcomes.mean(|truth, predicted| truth - predicted);
    explained(
        outcomes.mean(|truth, predicted| (truth - predicted - bias).powi(2)),
        outcomes.mean(|truth, _| (truth - centre).powi(2)),
    )
}

/// How much less the loss is than that of the best constant; with a constant that loses nothing, 1 if the
/// predictions do so, too, and 0 otherwise.
pub(crate) fn explained(loss: f64, of_constant: f64) -> f64 {
    match (of_constant > 0.0, loss > 0.0) {
        (true, _) => 1.0 - loss / of_constant,
        (false, true) => 0.0,
        (false, false) => 1.0,
    }
}

#[cfg(test)]
mod tests {
    use everloop_domain::Task;

    use crate::{Error, Metric, Outcomes, score};

    fn measured(metric: &str, truth: &[f64], predicted: &[f64]) -> Result<f64, Error> {
        let outcomes = Outcomes {
            task: Task::Regression,
            truth,
            predicted,
            probabilities: None,
            n_classes: 0,
            weights: None,
        };
        score(Metric::parse(metric).unwrap(), &outcomes)
    }

    #[track_caller]
    fn check(metric: &str, truth: &[f64], predicted: &[f64], expected: f64) {
        let found = measured(metric, truth, predicted).unwrap();
        assert!(
            (found - expected).abs() < 1e-12,
            "{metric}: {found}, expected {expected}"
        );
    }

    #[test]
    fn errors_are_averaged() {
        let (truth, predicted) = ([3.0, -0.5, 2.0, 7.0], [2.5, 0.0, 2.0, 8.0]);
        check("mse", &truth, &predicted, 0.375);
        check("rmse", &truth, &predicted, 0.375_f64.sqrt());
        check("mae", &truth, &predicted, 0.5);
        check("max_error", &truth, &predicted, 1.0);
        check("wape", &truth, &predicted, 2.0 / 12.5);
        check("r2", &truth, &predicted, 0.948_608_137_044_967_9);
    }

    #[test]
    fn a_constant_truth_has_no_variance_to_explain() {
        check("r2", &[1.0, 1.0], &[1.0, 1.0], 1.0);
        check("r2", &[1.0, 1.0], &[1.0, 2.0], 0.0);
        check("explained_variance", &[1.0, 1.0], &[3.0, 3.0], 1.0);
    }

    #[test]
    fn nothing_off_nothing_is_no_error() {
        check("smape", &[0.0, 1.0], &[0.0, 3.0], 0.5);
        check("smape", &[0.0], &[5.0], 2.0);
    }

    #[test]
    fn what_is_not_defined_names_the_row() {
        let say = |metric, truth: &[f64], predicted: &[f64]| {
            measured(metric, truth, predicted).unwrap_err().to_string()
        };
        assert_eq!(
            say("msle", &[0.0, -1.0], &[0.0, 0.0]),
            "row 2: the truth is -1, expected more than -1"
        );
        assert_eq!(
            say("poisson_deviance", &[0.0, 1.0], &[0.0, 1.0]),
            "row 1: the prediction is 0, expected more than 0"
        );
        assert_eq!(
            say("wape", &[0.0], &[1.0]),
            "wape is not defined: the truth is 0 in all rows"
        );
        assert_eq!(
            say("mse", &[1e300], &[-1e300]),
            "mse is not defined: its value is beyond what a number can hold"
        );
    }
}
