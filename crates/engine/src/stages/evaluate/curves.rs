//! Curves and tables that the report draws: thinned, so that they stay small with any number of rows.

use everloop_domain::Task;
use everloop_measure::{
    Binning, GainsPoint, PrecisionRecallPoint, ReliabilityBin, RocPoint, confusion_matrix,
    gains_curve, precision_recall_curve, reliability_curve, roc_curve,
};
use serde::{Deserialize, Serialize};

use super::chance::evenly;
use crate::scoring::Scored;

/// Points of a curve at most.
const MAX_POINTS: usize = 200;
/// Bins of a histogram and of the reliability curve.
const N_BINS: usize = 24;
const N_RELIABILITY_BINS: usize = 10;

/// What the report draws of predictions and truth.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Curves {
    /// The classes in the order of the confusion matrix.
    pub classes: Vec<String>,
    /// How many rows of each true class (row) were predicted as each class (column).
    pub confusion: Vec<Vec<f64>>,
    /// The ROC curve of a binary task.
    pub roc: Vec<RocPoint>,
    /// The precision-recall curve of a binary task.
    pub precision_recall: Vec<PrecisionRecallPoint>,
    /// Cumulative gains and lift of a binary task.
    pub gains: Vec<GainsPoint>,
    /// What came true of each probability.
    pub reliability: Vec<ReliabilityBin>,
    /// Regression: prediction and truth of some rows.
    pub points: Vec<(f64, f64)>,
    /// Regression: residuals (truth less prediction): the lower edges of bins, and the rows in each.
    pub residuals: Vec<(f64, usize)>,
    /// The width of those bins.
    pub residual_width: f64,
}

/// Draws what can be drawn; what is not defined on these rows is absent.
pub(super) fn curves(scored: &Scored) -> Curves {
    let outcomes = scored.outcomes();
    if scored.task == Task::Regression {
        let rows = evenly(scored.truth.len(), 2 * MAX_POINTS);
        let (residuals, residual_width) = histogram(scored);
        return Curves {
            points: rows
                .into_iter()
                .map(|row| (scored.predicted[row], scored.truth[row]))
                .collect(),
            residuals,
            residual_width,
            ..Curves::default()
        };
    }
    let matrix = confusion_matrix(&outcomes).unwrap_or_default();
    Curves {
        classes: scored.classes.iter().map(ToString::to_string).collect(),
        confusion: matrix,
        roc: thinned(roc_curve(&outcomes).unwrap_or_default()),
        precision_recall: thinned(precision_recall_curve(&outcomes).unwrap_or_default()),
        gains: thinned(gains_curve(&outcomes).unwrap_or_default()),
        reliability: reliability_curve(&outcomes, N_RELIABILITY_BINS, Binning::Quantile)
            .unwrap_or_default(),
        ..Curves::default()
    }
}

/// At most [`MAX_POINTS`], the ends among them.
fn thinned<T: Clone>(points: Vec<T>) -> Vec<T> {
    let n = points.len();
    if n <= MAX_POINTS {
        return points;
    }
    (0..MAX_POINTS)
        .map(|index| points[index * (n - 1) / (MAX_POINTS - 1)].clone())
        .collect()
}

fn histogram(scored: &Scored) -> (Vec<(f64, usize)>, f64) {
    let pairs = scored.truth.iter().zip(&scored.predicted);
    let residuals: Vec<f64> = pairs.map(|(truth, predicted)| truth - predicted).collect();
    let low = residuals.iter().copied().fold(f64::INFINITY, f64::min);
    let high = residuals.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let width = (high - low) / N_BINS as f64;
    if !width.is_finite() || width <= 0.0 {
        return (Vec::new(), 0.0);
    }
    let mut bins: Vec<(f64, usize)> = (0..N_BINS)
        .map(|bin| (low + bin as f64 * width, 0))
        .collect();
    for residual in residuals {
        let bin = ((residual - low) / width) as usize;
        bins[bin.min(N_BINS - 1)].1 += 1;
    }
    (bins, width)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thinned_curves_keep_their_ends() {
        let thin = thinned((0..1000).collect());
        assert_eq!((thin.len(), thin[0], thin[199]), (200, 0, 999));
    }

    #[test]
    fn every_residual_is_in_a_bin() {
        let scored = Scored {
            task: Task::Regression,
            truth: vec![1.0, 2.0, 5.0],
            predicted: vec![1.0, 1.0, 1.0],
            probabilities: None,
            classes: Vec::new(),
            weights: None,
        };
        let found = curves(&scored);
        let n: usize = found.residuals.iter().map(|(_, n)| n).sum();
        assert_eq!((n, found.points.len()), (3, 3));
    }
}
