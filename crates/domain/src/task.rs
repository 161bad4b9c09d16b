//! What a model is asked to predict.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The learning task of a project.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Task {
    /// A number.
    Regression,
    /// One of two classes. The positive class is the last in sorted order (scikit-learn's rule).
    Binary,
    /// One of three or more classes.
    Multiclass,
    /// Whether a row is unlike the others; learnt without a target.
    Anomaly,
    /// The group of a row; learnt without a target.
    Clustering,
}

impl Task {
    /// All tasks, in the order in which they are documented.
    pub const ALL: [Self; 5] = [
        Self::Binary,
        Self::Multiclass,
        Self::Regression,
        Self::Anomaly,
        Self::Clustering,
    ];
    /// The tasks that learn a target.
    pub const SUPERVISED: [Self; 3] = [Self::Binary, Self::Multiclass, Self::Regression];

    /// The stable name in snake case.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Regression => "regression",
            Self::Binary => "binary",
            Self::Multiclass => "multiclass",
            Self::Anomaly => "anomaly",
            Self::Clustering => "clustering",
        }
    }

    /// Whether the target is a class.
    #[must_use]
    pub fn is_classification(self) -> bool {
        matches!(self, Self::Binary | Self::Multiclass)
    }

    /// Whether it learns a target.
    #[must_use]
    pub fn is_supervised(self) -> bool {
        Self::SUPERVISED.contains(&self)
    }
}

impl fmt::Display for Task {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Task {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|task| task.as_str() == text)
            .ok_or_else(|| format!("unknown task `{text}`"))
    }
}
