//! Stored values as domain types, with nonsense named by table, column and row.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::str::FromStr;

use everloop_domain::Timestamp;
use serde_json::Value;

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

/// The JSON form of named numbers; those that JSON does not know are text, as in MLflow.
pub(crate) fn numbers_to_json(numbers: &BTreeMap<String, f64>) -> String {
    let shown = |value: f64| match value {
        value if value.is_nan() => "NaN".into(),
        f64::INFINITY => "Infinity".into(),
        f64::NEG_INFINITY => "-Infinity".into(),
        value => value.into(),
    };
    let numbers: BTreeMap<&String, Value> = numbers
        .iter()
        .map(|(name, value)| (name, shown(*value)))
        .collect();
    to_json(&numbers)
}

/// Reads what [`numbers_to_json`] wrote.
pub(crate) fn numbers(
    text: &str,
    table: &'static str,
    column: &'static str,
    row: impl Display + Copy,
) -> Result<BTreeMap<String, f64>, Error> {
    json::<BTreeMap<String, Value>>(text, table, column, row)?
        .into_iter()
        .map(|(name, value)| {
            let number = match value.as_str() {
                Some("NaN") => Some(f64::NAN),
                Some("Infinity") => Some(f64::INFINITY),
                Some("-Infinity") => Some(f64::NEG_INFINITY),
                _ => value.as_f64(),
            };
            let number = number.ok_or_else(|| Error::Corrupt {
                table,
                column,
                row: row.to_string(),
                problem: format!("`{value}` is not a number"),
            })?;
            Ok((name, number))
        })
        .collect()
}

/// A stored moment.
pub(crate) fn moment(millis: i64) -> Timestamp {
    Timestamp::from_millis(millis)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(value: f64) {
        let text = numbers_to_json(&[("m".to_owned(), value)].into());
        let found = numbers(&text, "cycles", "metrics", 1).unwrap()["m"];
        assert_eq!(format!("{found:?}"), format!("{value:?}"), "{text}");
    }

    #[test]
    fn every_number_comes_back() {
        for value in [
            f64::NAN,
            f64::INFINITY,
            f64::NEG_INFINITY,
            f64::MIN,
            f64::MAX,
            f64::MIN_POSITIVE,
            5e-324,
            0.1 + 0.2,
            -0.0,
            1e22,
            9_007_199_254_740_993.0,
        ] {
            check(value);
        }
    }

    #[test]
    fn nonsense_is_named_by_table_column_and_row() {
        let shown = |text| {
            numbers(text, "cycles", "metrics", 7)
                .unwrap_err()
                .to_string()
        };
        let place = "table `cycles` holds nonsense in column `metrics`, row `7`: ";
        assert!(shown("{half").starts_with(place));
        assert_eq!(
            shown("{\"m\": \"x\"}"),
            format!("{place}`\"x\"` is not a number")
        );
        assert_eq!(
            shown("{\"m\": null}"),
            format!("{place}`null` is not a number")
        );
    }
}
