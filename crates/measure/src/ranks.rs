//! Scores of how well probabilities rank the rows.

use everloop_domain::Task;

use crate::steps::Steps;
use crate::{Error, Outcomes};

/// How the rankings of several classes become one number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ClassAverage {
    Macro,
    /// By how often a class occurs in the truth.
    Weighted,
    /// All pairs of row and class in one ranking.
    Micro,
}

/// The area under the ROC curve: the chance that a positive row is ranked above a negative one, ties counting half
/// (Hanley and McNeil 1982). Multiclass: of one class against the rest.
pub(crate) fn roc_auc(outcomes: &Outcomes<'_>, average: ClassAverage) -> Result<f64, Error> {
    averaged(outcomes, "roc_auc", average, |steps| {
        (steps.n_positive() > 0.0 && steps.n_negative() > 0.0).then(|| steps.roc_area())
    })
}

/// The mean precision over the positive rows at their places in the ranking. Multiclass: of one class against the
/// rest.
pub(crate) fn average_precision(
    outcomes: &Outcomes<'_>,
    average: ClassAverage,
) -> Result<f64, Error> {
    averaged(outcomes, "average_precision", average, |steps| {
        (steps.n_positive() > 0.0).then(|| steps.average_precision())
    })
}

/// The area under the precision-recall curve by trapezoids, which is too kind between points: `average_precision` is
/// not (Davis and Goadrich 2006).
pub(crate) fn pr_auc(outcomes: &Outcomes<'_>) -> Result<f64, Error> {
    averaged(outcomes, "pr_auc", ClassAverage::Macro, |steps| {
        (steps.n_positive() > 0.0).then(|| steps.precision_recall_area())
    })
}

/// The greatest distance of the distributions of the probability in positive and negative rows (Kolmogorov-Smirnov).
pub(crate) fn ks(outcomes: &Outcomes<'_>) -> Result<f64, Error> {
    averaged(outcomes, "ks", ClassAverage::Macro, |steps| {
        let (n_positive, n_negative) = (steps.n_positive(), steps.n_negative());
        let distances = steps.points().map(|point| {
            (point.true_positive / n_positive - point.false_positive / n_negative).abs()
        });
        (n_positive > 0.0 && n_negative > 0.0).then(|| distances.fold(0.0, f64::max))
    })
}

/// The area under the ROC curve of each pair of classes among their own rows (Hand and Till 2001), averaged plainly or
/// by how often the pair occurs.
pub(crate) fn roc_auc_of_pairs(outcomes: &Outcomes<'_>, is_weighted: bool) -> Result<f64, Error> {
    let metric = if is_weighted {
        "roc_auc_ovo_weighted"
    } else {
        "roc_auc_ovo"
    };
    let probabilities = outcomes.probabilities(metric)?;
    let mut rows_of_class: Vec<Vec<usize>> = vec![Vec::new(); outcomes.n_classes];
    for (row, class) in outcomes.truth.iter().enumerate() {
        rows_of_class[*class as usize].push(row);
    }
    if rows_of_class.len() < 2 || rows_of_class.iter().any(Vec::is_empty) {
        let n_rows = outcomes.n_rows();
        return Err(Error::OneClass { metric, n_rows });
    }
    let area = |positive: usize, negative: usize| {
        let rows = |class: usize| rows_of_class[class].iter().map(move |row| (*row, class));
        let both = rows(positive).chain(rows(negative));
        Steps::of(both.map(|(row, class)| {
            let score = outcomes.probability(probabilities, row, positive);
            (score, class == positive, 1.0)
        }))
        .roc_area()
    };
    let (mut sum, mut total) = (0.0, 0.0);
    for second in 1..outcomes.n_classes {
        for first in 0..second {
            let n_rows = rows_of_class[first].len() + rows_of_class[second].len();
            let weight = if is_weighted { n_rows as f64 } else { 1.0 };
            sum += weight * f64::midpoint(area(first, second), area(second, first));
            total += weight;
        }
    }
    Ok(sum / total)
}

/// The steps of a binary ranking.
pub(crate) fn binary_steps(outcomes: &Outcomes<'_>, metric: &'static str) -> Result<Steps, Error> {
    let probabilities = outcomes.probabilities(metric)?;
    Ok(steps_of_class(outcomes, probabilities, 1))
}

fn steps_of_class(outcomes: &Outcomes<'_>, probabilities: &[f64], class: usize) -> Steps {
    Steps::of((0..outcomes.n_rows()).map(|row| {
        (
            outcomes.probability(probabilities, row, class),
            outcomes.truth[row] == class as f64,
            outcomes.weight(row),
        )
    }))
}

fn averaged(
    outcomes: &Outcomes<'_>,
    metric: &'static str,
    average: ClassAverage,
    number: impl Fn(&Steps) -> Option<f64>,
) -> Result<f64, Error> {
    let probabilities = outcomes.probabilities(metric)?;
    let one_class = Error::OneClass {
        metric,
        n_rows: outcomes.n_rows(),
    };
    if outcomes.task == Task::Binary {
        return number(&steps_of_class(outcomes, probabilities, 1)).ok_or(one_class);
    }
    if average == ClassAverage::Micro {
        let cells = (0..probabilities.len()).map(|cell| {
            let (row, class) = (cell / outcomes.n_classes, cell % outcomes.n_classes);
            let is_positive = outcomes.truth[row] == class as f64;
            (probabilities[cell], is_positive, outcomes.weight(row))
        });
        return number(&Steps::of(cells)).ok_or(one_class);
    }
    let (mut sum, mut total) = (0.0, 0.0);
    for class in 0..outcomes.n_classes {
        let steps = steps_of_class(outcomes, probabilities, class);
        let Some(value) = number(&steps) else {
            return Err(one_class);
        };
        let weight = match average {
            ClassAverage::Weighted => steps.n_positive(),
            ClassAverage::Macro | ClassAverage::Micro => 1.0,
        };
        sum += weight * value;
        total += weight;
    }
    if total > 0.0 {
        Ok(sum / total)
    } else {
        Err(one_class)
    }
}
