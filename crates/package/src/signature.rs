//! What a model takes and what it gives.

mod conform;
mod kept;
#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use everloop_domain::{ColumnType, Value};
use serde::{Deserialize, Serialize};

/// The kind of a model column: the types that ONNX, MLflow and Arrow share without loss.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// 64-bit whole numbers, never missing: Arrow `Int64`, MLflow `long`.
    Integer,
    /// 64-bit floating point; NaN is "missing": Arrow `Float64`, MLflow `double`.
    Number,
    /// UTF-8 text; the empty text is "missing": Arrow `Utf8`, MLflow `string`.
    Text,
    /// True or false, never missing: Arrow `Boolean`, MLflow `boolean`.
    Boolean,
    /// A moment or, as its beginning in UTC, a day; only an input: milliseconds since 1970 in Arrow `Float64`, so that NaN
    /// is "missing" as it is for numbers, MLflow `datetime`.
    Timestamp,
}

impl Kind {
    /// The stable name in snake case.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Integer => "integer",
            Self::Number => "number",
            Self::Text => "text",
            Self::Boolean => "boolean",
            Self::Timestamp => "timestamp",
        }
    }

    /// The name with its article, for messages.
    pub(crate) fn phrase(self) -> &'static str {
        match self {
            Self::Integer => "an integer",
            Self::Number => "a number",
            Self::Text => "a text",
            Self::Boolean => "a boolean",
            Self::Timestamp => "a timestamp",
        }
    }

    /// The Arrow type of such a column.
    #[must_use]
    pub fn data_type(self) -> DataType {
        match self {
            Self::Integer => DataType::Int64,
            Self::Number | Self::Timestamp => DataType::Float64,
            Self::Text => DataType::Utf8,
            Self::Boolean => DataType::Boolean,
        }
    }

    /// The kind whose [`data_type`](Self::data_type) this is; of floating point that of numbers.
    #[must_use]
    pub fn from_data_type(data_type: &DataType) -> Option<Self> {
        match data_type {
            DataType::Int64 => Some(Self::Integer),
            DataType::Float64 => Some(Self::Number),
            DataType::Utf8 => Some(Self::Text),
            DataType::Boolean => Some(Self::Boolean),
            _ => None,
        }
    }

    /// The kind a raw column of this type has as a model input: whole numbers and booleans that
    /// may be missing become numbers.
    #[must_use]
    pub fn of_column(column_type: ColumnType, has_missing: bool) -> Self {
        match column_type {
            ColumnType::Integer if !has_missing => Self::Integer,
            ColumnType::Boolean if !has_missing => Self::Boolean,
            ColumnType::Integer | ColumnType::Number | ColumnType::Boolean => Self::Number,
            ColumnType::Text => Self::Text,
            ColumnType::Date | ColumnType::Timestamp => Self::Timestamp,
        }
    }

    /// The kind of a column that holds such values.
    #[must_use]
    pub fn of_value(value: &Value) -> Self {
        match value {
            Value::Boolean(_) => Self::Boolean,
            Value::Integer(_) => Self::Integer,
            Value::Number(_) => Self::Number,
            Value::Text(_) => Self::Text,
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A raw column that a model takes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Input {
    /// The column's name.
    pub name: String,
    /// Its kind.
    pub kind: Kind,
    /// Whether the column must be there. An optional one that is absent counts as missing.
    pub required: bool,
}

/// A column that a model gives.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Output {
    /// The column's name.
    pub name: String,
    /// Its kind.
    pub kind: Kind,
}

/// The inputs and outputs of a model, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Signature {
    /// What the model takes.
    pub inputs: Vec<Input>,
    /// What it gives. Empty for packages by others that do not say.
    pub outputs: Vec<Output>,
}

impl Signature {
    /// The Arrow schema of conformed rows.
    #[must_use]
    pub fn input_schema(&self) -> SchemaRef {
        let fields = self
            .inputs
            .iter()
            .map(|input| Field::new(&input.name, input.kind.data_type(), false));
        Arc::new(Schema::new(fields.collect::<Vec<_>>()))
    }

    /// The Arrow schema of predictions.
    #[must_use]
    pub fn output_schema(&self) -> SchemaRef {
        let fields = self
            .outputs
            .iter()
            .map(|output| Field::new(&output.name, output.kind.data_type(), false));
        Arc::new(Schema::new(fields.collect::<Vec<_>>()))
    }
}
