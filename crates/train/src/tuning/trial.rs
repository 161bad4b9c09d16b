//! What was tried, and what came of it.

use std::collections::BTreeMap;

use everloop_domain::ParameterValue;
use serde::{Deserialize, Serialize};

/// A parameter set that was tried. Its JSON form is a line of the journal from which a search is taken up again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Trial {
    /// Its number, from 0.
    pub number: usize,
    /// What was tried, by parameter.
    pub parameters: BTreeMap<String, ParameterValue>,
    /// The same by dimension: a number, or the place of a choice; nothing where the dimension does not apply.
    pub point: Vec<Option<f64>>,
    /// How it ended.
    pub state: TrialState,
    /// The objectives, as they are measured; empty unless it is complete.
    pub values: Vec<f64>,
    /// What was seen on the way: step and value.
    pub curve: Vec<(u64, f64)>,
    /// The name of what was seen on the way.
    pub curve_name: Option<String>,
    /// Whether more of it is better.
    #[serde(default)]
    pub is_curve_maximized: bool,
    /// Why it failed.
    pub problem: Option<String>,
    /// How long it took.
    pub seconds: f64,
}

/// How a trial ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TrialState {
    /// It was scored.
    Complete,
    /// It was ended early, for it lagged behind.
    Pruned,
    /// It could not be fitted or scored.
    Failed,
}

impl TrialState {
    /// As it is written.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Complete => "complete",
            Self::Pruned => "pruned",
            Self::Failed => "failed",
        }
    }
}

impl Trial {
    /// Whether it was scored.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.state == TrialState::Complete
    }
}
