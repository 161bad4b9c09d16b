//! What can be predicted without any input: the bar that every model has to clear.

use arrow::array::{Array as _, AsArray as _, RecordBatch};
use arrow::datatypes::{
    DataType, Date32Type, Float64Type, Int64Type, TimeUnit, TimestampMillisecondType,
};
use everloop_domain::{Task, Timestamp, Value};

use crate::predictions::predictions;
use crate::target::Target;
use crate::{Error, weights};

/// The same prediction for every row.
#[derive(Clone, Debug, PartialEq)]
pub struct Naive {
    /// How it was found: `mean`, `last` or `prior`, as the trainer `baseline` has it.
    pub strategy: &'static str,
    /// The classes, sorted; empty for regression.
    pub classes: Vec<Value>,
    /// One value, or the share of each class.
    values: Vec<f64>,
}

impl Naive {
    /// What the train rows suggest: the mean and, if a column orders rows in time, the last value; the shares of
    /// the classes.
    ///
    /// # Errors
    ///
    /// Fails if the target cannot be learnt, or weights or times cannot be read.
    pub fn fit(
        task: Task,
        rows: &RecordBatch,
        target: &str,
        weight: Option<&str>,
        time: Option<&str>,
    ) -> Result<Vec<Self>, Error> {
        let (rows, weights) = weights::counted(rows, weight, None)?;
        let target = Target::of_train(task, &rows, target)?;
        let weights = weights.unwrap_or_else(|| vec![1.0; rows.num_rows()]);
        if task.is_classification() {
            return Ok(vec![Self {
                strategy: "prior",
                values: shares(&target.values, &weights, target.classes.len()),
                classes: target.classes,
            }]);
        }
        let of = |strategy, value| Self {
            strategy,
            classes: Vec::new(),
            values: vec![value],
        };
        let mut found = vec![of("mean", mean(&target.values, &weights))];
        if let Some(time) = time {
            found.push(of("last", target.values[last_row(&rows, time)?]));
        }
        Ok(found)
    }

    /// The prediction for some rows, in the columns of a model of the task.
    ///
    /// # Errors
    ///
    /// Fails if two classes are written alike.
    pub fn predict(&self, n_rows: usize) -> Result<RecordBatch, Error> {
        // Models of two classes give the probability of the second.
        let own = match self.values.as_slice() {
            [_, positive] => std::slice::from_ref(positive),
            values => values,
        };
        predictions(&self.classes, own.repeat(n_rows))
    }
}

/// The weighted mean.
pub(crate) fn mean(values: &[f64], weights: &[f64]) -> f64 {
    let sum: f64 = weights.iter().sum();
    let pairs = values.iter().zip(weights);
    pairs.map(|(value, weight)| value * weight).sum::<f64>() / sum
}

/// The weighted share of each class.
pub(crate) fn shares(classes: &[f64], weights: &[f64], n_classes: usize) -> Vec<f64> {
    let sum: f64 = weights.iter().sum();
    let mut shares = vec![0.0; n_classes];
    for (class, weight) in classes.iter().zip(weights) {
        shares[*class as usize] += weight / sum;
    }
    shares
}

/// The quantile at a share of 0 to 1: between two values by their distance, or, of rows that count differently, the
/// smallest value that so much of the weight does not exceed.
pub(crate) fn quantile(values: &[f64], weights: &[f64], share: f64) -> f64 {
    let mut pairs: Vec<(f64, f64)> = values
        .iter()
        .copied()
        .zip(weights.iter().copied())
        .collect();
    pairs.sort_by(|left, right| left.0.total_cmp(&right.0));
    let Some((greatest, first)) = pairs.last().copied() else {
        return f64::NAN;
    };
    if pairs.iter().all(|(_, weight)| *weight == first) {
        let at = share * (pairs.len() - 1) as f64;
        let (low, high) = (pairs[at.floor() as usize].0, pairs[at.ceil() as usize].0);
        return low + (high - low) * at.fract();
    }
    let wanted = share * weights.iter().sum::<f64>();
    let mut sum = 0.0;
    let reached = pairs.iter().find(|(_, weight)| {
        sum += weight;
        sum >= wanted
    });
    reached.map_or(greatest, |(value, _)| *value)
}

