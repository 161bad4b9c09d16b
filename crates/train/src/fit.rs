//! Fitting: rows to a model and its graph.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use arrow::array::RecordBatch;
use everloop_domain::expression::Expression;
use everloop_domain::{ParameterValue, Task, Value};
use everloop_package::graph::{Graph, GraphBuilder, Matrix};

use crate::Error;
use crate::encoder::{Encoder, Inputs, Style};
use crate::memory;
use crate::model::{Link, Model};
use crate::parameters::Parameters;
use crate::predictions::{anomalies, clusters, predictions};
use crate::table::{Computed, Front};
use crate::target::Target;
use crate::trainers::{self, Job};
use crate::weights;

/// What is to be fitted.
#[derive(Clone, Debug)]
pub struct FitRequest<'a> {
    /// The task.
    pub task: Task,
    /// The trainer's name.
    pub trainer: &'a str,
    /// Its parameters; those that are absent have their defaults.
    pub parameters: &'a BTreeMap<String, ParameterValue>,
    /// The seed of all chance.
    pub seed: u64,
    /// Computed features by name; a feature may use earlier ones.
    pub features: &'a [(String, Expression)],
    /// Raw columns that are inputs as they are.
    pub columns: &'a [String],
    /// The column to predict; empty if the task needs none.
    pub target: &'a str,
    /// The column that says how much a row counts, also of the validation rows; all count the same without it. It is no
    /// input. How columns are scaled and filled does not depend on it.
    pub weight: Option<&'a str>,
    /// The column that orders rows in time, if there is one. It is no input.
    pub time: Option<&'a str>,
    /// How much each train row counts besides, for instance so that groups of people fare alike.
    pub row_weights: Option<&'a [f64]>,
    /// Threads that may be used; the result does not depend on them.
    pub n_threads: usize,
    /// Memory that may be used, in bytes: what training needs is estimated before it is allocated.
    pub memory_bytes: usize,
}

/// How far training has come.
#[derive(Clone, Debug, PartialEq)]
pub struct Progress {
    /// Steps made.
    pub step: usize,
    /// Steps in all, at most.
    pub total: usize,
    /// A score of the step, by name.
    pub metric: Option<(String, f64)>,
}

/// A fitted model.
#[derive(Debug)]
pub struct Fitted {
    /// The whole road from raw columns to predictions.
    pub graph: Graph,
    /// The classes, sorted; empty for regression.
    pub classes: Vec<Value>,
    /// How much each encoded column matters, greatest first.
    pub importances: Vec<(String, f64)>,
    /// What people should know.
    pub notes: Vec<String>,
    own: Own,
}

/// What the model's own predictions need: the graph up to the features, the encoder, the model.
#[derive(Debug)]
struct Own {
    front: Computed,
    encoder: Encoder,
    model: Box<dyn Model>,
    link: Link,
}

