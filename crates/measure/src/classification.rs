//! Scores of predicted classes.

use crate::tally::{Counts, Tally, ratio};
use crate::{Error, Outcomes};

/// The share of rows that are predicted rightly.
pub(crate) fn accuracy(outcomes: &Outcomes<'_>) -> f64 {
    outcomes.mean(|truth, predicted| f64::from(u8::from(truth == predicted)))
}

/// The mean recall of the classes that occur in the truth (Brodersen et al. 2010).
pub(crate) fn balanced_accuracy(outcomes: &Outcomes<'_>) -> f64 {
    let tally = Tally::of(outcomes);
    let recalls: Vec<f64> = tally
        .all()
        .iter()
        .filter(|counts| counts.n_positive() > 0.0)
        .map(Counts::recall)
        .collect();
    recalls.iter().sum::<f64>() / recalls.len() as f64
}

/// Matthews' correlation of truth and prediction, for many classes by Gorodkin (2004); 0 if one of both is constant.
pub(crate) fn matthews(outcomes: &Outcomes<'_>) -> f64 {
    let tally = Tally::of(outcomes);
    let classes = 0..tally.n_classes();
    let (truth, predicted): (Vec<f64>, Vec<f64>) = classes
        .map(|class| (tally.truth(class), tally.predicted(class)))
        .unzip();
    let total = tally.total;
    let of_truth = total * total - dot(&truth, &truth);
    let of_predicted = total * total - dot(&predicted, &predicted);
    let both = of_truth * of_predicted;
    if is_constant(&truth) || is_constant(&predicted) || both <= 0.0 {
        return 0.0;
    }
    (tally.n_right() * total - dot(&truth, &predicted)) / both.sqrt()
}

/// How far apart two classes are for Cohen's kappa.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Distance {
    /// All classes are equally far apart.
    Same,
    /// The classes are ordered: the difference of their indices.
    Linear,
    /// Its square.
    Quadratic,
}

/// Cohen's kappa (1960): agreement beyond what the shares of the classes give by chance; weighted (1968) if the
/// classes are ordered.
pub(crate) fn cohen_kappa(outcomes: &Outcomes<'_>, distance: Distance) -> Result<f64, Error> {
    let tally = Tally::of(outcomes);
    let classes = 0..tally.n_classes();
    let (truth, predicted): (Vec<f64>, Vec<f64>) = classes
        .map(|class| (tally.truth(class), tally.predicted(class)))
        .unzip();
    let total = tally.total;
    let observed = outcomes.mean(|truth, predicted| match distance {
        Distance::Same => f64::from(u8::from(truth != predicted)),
        Distance::Linear => (truth - predicted).abs(),
        Distance::Quadratic => (truth - predicted).powi(2),
    });
    let expected = match distance {
        Distance::Same => total * total - dot(&truth, &predicted),
        Distance::Linear => linear_distance(&truth, &predicted, total),
        Distance::Quadratic => quadratic_distance(&truth, &predicted),
    } / (total * total);
    let is_one_class = is_constant(&truth)
        && is_constant(&predicted)
        && truth.iter().position(|n_rows| *n_rows > 0.0)
            == predicted.iter().position(|n_rows| *n_rows > 0.0);
    if is_one_class || expected <= 0.0 {
        return Err(Error::OneClass {
            metric: "cohen_kappa",
            n_rows: outcomes.n_rows(),
        });
    }
    Ok(1.0 - observed / expected)
}

/// The sum of `truth[i] * predicted[j] * |i - j|`, from how much lies at or below each class.
fn linear_distance(truth: &[f64], predicted: &[f64], total: f64) -> f64 {
    let (mut below_truth, mut below_predicted, mut sum) = (0.0, 0.0, 0.0);
    for (truth, predicted) in truth.iter().zip(predicted) {
        below_truth += truth;
        below_predicted += predicted;
        sum += below_truth * (total - below_predicted) + below_predicted * (total - below_truth);
    }
    sum
}

