//! Stored values as domain types, with nonsense named by table, column and row.

use std::fmt::Display;
use std::str::FromStr;

use everloop_domain::Timestamp;

use crate::Error;

/// Parses a stored text.
pub(crate) fn parse<T: FromStr>(
    text: &str,
    table: &'static str,
    column: &'static str,
    row: impl Display,
) -> Result<T, Error>
where
    T::Err: Display,
{
    text.parse().map_err(|problem: T::Err| Error::Corrupt {
        table,
        column,
        row: row.to_string(),
        problem: problem.to_string(),
    })
}

/// Parses stored JSON.
pub(crate) fn json<T: serde::de::DeserializeOwned>(
    text: &str,
    table: &'static str,
    column: &'static str,
    row: impl Display,
) -> Result<T, Error> {
    serde_json::from_str(text).map_err(|problem| Error::Corrupt {
        table,
        column,
        row: row.to_string(),
        problem: problem.to_string(),
    })
}

/// The JSON form of plain data.
pub(crate) fn to_json(value: &impl serde::Serialize) -> String {
    serde_json::to_string(value).unwrap_or_else(|_| "null".to_owned())
}

/// A stored moment.
pub(crate) fn moment(millis: i64) -> Timestamp {
    Timestamp::from_millis(millis)
}
