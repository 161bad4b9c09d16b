//! Cells as values that programs and people read.

use arrow::array::{Array as _, AsArray as _, RecordBatch};
use arrow::datatypes::{DataType, Float64Type, Int64Type};
use arrow::util::display::array_value_to_string;
use serde_json::Value;

/// A cell of a table with canonical types: a number, text, truth value or nothing; dates and times are texts.
pub(super) fn cell(table: &RecordBatch, column: &str, row: usize) -> Value {
    let Some(column) = table.column_by_name(column) else {
        return Value::Null;
    };
    if column.is_null(row) {
        return Value::Null;
    }
    let text = || array_value_to_string(column, row).map_or(Value::Null, Value::from);
    match column.data_type() {
        DataType::Int64 => column.as_primitive::<Int64Type>().value(row).into(),
        DataType::Boolean => column.as_boolean().value(row).into(),
        DataType::Float64 => {
            // What JSON cannot say as a number is text: `NaN`, `inf`.
            let number = column.as_primitive::<Float64Type>().value(row);
            serde_json::Number::from_f64(number).map_or_else(text, Value::Number)
        }
        _ => text(),
    }
}
