//! Built-in trainers: rows to a fitted model, its graph, and a package that agrees with it.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::Arc;

use arrow::array::RecordBatch;
use everloop_data::read_parquet;
use everloop_domain::dataset::Part;
use everloop_domain::expression::Expression;
use everloop_package::NewPackage;
use everloop_train::{FitRequest, Fitted};

use super::{Trained, metadata};
use crate::scoring::{input_columns, part_file};
use crate::stages::prepare::Prepared;
use crate::stages::{Output, blocking};
use crate::{Error, Progress, Runner};

/// Rows of the input example in the package.
const N_EXAMPLE_ROWS: usize = 5;

pub(super) async fn train(
    runner: &Runner,
    trainer: &str,
    prepared: &Output<Prepared>,
    dir: PathBuf,
) -> Result<Trained, Error> {
    let work = Work {
        runner: runner.clone(),
        trainer: trainer.to_owned(),
        parts: prepared.dir.clone(),
        metadata: metadata(runner, trainer, prepared),
        dir,
    };
    blocking(move || work.run()).await
}

struct Work {
    runner: Runner,
    trainer: String,
    parts: PathBuf,
    metadata: BTreeMap<String, String>,
    dir: PathBuf,
}

impl Work {
    fn run(self) -> Result<Trained, Error> {
        let train = read_parquet(&part_file(&self.parts, Part::Train))?;
        let validation = read_parquet(&part_file(&self.parts, Part::Validation))?;
        let (fitted, curves, mut notes) = self.fit(&train, &validation)?;
        notes.extend(fitted.notes.iter().cloned());
        // Without validation rows the package is checked on the train rows.
        let checked = if validation.num_rows() == 0 {
            &train
        } else {
            &validation
        };
        let inputs = fitted.graph.signature().conform(checked)?;
        let expected = fitted.predict(checked)?;
        let example = inputs.slice(0, N_EXAMPLE_ROWS.min(inputs.num_rows()));
        let new = NewPackage {
            graph: &fitted.graph,
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
    ) -> Result<(Fitted, BTreeMap<String, Vec<f64>>, Vec<String>), Error> {
        let lifecycle = self.runner.lifecycle();
        let (columns, notes) = input_columns(lifecycle, &train.schema());
        let features: Vec<(String, Expression)> = lifecycle
            .features
            .iter()
            .map(|feature| (feature.name.clone(), feature.expression.clone()))
            .collect();
        let request = FitRequest {
            task: lifecycle.train.task,
            trainer: &self.trainer,
            parameters: &lifecycle.train.parameters,
            seed: lifecycle.train.seed,
            features: &features,
            columns: &columns,
            target: &lifecycle.dataset.target,
            weight: lifecycle.dataset.weight.as_deref(),
            time: lifecycle.dataset.time.as_deref(),
            n_threads: self.runner.n_threads(),
            memory_bytes: self.runner.training_memory_bytes(),
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
        Ok((fitted, curves, notes))
    }
}
