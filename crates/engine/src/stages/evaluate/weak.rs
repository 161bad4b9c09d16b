//! Parts of the rows on which the candidate is worse than elsewhere.

use arrow::array::{Array as _, AsArray as _, RecordBatch};
use arrow::datatypes::{DataType, Float64Type, Int64Type};
use everloop_lifecycle::Lifecycle;
use everloop_measure::{SliceColumn, SliceSearch, SliceValues, WeakSlice, row_losses, weak_slices};

use super::column_texts;
use crate::Error;
use crate::learning::input_columns;
use crate::scoring::Scored;

/// Columns that are searched at most in pairs; of more, pairs are left out.
const MAX_PAIRED_COLUMNS: usize = 40;

enum Values {
    Texts(Vec<String>),
    Numbers(Vec<f64>),
}

/// Searches weak slices by the columns that the file names, or by every input.
pub(super) fn weak(
    lifecycle: &Lifecycle,
    scored: &Scored,
    test: &RecordBatch,
    notes: &mut Vec<String>,
) -> Result<Vec<WeakSlice>, Error> {
    let wanted = &lifecycle.evaluate.weak_slices;
    if wanted.max_slices == 0 {
        return Ok(Vec::new());
    }
    let names = if wanted.columns.is_empty() {
        input_columns(lifecycle, &test.schema()).0
    } else {
        wanted.columns.clone()
    };
    let mut columns = Vec::with_capacity(names.len());
    for name in names {
        let values = values(test, &name)?;
        columns.push((name, values));
    }
    let pairs = wanted.pairs && columns.len() <= MAX_PAIRED_COLUMNS;
    if wanted.pairs && !pairs {
        notes.push(format!(
            "weak slices by two columns are not searched: there are {} columns, more than {MAX_PAIRED_COLUMNS}; name some in `evaluate.weak_slices.columns`",
            columns.len()
        ));
    }
    let search = SliceSearch {
        min_rows: wanted.min_rows,
        pairs,
        false_discovery_rate: wanted.false_discovery_rate,
        max_slices: wanted.max_slices,
        ..SliceSearch::default()
    };
    let columns: Vec<SliceColumn<'_>> = columns
        .iter()
        .map(|(name, values)| SliceColumn {
            name,
            values: match values {
                Values::Texts(texts) => SliceValues::Texts(texts),
                Values::Numbers(numbers) => SliceValues::Numbers(numbers),
            },
        })
        .collect();
    let losses = row_losses(&scored.outcomes())?;
    Ok(weak_slices(&losses, &columns, &search)?)
}

fn values(test: &RecordBatch, name: &str) -> Result<Values, Error> {
    let column = test
        .column_by_name(name)
        .ok_or_else(|| Error::Invalid(format!("the test rows have no column `{name}`")))?;
    let missing = |row: usize| column.is_null(row);
    Ok(match column.data_type() {
        DataType::Float64 => {
            let values = column.as_primitive::<Float64Type>();
            let number = |row| {
                if missing(row) {
                    f64::NAN
                } else {
                    values.value(row)
                }
            };
            Values::Numbers((0..column.len()).map(number).collect())
        }
        DataType::Int64 => {
            let values = column.as_primitive::<Int64Type>();
            let number = |row| {
                if missing(row) {
                    f64::NAN
                } else {
                    values.value(row) as f64
                }
            };
            Values::Numbers((0..column.len()).map(number).collect())
        }
        _ => Values::Texts(column_texts(test, name)?),
    })
}
