//! From a lifecycle and the columns of its rows to what a fit is asked for.

use std::collections::BTreeMap;

use arrow::datatypes::{DataType, Schema};
use everloop_domain::ParameterValue;
use everloop_domain::expression::Expression;
use everloop_lifecycle::Lifecycle;
use everloop_train::FitRequest;

/// The columns that are inputs as they are, and notes on those that cannot be.
pub(crate) fn input_columns(lifecycle: &Lifecycle, schema: &Schema) -> (Vec<String>, Vec<String>) {
    let dataset = &lifecycle.dataset;
    let mut notes = Vec::new();
    let columns = schema
        .fields()
        .iter()
        .filter(|field| {
            let name = field.name();
            *name != dataset.target
                && dataset.time.as_ref() != Some(name)
                && dataset.weight.as_ref() != Some(name)
                && !dataset.exclude.contains(name)
        })
        .filter(|field| {
            let is_input = matches!(
                field.data_type(),
                DataType::Int64
                    | DataType::Float64
                    | DataType::Utf8
                    | DataType::Boolean
                    | DataType::Date32
                    | DataType::Timestamp(..)
            );
            if !is_input {
                notes.push(format!(
                    "column `{}` is a {}: it is no input; turn it into numbers in `prepare`",
                    field.name(),
                    field.data_type()
                ));
            }
            is_input
        })
        .map(|field| field.name().clone())
        .collect();
    (columns, notes)
}

/// What models of a lifecycle learn from: owned here, borrowed by every [`FitRequest`].
pub(crate) struct Inputs {
    features: Vec<(String, Expression)>,
    columns: Vec<String>,
    /// On columns that are no inputs.
    pub(crate) notes: Vec<String>,
}

impl Inputs {
    /// The inputs among these columns.
    pub(crate) fn of(lifecycle: &Lifecycle, schema: &Schema) -> Self {
        let (columns, notes) = input_columns(lifecycle, schema);
        let features = lifecycle.features.iter();
        Self {
            features: features
                .map(|feature| (feature.name.clone(), feature.expression.clone()))
                .collect(),
            columns,
            notes,
        }
    }

    /// A fit of what the file declares, on one thread, without weights of rows and without a bound of memory.
    pub(crate) fn request<'a>(
        &'a self,
        lifecycle: &'a Lifecycle,
        trainer: &'a str,
        parameters: &'a BTreeMap<String, ParameterValue>,
    ) -> FitRequest<'a> {
        let dataset = &lifecycle.dataset;
        FitRequest {
            task: lifecycle.train.task,
            trainer,
            parameters,
            seed: lifecycle.train.seed,
            features: &self.features,
            columns: &self.columns,
            target: &dataset.target,
            weight: dataset.weight.as_deref(),
            time: dataset.time.as_deref(),
            row_weights: None,
            n_threads: 1,
            memory_bytes: usize::MAX,
        }
    }
}

#[cfg(test)]
mod tests {
    use everloop_domain::Task;

    #[test]
    fn files_name_the_trainers_that_there_are_with_their_tasks() {
        let named: Vec<(&str, &[Task])> = everloop_lifecycle::trainer_tasks().collect();
        let trainers = everloop_train::trainers();
        let trainers: Vec<(&str, &[Task])> = trainers.map(|it| (it.name, it.tasks)).collect();
        assert_eq!(named, trainers);
    }
}
