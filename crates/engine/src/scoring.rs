//! From rows and a model to the numbers that `measure` scores.

use std::path::{Path, PathBuf};

use arrow::array::{Array, ArrayRef, AsArray as _, RecordBatch};
use arrow::datatypes::{DataType, Float64Type, Int64Type};
use everloop_domain::dataset::Part;
use everloop_domain::{Task, Value};
use everloop_lifecycle::Lifecycle;
use everloop_measure::{Metric, Outcomes};
use everloop_package::Scorer;

use crate::Error;
use crate::learning::input_columns;

/// The file of a part in the directory that `prepare` wrote.
pub(crate) fn part_file(dir: &Path, part: Part) -> PathBuf {
    dir.join(format!("{}.parquet", part.as_str()))
}

/// Truth and predictions of the same rows, as numbers.
#[derive(Clone, Debug, PartialEq)]
pub struct Scored {
    /// The task.
    pub task: Task,
    /// Values, or indices of classes.
    pub truth: Vec<f64>,
    /// Values, or indices of classes.
    pub predicted: Vec<f64>,
    /// Binary: of the positive class. Multiclass: row by row, a number a class.
    pub probabilities: Option<Vec<f64>>,
    /// The classes, sorted; empty for regression.
    pub classes: Vec<Value>,
    /// How much each row counts; all the same if absent.
    pub weights: Option<Vec<f64>>,
}

impl Scored {
    /// Puts truth and predictions side by side.
    ///
    /// The classes are those of the model, or, if it does not tell, those that occur.
    ///
    /// # Errors
    ///
    /// Fails if a value is missing, or not a number where the task needs one.
    pub fn new(
        task: Task,
        truth: &ArrayRef,
        predictions: &RecordBatch,
        classes: &[Value],
    ) -> Result<Self, Error> {
        let prediction = predictions
            .column_by_name("prediction")
            .ok_or_else(|| Error::Invalid("the model gives no column `prediction`".to_owned()))?;
        if task == Task::Anomaly {
            return Self::anomalies(truth, predictions);
        }
        if !task.is_classification() {
            return Ok(Self {
                task,
                truth: numbers(truth, "the target")?,
                predicted: numbers(prediction, "prediction")?,
                probabilities: None,
                classes: Vec::new(),
                weights: None,
            });
        }
        let (truth, predicted) = (texts(truth), texts(prediction));
        let classes = complete(classes, truth.iter().chain(&predicted));
        let index = |text: &Option<String>, what: &str, row: usize| -> Result<f64, Error> {
            let text = text
                .as_ref()
                .ok_or_else(|| Error::Invalid(format!("row {}: {what} is missing", row + 1)))?;
            let position = classes.iter().position(|class| class.to_string() == *text);
            Ok(position.unwrap_or_default() as f64)
        };
        let indices = |texts: &[Option<String>], what: &str| -> Result<Vec<f64>, Error> {
            texts
                .iter()
                .enumerate()
                .map(|(row, text)| index(text, what, row))
                .collect()
        };
        Ok(Self {
            task,
            truth: indices(&truth, "the target")?,
            predicted: indices(&predicted, "the prediction")?,
            probabilities: probabilities(task, predictions, &classes)?,
            classes,
            weights: None,
        })
    }

    /// Predictions beside the truth and the weights that rows hold; `part` names the rows in messages.
    ///
    /// # Errors
    ///
    /// Fails as [`Self::new`] does, or if the target or the weight is no column of the rows.
    pub(crate) fn of(
        lifecycle: &Lifecycle,
        (part, rows): (&str, &RecordBatch),
        predictions: &RecordBatch,
        classes: &[Value],
    ) -> Result<Self, Error> {
        let dataset = &lifecycle.dataset;
        let target = &dataset.target;
        let truth = rows
            .column_by_name(target)
            .ok_or_else(|| Error::Invalid(format!("the {part} rows have no column `{target}`")))?;
        let mut scored = Self::new(lifecycle.train.task, truth, predictions, classes)?;
        if let Some(weight) = &dataset.weight {
            let weights = everloop_train::sample_weights(rows, weight, part)?;
            scored.weights = Some(weights);
        }
        Ok(scored)
    }

