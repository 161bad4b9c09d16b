//! Trainers on bare numbers, for tests: what a lifecycle cannot say (weights of rows) and hides (coefficients).

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use everloop_domain::{ParameterValue, Task, Value};

use crate::encoder::{Design, Inputs};
use crate::parameters::Parameters;
use crate::trainers::{Job, Trained, find};
use crate::{Error, Progress};

use super::unseen;

/// What a test varies.
#[derive(Clone)]
pub(in crate::trainers) struct Probe<'a> {
    pub(in crate::trainers) trainer: &'static str,
    pub(in crate::trainers) task: Task,
    pub(in crate::trainers) parameters: BTreeMap<String, ParameterValue>,
    pub(in crate::trainers) design: &'a Design,
    pub(in crate::trainers) target: &'a [f64],
    pub(in crate::trainers) row_weights: &'a [f64],
    pub(in crate::trainers) n_threads: usize,
}

impl Probe<'_> {
    pub(in crate::trainers) fn with(mut self, parameters: &[(&str, f64)]) -> Self {
        for (name, value) in parameters {
            let value = Value::Number(*value).into();
            self.parameters.insert((*name).to_owned(), value);
        }
        self
    }

    pub(in crate::trainers) fn train(
        &self,
        progress: &mut dyn FnMut(Progress) -> ControlFlow<()>,
    ) -> Result<Trained, Error> {
        let trainer = find(self.trainer).unwrap();
        let greatest = self.target.iter().copied().fold(0.0, f64::max);
        let (encoder, rows) = unseen();
        (trainer.fit)(&mut Job {
            task: self.task,
            parameters: Parameters::new(self.trainer, self.task, &self.parameters)?,
            seed: 0,
            n_threads: self.n_threads,
            design: self.design,
            inputs: Inputs::new(&encoder, &rows),
            n_categories: vec![0; self.design.n_columns],
            blocks: Vec::new(),
            rows: &rows,
            time: None,
            target: self.target,
            n_classes: if self.task.is_classification() {
                greatest as usize + 1
            } else {
                0
            },
            row_weights: self.row_weights.to_vec(),
            validation: (self.design, self.target),
            validation_weights: None,
            progress,
        })
    }

    /// Of a linear model: bias and weights, a row a target.
    pub(in crate::trainers) fn coefficients(&self) -> Result<Vec<Vec<f64>>, Error> {
        let trained = self.train(&mut |_| ControlFlow::Continue(()))?;
        let n_columns = self.design.n_columns;
        let mut values = vec![0.0; (n_columns + 1) * n_columns];
        for column in 0..n_columns {
            values[(column + 1) * n_columns + column] = 1.0;
        }
        let places = Design {
            values,
            n_rows: n_columns + 1,
            n_columns,
        };
        let scores = trained.model.scores(&places);
        let n_targets = trained.model.n_targets();
        let of = |target: usize| {
            let bias = scores[target];
            let others = scores.iter().skip(target).step_by(n_targets).skip(1);
            std::iter::once(bias)
                .chain(others.map(|score| score - bias))
                .collect()
        };
        Ok((0..n_targets).map(of).collect())
    }
}

/// Rows of numbers.
pub(in crate::trainers) fn design(n_columns: usize, values: &[f64]) -> Design {
    Design {
        values: values.to_vec(),
        n_rows: values.len() / n_columns,
        n_columns,
    }
}
