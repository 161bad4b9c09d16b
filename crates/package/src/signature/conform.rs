//! Rows from outside to the exact columns a model takes.

use std::cell::LazyCell;
use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Float64Array, Int64Array, StringArray, new_null_array,
};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Float64Type, TimeUnit};
use arrow::record_batch::{RecordBatch, RecordBatchOptions};
use arrow::util::display::array_value_to_string;
use everloop_domain::Timestamp;

use super::{Input, Kind, Signature};
use crate::Error;

/// Whole numbers up to this size are exact as 64-bit floats.
const EXACT_INTEGER: f64 = 9_007_199_254_740_992.0;

impl Signature {
    /// Picks the model's inputs by name, in order, and casts them without loss: whole numbers and
    /// booleans become numbers, booleans become whole numbers, whole floats become whole numbers,
    /// 0 and 1 become booleans. Text is never read as a number, nor a number as text. A missing
    /// number becomes NaN, a missing text the empty text. Days, moments and texts that tell them become timestamps, and so
    /// do numbers, which count milliseconds since 1970. Further columns are left out.
    ///
    /// # Errors
    ///
    /// Fails if a required column is absent, has a type that cannot be taken, or holds a value that
    /// would be changed by the cast; and if a whole number or a boolean is missing. The error names
    /// the column, the row and the value.
    pub fn conform(&self, rows: &RecordBatch) -> Result<RecordBatch, Error> {
        // Rows that are in order already need no look-up by name.
        let places = LazyCell::new(|| places(rows));
        let place = |at: usize, name: &str| match rows.schema_ref().fields().get(at) {
            Some(field) if field.name() == name => Some(at),
            _ => places.get(name).copied(),
        };
        let columns = self.inputs.iter().enumerate().map(|(at, input)| {
            let found = place(at, &input.name).map(|place| rows.column(place));
            input.conform(rows, found)
        });
        let columns = columns.collect::<Result<Vec<_>, _>>()?;
        let options = RecordBatchOptions::new().with_row_count(Some(rows.num_rows()));
        RecordBatch::try_new_with_options(self.input_schema(), columns, &options)
            .map_err(|error| Error::Run(error.to_string()))
    }
}

impl Input {
    fn conform(&self, rows: &RecordBatch, found: Option<&ArrayRef>) -> Result<ArrayRef, Error> {
        let Some(found) = found else {
            if self.required {
                return Err(self.absent(rows));
            }
            return self.convert(&new_null_array(&DataType::Null, rows.num_rows()));
        };
        self.convert(found)
    }

    fn convert(&self, found: &ArrayRef) -> Result<ArrayRef, Error> {
        if found.null_count() == 0 && *found.data_type() == self.kind.data_type() {
            return Ok(Arc::clone(found));
        }
        match self.kind {
            Kind::Number => self.numbers(found),
            Kind::Integer => self.integers(found),
            Kind::Boolean => self.booleans(found),
            Kind::Text => self.texts(found),
            Kind::Timestamp => self.timestamps(found),
        }
    }

    fn numbers(&self, found: &ArrayRef) -> Result<ArrayRef, Error> {
        if !(is_number(found.data_type()) || is_empty_type(found.data_type())) {
            return Err(self.wrong_type(found));
        }
        let found = self.cast(found, &DataType::Float64)?;
        let numbers = found.as_primitive::<Float64Type>();
        let values: Float64Array = numbers
            .iter()
            .map(|value| Some(value.unwrap_or(f64::NAN)))
            .collect();
        Ok(Arc::new(Float64Array::new(values.values().clone(), None)))
    }

    fn integers(&self, found: &ArrayRef) -> Result<ArrayRef, Error> {
        let data_type = found.data_type();
        if data_type.is_integer() || matches!(data_type, DataType::Boolean | DataType::Null) {
            self.refuse_missing(found.len(), |row| is_missing(found, row))?;
            let integers = self.cast(found, &DataType::Int64)?;
            self.refuse_each(found, |row| integers.is_null(row))?;
            return Ok(integers);
        }
        let floats = self.floats(found)?;
        self.refuse_each(found, |row| {
            floats.value(row).fract() != 0.0 || floats.value(row).abs() > EXACT_INTEGER
        })?;
        Ok(Arc::new(
            floats
                .values()
                .iter()
                .map(|value| *value as i64)
                .collect::<Int64Array>(),
        ))
    }

    fn booleans(&self, found: &ArrayRef) -> Result<ArrayRef, Error> {
        let floats = self.floats(found)?;
        self.refuse_each(found, |row| ![0.0, 1.0].contains(&floats.value(row)))?;
        let values: Vec<bool> = floats.values().iter().map(|value| *value != 0.0).collect();
        Ok(Arc::new(BooleanArray::from(values)))
    }

    /// Numbers of any type as floats, none missing.
    fn floats(&self, found: &ArrayRef) -> Result<Float64Array, Error> {
        if !(is_number(found.data_type()) || is_empty_type(found.data_type())) {
            return Err(self.wrong_type(found));
        }
        let floats = self.cast(found, &DataType::Float64)?;
        self.refuse_missing(floats.len(), |row| is_missing(&floats, row))?;
        Ok(floats.as_primitive::<Float64Type>().clone())
    }