/// The row with the latest moment; of equal ones the last in the file.
pub(crate) fn last_row(rows: &RecordBatch, time: &str) -> Result<usize, Error> {
    let refuse = |problem: String| Error::Inputs(format!("time column `{time}`: {problem}"));
    let column = rows
        .column_by_name(time)
        .ok_or_else(|| refuse("the train rows have no such column".to_owned()))?;
    let moment = |row: usize| -> Result<f64, Error> {
        Ok(match column.data_type() {
            _ if column.is_null(row) => f64::NEG_INFINITY,
            DataType::Int64 => column.as_primitive::<Int64Type>().value(row) as f64,
            DataType::Float64 => column.as_primitive::<Float64Type>().value(row),
            DataType::Date32 => f64::from(column.as_primitive::<Date32Type>().value(row)),
            DataType::Timestamp(TimeUnit::Millisecond, _) => {
                column.as_primitive::<TimestampMillisecondType>().value(row) as f64
            }
            DataType::Utf8 => {
                let moment: Result<Timestamp, String> =
                    column.as_string::<i32>().value(row).parse();
                let moment =
                    moment.map_err(|problem| refuse(format!("row {}: {problem}", row + 1)))?;
                moment.as_millis() as f64
            }
            other => return Err(refuse(format!("it is {other} and cannot order rows"))),
        })
    };
    let (mut last, mut latest) = (0, f64::NEG_INFINITY);
    for row in 0..column.len() {
        let own = moment(row)?;
        if own >= latest {
            (last, latest) = (row, own);
        }
    }
    Ok(last)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{ArrayRef, Date32Array, Float64Array, Int64Array, StringArray};

    use super::*;

    #[test]
    fn quantiles_lie_between_values_or_on_them() {
        let values = [4.0, 1.0, 3.0, 2.0];
        assert_eq!(quantile(&values, &[1.0; 4], 0.5), 2.5);
        assert_eq!(quantile(&values, &[2.0; 4], 0.0), 1.0);
        assert_eq!(quantile(&values, &[2.0; 4], 1.0), 4.0);
        assert_eq!(quantile(&values, &[9.0, 1.0, 1.0, 1.0], 0.5), 4.0);
        assert_eq!(quantile(&values, &[1.0, 9.0, 1.0, 1.0], 0.5), 1.0);
    }

    fn rows() -> RecordBatch {
        RecordBatch::try_from_iter(vec![
            (
                "day",
                Arc::new(Date32Array::from(vec![3, 9, 9, 1])) as ArrayRef,
            ),
            (
                "at",
                Arc::new(StringArray::from(vec![
                    "2024-05-01",
                    "2024-01-01",
                    "2024-02-01",
                    "2024-03-01",
                ])),
            ),
            ("y", Arc::new(Float64Array::from(vec![1.0, 2.0, 3.0, 6.0]))),
            (
                "class",
                Arc::new(StringArray::from(vec!["a", "b", "b", "b"])),
            ),
            ("w", Arc::new(Int64Array::from(vec![3, 1, 1, 1]))),
        ])
        .unwrap()
    }

    #[test]
    fn the_last_row_is_the_latest() {
        assert_eq!(last_row(&rows(), "day").unwrap(), 2);
        assert_eq!(last_row(&rows(), "at").unwrap(), 0);
        let error = last_row(&rows(), "class").unwrap_err().to_string();
        assert!(error.starts_with("time column `class`: row 1: "), "{error}");
    }

    #[test]
    fn naive_predictions_are_constants() {
        let shown = |task, target, weight, time| -> Vec<(&str, Vec<f64>)> {
            let all = Naive::fit(task, &rows(), target, weight, time).unwrap();
            all.into_iter()
                .map(|one| (one.strategy, one.values))
                .collect()
        };
        assert_eq!(
            shown(Task::Regression, "y", None, Some("day")),
            [("mean", vec![3.0]), ("last", vec![3.0])]
        );
        assert_eq!(
            shown(Task::Regression, "y", Some("w"), None),
            [("mean", vec![14.0 / 6.0])]
        );
        assert_eq!(
            shown(Task::Binary, "class", None, None),
            [("prior", vec![0.25, 0.75])]
        );
        let naive = Naive::fit(Task::Binary, &rows(), "class", None, None).unwrap();
        let predictions = naive[0].predict(2).unwrap();
        let probability = predictions.column_by_name("probability").unwrap();
        assert_eq!(
            probability.as_primitive::<Float64Type>().values().to_vec(),
            [0.75, 0.75]
        );
    }
}
