//! Rows as JSON, in the four forms that MLflow knows.
//!
//! - `dataframe_split`: `{"columns": […], "data": [[…], …]}`; `index` is not needed. Without
//!   `columns` the values are in the model's order.
//! - `dataframe_records`: `[{"a": 1}, …]`; what a record lacks is missing.
//! - `instances`: records, or lists of values in the model's order, or bare values of the only input.
//! - `inputs`: `{"a": [1, …], …}`, a list per column, or bare values for one row; or as `instances`.
//!
//! `params` may stand beside them; models here have none, so they are not looked at.

use std::collections::HashMap;

use everloop_package::Signature;
use serde_json::{Map, Value};

use crate::Error;
use crate::protocol::json::shown;
use crate::protocol::table::Table;

const FORMS: [&str; 4] = [
    "dataframe_split",
    "dataframe_records",
    "instances",
    "inputs",
];

/// Reads a body.
pub(super) fn parse(body: Value, signature: &Signature) -> Result<Table, Error> {
    let Value::Object(mut body) = body else {
        return wrong(format!(
            "expected a JSON object with one of the keys {}, found `{}`",
            names(FORMS),
            shown(&body)
        ));
    };
    body.remove("params");
    let mut entries = body.into_iter();
    match (entries.next(), entries.next()) {
        (Some((form, rows)), None) => match form.as_str() {
            "dataframe_split" => split(rows, signature),
            "dataframe_records" => match rows {
                Value::Array(rows) => records(rows),
                other => wrong(format!(
                    "`dataframe_records` must be a list of records, found `{}`",
                    shown(&other)
                )),
            },
            "instances" => instances("instances", rows, signature),
            "inputs" => inputs(rows, signature),
            other => wrong(format!(
                "unknown key `{other}`: expected one of {}",
                names(FORMS)
            )),
        },
        (None, _) => wrong(format!(
            "the rows are missing: expected one of the keys {}",
            names(FORMS)
        )),
        (Some((first, _)), Some((second, _))) => wrong(format!(
            "expected exactly one of the keys {} (and `params`), found `{first}` and `{second}`",
            names(FORMS)
        )),
    }
}

fn wrong<T>(problem: String) -> Result<T, Error> {
    Err(Error::Request(problem))
}

fn names<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    let quoted: Vec<String> = names.into_iter().map(|name| format!("`{name}`")).collect();
    quoted.join(", ")
}

fn split(rows: Value, signature: &Signature) -> Result<Table, Error> {
    let Value::Object(mut rows) = rows else {
        return wrong(format!(
            "`dataframe_split` must be an object with `columns` and `data`, found `{}`",
            shown(&rows)
        ));
    };
    let columns = match rows.remove("columns") {
        None | Some(Value::Null) => input_names(signature),
        Some(Value::Array(columns)) => columns
            .into_iter()
            .map(column_name)
            .collect::<Result<_, _>>()?,
        Some(other) => {
            return wrong(format!(
                "`columns` must be a list of names, found `{}`",
                shown(&other)
            ));
        }
    };
    match rows.remove("data") {
        Some(Value::Array(data)) => positional("dataframe_split", columns, data),
        Some(other) => wrong(format!(
            "`data` must be a list of rows, found `{}`",
            shown(&other)
        )),
        None => wrong("`dataframe_split` has no `data`".to_owned()),
    }
}

fn column_name(name: Value) -> Result<String, Error> {
    match name {
        Value::String(name) => Ok(name),
        Value::Number(number) => Ok(number.to_string()),
        other => wrong(format!("`{}` is not the name of a column", shown(&other))),
    }
}

fn input_names(signature: &Signature) -> Vec<String> {
    let inputs = signature.inputs.iter();
    inputs.map(|input| input.name.clone()).collect()
}

