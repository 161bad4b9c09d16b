//! The metrics by name.

mod catalogue;

use std::fmt;
use std::hash::{Hash, Hasher};

use everloop_domain::Task;

use crate::averages::{self, Average, Rate};
use crate::{Error, Outcomes};

/// A score of predictions, one of [`Metric::all`].
///
/// A name is that of scikit-learn's function without `mean`, `score` and `error`. An ending tells how classes are
/// averaged (`_macro`, `_micro`, `_weighted`, `_ovo`), a number which variant it is: `f2` and `f0_5` (beta 2 and
/// 0.5), `top_3_accuracy`, `quantile_loss_90` (of the 90th percentile).
#[derive(Clone, Copy)]
pub struct Metric(&'static Entry);

/// What is known of a metric.
struct Entry {
    name: &'static str,
    suits: Suits,
    is_loss: bool,
    needs_probabilities: bool,
    takes_weights: bool,
    compute: Compute,
}

/// The tasks that a metric suits.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Suits {
    Classes,
    Binary,
    Multiclass,
    Numbers,
}

enum Compute {
    Rate(Rate, Average),
    Of(fn(&Outcomes<'_>) -> Result<f64, Error>),
}

impl Metric {
    /// All metrics, those of classes first.
    pub fn all() -> impl Iterator<Item = Self> {
        catalogue::TABLES
            .iter()
            .flat_map(|table| table.iter())
            .map(Self)
    }

    /// The metric of a name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::all().find(|metric| metric.name() == name)
    }

    /// The name in lifecycle files and runs.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.0.name
    }

    /// Whether more is better.
    #[must_use]
    pub fn higher_is_better(self) -> bool {
        !self.0.is_loss
    }

    /// Whether it is computed from probabilities.
    #[must_use]
    pub fn needs_probabilities(self) -> bool {
        self.0.needs_probabilities
    }

    /// Whether rows may weigh differently.
    #[must_use]
    pub fn takes_weights(self) -> bool {
        self.0.takes_weights
    }

    /// Whether it suits a task.
    #[must_use]
    pub fn suits(self, task: Task) -> bool {
        match self.0.suits {
            Suits::Classes => task.is_classification(),
            Suits::Binary => task == Task::Binary,
            Suits::Multiclass => task == Task::Multiclass,
            Suits::Numbers => task == Task::Regression,
        }
    }
}

impl PartialEq for Metric {
    fn eq(&self, other: &Self) -> bool {
        self.name() == other.name()
    }
}

impl Eq for Metric {}

impl Hash for Metric {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.name().hash(state);
    }
}

impl fmt::Debug for Metric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Metric({})", self.name())
    }
}

/// The value of a metric; always finite.
///
/// Without an ending, precision, recall and their like are of the positive class in binary tasks and macro averages
/// over the classes that occur in truth or predictions in multiclass tasks; ROC AUC is the macro average of one class
/// against the rest. A precision without predicted positives, and so on, is 0.
///
/// # Errors
///
/// Fails if there are no rows, lengths differ, a value is not finite, the metric does not suit the task, a ranking
/// sees one class only, probabilities are needed and absent, rows are weighted and the metric knows no weights, or the
/// number is not defined on these rows.
pub fn score(metric: Metric, outcomes: &Outcomes<'_>) -> Result<f64, Error> {
    let name = metric.name();
    if !metric.suits(outcomes.task) {
        return Err(Error::Task {
            metric: name,
            task: outcomes.task.as_str(),
        });
    }
    outcomes.check(name)?;
    if outcomes.weights.is_some() && !metric.takes_weights() {
        let why = "it takes no weights of rows";
        return Err(Error::Undefined { metric: name, why });
    }
    let value = match metric.0.compute {
        Compute::Rate(rate, average) => averages::averaged(outcomes, rate, average),
        Compute::Of(compute) => compute(outcomes)?,
    };
    if value.is_finite() {
        Ok(value)
    } else {
        let why = "its value is beyond what a number can hold";
        Err(Error::Undefined { metric: name, why })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn names_are_unique_and_found_again() {
        let names: BTreeSet<&str> = Metric::all().map(Metric::name).collect();
        assert_eq!(names.len(), Metric::all().count());
        for metric in Metric::all() {
            assert_eq!(Metric::parse(metric.name()), Some(metric));
            assert!(Task::ALL.iter().any(|task| metric.suits(*task)));
        }
        assert_eq!(Metric::parse("precison"), None);
    }

    #[test]
    fn losses_are_small_when_good() {
        for (name, higher_is_better) in [
            ("accuracy", true),
            ("brier", false),
            ("quantile_loss_90", false),
            ("r2", true),
            ("false_positive_rate", false),
        ] {
            assert_eq!(
                Metric::parse(name).unwrap().higher_is_better(),
                higher_is_better,
                "{name}"
            );
        }
    }

    /// Whatever is put in, a score is a number or an error.
    #[test]
    fn no_score_is_nan() {
        let truths: [&[f64]; 5] = [
            &[0.0],
            &[1.0, 1.0],
            &[0.0, 1.0, 1.0],
            &[0.0, 0.0, 0.0],
            &[1.0, 0.0, 2.0],
        ];
        for task in Task::ALL {
            for truth in truths {
                for predicted in truths.iter().filter(|other| other.len() == truth.len()) {
                    let width = if task == Task::Multiclass { 3 } else { 1 };
                    for share in [0.0, 0.25, 1.0] {
                        let probabilities = vec![share; truth.len() * width];
                        for weights in [None, Some(vec![0.5; truth.len()])] {
                            let outcomes = Outcomes {
                                task,
                                truth,
                                predicted,
                                probabilities: Some(&probabilities),
                                n_classes: if task == Task::Binary { 2 } else { 3 },
                                weights: weights.as_deref(),
                            };
                            for metric in Metric::all() {
                                if let Ok(value) = score(metric, &outcomes) {
                                    assert!(value.is_finite(), "{metric:?} of {outcomes:?}");
                                }
                            }
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn a_metric_that_knows_no_weights_says_so() {
        let outcomes = Outcomes {
            task: Task::Regression,
            truth: &[1.0, 2.0],
            predicted: &[1.0, 3.0],
            probabilities: None,
            n_classes: 0,
            weights: Some(&[1.0, 2.0]),
        };
        let error = score(Metric::parse("max_error").unwrap(), &outcomes).unwrap_err();
        assert_eq!(
            error.to_string(),
            "max_error is not defined: it takes no weights of rows"
        );
    }
}
