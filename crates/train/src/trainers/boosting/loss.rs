//! Losses of boosting: where it starts, first and second derivatives, and what leaves are.

use everloop_domain::Task;

use crate::model::{Link, softmax};
use crate::trainers::Job;
use crate::{Error, ParameterInfo};

pub(super) const LOSS: ParameterInfo = ParameterInfo::choice(
    "loss",
    &["squared", "absolute", "huber", "quantile", "poisson"],
    "what a regression makes small; classification takes the log loss",
);
pub(super) const ALPHA: ParameterInfo = ParameterInfo::number(
    "alpha",
    (0.001, 0.999),
    0.5,
    "the quantile that `loss: quantile` predicts",
);
pub(super) const DELTA: ParameterInfo = ParameterInfo::number(
    "delta",
    (1e-9, 1e12),
    1.0,
    "the error from which on `loss: huber` grows in a line, in units of the target",
);

/// What is made small.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Loss {
    Squared,
    /// The pinball loss of a quantile; half of the absolute error for the median.
    Quantile(f64),
    Huber(f64),
    Poisson,
    /// Of two classes.
    Logistic,
    /// Of many classes.
    Softmax,
}

impl Loss {
    pub(super) fn of(job: &Job<'_>) -> Result<Self, Error> {
        let loss = match job.task {
            Task::Binary => Self::Logistic,
            Task::Multiclass => Self::Softmax,
            _ => match job.parameters.integer(LOSS.name) {
                1 => Self::Quantile(0.5),
                2 => Self::Huber(job.parameters.number(DELTA.name)),
                3 => Self::Quantile(job.parameters.number(ALPHA.name)),
                4 => Self::Poisson,
                _ => Self::Squared,
            },
        };
        let negative = job.target.iter().position(|value| *value < 0.0);
        if let (Self::Poisson, Some(row)) = (loss, negative) {
            return Err(Error::Inputs(format!(
                "`loss: poisson` counts events, row {} of the target is {}; choose another loss",
                row + 1,
                job.target[row]
            )));
        }
        Ok(loss)
    }

    pub(super) fn link(self) -> Link {
        match self {
            Self::Logistic => Link::Sigmoid,
            Self::Softmax => Link::Softmax,
            Self::Poisson => Link::Exponential,
            _ => Link::Identity,
        }
    }

    /// The name of the mean loss among metrics.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Squared => "rmse",
            Self::Quantile(0.5) => "mae",
            Self::Quantile(_) => "pinball_loss",
            Self::Huber(_) => "huber_loss",
            Self::Poisson => "poisson_deviance",
            Self::Logistic | Self::Softmax => "log_loss",
        }
    }

    /// Where boosting starts: the best constant.
    pub(super) fn base(self, job: &Job<'_>) -> Vec<f64> {
        let count: f64 = job.row_weights.iter().sum();
        let rows = || job.target.iter().zip(&job.row_weights);
        let mean = rows().map(|(truth, weight)| truth * weight).sum::<f64>() / count;
        match self {
            Self::Squared => vec![mean],
            Self::Huber(_) => vec![quantile(rows().map(pair).collect(), 0.5)],
            Self::Quantile(alpha) => vec![quantile(rows().map(pair).collect(), alpha)],
            Self::Poisson => vec![mean.max(1e-9).ln()],
            Self::Logistic => vec![(mean / (1.0 - mean)).ln()],
            Self::Softmax => {
                let mut shares = vec![0.0; job.n_classes];
                rows().for_each(|(class, weight)| shares[*class as usize] += weight / count);
                shares.into_iter().map(f64::ln).collect()
            }
        }
    }

    /// Gradient and second derivative of a row by target.
    #[inline]
    pub(super) fn derivatives(
        self,
        scores: &[f64],
        truth: f64,
        mut put: impl FnMut(usize, f64, f64),
    ) {
        let error = scores[0] - truth;
        match self {
            Self::Squared => put(0, error, 1.0),
            Self::Quantile(alpha) => put(0, if error > 0.0 { 1.0 - alpha } else { -alpha }, 1.0),
            Self::Huber(delta) => put(0, error.clamp(-delta, delta), 1.0),
            Self::Poisson => {
                let mean = scores[0].exp();
                put(0, mean - truth, mean);
            }
            Self::Logistic => {
                let probability = 1.0 / (1.0 + (-scores[0]).exp());
                put(0, probability - truth, curvature(probability));
            }
            Self::Softmax => {
                // The scores of all classes move at once, so each has to move less (Friedman 2001, as LightGBM has it).
                let n_classes = scores.len() as f64;
                let factor = n_classes / (n_classes - 1.0).max(1.0);
                for (class, probability) in softmax(scores).into_iter().enumerate() {
                    let hit = f64::from(u8::from(class == truth as usize));
                    put(class, probability - hit, factor * curvature(probability));
                }
            }
        }
    }

    /// The quantile of errors that leaves are, where means of derivatives tell too little of them.
    pub(super) fn quantile_of_leaves(self) -> Option<f64> {
        match self {
            Self::Quantile(alpha) => Some(alpha),
            _ => None,
        }
    }

    /// The loss of a row.
    pub(super) fn of_row(self, scores: &[f64], truth: f64) -> f64 {
        let error = scores[0] - truth;
        match self {
            Self::Squared => error * error,
            Self::Quantile(0.5) => error.abs(),
            Self::Quantile(alpha) => (error * (1.0 - alpha)).max(-error * alpha),
            Self::Huber(delta) if error.abs() > delta => delta * (error.abs() - delta / 2.0),
            Self::Huber(_) => error * error / 2.0,
            Self::Poisson => {
                let log_ratio = if truth > 0.0 {
                    truth * (truth.ln() - scores[0])
                } else {
                    0.0
                };
                2.0 * (log_ratio - truth + scores[0].exp())
            }
            Self::Logistic => {
                scores[0].max(0.0) - scores[0] * truth + (-scores[0].abs()).exp().ln_1p()
            }
            Self::Softmax => -softmax(scores)[truth as usize].max(1e-300).ln(),
        }
    }

    /// What is told of the mean of losses.
    pub(super) fn of_mean(self, mean: f64) -> f64 {
        if self == Self::Squared {
            mean.sqrt()
        } else {
            mean
        }
    }
}

