//! Rows as CSV: a header line with the names, and a line per row.

use everloop_package::{Kind, Signature};
use serde_json::Value;

use crate::Error;
use crate::protocol::table::Table;

/// Reads CSV (RFC 4180, UTF-8). A cell is read as its column's kind wants it; an empty one, and
/// `NaN` in columns other than text, are missing.
pub(super) fn parse(body: &[u8], signature: &Signature) -> Result<Table, Error> {
    let mut reader = csv::ReaderBuilder::new().from_reader(body);
    let header = reader.headers().map_err(|error| wrong(&error))?.clone();
    let mut columns: Vec<(String, Vec<Value>)> = Vec::with_capacity(header.len());
    for name in &header {
        let name = name.trim();
        if columns.iter().any(|(other, _)| other == name) {
            return Err(Error::Request(format!(
                "the CSV has two columns named `{name}`"
            )));
        }
        columns.push((name.to_owned(), Vec::new()));
    }
    let kind = |name: &String| {
        let input = signature.inputs.iter().find(|input| input.name == *name);
        input.map(|input| input.kind)
    };
    let kinds: Vec<Option<Kind>> = columns.iter().map(|(name, _)| kind(name)).collect();
    let mut n_rows = 0;
    for record in reader.records() {
        let record = record.map_err(|error| wrong(&error))?;
        n_rows += 1;
        for ((cell, (_, values)), kind) in record.iter().zip(&mut columns).zip(&kinds) {
            values.push(value(cell, *kind));
        }
    }
    Ok(Table { columns, n_rows })
}

fn wrong(error: &csv::Error) -> Error {
    Error::Request(format!("the body is not CSV: {error}"))
}

/// A cell as a column of the kind takes it; a text that is no such value is refused later, by name.
fn value(cell: &str, kind: Option<Kind>) -> Value {
    let trimmed = cell.trim();
    let number = || -> Option<Value> {
        let whole = trimmed.parse::<i64>().map(Value::from);
        whole.ok().or_else(|| {
            let float = trimmed.parse::<f64>().ok()?;
            Some(match float {
                float if float.is_nan() => Value::Null,
                f64::INFINITY => Value::from("Infinity"),
                f64::NEG_INFINITY => Value::from("-Infinity"),
                float => Value::from(float),
            })
        })
    };
    let boolean = || match trimmed.to_ascii_lowercase().as_str() {
        "true" => Some(Value::from(true)),
        "false" => Some(Value::from(false)),
        _ => None,
    };
    match kind {
        Some(Kind::Text) => Value::from(cell),
        _ if trimmed.is_empty() => Value::Null,
        Some(Kind::Boolean) => boolean().or_else(number).unwrap_or_else(|| cell.into()),
        Some(Kind::Integer | Kind::Number) => {
            number().or_else(boolean).unwrap_or_else(|| cell.into())
        }
        None | Some(Kind::Timestamp) => number().unwrap_or_else(|| cell.into()),
    }
}
