//! Scores of predicted classes.

use everloop_domain::Task;

use crate::{Error, Outcomes};

/// How often a class was predicted rightly and wrongly.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Counts {
    pub(crate) true_positive: f64,
    pub(crate) false_positive: f64,
    pub(crate) false_negative: f64,
    pub(crate) true_negative: f64,
}

fn ratio(part: f64, whole: f64) -> f64 {
    if whole > 0.0 { part / whole } else { 0.0 }
}

impl Counts {
    pub(crate) fn of(outcomes: &Outcomes<'_>, class: usize) -> Self {
        let class = class as f64;
        let mut counts = Self::default();
        for (truth, predicted) in outcomes.truth.iter().zip(outcomes.predicted) {
            match (*truth == class, *predicted == class) {
                (true, true) => counts.true_positive += 1.0,
                (false, true) => counts.false_positive += 1.0,
                (true, false) => counts.false_negative += 1.0,
                (false, false) => counts.true_negative += 1.0,
            }
        }
        counts
    }

    pub(crate) fn precision(&self) -> f64 {
        ratio(self.true_positive, self.true_positive + self.false_positive)
    }

    pub(crate) fn recall(&self) -> f64 {
        ratio(self.true_positive, self.true_positive + self.false_negative)
    }

    pub(crate) fn f1(&self) -> f64 {
        ratio(
            2.0 * self.true_positive,
            2.0 * self.true_positive + self.false_positive + self.false_negative,
        )
    }

    fn occurs(&self) -> bool {
        self.true_positive + self.false_positive + self.false_negative > 0.0
    }
}

/// The share of rows that are predicted rightly.
pub(crate) fn accuracy(outcomes: &Outcomes<'_>) -> f64 {
    let n_right = outcomes
        .truth
        .iter()
        .zip(outcomes.predicted)
        .filter(|(truth, predicted)| truth == predicted)
        .count();
    n_right as f64 / outcomes.n_rows() as f64
}

/// Binary: the score of the positive class. Multiclass: the mean over the classes that occur.
pub(crate) fn average(outcomes: &Outcomes<'_>, score: impl Fn(&Counts) -> f64) -> f64 {
    if outcomes.task == Task::Binary {
        return score(&Counts::of(outcomes, 1));
    }
    let counts: Vec<Counts> = (0..outcomes.n_classes)
        .map(|class| Counts::of(outcomes, class))
        .filter(Counts::occurs)
        .collect();
    counts.iter().map(score).sum::<f64>() / counts.len().max(1) as f64
}

/// The area under the ROC curve: the chance that a positive row is ranked above a negative one, ties counting half
/// (Hanley and McNeil 1982).
pub(crate) fn roc_auc(outcomes: &Outcomes<'_>) -> Result<f64, Error> {
    let probabilities = outcomes.probabilities("roc_auc")?;
    let classes: Vec<usize> = if outcomes.task == Task::Binary {
        vec![1]
    } else {
        (0..outcomes.n_classes).collect()
    };
    let mut areas = Vec::with_capacity(classes.len());
    for class in classes {
        let scores: Vec<(f64, bool)> = (0..outcomes.n_rows())
            .map(|row| {
                (
                    outcomes.probability(probabilities, row, class),
                    outcomes.truth[row] == class as f64,
                )
            })
            .collect();
        areas.push(area(scores).ok_or(Error::OneClass {
            metric: "roc_auc",
            n_rows: outcomes.n_rows(),
        })?);
    }
    Ok(areas.iter().sum::<f64>() / areas.len() as f64)
}

/// The area from the ranks of the positive rows; nothing if one of both kinds is absent.
fn area(mut scores: Vec<(f64, bool)>) -> Option<f64> {
    scores.sort_by(|left, right| left.0.total_cmp(&right.0));
    let n_positive = scores
        .iter()
        .filter(|(_, is_positive)| *is_positive)
        .count() as f64;
    let n_negative = scores.len() as f64 - n_positive;
    let mut rank_sum = 0.0;
    let mut start = 0;
    while start < scores.len() {
        let n_ties = scores[start..]
            .iter()
            .take_while(|(score, _)| *score == scores[start].0)
            .count();
        let mean_rank = start as f64 + f64::midpoint(n_ties as f64, 1.0);
        let n_tied_positive = scores[start..start + n_ties]
            .iter()
            .filter(|(_, is_positive)| *is_positive)
            .count();
        rank_sum += mean_rank * n_tied_positive as f64;
        start += n_ties;
    }
    (n_positive > 0.0 && n_negative > 0.0)
        .then(|| (rank_sum - n_positive * (n_positive + 1.0) / 2.0) / (n_positive * n_negative))
}

