//! A trial of a built-in trainer: fitted, and scored on rows that it did not learn from.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Instant;

use arrow::array::{RecordBatch, UInt32Array};
use everloop_data::read_parquet;
use everloop_domain::ParameterValue;
use everloop_domain::dataset::Part;
use everloop_domain::search::Search;
use everloop_measure::Metric;
use everloop_train::tuning::{Asked, Judge, Outcome, folds, parameters_of};
use everloop_train::{FitRequest, Fitted};

use super::failed;
use crate::learning::Inputs;
use crate::runner::chain;
use crate::scoring::{Scored, part_file};
use crate::stages::Output;
use crate::stages::prepare::Prepared;
use crate::{Error, Runner};

/// What all trials share. Cheap to clone.
#[derive(Clone)]
pub(super) struct Fitting(Arc<Shared>);

struct Shared {
    runner: Runner,
    trainer: String,
    inputs: Inputs,
    metrics: Vec<Metric>,
    search: Search,
    /// What is learnt from and what is scored: the train and the validation part, or the folds.
    parts: Vec<(RecordBatch, RecordBatch)>,
}

/// What a trial saw on its way.
#[derive(Default)]
struct Seen {
    curve: Vec<(u64, f64)>,
    name: Option<String>,
    /// Whether more of it is better.
    is_maximized: bool,
    is_pruned: bool,
    is_late: bool,
}

impl Fitting {
    pub(super) fn new(
        runner: &Runner,
        trainer: &str,
        prepared: &Output<Prepared>,
        search: &Search,
    ) -> Result<Self, Error> {
        let lifecycle = runner.lifecycle();
        let train = read_parquet(&part_file(&prepared.dir, Part::Train))?;
        let parts = match &search.cross_validation {
            Some(how) => folds(&train, &lifecycle.dataset.target, how, search.seed)?
                .into_iter()
                .map(|fold| Ok((take(&train, fold.train)?, take(&train, fold.scored)?)))
                .collect::<Result<_, Error>>()?,
            None => vec![(
                train.clone(),
                read_parquet(&part_file(&prepared.dir, Part::Validation))?,
            )],
        };
        if parts.iter().any(|(_, scored)| scored.num_rows() == 0) {
            return Err(Error::Invalid(
                "`train.tune` scores trials on the validation part, which is empty: make one in `split`, or set `tune.cross_validation`".to_owned(),
            ));
        }
        let metric = |name: &str| {
            Metric::parse(name).ok_or_else(|| Error::Invalid(format!("unknown metric `{name}`")))
        };
        Ok(Self(Arc::new(Shared {
            runner: runner.clone(),
            trainer: trainer.to_owned(),
            inputs: Inputs::of(lifecycle, &train.schema()),
            metrics: search
                .objectives
                .iter()
                .map(|objective| metric(&objective.metric))
                .collect::<Result<_, Error>>()?,
            search: search.clone(),
            parts,
        })))
    }

    /// Carries a trial out; that it cannot be fitted or scored is what came of it.
    pub(super) fn score(&self, asked: Asked, n_threads: usize) -> Outcome {
        let fixed = &self.0.runner.lifecycle().train.parameters;
        let (trainer, parameters) = parameters_of(&self.0.trainer, fixed, &asked.parameters);
        let trial = Trial {
            shared: &self.0,
            trainer,
            parameters,
            n_threads,
            began: Instant::now(),
            judge: asked.judge,
            seen: Seen::default(),
        };
        trial.score()
    }
}

struct Trial<'a> {
    shared: &'a Shared,
    trainer: String,
    parameters: BTreeMap<String, ParameterValue>,
    n_threads: usize,
    began: Instant,
    judge: Judge,
    seen: Seen,
}

