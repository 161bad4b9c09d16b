//! What is minimised, and its gradient.

use everloop_domain::Task;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Loss {
    /// Half the squared error of scaled values.
    Squared,
    /// The log loss of a score that is log odds.
    Logistic,
    /// The log loss of scores that are log probabilities up to a constant.
    Softmax,
}

impl Loss {
    pub(super) fn of(task: Task) -> Self {
        match task {
            Task::Binary => Self::Logistic,
            Task::Multiclass => Self::Softmax,
            _ => Self::Squared,
        }
    }

    /// The sum of the losses of rows times their weights; turns their scores into its gradient times `factor`.
    pub(super) fn derive(
        self,
        scores: &mut [f32],
        goals: &[f32],
        weights: &[f32],
        factor: f32,
    ) -> f64 {
        let n_scores = scores.len() / goals.len().max(1);
        let rows = scores
            .chunks_exact_mut(n_scores.max(1))
            .zip(goals)
            .zip(weights);
        let mut sum = 0.0;
        for ((scores, &goal), &weight) in rows {
            let loss = match self {
                Self::Squared => {
                    scores[0] -= goal;
                    f64::from(scores[0]).powi(2) / 2.0
                }
                Self::Logistic => {
                    let score = f64::from(scores[0]);
                    let power = (-score.abs()).exp();
                    let probability = if score < 0.0 { power } else { 1.0 } / (1.0 + power);
                    scores[0] = (probability - f64::from(goal)) as f32;
                    score.max(0.0) - score * f64::from(goal) + power.ln_1p()
                }
                Self::Softmax => softmax(scores, goal as usize),
            };
            // Rows that do not count may have a goal that is none.
            if weight > 0.0 {
                sum += f64::from(weight) * loss;
            }
            for score in scores {
                *score *= weight * factor;
            }
        }
        sum
    }

    /// The loss of a row as people know it, of the mean loss: the root mean square error in the target's unit, or the log
    /// loss.
    pub(super) fn shown(self, mean: f64, deviation: f64) -> f64 {
        match self {
            Self::Squared => (2.0 * mean).sqrt() * deviation,
            Self::Logistic | Self::Softmax => mean,
        }
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Squared => "rmse",
            Self::Logistic | Self::Softmax => "log_loss",
        }
    }
}

/// The log loss of a row; its scores become the gradient.
fn softmax(scores: &mut [f32], class: usize) -> f64 {
    let greatest = scores.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let own = f64::from(scores[class] - greatest);
    let mut sum = 0.0;
    for score in scores.iter_mut() {
        *score = (*score - greatest).exp();
        sum += f64::from(*score);
    }
    for score in scores.iter_mut() {
        *score = (f64::from(*score) / sum) as f32;
    }
    scores[class] -= 1.0;
    sum.ln() - own
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The gradient is how the loss changes with each score.
    #[track_caller]
    fn check(loss: Loss, scores: &[f32], goals: &[f32], weights: &[f32]) {
        let value = |scores: &[f32]| loss.derive(&mut scores.to_vec(), goals, weights, 1.0);
        let mut gradient = scores.to_vec();
        loss.derive(&mut gradient, goals, weights, 2.0);
        for at in 0..scores.len() {
            let (mut more, mut less) = (scores.to_vec(), scores.to_vec());
            more[at] += 1e-2;
            less[at] -= 1e-2;
            let slope = (value(&more) - value(&less)) / f64::from(more[at] - less[at]);
            let found = f64::from(gradient[at]) / 2.0;
            assert!((found - slope).abs() < 1e-3, "{loss:?}: {found} {slope}");
        }
    }

    #[test]
    fn gradients_are_slopes() {
        check(Loss::Squared, &[0.5, -2.0], &[1.0, 0.0], &[1.0, 3.0]);
        check(Loss::Logistic, &[0.5, -2.0], &[1.0, 1.0], &[1.0, 0.5]);
        check(
            Loss::Softmax,
            &[0.5, -2.0, 1.0, 0.0, 0.1, 0.2],
            &[2.0, 0.0],
            &[1.0, 0.5],
        );
    }

    #[test]
    fn large_scores_have_a_loss() {
        let sum = Loss::Logistic.derive(&mut [800.0, -800.0], &[0.0, 1.0], &[1.0, 1.0], 1.0);
        assert!((sum - 1600.0).abs() < 1e-6, "{sum}");
        let sum = Loss::Softmax.derive(&mut [800.0, -800.0], &[1.0], &[1.0], 1.0);
        assert!((sum - 1600.0).abs() < 1e-6, "{sum}");
    }

    #[test]
    fn rows_without_weight_do_not_count() {
        let mut scores = [1.0, 2.0];
        assert_eq!(
            Loss::Squared.derive(&mut scores, &[0.0, 0.0], &[0.0, 1.0], 1.0),
            2.0
        );
        assert_eq!(scores, [0.0, 2.0]);
    }
}