    /// Two classes, of which the last in order is that of the anomalies, and their scores.
    fn anomalies(truth: &ArrayRef, predictions: &RecordBatch) -> Result<Self, Error> {
        let column = |name: &str| {
            let column = predictions.column_by_name(name);
            column.ok_or_else(|| Error::Invalid(format!("the model gives no column `{name}`")))
        };
        let truth = texts(truth);
        let mut classes = complete(&[], truth.iter());
        if classes.len() > 2 {
            return Err(Error::Invalid(format!(
                "the target tells anomalies from others by two values, found {}",
                classes.len()
            )));
        }
        // Where one value occurs, the name has to tell which it is.
        let is_anomaly = |class: &Value| matches!(class.to_string().as_str(), "1" | "true");
        if classes.len() == 1 {
            let place = usize::from(classes.first().is_some_and(|class| !is_anomaly(class)));
            classes.insert(place, Value::Text("other".to_owned()));
        }
        let anomaly = classes.last().map(ToString::to_string);
        let index = |(row, text): (usize, &Option<String>)| match text {
            Some(_) => Ok(f64::from(u8::from(*text == anomaly))),
            None => Err(Error::Invalid(format!(
                "row {}: the target is missing",
                row + 1
            ))),
        };
        Ok(Self {
            task: Task::Binary,
            truth: truth
                .iter()
                .enumerate()
                .map(index)
                .collect::<Result<_, _>>()?,
            predicted: numbers(column("prediction")?, "prediction")?,
            probabilities: Some(numbers(column("score")?, "score")?),
            classes,
            weights: None,
        })
    }

    /// A score of all rows. A metric that knows no weights counts them all the same.
    ///
    /// # Errors
    ///
    /// Fails as [`everloop_measure::score`] does.
    pub fn score(&self, metric: Metric) -> Result<f64, everloop_measure::Error> {
        let outcomes = self.outcomes();
        let weights = outcomes.weights.filter(|_| metric.takes_weights());
        everloop_measure::score(
            metric,
            &Outcomes {
                weights,
                ..outcomes
            },
        )
    }

    /// As `measure` wants them.
    #[must_use]
    pub fn outcomes(&self) -> Outcomes<'_> {
        Outcomes {
            task: self.task,
            truth: &self.truth,
            predicted: &self.predicted,
            probabilities: self.probabilities.as_deref(),
            n_classes: self.classes.len(),
            weights: self.weights.as_deref(),
        }
    }
}

/// The rows of a part as the model takes them. A model that does not say what it takes gets the
/// dataset's input columns: never the target, nor what `dataset.exclude` names.
pub(crate) fn inputs(
    scorer: &dyn Scorer,
    lifecycle: &Lifecycle,
    rows: &RecordBatch,
) -> Result<RecordBatch, Error> {
    if !scorer.signature().inputs.is_empty() {
        return Ok(scorer.conform(rows)?);
    }
    let (columns, _) = input_columns(lifecycle, &rows.schema());
    let columns = columns.into_iter().filter_map(|name| {
        let column = rows.column_by_name(&name)?.clone();
        Some((name, column))
    });
    RecordBatch::try_from_iter(columns)
        .map_err(|error| Error::Invalid(format!("the dataset offers the model no input: {error}")))
}

fn probabilities(
    task: Task,
    predictions: &RecordBatch,
    classes: &[Value],
) -> Result<Option<Vec<f64>>, Error> {
    if task == Task::Binary {
        let column = predictions.column_by_name("probability");
        return column
            .map(|column| numbers(column, "probability"))
            .transpose();
    }
    let columns: Option<Vec<&ArrayRef>> = classes
        .iter()
        .map(|class| predictions.column_by_name(&format!("probability_{class}")))
        .collect();
    let Some(columns) = columns else {
        return Ok(None);
    };
    let columns: Vec<Vec<f64>> = columns
        .into_iter()
        .map(|column| numbers(column, "probability"))
        .collect::<Result<_, _>>()?;
    let n_rows = predictions.num_rows();
    Ok(Some(
        (0..n_rows)
            .flat_map(|row| columns.iter().map(move |column| column[row]))
            .collect(),
    ))
}

/// The known classes and those that occur besides, sorted: numbers by value, texts by bytes.
fn complete<'a>(known: &[Value], seen: impl Iterator<Item = &'a Option<String>>) -> Vec<Value> {
    let mut classes: Vec<Value> = known.to_vec();
    let mut names: std::collections::BTreeSet<String> =
        known.iter().map(ToString::to_string).collect();
    for text in seen.flatten() {
        if names.insert(text.clone()) {
            classes.push(
                text.parse()
                    .map_or_else(|_| Value::Text(text.clone()), Value::Integer),
            );
        }
    }
    if classes.len() > known.len() {
        classes.sort_by(|left, right| match (left.as_f64(), right.as_f64()) {
            (Some(left), Some(right)) => left.total_cmp(&right),
            _ => left.to_string().cmp(&right.to_string()),
        });
    }
    classes
}

