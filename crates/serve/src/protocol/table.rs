//! Rows as a request gives them, and how they become columns.

#[cfg(test)]
mod tests;

use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, Float64Array, Int64Array, NullArray, StringArray};
use arrow::record_batch::{RecordBatch, RecordBatchOptions};
use everloop_domain::Timestamp;
use everloop_package::{Error, Kind, Signature};
use serde_json::Value;

use super::json::shown;

/// Columns of JSON values, not yet of the model's kinds.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Table {
    /// Names, each once, and as many values as there are rows.
    pub(crate) columns: Vec<(String, Vec<Value>)>,
    pub(crate) n_rows: usize,
}

impl Table {
    /// The columns that a model takes, each of an Arrow type that fits its kind; of a model that
    /// does not say what it takes, all columns by what is in them.
    ///
    /// # Errors
    ///
    /// Fails if a value is not of its column's kind, naming column, row and value.
    pub(crate) fn rows(&self, signature: &Signature) -> Result<RecordBatch, Error> {
        let mut rows: Vec<(&str, ArrayRef)> = Vec::with_capacity(self.columns.len());
        for (name, values) in &self.columns {
            let input = signature.inputs.iter().find(|input| input.name == *name);
            let kind = match input {
                Some(input) => Some(input.kind),
                None if signature.inputs.is_empty() => guessed(values),
                None => continue,
            };
            rows.push((name, column(name, kind, values)?));
        }
        if rows.is_empty() {
            return self.columnless();
        }
        RecordBatch::try_from_iter(rows).map_err(|error| Error::Run(error.to_string()))
    }

    /// Rows with the columns that were sent, though the model takes none of them: for the error
    /// that names them.
    fn columnless(&self) -> Result<RecordBatch, Error> {
        let names = self.columns.iter().map(|(name, _)| {
            let nothing: ArrayRef = Arc::new(NullArray::new(self.n_rows));
            (name, nothing)
        });
        let names: Vec<_> = names.collect();
        if !names.is_empty() {
            return RecordBatch::try_from_iter(names)
                .map_err(|error| Error::Run(error.to_string()));
        }
        let options = RecordBatchOptions::new().with_row_count(Some(self.n_rows));
        let schema = Arc::new(arrow::datatypes::Schema::empty());
        RecordBatch::try_new_with_options(schema, vec![], &options)
            .map_err(|error| Error::Run(error.to_string()))
    }

    /// The keys that a column holds, as texts; `None` in rows that have none.
    pub(crate) fn keys(&self, column: &str) -> Option<Vec<Option<String>>> {
        let (_, values) = self.columns.iter().find(|(name, _)| name == column)?;
        Some(values.iter().map(key).collect())
    }
}

/// Whole numbers read the same whether they came as `7` or as `7.0`.
fn key(value: &Value) -> Option<String> {
    match value {
        Value::Null | Value::Array(_) | Value::Object(_) => None,
        Value::String(text) => (!text.is_empty()).then(|| text.clone()),
        Value::Bool(value) => Some(value.to_string()),
        Value::Number(number) => match (number.as_i64(), number.as_f64()) {
            (None, Some(float)) if float.fract() == 0.0 && float.abs() < 1e15 => {
                Some(format!("{float:.0}"))
            }
            _ => Some(number.to_string()),
        },
    }
}

/// The kind of a column by its first value; `None` if it has none.
fn guessed(values: &[Value]) -> Option<Kind> {
    match values.iter().find(|value| !value.is_null())? {
        Value::Bool(_) => Some(Kind::Boolean),
        Value::Number(_) => {
            let is_whole = values.iter().all(|value| value.as_i64().is_some());
            Some(if is_whole {
                Kind::Integer
            } else {
                Kind::Number
            })
        }
        _ => Some(Kind::Text),
    }
}

fn column(name: &str, kind: Option<Kind>, values: &[Value]) -> Result<ArrayRef, Error> {
    let each = Cells { name, values };
    Ok(match kind {
        None => Arc::new(NullArray::new(values.len())),
        Some(Kind::Integer) => match each.read("a whole number", whole) {
            Ok(values) => Arc::new(Int64Array::from(values)),
            // What is not whole is named by the model's signature.
            Err(_) => Arc::new(Float64Array::from(each.read("a whole number", number)?)),
        },
        Some(Kind::Number) => Arc::new(Float64Array::from(each.read("a number", number)?)),
        Some(Kind::Boolean) => Arc::new(BooleanArray::from(each.read("true or false", boolean)?)),
        Some(Kind::Timestamp) => Arc::new(Float64Array::from(
            each.read("a date or timestamp", moment)?,
        )),
        Some(Kind::Text) => {
            let texts = each.read("text", |value| value.as_str())?;
            let n_bytes: usize = texts.iter().flatten().map(|text| text.len()).sum();
            if i32::try_from(n_bytes).is_err() {
                let problem = "holds more than 2 GiB of text: send fewer rows".to_owned();
                let column = name.to_owned();
                return Err(Error::Column { column, problem });
            }
            Arc::new(StringArray::from(texts))
        }
    })
}

struct Cells<'a> {
    name: &'a str,
    values: &'a [Value],
}

impl<'a> Cells<'a> {
    /// Reads all values; null is missing.
    fn read<T>(
        &self,
        expected: &str,
        read: impl Fn(&'a Value) -> Option<T>,
    ) -> Result<Vec<Option<T>>, Error> {
        let cell = |(row, value): (usize, &'a Value)| match value {
            Value::Null => Ok(None),
            value => match read(value) {
                Some(value) => Ok(Some(value)),
                None => Err(Error::Value {
                    column: self.name.to_owned(),
                    row,
                    problem: format!("`{}` is not {expected}", shown(value)),
                }),
            },
        };
        self.values.iter().enumerate().map(cell).collect()
    }
}

fn whole(value: &Value) -> Option<i64> {
    value.as_i64().or_else(|| value.as_bool().map(i64::from))
}

fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Number(number) => number.as_f64(),
        Value::Bool(value) => Some(f64::from(u8::from(*value))),
        Value::String(text) => match text.as_str() {
            "NaN" => Some(f64::NAN),
            "Infinity" => Some(f64::INFINITY),
            "-Infinity" => Some(f64::NEG_INFINITY),
            _ => None,
        },
        _ => None,
    }
}

/// Milliseconds since 1970, as a number or as a text of ISO 8601; NaN for the empty text.
fn moment(value: &Value) -> Option<f64> {
    match value.as_str() {
        None => value.as_f64(),
        Some("" | "NaN") => Some(f64::NAN),
        Some(text) => {
            let moment: Timestamp = text.parse().ok()?;
            Some(moment.as_millis() as f64)
        }
    }
}

fn boolean(value: &Value) -> Option<bool> {
    match (value.as_bool(), value.as_f64()) {
        (Some(value), _) => Some(value),
        (None, Some(0.0)) => Some(false),
        (None, Some(1.0)) => Some(true),
        _ => None,
    }
}
