//! The curves of a binary ranking: what each threshold would find, and what it would find wrongly.

use everloop_domain::Task;
use serde::{Deserialize, Serialize};

use crate::ranks::binary_steps;
use crate::steps::{Point, Steps};
use crate::{Error, Outcomes};

/// A point of the ROC curve.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct RocPoint {
    /// Rows at or above it are predicted positive; nothing where no row is.
    pub threshold: Option<f64>,
    /// The share of negative rows that are predicted positive.
    pub false_positive_rate: f64,
    /// The share of positive rows that are predicted positive.
    pub true_positive_rate: f64,
}

/// A point of the precision-recall curve.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct PrecisionRecallPoint {
    /// Rows at or above it are predicted positive; nothing where no row is.
    pub threshold: Option<f64>,
    /// The share of predicted positives that are positive; 1 where nothing is predicted positive.
    pub precision: f64,
    /// The share of positives that are found.
    pub recall: f64,
}

/// A point of the cumulative gains and lift curves.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct GainsPoint {
    /// Rows at or above it are predicted positive.
    pub threshold: f64,
    /// The share of all rows that is reached.
    pub row_share: f64,
    /// The share of all positives that is found in them.
    pub gain: f64,
    /// How many times more positives they hold than as many rows taken at random.
    pub lift: f64,
}

/// The ROC curve from (0, 0) to (1, 1), without the points that lie on a line between their neighbours.
///
/// # Errors
///
/// Fails if the task is not binary, there are no probabilities, only one class occurs, or the outcomes are not sound.
pub fn roc_curve(outcomes: &Outcomes<'_>) -> Result<Vec<RocPoint>, Error> {
    let steps = checked(outcomes, "roc_curve")?;
    let (n_positive, n_negative) = (steps.n_positive(), steps.n_negative());
    let points: Vec<&Point> = steps.points().collect();
    let mut curve = vec![RocPoint {
        threshold: None,
        false_positive_rate: 0.0,
        true_positive_rate: 0.0,
    }];
    for (index, point) in points.iter().enumerate() {
        let is_between = index > 0
            && index + 1 < points.len()
            && is_straight(points[index - 1], point, points[index + 1]);
        if !is_between {
            curve.push(RocPoint {
                threshold: Some(point.threshold),
                false_positive_rate: point.false_positive / n_negative,
                true_positive_rate: point.true_positive / n_positive,
            });
        }
    }
    Ok(curve)
}

/// The precision-recall curve, from the lowest threshold (recall 1) to the highest, and a last point of precision 1
/// and recall 0.
///
/// # Errors
///
/// Fails if the task is not binary, there are no probabilities, only one class occurs, or the outcomes are not sound.
pub fn precision_recall_curve(outcomes: &Outcomes<'_>) -> Result<Vec<PrecisionRecallPoint>, Error> {
    let steps = checked(outcomes, "precision_recall_curve")?;
    let n_positive = steps.n_positive();
    let points = steps.points().rev().map(|point| PrecisionRecallPoint {
        threshold: Some(point.threshold),
        precision: point.precision(),
        recall: point.true_positive / n_positive,
    });
    let last = PrecisionRecallPoint {
        threshold: None,
        precision: 1.0,
        recall: 0.0,
    };
    Ok(points.chain([last]).collect())
}

/// The cumulative gains and lift curves, from the highest threshold to the lowest.
///
/// # Errors
///
/// Fails if the task is not binary, there are no probabilities, only one class occurs, or the outcomes are not sound.
pub fn gains_curve(outcomes: &Outcomes<'_>) -> Result<Vec<GainsPoint>, Error> {
    let steps = checked(outcomes, "gains_curve")?;
    let n_positive = steps.n_positive();
    let n_rows = n_positive + steps.n_negative();
    Ok(steps
        .points()
        .map(|point| {
            let (row_share, gain) = (
                point.n_selected() / n_rows,
                point.true_positive / n_positive,
            );
            GainsPoint {
                threshold: point.threshold,
                row_share,
                gain,
                lift: gain / row_share,
            }
        })
        .collect())
}

/// The steps of a sound binary ranking of both classes.
pub(crate) fn checked(outcomes: &Outcomes<'_>, metric: &'static str) -> Result<Steps, Error> {
    if outcomes.task != Task::Binary {
        return Err(Error::Task {
            metric,
            task: outcomes.task.as_str(),
        });
    }
    outcomes.check(metric)?;
    let steps = binary_steps(outcomes, metric)?;
    if steps.n_positive() > 0.0 && steps.n_negative() > 0.0 {
        Ok(steps)
    } else {
        let n_rows = outcomes.n_rows();
        Err(Error::OneClass { metric, n_rows })
    }
}

/// Whether both counts grow by the same before and after the point.
fn is_straight(before: &Point, point: &Point, after: &Point) -> bool {
    let bend = |see: fn(&Point) -> f64| see(after) - 2.0 * see(point) + see(before);
    bend(|point| point.true_positive) == 0.0 && bend(|point| point.false_positive) == 0.0
}
