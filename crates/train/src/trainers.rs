//! The trainers, one file each.

mod association;
mod baseline;
mod boosting;
mod forest;
mod isolation_forest;
mod kmeans;
mod lbfgs;
mod linear;
mod logistic;
mod naive_bayes;
mod nearest;
mod neural;
mod svm;
mod tree;

use std::ops::ControlFlow;

use arrow::array::RecordBatch;
use everloop_domain::Task;

use crate::encoder::{Block, Design, Inputs, Style};
use crate::model::{Link, Model};
use crate::parameters::Parameters;
use crate::{Error, Progress, TrainerInfo};

/// What a trainer is given.
pub(crate) struct Job<'a> {
    pub(crate) task: Task,
    pub(crate) parameters: Parameters,
    pub(crate) seed: u64,
    pub(crate) n_threads: usize,
    /// The train rows.
    pub(crate) design: &'a Design,
    /// The same, input by input.
    pub(crate) inputs: Inputs<'a>,
    /// How many categories each column has places for, beside that of unknown ones; 0 for numbers.
    pub(crate) n_categories: Vec<usize>,
    /// Their target: values or classes.
    pub(crate) target: &'a [f64],
    pub(crate) n_classes: usize,
    /// What each train row counts.
    pub(crate) row_weights: Vec<f64>,
    /// The validation rows and their target.
    pub(crate) validation: (&'a Design, &'a [f64]),
    /// What each validation row counts; all the same if absent.
    pub(crate) validation_weights: Option<&'a [f64]>,
    /// What the encoded columns are made of.
    pub(crate) blocks: Vec<Block>,
    /// The train rows as they came.
    pub(crate) rows: &'a RecordBatch,
    /// The column that orders them in time.
    pub(crate) time: Option<&'a str>,
    pub(crate) progress: &'a mut dyn FnMut(Progress) -> ControlFlow<()>,
}

/// What a trainer gives.
pub(crate) struct Trained {
    pub(crate) model: Box<dyn Model>,
    pub(crate) link: Link,
    /// How much each encoded column matters; sums to 1.
    pub(crate) importances: Vec<f64>,
    pub(crate) notes: Vec<String>,
}

/// A trainer: what people are told of it, how it wants its inputs, and how it is fitted. Each file here has one.
pub(crate) struct Trainer {
    pub(crate) info: TrainerInfo,
    pub(crate) style: Style,
    pub(crate) fit: fn(&mut Job<'_>) -> Result<Trained, Error>,
}

/// All trainers, in the order in which they are documented.
pub(crate) static ALL: [&Trainer; 12] = [
    &linear::TRAINER,
    &logistic::TRAINER,
    &tree::TRAINER,
    &forest::TRAINER,
    &boosting::TRAINER,
    &svm::TRAINER,
    &neural::TRAINER,
    &nearest::TRAINER,
    &naive_bayes::TRAINER,
    &isolation_forest::TRAINER,
    &kmeans::TRAINER,
    &baseline::TRAINER,
];

const ALL_TASKS: &[Task] = &[Task::Binary, Task::Multiclass, Task::Regression];
const CLASSIFICATION: &[Task] = &[Task::Binary, Task::Multiclass];

/// A trainer by name.
pub(crate) fn find(name: &str) -> Option<&'static Trainer> {
    ALL.into_iter().find(|trainer| trainer.info.name == name)
}

impl Job<'_> {
    /// Tells a step; the listener may cancel.
    pub(crate) fn tell(
        &mut self,
        step: usize,
        total: usize,
        metric: Option<(String, f64)>,
    ) -> Result<(), Error> {
        match (self.progress)(Progress {
            step,
            total,
            metric,
        }) {
            ControlFlow::Continue(()) => Ok(()),
            ControlFlow::Break(()) => Err(Error::Cancelled { step }),
        }
    }
}

/// Shares of a whole; equal shares if the whole is nothing.
pub(crate) fn shares(values: &[f64]) -> Vec<f64> {
    let sum: f64 = values.iter().sum();
    if sum > 0.0 {
        values.iter().map(|value| value / sum).collect()
    } else {
        vec![1.0 / values.len().max(1) as f64; values.len()]
    }
}

/// What the leaves of means and shares are.
pub(crate) fn tree_link(task: Task) -> Link {
    if task.is_classification() {
        Link::Shares
    } else {
        Link::Identity
    }
}

#[cfg(test)]
mod tests;