    fn texts(&self, found: &ArrayRef) -> Result<ArrayRef, Error> {
        if !is_text(found.data_type()) {
            // A column of nothing but NaN is what pandas makes of a text column without values.
            let all_missing =
                is_number(found.data_type()) && (0..found.len()).all(|row| is_missing(found, row));
            if !(is_empty_type(found.data_type()) || all_missing) {
                return Err(self.wrong_type(found));
            }
            return Ok(Arc::new(StringArray::from(vec![""; found.len()])));
        }
        let found = self.cast(found, &DataType::Utf8)?;
        let texts = found.as_string::<i32>();
        let values: StringArray = texts.iter().map(|text| Some(text.unwrap_or(""))).collect();
        let (offsets, bytes, _) = values.into_parts();
        Ok(Arc::new(StringArray::new(offsets, bytes, None)))
    }

    /// Days and moments of any type, texts as [`Timestamp`] reads them, and numbers as they are: milliseconds.
    fn timestamps(&self, found: &ArrayRef) -> Result<ArrayRef, Error> {
        let millis = match found.data_type() {
            DataType::Date32 | DataType::Date64 => {
                let moments = DataType::Timestamp(TimeUnit::Millisecond, None);
                self.cast(&self.cast(found, &moments)?, &DataType::Int64)?
            }
            // Moments are in UTC, whatever zone they are shown in.
            DataType::Timestamp(_, zone) => {
                let moments = DataType::Timestamp(TimeUnit::Millisecond, zone.clone());
                self.cast(&self.cast(found, &moments)?, &DataType::Int64)?
            }
            data_type if is_text(data_type) => {
                let texts = self.cast(found, &DataType::Utf8)?;
                let texts = texts.as_string::<i32>();
                let moment = |text: &str| text.parse::<Timestamp>().ok();
                let is_wrong = |text: &str| !text.trim().is_empty() && moment(text).is_none();
                self.refuse_each(found, |row| {
                    !texts.is_null(row) && is_wrong(texts.value(row))
                })?;
                let millis = texts.iter().map(|text| Some(moment(text?)?.as_millis()));
                Arc::new(millis.collect::<Int64Array>())
            }
            data_type if *data_type == DataType::Boolean => return Err(self.wrong_type(found)),
            _ => Arc::clone(found),
        };
        self.numbers(&millis)
    }

    fn cast(&self, found: &ArrayRef, target: &DataType) -> Result<ArrayRef, Error> {
        cast(found, target).map_err(|_| self.wrong_type(found))
    }

    fn refuse_missing(
        &self,
        n_rows: usize,
        is_missing: impl Fn(usize) -> bool,
    ) -> Result<(), Error> {
        (0..n_rows)
            .find(|&row| is_missing(row))
            .map_or(Ok(()), |row| Err(self.missing(row)))
    }

    fn refuse_each(&self, found: &ArrayRef, is_wrong: impl Fn(usize) -> bool) -> Result<(), Error> {
        (0..found.len())
            .find(|&row| is_wrong(row))
            .map_or(Ok(()), |row| {
                let value = array_value_to_string(found, row).unwrap_or_default();
                Err(Error::Value {
                    column: self.name.clone(),
                    row,
                    problem: format!("`{value}` is not {}", expectation(self.kind)),
                })
            })
    }

    fn missing(&self, row: usize) -> Error {
        Error::Value {
            column: self.name.clone(),
            row,
            problem: format!(
                "the value is missing, but the column had no missing values in training: expected {}",
                expectation(self.kind)
            ),
        }
    }

    fn absent(&self, rows: &RecordBatch) -> Error {
        let schema = rows.schema();
        let names: Vec<&str> = schema
            .fields()
            .iter()
            .take(20)
            .map(|field| field.name().as_str())
            .collect();
        let more = if schema.fields().len() > names.len() {
            ", …"
        } else {
            ""
        };
        Error::Column {
            column: self.name.clone(),
            problem: format!(
                "is absent: expected {}; the columns found are: {}{more}",
                expectation(self.kind),
                names.join(", ")
            ),
        }
    }

    fn wrong_type(&self, found: &ArrayRef) -> Error {
        let example = (0..found.len())
            .find(|&row| !is_missing(found, row))
            .and_then(|row| {
                array_value_to_string(found, row)
                    .ok()
                    .map(|value| (row, value))
            });
        let example = example.map_or_else(String::new, |(row, value)| {
            format!(" (row {row} is `{value}`)")
        });
        Error::Column {
            column: self.name.clone(),
            problem: format!(
                "has type `{}`{example}: expected {}",
                found.data_type(),
                expectation(self.kind)
            ),
        }
    }
}

/// The place of each column by name; the first of that name counts.
fn places(rows: &RecordBatch) -> HashMap<&str, usize> {
    let names = rows
        .schema_ref()
        .fields()
        .iter()
        .map(|field| field.name().as_str());
    // Later entries replace earlier ones.
    names.zip(0..rows.num_columns()).rev().collect()
}

fn is_number(data_type: &DataType) -> bool {
    data_type.is_numeric() || *data_type == DataType::Boolean
}

fn is_empty_type(data_type: &DataType) -> bool {
    *data_type == DataType::Null
}

fn is_text(data_type: &DataType) -> bool {
    match data_type {
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => true,
        DataType::Dictionary(_, values) => is_text(values),
        _ => false,
    }
}

fn is_missing(found: &ArrayRef, row: usize) -> bool {
    found.is_null(row)
        || found.data_type() == &DataType::Null
        || found
            .as_primitive_opt::<Float64Type>()
            .is_some_and(|values| values.value(row).is_nan())
}

fn expectation(kind: Kind) -> &'static str {
    match kind {
        Kind::Integer => "a whole number",
        Kind::Number => "a number",
        Kind::Text => "text",
        Kind::Boolean => "true or false",
        Kind::Timestamp => "a date or timestamp, such as `2026-11-20` or `2026-11-20T12:00:00Z`",
    }
}