/// The second derivative of the log loss; never zero, so that every leaf has a value.
fn curvature(probability: f64) -> f64 {
    (probability * (1.0 - probability)).max(1e-16)
}

fn pair((value, weight): (&f64, &f64)) -> (f64, f64) {
    (*value, *weight)
}

/// The quantile of weighted values: the least that has at least the share `alpha` of the weight up to it.
pub(super) fn quantile(mut values: Vec<(f64, f64)>, alpha: f64) -> f64 {
    values.sort_unstable_by(|left, right| left.0.total_cmp(&right.0));
    let goal = alpha * values.iter().map(|(_, weight)| weight).sum::<f64>();
    let mut sum = 0.0;
    for (value, weight) in &values {
        sum += weight;
        if sum >= goal {
            return *value;
        }
    }
    values.last().map_or(0.0, |last| last.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Derivatives against differences of the loss.
    #[track_caller]
    fn check(loss: Loss, scores: &[f64], truth: f64, factor: f64) {
        let mut found = vec![0.0; scores.len()];
        loss.derivatives(scores, truth, |target, gradient, curvature| {
            assert!(curvature > 0.0);
            found[target] = gradient;
        });
        for target in 0..scores.len() {
            let moved = |by: f64| {
                let mut moved = scores.to_vec();
                moved[target] += by;
                loss.of_row(&moved, truth)
            };
            let slope = (moved(1e-6) - moved(-1e-6)) / 2e-6;
            let gradient = found[target] * factor;
            assert!(
                (slope - gradient).abs() < 1e-5,
                "{loss:?} {scores:?}: {slope} {gradient}"
            );
        }
    }

    #[test]
    fn gradients_are_slopes_of_losses() {
        for score in [-1.5, 0.3, 4.0] {
            check(Loss::Squared, &[score], 1.0, 2.0);
            check(Loss::Quantile(0.5), &[score], 1.0, 2.0);
            check(Loss::Quantile(0.9), &[score], 1.0, 1.0);
            check(Loss::Huber(2.0), &[score], 1.0, 1.0);
            check(Loss::Poisson, &[score], 3.0, 2.0);
            check(Loss::Poisson, &[score], 0.0, 2.0);
            check(Loss::Logistic, &[score], 1.0, 1.0);
            check(Loss::Softmax, &[score, 0.5, -0.2], 1.0, 1.0);
        }
    }

    #[test]
    fn quantiles_count_weights() {
        let values = vec![(3.0, 1.0), (1.0, 1.0), (2.0, 1.0), (4.0, 1.0)];
        assert_eq!(quantile(values.clone(), 0.5), 2.0);
        assert_eq!(quantile(values.clone(), 0.51), 3.0);
        assert_eq!(quantile(values, 1.0), 4.0);
        assert_eq!(quantile(vec![(1.0, 9.0), (2.0, 1.0)], 0.9), 1.0);
    }
}