impl Trial<'_> {
    fn score(mut self) -> Outcome {
        let shared = self.shared;
        let mut sums = vec![0.0; shared.metrics.len()];
        let n_parts = shared.parts.len();
        for (place, (train, scored)) in shared.parts.iter().enumerate() {
            let values = match self
                .fit(train, scored)
                .and_then(|fitted| self.values(&fitted, scored))
            {
                Ok(values) => values,
                Err(_) if self.seen.is_pruned => return self.outcome(Vec::new()),
                Err(_) if self.seen.is_late => {
                    return failed("it took longer than `tune.trial_timeout`");
                }
                Err(error) => return failed(chain(&error)),
            };
            sums.iter_mut()
                .zip(values)
                .for_each(|(sum, value)| *sum += value);
            if shared.search.cross_validation.is_some() {
                let mean = sums[0] / (place + 1) as f64;
                self.see(place as u64 + 1, n_parts as u64, shared.metrics[0], mean);
                if self.seen.is_pruned && place + 1 < n_parts {
                    return self.outcome(Vec::new());
                }
            }
        }
        let values = sums.into_iter().map(|sum| sum / n_parts as f64).collect();
        self.outcome(values)
    }

    fn outcome(self, values: Vec<f64>) -> Outcome {
        Outcome {
            values,
            curve: self.seen.curve,
            curve_name: self.seen.name,
            is_curve_maximized: self.seen.is_maximized,
            ..Outcome::default()
        }
    }

    /// Keeps a value that was seen, and asks whether the trial is to end.
    fn see(&mut self, step: u64, total: u64, metric: Metric, value: f64) {
        self.seen
            .name
            .get_or_insert_with(|| metric.name().to_owned());
        self.seen.curve.push((step, value));
        self.seen.is_maximized = metric.higher_is_better();
        self.seen.is_pruned = self.judge.sees(step, total, value, self.seen.is_maximized);
    }

    fn fit(&mut self, train: &RecordBatch, scored: &RecordBatch) -> Result<Fitted, Error> {
        let shared = self.shared;
        let lifecycle = shared.runner.lifecycle();
        let (trainer, parameters) = (self.trainer.clone(), self.parameters.clone());
        let request = FitRequest {
            n_threads: self.n_threads,
            memory_bytes: shared.runner.training_memory_bytes(),
            ..shared.inputs.request(lifecycle, &trainer, &parameters)
        };
        let watches = shared.search.cross_validation.is_none();
        let limit = shared.search.trial_timeout;
        let fitted = everloop_train::fit(&request, train, scored, &mut |progress| {
            if limit.is_some_and(|limit| self.began.elapsed() > limit) {
                self.seen.is_late = true;
                return ControlFlow::Break(());
            }
            if let (true, Some((metric, value))) =
                (watches, progress.metric.as_ref().and_then(validated))
            {
                self.see(progress.step as u64, progress.total as u64, metric, value);
                if self.seen.is_pruned {
                    return ControlFlow::Break(());
                }
            }
            ControlFlow::Continue(())
        });
        Ok(fitted?)
    }

    fn values(&self, fitted: &Fitted, rows: &RecordBatch) -> Result<Vec<f64>, Error> {
        let lifecycle = self.shared.runner.lifecycle();
        let predictions = fitted.predict(rows)?;
        let scored = Scored::of(lifecycle, ("scored", rows), &predictions, &fitted.classes)?;
        let metrics = self.shared.metrics.iter();
        let values = metrics.map(|metric| scored.score(*metric));
        Ok(values.collect::<Result<_, _>>()?)
    }
}

/// The metric of the validation rows that a trainer tells of a step, if it is one.
fn validated((name, value): &(String, f64)) -> Option<(Metric, f64)> {
    Some((Metric::parse(name.strip_prefix("validation_")?)?, *value))
}

fn take(rows: &RecordBatch, picked: Vec<u32>) -> Result<RecordBatch, Error> {
    arrow::compute::take_record_batch(rows, &UInt32Array::from(picked))
        .map_err(|error| Error::Invalid(format!("folds cannot be made: {error}")))
}