/// The mean negative log-likelihood in nats; probabilities are kept away from 0 and 1 by the machine epsilon, as in
/// scikit-learn.
pub(crate) fn log_loss(outcomes: &Outcomes<'_>) -> Result<f64, Error> {
    let probabilities = outcomes.probabilities("log_loss")?;
    let clip = |value: f64| value.clamp(f64::EPSILON, 1.0 - f64::EPSILON);
    let total: f64 = (0..outcomes.n_rows())
        .map(|row| {
            let class = outcomes.truth[row] as usize;
            match outcomes.task {
                Task::Binary => {
                    let positive = clip(probabilities[row]);
                    -(if class == 1 { positive } else { 1.0 - positive }).ln()
                }
                _ => -clip(outcomes.probability(probabilities, row, class)).ln(),
            }
        })
        .sum();
    Ok(total / outcomes.n_rows() as f64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Metric, score};

    #[track_caller]
    fn check(metric: Metric, outcomes: &Outcomes<'_>, expected: f64) {
        let found = score(metric, outcomes).unwrap();
        assert!(
            (found - expected).abs() < 1e-12,
            "{metric:?}: {found}, expected {expected}"
        );
    }

    // Expected values by scikit-learn 1.9.
    #[test]
    fn binary_scores_are_of_the_positive_class() {
        let outcomes = Outcomes {
            task: Task::Binary,
            truth: &[0.0, 0.0, 1.0, 1.0, 1.0],
            predicted: &[0.0, 1.0, 1.0, 1.0, 0.0],
            probabilities: Some(&[0.1, 0.6, 0.35, 0.8, 0.35]),
            n_classes: 2,
        };
        check(Metric::Accuracy, &outcomes, 0.6);
        check(Metric::Precision, &outcomes, 2.0 / 3.0);
        check(Metric::Recall, &outcomes, 2.0 / 3.0);
        check(Metric::F1, &outcomes, 2.0 / 3.0);
        check(Metric::RocAuc, &outcomes, 4.0 / 6.0);
        check(Metric::LogLoss, &outcomes, 0.668_887_809_568_709_3);
    }

    #[test]
    fn multiclass_scores_are_macro_averages() {
        let outcomes = Outcomes {
            task: Task::Multiclass,
            truth: &[0.0, 1.0, 2.0, 2.0],
            predicted: &[0.0, 2.0, 2.0, 2.0],
            probabilities: Some(&[0.8, 0.1, 0.1, 0.3, 0.3, 0.4, 0.1, 0.1, 0.8, 0.2, 0.2, 0.6]),
            n_classes: 3,
        };
        check(Metric::Accuracy, &outcomes, 0.75);
        check(Metric::Precision, &outcomes, (1.0 + 0.0 + 2.0 / 3.0) / 3.0);
        check(Metric::Recall, &outcomes, 2.0 / 3.0);
        check(Metric::F1, &outcomes, 0.6);
        check(Metric::RocAuc, &outcomes, 1.0);
    }

    #[test]
    fn one_class_has_no_ranking() {
        let outcomes = Outcomes {
            task: Task::Binary,
            truth: &[1.0, 1.0],
            predicted: &[1.0, 1.0],
            probabilities: Some(&[0.2, 0.9]),
            n_classes: 2,
        };
        let error = score(Metric::RocAuc, &outcomes).unwrap_err();
        assert_eq!(
            error.to_string(),
            "roc_auc needs rows of at least two classes; all 2 rows are of one"
        );
    }

    #[test]
    fn certainty_costs_no_infinity() {
        let outcomes = Outcomes {
            task: Task::Binary,
            truth: &[1.0],
            predicted: &[0.0],
            probabilities: Some(&[0.0]),
            n_classes: 2,
        };
        assert!(score(Metric::LogLoss, &outcomes).unwrap().is_finite());
    }

    #[test]
    fn what_cannot_be_scored_is_said() {
        let outcomes = |truth, predicted| Outcomes {
            task: Task::Binary,
            truth,
            predicted,
            probabilities: None,
            n_classes: 2,
        };
        let say = |metric, truth, predicted| {
            score(metric, &outcomes(truth, predicted))
                .unwrap_err()
                .to_string()
        };
        assert_eq!(
            say(Metric::Accuracy, &[], &[]),
            "accuracy needs rows, there are none"
        );
        assert_eq!(
            say(Metric::Accuracy, &[1.0], &[]),
            "truth and predictions differ in length: 1 and 0"
        );
        assert_eq!(
            say(Metric::Accuracy, &[1.0, f64::NAN], &[1.0, 1.0]),
            "row 2: the truth is NaN"
        );
        assert_eq!(
            say(Metric::RocAuc, &[1.0], &[1.0]),
            "roc_auc needs probabilities, and the model gives none"
        );
        assert_eq!(
            say(Metric::Rmse, &[1.0], &[1.0]),
            "rmse does not suit a binary task"
        );
    }
}
