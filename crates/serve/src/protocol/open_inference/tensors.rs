//! Tensors as JSON: requests to rows, predictions to answers.

use everloop_package::Kind;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::describe::datatype;
use crate::Error;
use crate::protocol::json::{cell, shown};
use crate::protocol::request::is_id;
use crate::protocol::table::Table;
use crate::serving::{Answer, Parsed};

/// The body of a request. Parameters that are not known are let through, as the protocol wants.
#[derive(Deserialize)]
struct Request {
    id: Option<String>,
    #[serde(default)]
    parameters: Map<String, Value>,
    inputs: Vec<Tensor>,
    #[serde(default)]
    outputs: Vec<Wanted>,
}

#[derive(Deserialize)]
struct Tensor {
    name: String,
    shape: Vec<u64>,
    datatype: String,
    #[serde(default)]
    parameters: Map<String, Value>,
    data: Option<Vec<Value>>,
}

#[derive(Deserialize)]
struct Wanted {
    name: String,
    #[serde(default)]
    parameters: Map<String, Value>,
}

/// What the answer needs of the request.
pub(super) struct Asked {
    id: Option<String>,
    /// The outputs to give; all if empty.
    outputs: Vec<String>,
}

/// Reads a body.
pub(super) fn parse(body: Value) -> Result<Parsed<Asked>, Error> {
    let wrong = |error| Error::Request(format!("not an inference request: {error}"));
    let request: Request = serde_json::from_value(body).map_err(wrong)?;
    let tensors = request.inputs.iter().map(|tensor| &tensor.parameters);
    let wanted = request.outputs.iter().map(|wanted| &wanted.parameters);
    for parameters in tensors.chain(wanted).chain([&request.parameters]) {
        refuse_binary(parameters)?;
    }
    let mut table = Table::default();
    for (at, tensor) in request.inputs.into_iter().enumerate() {
        let name = tensor.name.clone();
        let values = tensor.values()?;
        if at > 0 && values.len() != table.n_rows {
            return Err(Error::Request(format!(
                "input `{name}` has {} values, the inputs before it have {}: each is a column of the same rows",
                values.len(),
                table.n_rows
            )));
        }
        if table.columns.iter().any(|(other, _)| *other == name) {
            return Err(Error::Request(format!("input `{name}` is there twice")));
        }
        table.n_rows = values.len();
        table.columns.push((name, values));
    }
    Ok(Parsed {
        table,
        request_id: request.id.clone().filter(|id| is_id(id)),
        extra: Asked {
            id: request.id,
            outputs: request
                .outputs
                .into_iter()
                .map(|wanted| wanted.name)
                .collect(),
        },
    })
}

fn refuse_binary(parameters: &Map<String, Value>) -> Result<(), Error> {
    let is_set = |name: &str| !matches!(parameters.get(name), None | Some(Value::Bool(false)));
    for name in ["binary_data", "binary_data_size", "binary_data_output"] {
        if is_set(name) {
            return Err(Error::Request(format!(
                "parameter `{name}`: the binary tensor data extension is not supported, send and ask for JSON"
            )));
        }
    }
    Ok(())
}

impl Tensor {
    /// The values, checked against shape and datatype.
    fn values(self) -> Result<Vec<Value>, Error> {
        let name = &self.name;
        let ([n_rows] | [n_rows, 1]) = self.shape[..] else {
            return Err(Error::Request(format!(
                "input `{name}` has shape {:?}: expected [N] or [N, 1], one tensor per column",
                self.shape
            )));
        };
        let fits = fitting(&self.datatype).ok_or_else(|| {
            Error::Request(format!(
                "input `{name}` has datatype `{}`: expected FP64, FP32, INT64, INT32, BOOL or BYTES",
                self.datatype
            ))
        })?;
        let Some(data) = self.data else {
            return Err(Error::Request(format!("input `{name}` has no `data`")));
        };
        let values: Vec<Value> = data.into_iter().map(unwrapped).collect();
        if values.len() as u64 != n_rows {
            return Err(Error::Request(format!(
                "input `{name}` has {} values, its shape says {n_rows}",
                values.len()
            )));
        }
        match values.iter().position(|value| !fits(value)) {
            None => Ok(values),
            Some(row) => Err(Error::Request(format!(
                "input `{name}`, row {row}: `{}` is not {}",
                shown(&values[row]),
                self.datatype
            ))),
        }
    }
}

/// `[x]` as `x`: the nested form of `[N, 1]`.
fn unwrapped(value: Value) -> Value {
    match value {
        Value::Array(mut values) if values.len() == 1 => values.pop().unwrap_or_default(),
        value => value,
    }
}

/// The test that values of a datatype pass. Null is missing, of any type; the signature decides
/// whether it may be. `FP32` values are taken as they are written, not rounded to 32 bits.
fn fitting(datatype: &str) -> Option<fn(&Value) -> bool> {
    Some(match datatype {
        "FP64" | "FP32" => |value| {
            let is_named = value
                .as_str()
                .is_some_and(|text| matches!(text, "NaN" | "Infinity" | "-Infinity"));
            value.is_null() || value.is_number() || is_named
        },
        "INT64" => |value| value.is_null() || value.is_i64(),
        "INT32" => |value| {
            let fits = |number: i64| i32::try_from(number).is_ok();
            value.is_null() || value.as_i64().is_some_and(fits)
        },
        "BOOL" => |value| value.is_null() || value.is_boolean(),
        "BYTES" => |value| value.is_null() || value.is_string(),
        _ => return None,
    })
}

/// The body of an answer.
///
/// # Errors
///
/// Fails if an output was asked for that the model does not have.
pub(super) fn answer(answer: &Answer<Asked>) -> Result<Value, Error> {
    let predictions = &answer.predictions;
    let schema = predictions.schema();
    let names: Vec<&String> = schema.fields().iter().map(|field| field.name()).collect();
    let wanted: Vec<&String> = match &answer.extra.outputs[..] {
        [] => names.clone(),
        wanted => wanted.iter().collect(),
    };
    let mut outputs = Vec::with_capacity(wanted.len());
    for name in wanted {
        let Some(column) = predictions.column_by_name(name) else {
            let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
            return Err(Error::Request(format!(
                "the model has no output `{}`: it has {}",
                shown(&Value::from(name.as_str())).trim_matches('"'),
                names.join(", ")
            )));
        };
        let kind = Kind::from_data_type(column.data_type()).unwrap_or(Kind::Text);
        let n_rows = column.len();
        let data: Vec<Value> = (0..n_rows).map(|row| cell(column, row)).collect();
        let datatype = datatype(kind);
        outputs.push(json!({"name": name, "shape": [n_rows], "datatype": datatype, "data": data}));
    }
    let mut body = json!({
        "model_name": answer.served.name,
        "model_version": answer.served.version.to_string(),
        "parameters": {"ids": answer.ids},
        "outputs": outputs,
    });
    if let (Some(body), Some(id)) = (body.as_object_mut(), &answer.extra.id) {
        body.insert("id".to_owned(), Value::from(id.as_str()));
    }
    Ok(body)
}
