//! The checked form of a lifecycle file.

use std::collections::BTreeMap;
use std::time::Duration;

use everloop_domain::dataset::{Dataset, PrepareStep, Source, Split, TableChecks};
use everloop_domain::expression::Expression;
use everloop_domain::search::Search;
use everloop_domain::{ModelName, ParameterValue, Task};

use crate::evaluate::Evaluate;
use crate::schedule::Schedule;

/// A lifecycle file that holds together: tables exist, expressions parse, metrics suit the task.
#[derive(Clone, Debug, PartialEq)]
pub struct Lifecycle {
    /// The version of the file's format.
    pub version: u32,
    /// The project's name.
    pub project: String,
    /// The tables from outside.
    pub sources: Vec<Source>,
    /// What must hold for tables.
    pub checks: Vec<TableChecks>,
    /// The steps from table to table.
    pub prepare: Vec<PrepareStep>,
    /// The computed columns; each stands after those that it is computed from.
    pub features: Vec<Feature>,
    /// What is learnt from.
    pub dataset: Dataset,
    /// How rows are divided.
    pub split: Split,
    /// How it is learnt.
    pub train: Train,
    /// What is measured.
    pub evaluate: Evaluate,
    /// What a candidate must meet.
    pub gates: Vec<Gate>,
    /// Where a candidate goes.
    pub deploy: Deploy,
    /// How the champion is watched.
    pub monitor: Monitor,
    /// When a new cycle starts by itself.
    pub retrain: Retrain,
}

/// A column computed from one row.
#[derive(Clone, Debug, PartialEq)]
pub struct Feature {
    /// The column.
    pub name: String,
    /// What it is computed by.
    pub expression: Expression,
    /// The same as it is written.
    pub text: String,
}

/// What is predicted, and by what it is learnt.
#[derive(Clone, Debug, PartialEq)]
pub struct Train {
    /// What is predicted.
    pub task: Task,
    /// What learns it.
    pub trainer: Trainer,
    /// Parameters of the trainer, not checked yet: only the trainer knows them.
    pub parameters: BTreeMap<String, ParameterValue>,
    /// The seed of everything that chance decides.
    pub seed: u64,
    /// Files that the command depends on.
    pub deps: Vec<String>,
    /// How long the command may take.
    pub timeout: Option<Duration>,
    /// Memory that a built-in trainer may use, in bytes.
    pub max_memory: Option<usize>,
    /// The search for better parameters.
    pub tune: Option<Search>,
}

/// What learns a model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trainer {
    /// A trainer of Everloop, by name.
    BuiltIn(String),
    /// A command that leaves an MLflow model.
    Command(String),
}

/// A condition that a candidate must meet.
#[derive(Clone, Debug, PartialEq)]
pub struct Gate {
    /// The condition as it is written.
    pub text: String,
    /// The same as a tree.
    pub expression: Expression,
    /// Whether a candidate is told of only, not refused, if it does not hold.
    pub warns: bool,
}

/// Where a candidate goes that passed its gates.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deploy {
    /// The registered model.
    pub model: ModelName,
    /// Who lets it become the champion.
    pub approve: Approve,
}

/// Who lets a candidate become the champion.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Approve {
    /// The gates alone.
    Auto,
    /// A person.
    Manual,
}

/// How the champion is watched.
#[derive(Clone, Debug, PartialEq)]
pub struct Monitor {
    /// How much of the prediction log is judged at a time.
    pub window: Window,
    /// How the truth arrives.
    pub labels: Option<Labels>,
    /// When inputs and predictions count as drifted.
    pub drift: DriftSpec,
}

/// A part of the prediction log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Window {
    /// The predictions of so much time.
    Time(Duration),
    /// So many predictions.
    Predictions(u64),
}

/// How the truth arrives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Labels {
    /// The source that holds it; `/feedback` alone when absent.
    pub source: Option<String>,
    /// The column whose value names a prediction.
    pub key: String,
    /// How late it arrives.
    pub delay: Duration,
}

/// When inputs and predictions count as drifted.
#[derive(Clone, Debug, PartialEq)]
pub struct DriftSpec {
    /// What is watched.
    pub columns: Columns,
    /// How often an unchanged window may be called drifted, between 0 and 1.
    pub false_alarm_rate: f64,
    /// The smallest effect that counts, 0 to 1.
    pub min_effect: f64,
}

/// Some columns, or all of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Columns {
    /// Every input, and the prediction.
    All,
    /// These inputs.
    Some(Vec<String>),
}

/// When a new cycle starts by itself.
#[derive(Clone, Debug, PartialEq)]
pub struct Retrain {
    /// At these times.
    pub schedule: Option<Schedule>,
    /// When one of these holds.
    pub when: Vec<Condition>,
    /// How long after a cycle no other starts by itself.
    pub cooldown: Duration,
}

/// A condition that starts a cycle.
#[derive(Clone, Debug, PartialEq)]
pub struct Condition {
    /// The condition as it is written.
    pub text: String,
    /// The same as a tree.
    pub expression: Expression,
}
