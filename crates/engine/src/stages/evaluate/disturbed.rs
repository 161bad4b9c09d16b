//! Robustness: what happens to the first metric when inputs are noisy, missing or in another unit.

use std::sync::Arc;

use arrow::array::{
    Array as _, ArrayRef, AsArray as _, Float64Array, Int64Array, RecordBatch, new_null_array,
};
use arrow::datatypes::{DataType, Field, Float64Type, Int64Type, Schema};
use everloop_measure::{Metric, score};
use serde::{Deserialize, Serialize};

use super::chance::{Chance, evenly};
use super::{Candidate, rows_of};
use crate::Error;

/// Inputs that are disturbed one by one at most.
const MAX_COLUMNS: usize = 60;

/// The first metric on disturbed rows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Disturbance {
    /// What was done: `noise`, `missing` or `unit`.
    pub kind: String,
    /// To which input; to all numbers if absent.
    pub column: Option<String>,
    /// The metric on those rows.
    pub score: Option<f64>,
    /// Why there is none: the model refuses such rows.
    pub problem: Option<String>,
}

/// What was found of disturbed inputs.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Robustness {
    /// The metric.
    pub metric: String,
    /// How many rows were disturbed.
    pub n_rows: usize,
    /// The metric on them as they are.
    pub undisturbed: f64,
    /// What disturbances made of it, the worst first.
    pub disturbances: Vec<Disturbance>,
}

/// Disturbs the inputs, as the file says.
pub(super) fn robustness(
    candidate: &Candidate<'_>,
    test: &RecordBatch,
    seed: u64,
    notes: &mut Vec<String>,
) -> Result<Option<Robustness>, Error> {
    let evaluate = &candidate.lifecycle.evaluate;
    let wanted = &evaluate.robustness;
    let metric = evaluate.metrics.iter().find_map(|name| Metric::parse(name));
    let (Some(metric), true) = (metric, wanted.rows > 0 && test.num_rows() > 0) else {
        return Ok(None);
    };
    let rows = rows_of(test, &evenly(test.num_rows(), wanted.rows))?;
    let measure = |rows: &RecordBatch| -> Result<f64, Error> {
        Ok(score(metric, &candidate.score(rows)?.outcomes())?)
    };
    let Ok(undisturbed) = measure(&rows) else {
        return Ok(None);
    };
    let mut found = Vec::new();
    let mut put = |kind: &str, column: Option<&str>, rows: Result<RecordBatch, Error>| {
        let (score, problem) = match rows.and_then(|rows| measure(&rows)) {
            Ok(score) => (Some(score), None),
            Err(error) => (None, Some(error.to_string())),
        };
        found.push(Disturbance {
            kind: kind.to_owned(),
            column: column.map(str::to_owned),
            score,
            problem,
        });
    };
    let inputs = candidate.inputs(test);
    if inputs.len() > MAX_COLUMNS {
        notes.push(format!(
            "robustness: the first {MAX_COLUMNS} of {} inputs are disturbed one by one",
            inputs.len()
        ));
    }
    let mut chance = Chance::new(seed);
    if wanted.noise > 0.0 {
        put(
            "noise",
            None,
            noisy(&rows, &inputs, wanted.noise, &mut chance),
        );
    }
    for input in inputs.iter().take(MAX_COLUMNS) {
        if wanted.missing_column {
            put("missing", Some(input), without(&rows, input));
        }
        if wanted.unit_change > 0.0 && is_number(&rows, input) {
            put(
                "unit",
                Some(input),
                scaled(&rows, input, wanted.unit_change),
            );
        }
    }
    let loss = |it: &Disturbance| match it.score {
        Some(score) if metric.higher_is_better() => undisturbed - score,
        Some(score) => score - undisturbed,
        None => f64::NEG_INFINITY,
    };
    found.sort_by(|one, other| loss(other).total_cmp(&loss(one)));
    Ok(Some(Robustness {
        metric: metric.name().to_owned(),
        n_rows: rows.num_rows(),
        undisturbed,
        disturbances: found,
    }))
}

fn is_number(rows: &RecordBatch, name: &str) -> bool {
    let column = rows.column_by_name(name);
    column.is_some_and(|it| matches!(it.data_type(), DataType::Int64 | DataType::Float64))
}