/// Fits a model on train rows; `validation` is watched, never learnt from.
///
/// # Errors
///
/// Fails if a parameter, column or weight is wrong, the target cannot be learnt (constant, one class, missing values:
/// named by row), too much memory would be needed, training diverges, or `progress` cancels it.
pub fn fit(
    request: &FitRequest<'_>,
    train: &RecordBatch,
    validation: &RecordBatch,
    progress: &mut dyn FnMut(Progress) -> ControlFlow<()>,
) -> Result<Fitted, Error> {
    let trainer = trainers::find(request.trainer).ok_or_else(|| Error::Trainer {
        name: request.trainer.to_owned(),
    })?;
    let parameters = Parameters::new(request.trainer, request.task, request.parameters)?;
    let mut target = Target::of_train(request.task, train, request.target)?;
    let (counted, weights) = weights::counted(train, request.weight, request.row_weights)?;
    if counted.num_rows() < train.num_rows() {
        target = Target::of_train(request.task, &counted, request.target)?;
    }
    let train = &counted;
    let front = Computed::new(request, train)?;
    let columns = front.columns(train)?;
    let encoder = Encoder::fit(trainer.style, &columns, &target.values)?;
    let n_rows = train.num_rows() + validation.num_rows();
    let size = (n_rows, encoder.n_columns());
    memory::check(request.memory_bytes, trainer.style, size)?;
    let design = if trainer.style == Style::Binned {
        encoder.shape(columns.num_rows())
    } else {
        encoder.encode(&columns)?
    };
    let validation_design = encoder.encode(&front.columns(validation)?)?;
    let validation_target =
        Target::of_others(request.task, validation, request.target, &target.classes)?;
    let validation_weights = weights::of_others(validation, request.weight)?;
    let mut row_weights = target.row_weights(parameters.is_balanced());
    let pairs = row_weights.iter_mut().zip(weights.iter().flatten());
    pairs.for_each(|(weight, own)| *weight *= own);
    let mut job = Job {
        task: request.task,
        parameters,
        seed: request.seed,
        n_threads: request.n_threads,
        design: &design,
        inputs: Inputs::new(&encoder, &columns),
        n_categories: encoder.n_categories(),
        target: &target.values,
        n_classes: target.classes.len(),
        row_weights,
        validation: (&validation_design, &validation_target),
        validation_weights: validation_weights.as_deref(),
        blocks: encoder.blocks(),
        rows: train,
        time: request.time,
        progress,
    };
    let trained = (trainer.fit)(&mut job)?;
    let mut importances: Vec<(String, f64)> = encoder
        .names()
        .into_iter()
        .zip(trained.importances)
        .collect();
    importances.sort_by(|left, right| right.1.total_cmp(&left.1));
    let mut notes = encoder.notes.clone();
    notes.extend(trained.notes);
    let graph = graph(
        request,
        train,
        &encoder,
        trained.model.as_ref(),
        trained.link,
        &target.classes,
    )?;
    let own = Own {
        front,
        encoder,
        model: trained.model,
        link: trained.link,
    };
    Ok(Fitted {
        graph,
        classes: target.classes,
        importances,
        notes,
        own,
    })
}

fn graph(
    request: &FitRequest<'_>,
    train: &RecordBatch,
    encoder: &Encoder,
    model: &dyn Model,
    link: Link,
    classes: &[Value],
) -> Result<Graph, Error> {
    let Front {
        mut builder,
        features,
    } = Front::build(request, train)?;
    let matrix = encoder.emit(&mut builder, &features)?;
    let scores = model.emit(&mut builder, &matrix);
    let predictions = link.emit(&mut builder, &scores);
    finish(request.task, builder, link, &predictions, classes)
}

fn finish(
    task: Task,
    builder: GraphBuilder,
    link: Link,
    predictions: &Matrix,
    classes: &[Value],
) -> Result<Graph, Error> {
    match link {
        Link::Isolation { factor, cutoff } => {
            return Ok(builder.finish_anomaly(predictions, factor, cutoff)?);
        }
        Link::Distances => return Ok(builder.finish_clustering(predictions)?),
        _ => {}
    }
    Ok(match (task, classes) {
        (Task::Regression, _) => builder.finish_regression(predictions)?,
        (Task::Binary, [negative, positive]) => {
            builder.finish_binary(predictions, &[negative.clone(), positive.clone()])?
        }
        _ => builder.finish_multiclass(predictions, classes)?,
    })
}

impl Fitted {
    /// The model's own predictions on raw rows, by another road than the graph's model part: a parity check compares both.
    ///
    /// # Errors
    ///
    /// Fails if a column is absent or of another type.
    pub fn predict(&self, raw: &RecordBatch) -> Result<RecordBatch, Error> {
        let columns = self.own.front.columns(raw)?;
        let design = self.own.encoder.encode(&columns)?;
        let scores = self.own.model.scores(&design);
        let n_targets = self.own.model.n_targets();
        let values = self.own.link.apply(&scores, n_targets);
        match self.own.link {
            Link::Isolation { factor, cutoff } => anomalies(&values, factor, cutoff),
            Link::Distances => clusters(&values, n_targets),
            _ => predictions(&self.classes, values),
        }
    }
}