/// A column as numbers; a missing value is an error that names the row.
fn numbers(column: &ArrayRef, what: &str) -> Result<Vec<f64>, Error> {
    if let Some(row) = (0..column.len()).find(|row| column.is_null(*row)) {
        return Err(Error::Invalid(format!(
            "row {}: {what} is missing",
            row + 1
        )));
    }
    match column.data_type() {
        DataType::Float64 => Ok(column.as_primitive::<Float64Type>().values().to_vec()),
        DataType::Int64 => Ok(column
            .as_primitive::<Int64Type>()
            .values()
            .iter()
            .map(|value| *value as f64)
            .collect()),
        DataType::Boolean => Ok((0..column.len())
            .map(|row| f64::from(u8::from(column.as_boolean().value(row))))
            .collect()),
        other => Err(Error::Invalid(format!(
            "{what} is {other}, expected numbers"
        ))),
    }
}

/// A column as texts, as [`Value`] shows them.
#[must_use]
pub fn texts(column: &ArrayRef) -> Vec<Option<String>> {
    (0..column.len())
        .map(|row| {
            if column.is_null(row) {
                return None;
            }
            match column.data_type() {
                DataType::Utf8 => Some(column.as_string::<i32>().value(row).to_owned()),
                DataType::Int64 => Some(column.as_primitive::<Int64Type>().value(row).to_string()),
                DataType::Float64 => {
                    Some(column.as_primitive::<Float64Type>().value(row).to_string())
                }
                DataType::Boolean => Some(column.as_boolean().value(row).to_string()),
                _ => None,
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{Float64Array, Int64Array, StringArray};

    use super::*;

    fn batch(columns: Vec<(&str, ArrayRef)>) -> RecordBatch {
        RecordBatch::try_from_iter(columns).unwrap()
    }

    #[test]
    fn files_name_the_metrics_that_are_measured() {
        for task in Task::SUPERVISED {
            let mut named: Vec<&str> = everloop_lifecycle::metric_names(task).collect();
            let measured = Metric::all().filter(|metric| metric.suits(task));
            let mut measured: Vec<&str> = measured.map(Metric::name).collect();
            named.sort_unstable();
            measured.sort_unstable();
            assert_eq!(named, measured, "{task}");
        }
    }

    #[test]
    fn classes_become_indices_in_the_models_order() {
        let truth: ArrayRef = Arc::new(StringArray::from(vec!["b", "a"]));
        let predictions = batch(vec![
            (
                "prediction",
                Arc::new(StringArray::from(vec!["b", "b"])) as ArrayRef,
            ),
            ("probability", Arc::new(Float64Array::from(vec![0.9, 0.6]))),
        ]);
        let classes = [Value::Text("a".into()), Value::Text("b".into())];
        let scored = Scored::new(Task::Binary, &truth, &predictions, &classes).unwrap();
        assert_eq!(
            (scored.truth, scored.predicted),
            (vec![1.0, 0.0], vec![1.0, 1.0])
        );
        assert_eq!(scored.probabilities, Some(vec![0.9, 0.6]));
    }

    #[test]
    fn classes_are_found_when_the_model_does_not_tell() {
        let truth: ArrayRef = Arc::new(Int64Array::from(vec![10, 2, 0]));
        let predictions = batch(vec![(
            "prediction",
            Arc::new(Int64Array::from(vec![10, 0, 0])) as ArrayRef,
        )]);
        let scored = Scored::new(Task::Multiclass, &truth, &predictions, &[]).unwrap();
        assert_eq!(scored.classes, [0, 2, 10].map(Value::Integer));
        assert_eq!(
            (scored.truth, scored.predicted),
            (vec![2.0, 1.0, 0.0], vec![2.0, 0.0, 0.0])
        );
    }

    #[test]
    fn a_missing_truth_is_named_by_row() {
        let truth: ArrayRef = Arc::new(Float64Array::from(vec![Some(1.0), None]));
        let predictions = batch(vec![(
            "prediction",
            Arc::new(Float64Array::from(vec![1.0, 2.0])) as ArrayRef,
        )]);
        let error = Scored::new(Task::Regression, &truth, &predictions, &[]).unwrap_err();
        assert_eq!(error.to_string(), "row 2: the target is missing");
    }
}
