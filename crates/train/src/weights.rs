//! What each row counts: the column of weights, read and checked.

use arrow::array::{Array as _, AsArray as _, BooleanArray, RecordBatch};
use arrow::datatypes::{DataType, Float64Type, Int64Type};

use crate::Error;

/// The weights of rows, as a column holds them. `part` names the rows in messages.
///
/// # Errors
///
/// Fails if there is no such column of numbers, if a weight is missing, infinite or negative (named by row), and if
/// all are 0.
pub fn sample_weights(rows: &RecordBatch, column: &str, part: &str) -> Result<Vec<f64>, Error> {
    let refuse = |problem: String| Error::Weight {
        column: column.to_owned(),
        problem,
    };
    let found = rows
        .column_by_name(column)
        .ok_or_else(|| refuse(format!("the {part} rows have no such column")))?;
    let value = |row: usize| match found.data_type() {
        _ if found.is_null(row) => Ok(f64::NAN),
        DataType::Int64 => Ok(found.as_primitive::<Int64Type>().value(row) as f64),
        DataType::Float64 => Ok(found.as_primitive::<Float64Type>().value(row)),
        other => Err(refuse(format!("it is {other}, expected numbers"))),
    };
    let weights: Vec<f64> = (0..found.len()).map(value).collect::<Result<_, _>>()?;
    let is_weight = |weight: &f64| weight.is_finite() && *weight >= 0.0;
    if let Some(row) = weights.iter().position(|weight| !is_weight(weight)) {
        let shown = if found.is_null(row) {
            "has no value".to_owned()
        } else {
            format!("is {}", weights[row])
        };
        return Err(refuse(format!(
            "row {} of the {part} part {shown}, expected a number that is not negative",
            row + 1
        )));
    }
    if !weights.is_empty() && weights.iter().all(|weight| *weight == 0.0) {
        return Err(refuse(format!(
            "all {} rows of the {part} part are 0: no row counts",
            weights.len()
        )));
    }
    Ok(weights)
}

/// The train rows that count, and how much: by a column, by weights given besides, or by both. What a row of weight 0
/// holds must not matter.
pub(crate) fn counted(
    rows: &RecordBatch,
    column: Option<&str>,
    besides: Option<&[f64]>,
) -> Result<(RecordBatch, Option<Vec<f64>>), Error> {
    let of_column = match column {
        Some(column) => Some(sample_weights(rows, column, "train")?),
        None => None,
    };
    let mut weights = match (of_column, besides) {
        (None, None) => return Ok((rows.clone(), None)),
        (Some(weights), None) => weights,
        (None, Some(besides)) => besides.to_vec(),
        (Some(weights), Some(besides)) => {
            let pairs = weights.iter().zip(besides);
            pairs.map(|(weight, other)| weight * other).collect()
        }
    };
    if weights.iter().all(|weight| *weight > 0.0) {
        return Ok((rows.clone(), Some(weights)));
    }
    let counts: BooleanArray = weights.iter().map(|weight| Some(*weight > 0.0)).collect();
    weights.retain(|weight| *weight > 0.0);
    let rows = arrow::compute::filter_record_batch(rows, &counts)?;
    Ok((rows, Some(weights)))
}

/// How much validation rows count, if a column says it.
pub(crate) fn of_others(
    rows: &RecordBatch,
    column: Option<&str>,
) -> Result<Option<Vec<f64>>, Error> {
    let weights = column.map(|column| sample_weights(rows, column, "validation"));
    weights.transpose()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{ArrayRef, Float64Array, Int64Array, StringArray};

    use super::*;

    #[track_caller]
    fn check(column: ArrayRef, expected: &str) {
        let rows = RecordBatch::try_from_iter_with_nullable(vec![("w", column, true)]).unwrap();
        let shown = match sample_weights(&rows, "w", "train") {
            Ok(weights) => format!("{weights:?}"),
            Err(error) => error.to_string(),
        };
        assert_eq!(shown, expected);
    }

    #[test]
    fn weights_are_numbers_that_are_not_negative() {
        check(Arc::new(Int64Array::from(vec![0, 2])), "[0.0, 2.0]");
        check(Arc::new(Float64Array::from(vec![0.5])), "[0.5]");
        check(
            Arc::new(Float64Array::from(vec![1.0, -1.0])),
            "weight `w`: row 2 of the train part is -1, expected a number that is not negative",
        );
        check(
            Arc::new(Float64Array::from(vec![f64::NAN])),
            "weight `w`: row 1 of the train part is NaN, expected a number that is not negative",
        );
        check(
            Arc::new(Float64Array::from(vec![Some(1.0), Some(2.0), None])),
            "weight `w`: row 3 of the train part has no value, expected a number that is not negative",
        );
        check(
            Arc::new(Int64Array::from(vec![0, 0])),
            "weight `w`: all 2 rows of the train part are 0: no row counts",
        );
        check(
            Arc::new(StringArray::from(vec!["1"])),
            "weight `w`: it is Utf8, expected numbers",
        );
        let rows = RecordBatch::new_empty(Arc::new(arrow::datatypes::Schema::empty()));
        let error = sample_weights(&rows, "w", "test").unwrap_err();
        assert_eq!(
            error.to_string(),
            "weight `w`: the test rows have no such column"
        );
    }
}
