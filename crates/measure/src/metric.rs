//! The metrics by name.

use everloop_domain::Task;

use crate::{Error, Outcomes, classification, regression};

/// A score of predictions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "each variant is named after its metric")]
pub enum Metric {
    Accuracy,
    Precision,
    Recall,
    F1,
    RocAuc,
    LogLoss,
    Mse,
    Rmse,
    Mae,
    R2,
}

impl Metric {
    /// All metrics.
    pub const ALL: [Self; 10] = [
        Self::Accuracy,
        Self::Precision,
        Self::Recall,
        Self::F1,
        Self::RocAuc,
        Self::LogLoss,
        Self::Mse,
        Self::Rmse,
        Self::Mae,
        Self::R2,
    ];

    /// The name in lifecycle files and runs.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Accuracy => "accuracy",
            Self::Precision => "precision",
            Self::Recall => "recall",
            Self::F1 => "f1",
            Self::RocAuc => "roc_auc",
            Self::LogLoss => "log_loss",
            Self::Mse => "mse",
            Self::Rmse => "rmse",
            Self::Mae => "mae",
            Self::R2 => "r2",
        }
    }

    /// The metric of a name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|metric| metric.name() == name)
    }

    /// Whether more is better.
    #[must_use]
    pub fn higher_is_better(self) -> bool {
        !matches!(self, Self::LogLoss | Self::Mse | Self::Rmse | Self::Mae)
    }

    /// Whether it is computed from probabilities.
    #[must_use]
    pub fn needs_probabilities(self) -> bool {
        matches!(self, Self::RocAuc | Self::LogLoss)
    }

    /// Whether it suits a task.
    #[must_use]
    pub fn suits(self, task: Task) -> bool {
        matches!(self, Self::Mse | Self::Rmse | Self::Mae | Self::R2) != task.is_classification()
    }
}

/// The value of a metric.
///
/// Multiclass precision, recall and F1 are macro averages over the classes that occur in truth or predictions; ROC AUC
/// is the macro average of one class against the rest. A precision without predicted positives, and so on, is 0.
///
/// # Errors
///
/// Fails if there are no rows, lengths differ, a value is not finite, the metric does not suit the task, ROC AUC sees
/// one class only, or probabilities are needed and absent.
pub fn score(metric: Metric, outcomes: &Outcomes<'_>) -> Result<f64, Error> {
    if !metric.suits(outcomes.task) {
        return Err(Error::Task {
            metric: metric.name(),
            task: outcomes.task.as_str(),
        });
    }
    outcomes.check(metric.name())?;
    match metric {
        Metric::Accuracy => Ok(classification::accuracy(outcomes)),
        Metric::Precision => Ok(classification::average(
            outcomes,
            classification::Counts::precision,
        )),
        Metric::Recall => Ok(classification::average(
            outcomes,
            classification::Counts::recall,
        )),
        Metric::F1 => Ok(classification::average(
            outcomes,
            classification::Counts::f1,
        )),
        Metric::RocAuc => classification::roc_auc(outcomes),
        Metric::LogLoss => classification::log_loss(outcomes),
        Metric::Mse => Ok(regression::mse(outcomes)),
        Metric::Rmse => Ok(regression::mse(outcomes).sqrt()),
        Metric::Mae => Ok(regression::mae(outcomes)),
        Metric::R2 => Ok(regression::r2(outcomes)),
    }
}
