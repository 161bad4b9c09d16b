//! How better parameters are looked for: the checked form of `train.tune`, as `lifecycle` makes it and `train` carries it
//! out.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::ParameterValue;

/// A search for parameters.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Search {
    /// How many parameter sets are tried, at most.
    pub trials: usize,
    /// What is to become small or large; the first is the one that is shown.
    pub objectives: Vec<Objective>,
    /// How the next parameter set is chosen.
    pub sampler: Sampler,
    /// Which trials are ended early.
    pub pruner: Pruner,
    /// What is searched. A dimension depends on earlier ones only.
    pub space: Vec<Dimension>,
    /// How a trial is scored; on the validation part when absent.
    pub cross_validation: Option<CrossValidation>,
    /// How many trials are under way at the same time. The next one is chosen without what these find, so the result
    /// does not depend on which of them ends first.
    pub parallel: usize,
    /// After what time no other trial begins.
    pub timeout: Option<Duration>,
    /// How long a trial may take; one that takes longer has failed.
    pub trial_timeout: Option<Duration>,
    /// The seed of all choices.
    pub seed: u64,
}

/// A metric and where it is to go.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Objective {
    /// The metric.
    pub metric: String,
    /// Whether more is better.
    pub is_maximized: bool,
}

/// How the next parameter set is chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sampler {
    /// By chance.
    Random,
    /// Every combination once, in random order.
    Grid,
    /// Where good trials are dense compared with the others: a tree-structured Parzen estimator.
    Tpe,
    /// Where a Gaussian process expects most improvement.
    Gp,
}

/// Which trials are ended early.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Pruner {
    /// None.
    None,
    /// Those whose best value so far is worse than the median of the others at the same step.
    Median {
        /// Complete trials before the first is ended.
        startup_trials: usize,
        /// Steps before a trial is ended.
        warmup_steps: usize,
    },
    /// At steps `min_resource * reduction_factor^k`, all but the best of every `reduction_factor`.
    SuccessiveHalving {
        /// The first step at which trials are compared.
        min_resource: usize,
        /// One of how many goes on.
        reduction_factor: usize,
    },
    /// Successive halving with several first steps, so that late bloomers have their chance.
    Hyperband {
        /// The first step at which trials of the most eager bracket are compared.
        min_resource: usize,
        /// One of how many goes on.
        reduction_factor: usize,
    },
}

/// Something that is searched.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Dimension {
    /// Its name among the dimensions: the parameter, or, nested, `trainer.boosting.depth`.
    pub id: String,
    /// The parameter that it sets.
    pub parameter: String,
    /// Its values.
    pub domain: Domain,
    /// What must hold for it to be set; all of these.
    pub when: Vec<Condition>,
}

/// The values of a dimension.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Domain {
    /// One of these.
    Choices(Vec<ParameterValue>),
    /// A number, the bounds included.
    Range {
        /// The smallest.
        low: f64,
        /// The greatest.
        high: f64,
        /// The distance between values, counted from `low`; any value when absent.
        step: Option<f64>,
        /// Whether factors count rather than differences.
        is_log: bool,
        /// Whether the value is a whole number.
        is_whole: bool,
    },
}

/// An earlier dimension must have one of some choices.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Condition {
    /// The place of the earlier dimension.
    pub dimension: usize,
    /// The places of the choices.
    pub choices: Vec<usize>,
}

/// Trials are scored on parts of the train rows in turn.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CrossValidation {
    /// How many parts.
    pub folds: usize,
    /// What decides the part of a row.
    pub by: FoldsBy,
}

/// What decides the fold of a row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FoldsBy {
    /// Chance.
    Random,
    /// Chance, with the shares of the classes kept.
    Stratified,
    /// The value of this column: its rows stay together.
    Group(String),
    /// This column orders the rows in time: each fold is scored by what came before it, and equal times stay together.
    Time(String),
}

/// The dimension that chooses a trainer rather than a parameter of it.
pub const TRAINER: &str = "trainer";
