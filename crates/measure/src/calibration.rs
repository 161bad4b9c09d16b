//! Whether probabilities are what they say: of the rows with 0.8, four in five should be positive.
//!
//! Multiclass tasks are judged by the most probable class of each row: its probability against whether it was right
//! (Guo et al. 2017).

use everloop_domain::Task;
use serde::{Deserialize, Serialize};

use crate::{Error, Outcomes};

/// The bins of the calibration errors.
const N_BINS: usize = 10;

/// How rows are put into bins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Binning {
    /// Bins of the same width from 0 to 1.
    Uniform,
    /// Bins of about the same number of rows.
    Quantile,
}

/// A point of the reliability curve.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReliabilityBin {
    /// How many rows the bin holds, or their weight.
    pub weight: f64,
    /// The mean of their probabilities.
    pub mean_probability: f64,
    /// The share of them that are positive (multiclass: predicted rightly).
    pub positive_share: f64,
}

/// The reliability curve, from low probabilities to high ones; empty bins are left out.
///
/// # Errors
///
/// Fails if `n_bins` is 0, the task is regression, there are no probabilities, or the outcomes are not sound.
pub fn reliability_curve(
    outcomes: &Outcomes<'_>,
    n_bins: usize,
    binning: Binning,
) -> Result<Vec<ReliabilityBin>, Error> {
    if !outcomes.task.is_classification() {
        return Err(Error::Task {
            metric: "reliability_curve",
            task: outcomes.task.as_str(),
        });
    }
    if n_bins == 0 {
        return Err(Error::Setting {
            what: "the number of bins",
            value: 0.0,
            expected: "at least 1",
        });
    }
    outcomes.check("reliability_curve")?;
    curve(outcomes, "reliability_curve", n_bins, binning)
}

/// The mean distance of probability and share over the bins, weighted by their rows (Naeini et al. 2015); 10 bins of
/// the same width.
pub(crate) fn expected_error(outcomes: &Outcomes<'_>) -> Result<f64, Error> {
    let bins = curve(
        outcomes,
        "expected_calibration_error",
        N_BINS,
        Binning::Uniform,
    )?;
    let total: f64 = bins.iter().map(|bin| bin.weight).sum();
    Ok(bins.iter().map(|bin| bin.weight * bin.gap()).sum::<f64>() / total)
}

/// The greatest distance of probability and share in one of the bins.
pub(crate) fn max_error(outcomes: &Outcomes<'_>) -> Result<f64, Error> {
    let bins = curve(outcomes, "max_calibration_error", N_BINS, Binning::Uniform)?;
    Ok(bins.iter().map(ReliabilityBin::gap).fold(0.0, f64::max))
}

impl ReliabilityBin {
    fn gap(&self) -> f64 {
        (self.mean_probability - self.positive_share).abs()
    }
}

fn curve(
    outcomes: &Outcomes<'_>,
    metric: &'static str,
    n_bins: usize,
    binning: Binning,
) -> Result<Vec<ReliabilityBin>, Error> {
    let probabilities = outcomes.probabilities(metric)?;
    let rows: Vec<(f64, bool)> = (0..outcomes.n_rows())
        .map(|row| confidence(outcomes, probabilities, row))
        .collect();
    let edges: Vec<f64> = match binning {
        Binning::Uniform => (1..n_bins)
            .map(|edge| edge as f64 * (1.0 / n_bins as f64))
            .collect(),
        Binning::Quantile => {
            let mut sorted: Vec<f64> = rows.iter().map(|(probability, _)| *probability).collect();
            sorted.sort_unstable_by(f64::total_cmp);
            (1..n_bins)
                .map(|edge| interpolated(&sorted, edge as f64 / n_bins as f64))
                .collect()
        }
    };
    let mut bins = vec![(0.0, 0.0, 0.0); n_bins];
    for (row, (probability, is_positive)) in rows.iter().enumerate() {
        let weight = outcomes.weight(row);
        let bin = &mut bins[edges.partition_point(|edge| edge < probability)];
        bin.0 += weight;
        bin.1 += weight * probability;
        bin.2 += if *is_positive { weight } else { 0.0 };
    }
    Ok(bins
        .into_iter()
        .filter(|(weight, ..)| *weight > 0.0)
        .map(|(weight, probabilities, positive)| ReliabilityBin {
            weight,
            mean_probability: probabilities / weight,
            positive_share: positive / weight,
        })
        .collect())
}

/// The probability that is judged in a row, and whether what it says was true.
fn confidence(outcomes: &Outcomes<'_>, probabilities: &[f64], row: usize) -> (f64, bool) {
    if outcomes.task != Task::Multiclass {
        return (probabilities[row], outcomes.truth[row] == 1.0);
    }
    let of_row = &probabilities[row * outcomes.n_classes..(row + 1) * outcomes.n_classes];
    let mut best = 0;
    for (class, probability) in of_row.iter().enumerate() {
        if *probability > of_row[best] {
            best = class;
        }
    }
    (of_row[best], outcomes.truth[row] == best as f64)
}

/// The quantile of sorted values, linear between neighbours (definition 7 of Hyndman and Fan 1996).
pub(crate) fn interpolated(sorted: &[f64], share: f64) -> f64 {
    let place = share * (sorted.len() - 1) as f64;
    let below = place.floor();
    let (low, high) = (
        sorted[below as usize],
        sorted[(below as usize + 1).min(sorted.len() - 1)],
    );
    low + (high - low) * (place - below)
}
