//! The threshold at which a probability becomes a decision: by what errors cost, or by what must be kept.

use serde::{Deserialize, Serialize};

use crate::curves::checked;
use crate::steps::Point;
use crate::tally::Counts;
use crate::{Error, Outcomes};

/// What a threshold is chosen for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Goal {
    /// The lowest cost of the decisions; gains are negative costs.
    Cost {
        /// Of a positive row that is found.
        true_positive: f64,
        /// Of a negative row that is taken for positive.
        false_positive: f64,
        /// Of a positive row that is missed.
        false_negative: f64,
        /// Of a negative row that is left alone.
        true_negative: f64,
    },
    /// The highest F score, with the weight of recall against precision (1: F1).
    F {
        /// The weight, more than 0.
        beta: f64,
    },
    /// The highest accuracy.
    Accuracy,
    /// The highest mean of recall and specificity (Youden 1950).
    BalancedAccuracy,
    /// The highest recall at this precision or more.
    RecallAtPrecision {
        /// The least precision.
        min: f64,
    },
    /// The highest precision at this recall or more.
    PrecisionAtRecall {
        /// The least recall.
        min: f64,
    },
    /// The highest recall at this false positive rate or less.
    RecallAtFalsePositiveRate {
        /// The greatest false positive rate.
        max: f64,
    },
    /// The highest recall with at most this share of the rows selected: what a team of fixed size can look at.
    RecallAtSelectionRate {
        /// The greatest selection rate.
        max: f64,
    },
}

/// A threshold and what it does on the rows at hand.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct ThresholdChoice {
    /// Rows with this probability or more are predicted positive; nothing if no row should be.
    pub threshold: Option<f64>,
    /// What the goal is worth there: the cost a row, the F score, the recall, and so on.
    pub value: f64,
    /// The share of predicted positives that are positive.
    pub precision: f64,
    /// The share of positives that are found.
    pub recall: f64,
    /// The share of negatives that are predicted positive.
    pub false_positive_rate: f64,
    /// The share of rows that are predicted positive.
    pub selection_rate: f64,
}

/// Chooses among the probabilities that occur, and "no row is positive". Of equally good thresholds the highest is
/// taken.
///
/// # Errors
///
/// Fails if the task is not binary, there are no probabilities, only one class occurs, a number of the goal is
/// impossible, no threshold keeps the constraint, or the outcomes are not sound.
pub fn choose_threshold(outcomes: &Outcomes<'_>, goal: &Goal) -> Result<ThresholdChoice, Error> {
    goal.check()?;
    let steps = checked(outcomes, "the threshold")?;
    let nobody = Counts {
        false_negative: steps.n_positive(),
        true_negative: steps.n_negative(),
        ..Counts::default()
    };
    let choices = steps
        .points()
        .map(|point| (Some(point.threshold), counts(point, &nobody)));
    let mut best: Option<(Option<f64>, Counts, f64)> = None;
    for (threshold, counts) in [(None, nobody)].into_iter().chain(choices) {
        let Some(worth) = goal.worth(&counts) else {
            continue;
        };
        if best.is_none_or(|(.., highest)| worth > highest) {
            best = Some((threshold, counts, worth));
        }
    }
    let (threshold, counts, worth) = best.ok_or(Error::Undefined {
        metric: "the threshold",
        why: "no threshold keeps the constraint",
    })?;
    Ok(ThresholdChoice {
        threshold,
        value: match goal {
            Goal::Cost { .. } => -worth,
            _ => worth,
        },
        precision: counts.precision(),
        recall: counts.recall(),
        false_positive_rate: counts.false_positive_rate(),
        selection_rate: counts.n_selected() / counts.total(),
    })
}

fn counts(point: &Point, nobody: &Counts) -> Counts {
    Counts {
        true_positive: point.true_positive,
        false_positive: point.false_positive,
        false_negative: nobody.false_negative - point.true_positive,
        true_negative: nobody.true_negative - point.false_positive,
    }
}

impl Goal {
    fn check(&self) -> Result<(), Error> {
        const SHARE: &str = "a number from 0 to 1";
        let is_share = |value: f64| (0.0..=1.0).contains(&value);
        let (what, value, expected, is_possible) = match *self {
            Self::Cost {
                true_positive,
                false_positive,
                false_negative,
                true_negative,
            } => {
                let sum = true_positive + false_positive + false_negative + true_negative;
                ("the sum of the costs", sum, "a number", sum.is_finite())
            }
            Self::F { beta } => {
                let is_possible = beta > 0.0 && beta.is_finite();
                ("beta", beta, "a number above 0", is_possible)
            }
            Self::Accuracy | Self::BalancedAccuracy => return Ok(()),
            Self::RecallAtPrecision { min } => ("the least precision", min, SHARE, is_share(min)),
            Self::PrecisionAtRecall { min } => ("the least recall", min, SHARE, is_share(min)),
            Self::RecallAtFalsePositiveRate { max } => (
                "the greatest false positive rate",
                max,
                SHARE,
                is_share(max),
            ),
            Self::RecallAtSelectionRate { max } => {
                ("the greatest selection rate", max, SHARE, is_share(max))
            }
        };
        if is_possible {
            return Ok(());
        }
        Err(Error::Setting {
            what,
            value,
            expected,
        })
    }

    /// How good a decision is, more being better; nothing where the constraint is not kept.
    fn worth(&self, counts: &Counts) -> Option<f64> {
        let is_any_selected = counts.n_selected() > 0.0;
        match *self {
            Self::Cost {
                true_positive,
                false_positive,
                false_negative,
                true_negative,
            } => {
                let cost = counts.true_positive * true_positive
                    + counts.false_positive * false_positive
                    + counts.false_negative * false_negative
                    + counts.true_negative * true_negative;
                Some(-cost / counts.total())
            }
            Self::F { beta } => Some(counts.f(beta)),
            Self::Accuracy => Some(counts.accuracy()),
            Self::BalancedAccuracy => Some(f64::midpoint(counts.recall(), counts.specificity())),
            Self::RecallAtPrecision { min } => {
                (is_any_selected && counts.precision() >= min).then(|| counts.recall())
            }
            Self::PrecisionAtRecall { min } => {
                (is_any_selected && counts.recall() >= min).then(|| counts.precision())
            }
            Self::RecallAtFalsePositiveRate { max } => {
                (counts.false_positive_rate() <= max).then(|| counts.recall())
            }
            Self::RecallAtSelectionRate { max } => {
                (counts.n_selected() / counts.total() <= max).then(|| counts.recall())
            }
        }
    }
}
