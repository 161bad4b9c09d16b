//! Scores of rows that carry any number of labels at once.

use crate::Error;
use crate::averages::{Average, Rate, average_of};
use crate::outcomes::{finite, same_length, weigh};
use crate::steps::Steps;
use crate::tally::Counts;

/// Which labels rows carry, and which were predicted: row by row, one a label.
#[derive(Clone, Copy, Debug)]
pub struct Labels<'a> {
    /// Whether the row carries the label.
    pub truth: &'a [bool],
    /// Whether it was predicted.
    pub predicted: &'a [bool],
    /// How likely the model held it to be.
    pub scores: Option<&'a [f64]>,
    /// How many labels there are.
    pub n_labels: usize,
    /// How much each row counts; all the same if absent.
    pub weights: Option<&'a [f64]>,
}

/// A score of labels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LabelMetric {
    /// The share of rows whose labels are all right.
    SubsetAccuracy,
    /// The share of labels that are wrong.
    HammingLoss,
    /// The share of predicted labels that are carried.
    Precision(LabelAverage),
    /// The share of carried labels that are predicted.
    Recall(LabelAverage),
    /// The harmonic mean of both.
    F1(LabelAverage),
    /// The share of labels carried or predicted that are both.
    Jaccard(LabelAverage),
    /// The area under the ROC curve of each label; `Micro`: of all pairs of row and label.
    RocAuc(LabelAverage),
    /// The average precision of each label; `Micro`: of all pairs of row and label.
    AveragePrecision(LabelAverage),
}

/// How the scores of labels become one. What is divided by nothing is 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LabelAverage {
    /// The mean over all labels.
    Macro,
    /// From the sums of the counts over all labels.
    Micro,
    /// The mean weighted by how often labels are carried.
    Weighted,
    /// The mean over the rows.
    Samples,
}

/// The value of a score of labels.
///
/// # Errors
///
/// Fails if there are no rows or labels, lengths differ, scores are needed and absent or not finite, or a label that
/// is ranked is carried by no row or (ROC) by all.
pub fn score_labels(metric: LabelMetric, labels: &Labels<'_>) -> Result<f64, Error> {
    labels.check()?;
    match metric {
        LabelMetric::SubsetAccuracy => Ok(labels.mean_of_rows(|row| {
            let (truth, predicted) = labels.row(row);
            f64::from(u8::from(truth == predicted))
        })),
        LabelMetric::HammingLoss => Ok(labels.mean_of_rows(|row| {
            let (truth, predicted) = labels.row(row);
            let n_wrong = truth
                .iter()
                .zip(predicted)
                .filter(|(one, other)| one != other);
            n_wrong.count() as f64 / labels.n_labels as f64
        })),
        LabelMetric::Precision(average) => Ok(labels.rate(Rate::Precision, average)),
        LabelMetric::Recall(average) => Ok(labels.rate(Rate::Recall, average)),
        LabelMetric::F1(average) => Ok(labels.rate(Rate::F(1.0), average)),
        LabelMetric::Jaccard(average) => Ok(labels.rate(Rate::Jaccard, average)),
        LabelMetric::RocAuc(average) => labels.ranked("roc_auc", average, |steps| {
            (steps.n_positive() > 0.0 && steps.n_negative() > 0.0).then(|| steps.roc_area())
        }),
        LabelMetric::AveragePrecision(average) => {
            labels.ranked("average_precision", average, |steps| {
                (steps.n_positive() > 0.0).then(|| steps.average_precision())
            })
        }
    }
}

impl Labels<'_> {
    fn check(&self) -> Result<(), Error> {
        let what = "a score of labels";
        if self.truth.is_empty() || self.n_labels == 0 {
            return Err(Error::Empty { what });
        }
        let n_rows = self.n_rows();
        same_length(
            "rows of labels and labels",
            n_rows * self.n_labels,
            self.truth.len(),
        )?;
        same_length(
            "truth and predictions",
            self.truth.len(),
            self.predicted.len(),
        )?;
        if let Some(weights) = self.weights {
            same_length("rows and weights", n_rows, weights.len())?;
            weigh(what, weights)?;
        }
        if let Some(scores) = self.scores {
            same_length("labels and scores", self.truth.len(), scores.len())?;
            finite("the score", scores)?;
        }
        Ok(())
    }

    fn n_rows(&self) -> usize {
        self.truth.len() / self.n_labels
    }

    fn weight(&self, row: usize) -> f64 {
        self.weights.map_or(1.0, |weights| weights[row])
    }

    fn row(&self, row: usize) -> (&[bool], &[bool]) {
        let cells = row * self.n_labels..(row + 1) * self.n_labels;
        (&self.truth[cells.clone()], &self.predicted[cells])
    }

    fn mean_of_rows(&self, number: impl Fn(usize) -> f64) -> f64 {
        let (sum, total) = (0..self.n_rows()).fold((0.0, 0.0), |(sum, total), row| {
            let weight = self.weight(row);
            (sum + weight * number(row), total + weight)
        });
        sum / total
    }

    fn rate(&self, rate: Rate, average: LabelAverage) -> f64 {
        if average == LabelAverage::Samples {
            return self.mean_of_rows(|row| {
                let mut counts = Counts::default();
                let (truth, predicted) = self.row(row);
                for (is_positive, is_selected) in truth.iter().zip(predicted) {
                    counts.add(*is_positive, *is_selected, 1.0);
                }
                rate.of(&counts)
            });
        }
        let mut counts = vec![Counts::default(); self.n_labels];
        for row in 0..self.n_rows() {
            let (truth, predicted) = self.row(row);
            for (label, counts) in counts.iter_mut().enumerate() {
                counts.add(truth[label], predicted[label], self.weight(row));
            }
        }
        let average = match average {
            LabelAverage::Micro => Average::Micro,
            LabelAverage::Weighted => Average::Weighted,
            LabelAverage::Macro | LabelAverage::Samples => Average::Macro,
        };
        average_of(&counts, rate, average)
    }

    fn ranked(
        &self,
        metric: &'static str,
        average: LabelAverage,
        number: impl Fn(&Steps) -> Option<f64>,
    ) -> Result<f64, Error> {
        let scores = self.scores.ok_or(Error::NoProbabilities { metric })?;
        let n_rows = self.n_rows();
        let cell = |cell: usize| {
            let weight = self.weight(cell / self.n_labels);
            (scores[cell], self.truth[cell], weight)
        };
        let rankings: Vec<Steps> = match average {
            LabelAverage::Micro => vec![Steps::of((0..scores.len()).map(cell))],
            LabelAverage::Samples => (0..n_rows)
                .map(|row| {
                    Steps::of((0..self.n_labels).map(|at| {
                        let (score, is_positive, _) = cell(row * self.n_labels + at);
                        (score, is_positive, 1.0)
                    }))
                })
                .collect(),
            LabelAverage::Macro | LabelAverage::Weighted => (0..self.n_labels)
                .map(|label| Steps::of((0..n_rows).map(|row| cell(row * self.n_labels + label))))
                .collect(),
        };
        let (mut sum, mut total) = (0.0, 0.0);
        for (index, steps) in rankings.iter().enumerate() {
            let value = number(steps).ok_or(Error::OneClass { metric, n_rows })?;
            let weight = match average {
                LabelAverage::Weighted => steps.n_positive(),
                LabelAverage::Samples => self.weight(index),
                LabelAverage::Macro | LabelAverage::Micro => 1.0,
            };
            sum += weight * value;
            total += weight;
        }
        Ok(sum / total)
    }
}