/// The sum of `truth[i] * predicted[j] * (i - j)^2`, from the moments of both.
fn quadratic_distance(truth: &[f64], predicted: &[f64]) -> f64 {
    let moment = |counts: &[f64], power: i32| -> f64 {
        let terms = counts.iter().enumerate();
        terms
            .map(|(class, count)| count * (class as f64).powi(power))
            .sum()
    };
    moment(truth, 2) * moment(predicted, 0) + moment(truth, 0) * moment(predicted, 2)
        - 2.0 * moment(truth, 1) * moment(predicted, 1)
}

fn dot(left: &[f64], right: &[f64]) -> f64 {
    left.iter().zip(right).map(|(one, other)| one * other).sum()
}

fn is_constant(counts: &[f64]) -> bool {
    counts.iter().filter(|count| **count > 0.0).count() < 2
}

/// The share of negative rows that are predicted positive; 0 without negative rows.
pub(crate) fn false_positive_rate(outcomes: &Outcomes<'_>) -> f64 {
    Tally::of(outcomes).counts(1).false_positive_rate()
}

/// The share of positive rows that are predicted negative; 0 without positive rows.
pub(crate) fn false_negative_rate(outcomes: &Outcomes<'_>) -> f64 {
    let counts = Tally::of(outcomes).counts(1);
    ratio(counts.false_negative, counts.n_positive())
}

/// The share of predicted negatives that are negative; 0 without predicted negatives.
pub(crate) fn negative_predictive_value(outcomes: &Outcomes<'_>) -> f64 {
    let counts = Tally::of(outcomes).counts(1);
    let n_unselected = counts.true_negative + counts.false_negative;
    ratio(counts.true_negative, n_unselected)
}

/// How much a positive prediction raises the odds: recall by the false positive rate.
pub(crate) fn positive_likelihood_ratio(outcomes: &Outcomes<'_>) -> Result<f64, Error> {
    let counts = both_classes(outcomes, "positive_likelihood_ratio")?;
    if counts.false_positive > 0.0 {
        return Ok(counts.recall() / counts.false_positive_rate());
    }
    Err(Error::Undefined {
        metric: "positive_likelihood_ratio",
        why: "no negative row is predicted positive",
    })
}

/// How much a negative prediction lowers the odds: the false negative rate by the specificity.
pub(crate) fn negative_likelihood_ratio(outcomes: &Outcomes<'_>) -> Result<f64, Error> {
    let counts = both_classes(outcomes, "negative_likelihood_ratio")?;
    if counts.true_negative > 0.0 {
        let rate = counts.false_negative / counts.n_positive();
        return Ok(rate / counts.specificity());
    }
    Err(Error::Undefined {
        metric: "negative_likelihood_ratio",
        why: "no negative row is predicted negative",
    })
}

fn both_classes(outcomes: &Outcomes<'_>, metric: &'static str) -> Result<Counts, Error> {
    let counts = Tally::of(outcomes).counts(1);
    if counts.n_positive() > 0.0 && counts.n_negative() > 0.0 {
        Ok(counts)
    } else {
        let n_rows = outcomes.n_rows();
        Err(Error::OneClass { metric, n_rows })
    }
}

/// The confusion matrix: how much (in rows, or in weight) of each class was predicted to be of which class.
///
/// Row by row the true class, column by column the predicted one.
///
/// # Errors
///
/// Fails if the task has no classes, or the outcomes are not sound.
pub fn confusion_matrix(outcomes: &Outcomes<'_>) -> Result<Vec<Vec<f64>>, Error> {
    if !outcomes.task.is_classification() {
        return Err(Error::Task {
            metric: "confusion_matrix",
            task: outcomes.task.as_str(),
        });
    }
    outcomes.check("confusion_matrix")?;
    let n_classes = outcomes.width();
    let mut matrix = vec![vec![0.0; n_classes]; n_classes];
    for row in 0..outcomes.n_rows() {
        let (truth, predicted) = (
            outcomes.truth[row] as usize,
            outcomes.predicted[row] as usize,
        );
        matrix[truth][predicted] += outcomes.weight(row);
    }
    Ok(matrix)
}

#[cfg(test)]
mod tests;
