//! The canonical types: what every table is made of, whatever it was read from.

use std::collections::HashSet;
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, UInt32Array};
use arrow::compute::{CastOptions, cast_with_options};
use arrow::datatypes::{DataType, Field, Schema, TimeUnit};
use arrow::row::{RowConverter, SortField};
use everloop_domain::ColumnType;

use crate::Error;

/// The canonical type for a type; what has none (lists, structs) becomes text.
pub(crate) fn data_type(found: &DataType) -> DataType {
    match found {
        DataType::Int8
        | DataType::Int16
        | DataType::Int32
        | DataType::Int64
        | DataType::UInt8
        | DataType::UInt16
        | DataType::UInt32 => DataType::Int64,
        DataType::UInt64
        | DataType::Float16
        | DataType::Float32
        | DataType::Float64
        | DataType::Decimal32(..)
        | DataType::Decimal64(..)
        | DataType::Decimal128(..)
        | DataType::Decimal256(..) => DataType::Float64,
        DataType::Boolean => DataType::Boolean,
        DataType::Date32 | DataType::Date64 => DataType::Date32,
        DataType::Timestamp(..) => timestamp(),
        DataType::Dictionary(_, values) => data_type(values),
        _ => DataType::Utf8,
    }
}

/// Milliseconds without a zone, counted in UTC.
pub(crate) fn timestamp() -> DataType {
    DataType::Timestamp(TimeUnit::Millisecond, None)
}

/// The rows with canonical types.
pub(crate) fn batch(rows: &RecordBatch) -> Result<RecordBatch, Error> {
    let options = CastOptions {
        safe: true,
        ..CastOptions::default()
    };
    let mut fields = Vec::new();
    let mut columns: Vec<ArrayRef> = Vec::new();
    for (field, column) in rows.schema().fields().iter().zip(rows.columns()) {
        let wanted = data_type(field.data_type());
        let column = match field.data_type() {
            found if *found == wanted => Arc::clone(column),
            // A zone is dropped after the moment was brought to UTC, where Arrow keeps it anyway.
            DataType::Timestamp(unit, Some(_)) => {
                let plain = cast_with_options(
                    column,
                    &DataType::Timestamp(*unit, Some("UTC".into())),
                    &options,
                )?;
                cast_with_options(&plain, &wanted, &options)?
            }
            _ => cast_with_options(column, &wanted, &options)?,
        };
        fields.push(Field::new(field.name(), wanted, true));
        columns.push(column);
    }
    let count = arrow::array::RecordBatchOptions::new().with_row_count(Some(rows.num_rows()));
    Ok(RecordBatch::try_new_with_options(
        Arc::new(Schema::new(fields)),
        columns,
        &count,
    )?)
}

/// The first row of each key, in order; all columns are the key if none is named.
pub(crate) fn deduplicate(rows: &RecordBatch, by: &[String]) -> Result<RecordBatch, Error> {
    let schema = rows.schema();
    let is_key = |name: &String| by.is_empty() || by.contains(name);
    let keys: Vec<usize> = schema
        .fields()
        .iter()
        .enumerate()
        .filter(|(_, field)| is_key(field.name()))
        .map(|(index, _)| index)
        .collect();
    let fields = keys
        .iter()
        .map(|index| SortField::new(schema.field(*index).data_type().clone()))
        .collect();
    let columns: Vec<ArrayRef> = keys
        .iter()
        .map(|index| Arc::clone(rows.column(*index)))
        .collect();
    let converted = RowConverter::new(fields)?.convert_columns(&columns)?;
    let mut seen = HashSet::new();
    let first = (0..rows.num_rows()).filter(|row| seen.insert(converted.row(*row).owned()));
    let first = UInt32Array::from_iter_values(first.map(|row| row as u32));
    Ok(arrow::compute::take_record_batch(rows, &first)?)
}

/// The type as people name it.
pub(crate) fn column_type(found: &DataType) -> ColumnType {
    match data_type(found) {
        DataType::Int64 => ColumnType::Integer,
        DataType::Float64 => ColumnType::Number,
        DataType::Boolean => ColumnType::Boolean,
        DataType::Date32 => ColumnType::Date,
        DataType::Timestamp(..) => ColumnType::Timestamp,
        _ => ColumnType::Text,
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::{
        Array as _, AsArray as _, Int8Array, StringViewArray, TimestampSecondArray, UInt64Array,
    };
    use arrow::datatypes::{Float64Type, Int64Type, TimestampMillisecondType};

    use super::*;

    #[test]
    fn types_are_widened_and_values_kept() {
        let rows = RecordBatch::try_from_iter(vec![
            (
                "a",
                Arc::new(Int8Array::from(vec![Some(1), None])) as ArrayRef,
            ),
            ("b", Arc::new(UInt64Array::from(vec![u64::MAX, 1]))),
            ("c", Arc::new(StringViewArray::from(vec!["x", "y"]))),
            (
                "d",
                Arc::new(TimestampSecondArray::from(vec![1, 2]).with_timezone("Europe/Paris")),
            ),
        ])
        .unwrap();
        let found = batch(&rows).unwrap();
        assert_eq!(found.column(0).as_primitive::<Int64Type>().value(0), 1);
        assert!(found.column(0).is_null(1));
        assert_eq!(found.column(1).as_primitive::<Float64Type>().value(1), 1.0);
        assert_eq!(found.column(2).as_string::<i32>().value(1), "y");
        assert_eq!(
            found
                .column(3)
                .as_primitive::<TimestampMillisecondType>()
                .value(1),
            2000
        );
    }
}
