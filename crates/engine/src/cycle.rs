//! What is asked of a cycle and what it answers.

use std::collections::BTreeMap;

use everloop_domain::{
    CycleNumber, CycleOutcome, CycleReason, StageName, Timestamp, VersionNumber,
};
use serde::Serialize;

/// A cycle that somebody wants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CycleRequest {
    /// Why.
    pub reason: CycleReason,
    /// Why, in words, with numbers.
    pub why: String,
    /// The last stage to run; all if absent.
    pub until: Option<StageName>,
    /// Rows at or after this moment (less the labels' delay) are not seen.
    pub as_of: Option<Timestamp>,
}

impl CycleRequest {
    /// A cycle that a person asked for.
    #[must_use]
    pub fn manual() -> Self {
        Self {
            reason: CycleReason::Manual,
            why: "asked for".to_owned(),
            until: None,
            as_of: None,
        }
    }
}

/// How a cycle ended.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CycleReport {
    /// Its number.
    pub number: CycleNumber,
    /// Its outcome.
    pub outcome: CycleOutcome,
    /// Why that outcome, in words.
    pub why: String,
    /// The candidate's scores on the test part.
    pub metrics: BTreeMap<String, f64>,
    /// The version that is served after the cycle.
    pub champion_version: Option<VersionNumber>,
    /// Gates with their numbers, in the order of the file.
    pub gates: Vec<crate::GateOutcome>,
    /// The report that people read, if there is one on this machine.
    pub report: Option<String>,
    /// Whether every stage came from the cache.
    pub is_cached: bool,
    /// What the search for parameters has found, if there was one.
    pub tuned: Option<crate::Tuned>,
}
