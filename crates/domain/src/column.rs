//! The types a column may have where people see it, and single values of them.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The type of a column as lifecycle files, signatures and pages name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ColumnType {
    /// 64-bit whole numbers.
    Integer,
    /// 64-bit floating point numbers.
    Number,
    /// UTF-8 text.
    Text,
    /// True or false.
    Boolean,
    /// A calendar day.
    Date,
    /// A moment.
    Timestamp,
}

impl ColumnType {
    /// All types, in the order in which they are documented.
    pub const ALL: [Self; 6] = [
        Self::Integer,
        Self::Number,
        Self::Text,
        Self::Boolean,
        Self::Date,
        Self::Timestamp,
    ];

    /// The stable name in snake case.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Integer => "integer",
            Self::Number => "number",
            Self::Text => "text",
            Self::Boolean => "boolean",
            Self::Date => "date",
            Self::Timestamp => "timestamp",
        }
    }

    /// Whether it is a day or a moment: a model takes parts of it, but features are not computed from it, and its drift
    /// tells nothing.
    #[must_use]
    pub fn is_moment(self) -> bool {
        matches!(self, Self::Date | Self::Timestamp)
    }
}

impl fmt::Display for ColumnType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One value: a class label, an element of an allowed set, a literal in an expression.
///
/// In JSON and YAML it is a bare scalar, so this is the one untagged type of the workspace: every
/// variant is a different JSON type, and no unknown key can hide in it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Value {
    /// True or false.
    Boolean(bool),
    /// A whole number.
    Integer(i64),
    /// Any other number.
    Number(f64),
    /// Text.
    Text(String),
}

impl Value {
    /// The value as a number: booleans count as 0 and 1, text does not count.
    #[must_use]
    pub fn as_f64(&self) -> Option<f64> {
        match self {
            Self::Boolean(value) => Some(f64::from(u8::from(*value))),
            Self::Integer(value) => Some(*value as f64),
            Self::Number(value) => Some(*value),
            Self::Text(_) => None,
        }
    }

    /// The type of a column that holds such values.
    #[must_use]
    pub fn column_type(&self) -> ColumnType {
        match self {
            Self::Boolean(_) => ColumnType::Boolean,
            Self::Integer(_) => ColumnType::Integer,
            Self::Number(_) => ColumnType::Number,
            Self::Text(_) => ColumnType::Text,
        }
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Boolean(value) => value.fmt(f),
            Self::Integer(value) => value.fmt(f),
            Self::Number(value) => value.fmt(f),
            Self::Text(value) => value.fmt(f),
        }
    }
}
