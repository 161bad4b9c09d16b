//! Built-in trainers: rows to a fitted model, its graph, and a package that agrees with it.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::Arc;

use arrow::array::RecordBatch;
use everloop_data::read_parquet;
use everloop_domain::ParameterValue;
use everloop_domain::dataset::Part;
use everloop_package::NewPackage;
use everloop_train::{FitRequest, Fitted};

use super::decide::{self, Decided};
use super::usage::Meter;
use super::{Trained, metadata};
use crate::learning::Inputs;
use crate::scoring::part_file;
use crate::stages::prepare::Prepared;
use crate::stages::{Output, blocking};
use crate::{Error, Progress, Runner};

/// Rows of the input example in the package.
const N_EXAMPLE_ROWS: usize = 5;

pub(super) async fn train(
    runner: &Runner,
    trainer: &str,
    parameters: BTreeMap<String, ParameterValue>,
    prepared: &Output<Prepared>,
    dir: PathBuf,
) -> Result<Trained, Error> {
    let work = Work {
        runner: runner.clone(),
        trainer: trainer.to_owned(),
        parameters,
        parts: prepared.dir.clone(),
        metadata: metadata(runner, trainer, prepared),
        dir,
    };
    blocking(move || work.run()).await
}

struct Work {
    runner: Runner,
    trainer: String,
    parameters: BTreeMap<String, ParameterValue>,
    parts: PathBuf,
    metadata: BTreeMap<String, String>,
    dir: PathBuf,
}

impl Work {
    fn run(self) -> Result<Trained, Error> {
        let train = read_parquet(&part_file(&self.parts, Part::Train))?;
        let validation = read_parquet(&part_file(&self.parts, Part::Validation))?;
        let meter = Meter::start();
        let reweighed = decide::weights(self.runner.lifecycle(), &train)?;
        let weights = reweighed.as_ref().map(|(weights, _)| weights.as_slice());
        let (fitted, curves, mut notes) = self.fit(&train, &validation, weights)?;
        let usage = meter.read();
        notes.extend(fitted.notes.iter().cloned());
        // Without validation rows the package is checked on the train rows.
        let checked = if validation.num_rows() == 0 {
            &train
        } else {
            &validation
        };
        let inputs = fitted.graph.signature().conform(checked)?;
        let mut expected = fitted.predict(checked)?;
        let mut graph = fitted.graph.clone();
        let mut decided: Vec<Decided> = reweighed.into_iter().map(|(_, decided)| decided).collect();
        if let Some(found) = decide::decide(self.runner.lifecycle(), &fitted, &validation)? {
            expected = decide::relabelled(&found.graph, &inputs, &expected)?;
            graph = found.graph;
            decided.push(found.decided);
        }
        let example = inputs.slice(0, N_EXAMPLE_ROWS.min(inputs.num_rows()));
        let new = NewPackage {
            graph: &graph,
            task: self.runner.lifecycle().train.task,
            classes: &fitted.classes,
            name: &self.runner.lifecycle().project,
            input_example: &example,
            metadata: self.metadata,
        };
        let written = everloop_package::write(&self.dir.join("model"), &new, &inputs, &expected)?;
        Ok(Trained {
            package: written.digest,
            trainer: self.trainer,
            importances: fitted.importances,
            notes,
            curves,
            parity: Some(written.parity.max_difference),
            tuned: None,
            usage: Some(usage),
            decided,
        })
    }

    #[expect(
        clippy::type_complexity,
        reason = "the three results belong together only here"
    )]
    fn fit(
        &self,
        train: &RecordBatch,
        validation: &RecordBatch,
        row_weights: Option<&[f64]>,
    ) -> Result<(Fitted, BTreeMap<String, Vec<f64>>, Vec<String>), Error> {
        let lifecycle = self.runner.lifecycle();
        let inputs = Inputs::of(lifecycle, &train.schema());
        let request = FitRequest {
            row_weights,
            n_threads: self.runner.n_threads(),
            memory_bytes: self.runner.training_memory_bytes(),
            ..inputs.request(lifecycle, &self.trainer, &self.parameters)
        };
        let mut curves: BTreeMap<String, Vec<f64>> = BTreeMap::new();
        let tell = Arc::clone(self.runner.progress());
        let fitted = everloop_train::fit(&request, train, validation, &mut |progress| {
            if let Some((name, value)) = &progress.metric {
                curves.entry(name.clone()).or_default().push(*value);
            }
            tell(Progress::Training {
                step: progress.step as u64,
                total: progress.total as u64,
            });
            ControlFlow::Continue(())
        })?;
        Ok((fitted, curves, inputs.notes))
    }
}