/// Rows as lists of values in the order of the columns.
fn positional(form: &str, names: Vec<String>, rows: Vec<Value>) -> Result<Table, Error> {
    let mut sorted: Vec<&String> = names.iter().collect();
    sorted.sort();
    if let Some([name, ..]) = sorted.windows(2).find(|pair| pair[0] == pair[1]) {
        return wrong(format!("column `{name}` is there twice"));
    }
    let n_rows = rows.len();
    let mut columns: Vec<(String, Vec<Value>)> = names
        .into_iter()
        .map(|name| (name, Vec::with_capacity(n_rows)))
        .collect();
    for (row, values) in rows.into_iter().enumerate() {
        let values = match values {
            Value::Array(values) => values,
            // A bare value is a row of one column.
            value => vec![value],
        };
        if values.len() != columns.len() {
            return wrong(format!(
                "`{form}`, row {row}: expected {} values ({}), found {}",
                columns.len(),
                names_of(&columns),
                values.len()
            ));
        }
        for (value, (_, column)) in values.into_iter().zip(&mut columns) {
            column.push(value);
        }
    }
    Ok(Table { columns, n_rows })
}

fn names_of(columns: &[(String, Vec<Value>)]) -> String {
    const MAX_NAMES: usize = 20;
    let more = if columns.len() > MAX_NAMES {
        ", …"
    } else {
        ""
    };
    names(
        columns
            .iter()
            .take(MAX_NAMES)
            .map(|(name, _)| name.as_str()),
    ) + more
}

/// Rows as objects; the columns are in the order in which they are first met.
fn records(rows: Vec<Value>) -> Result<Table, Error> {
    let n_rows = rows.len();
    let mut columns: Vec<(String, Vec<Value>)> = Vec::new();
    let mut places: HashMap<String, usize> = HashMap::new();
    for (row, record) in rows.into_iter().enumerate() {
        let Value::Object(record) = record else {
            return wrong(format!(
                "row {row} is not a record but `{}`",
                shown(&record)
            ));
        };
        for (name, value) in record {
            let place = *places.entry(name).or_insert_with_key(|name| {
                columns.push((name.clone(), Vec::new()));
                columns.len() - 1
            });
            let (_, values) = &mut columns[place];
            values.resize(row, Value::Null);
            values.push(value);
        }
    }
    for (_, values) in &mut columns {
        values.resize(n_rows, Value::Null);
    }
    Ok(Table { columns, n_rows })
}

fn instances(form: &str, rows: Value, signature: &Signature) -> Result<Table, Error> {
    let Value::Array(rows) = rows else {
        return wrong(format!(
            "`{form}` must be a list of rows, found `{}`",
            shown(&rows)
        ));
    };
    if rows.first().is_some_and(Value::is_object) {
        return records(rows);
    }
    positional(form, input_names(signature), rows)
}

fn inputs(rows: Value, signature: &Signature) -> Result<Table, Error> {
    let Value::Object(columns) = rows else {
        return instances("inputs", rows, signature);
    };
    let n_lists = columns.values().filter(|values| values.is_array()).count();
    if n_lists == 0 {
        return records(vec![Value::Object(columns)]);
    }
    columnar(columns)
}

fn columnar(columns: Map<String, Value>) -> Result<Table, Error> {
    let mut table = Table::default();
    for (at, (name, values)) in columns.into_iter().enumerate() {
        let Value::Array(values) = values else {
            return wrong(format!(
                "`inputs`: column `{name}` is not a list but `{}`",
                shown(&values)
            ));
        };
        if at > 0 && values.len() != table.n_rows {
            return wrong(format!(
                "`inputs`: column `{name}` has {} values, the others have {}",
                values.len(),
                table.n_rows
            ));
        }
        table.n_rows = values.len();
        let values = values.into_iter().map(unwrapped).collect();
        table.columns.push((name, values));
    }
    Ok(table)
}

/// `[x]` as `x`: a column may come as a matrix of one column.
fn unwrapped(value: Value) -> Value {
    match value {
        Value::Array(mut values) if values.len() == 1 => values.pop().unwrap_or_default(),
        value => value,
    }
}