/// The rows with another column in the place of one; its field may be null then.
pub(super) fn replaced(
    rows: &RecordBatch,
    name: &str,
    column: &ArrayRef,
) -> Result<RecordBatch, Error> {
    let schema = rows.schema();
    let mut columns = rows.columns().to_vec();
    let mut fields = Vec::with_capacity(columns.len());
    for (at, field) in schema.fields().iter().enumerate() {
        if field.name() == name {
            columns[at] = Arc::clone(column);
            fields.push(Field::new(name, column.data_type().clone(), true));
        } else {
            fields.push(field.as_ref().clone());
        }
    }
    RecordBatch::try_new(Arc::new(Schema::new(fields)), columns)
        .map_err(|error| Error::Invalid(error.to_string()))
}

fn without(rows: &RecordBatch, name: &str) -> Result<RecordBatch, Error> {
    let kind = rows
        .column_by_name(name)
        .map_or(DataType::Float64, |column| column.data_type().clone());
    replaced(rows, name, &new_null_array(&kind, rows.num_rows()))
}

fn scaled(rows: &RecordBatch, name: &str, factor: f64) -> Result<RecordBatch, Error> {
    changed(rows, name, &mut |value| value * factor)
}

/// Noise on every number that varies, in units of its standard deviation.
fn noisy(
    rows: &RecordBatch,
    inputs: &[String],
    size: f64,
    chance: &mut Chance,
) -> Result<RecordBatch, Error> {
    let mut noisy = rows.clone();
    for input in inputs.iter().filter(|input| is_number(rows, input)) {
        let mut values = Vec::with_capacity(rows.num_rows());
        changed(rows, input, &mut |value| {
            values.push(value);
            value
        })?;
        let n = values.len().max(1) as f64;
        let mean = values.iter().sum::<f64>() / n;
        let variance = values.iter().map(|it| (it - mean).powi(2)).sum::<f64>() / n;
        let deviation = variance.sqrt() * size;
        noisy = changed(&noisy, input, &mut |value| {
            value + deviation * chance.normal()
        })?;
    }
    Ok(noisy)
}

/// A column of numbers with each present value changed; whole numbers stay whole.
fn changed(
    rows: &RecordBatch,
    name: &str,
    change: &mut dyn FnMut(f64) -> f64,
) -> Result<RecordBatch, Error> {
    let Some(column) = rows.column_by_name(name) else {
        return Ok(rows.clone());
    };
    let column: ArrayRef = match column.data_type() {
        DataType::Int64 => {
            let values = column.as_primitive::<Int64Type>().iter();
            let values = values.map(|value| value.map(|value| change(value as f64).round() as i64));
            Arc::new(values.collect::<Int64Array>())
        }
        DataType::Float64 => {
            let values = column.as_primitive::<Float64Type>().iter();
            let values = values.map(|value| value.map(&mut *change));
            Arc::new(values.collect::<Float64Array>())
        }
        _ => Arc::clone(column),
    };
    replaced(rows, name, &column)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows() -> RecordBatch {
        let x: ArrayRef = Arc::new(Int64Array::from(vec![Some(1), None, Some(3)]));
        RecordBatch::try_from_iter_with_nullable(vec![("x", x, true)]).unwrap()
    }

    #[test]
    fn a_unit_is_changed_and_missing_values_stay() {
        let found = scaled(&rows(), "x", 1000.0).unwrap();
        let expected = Int64Array::from(vec![Some(1000), None, Some(3000)]);
        assert_eq!(found.column(0).as_primitive::<Int64Type>(), &expected);
    }

    #[test]
    fn a_column_goes_missing() {
        assert_eq!(without(&rows(), "x").unwrap().column(0).null_count(), 3);
    }

    #[test]
    fn noise_is_a_function_of_the_seed() {
        let noise = |seed| {
            let mut chance = Chance::new(seed);
            noisy(&rows(), &["x".to_owned()], 5.0, &mut chance).unwrap()
        };
        assert_eq!(noise(1), noise(1));
        assert_ne!(noise(1), noise(2));
    }
}
