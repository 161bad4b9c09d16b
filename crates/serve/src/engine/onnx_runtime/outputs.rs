//! The tensors that a graph gives to prediction columns.

use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, Float64Array, Int64Array, StringArray};
use arrow::datatypes::DataType;
use arrow::record_batch::RecordBatch;
use everloop_package::Error as PackageError;
use ort::session::SessionOutputs;
use ort::value::{DynValue, TensorElementType, ValueType};

use super::engine;

/// All outputs as columns, under the names of the outputs or under ours. See
/// [`onnx_runtime`](super).
///
/// # Errors
///
/// Fails if an output is not a tensor with a row per row.
pub(super) fn predictions(
    outputs: &SessionOutputs<'_>,
    n_rows: usize,
) -> Result<RecordBatch, PackageError> {
    let outputs: Vec<(&str, Vec<ArrayRef>)> = outputs
        .iter()
        .map(|(name, value)| Ok((name, columns(name, &value, n_rows)?)))
        .collect::<Result<_, PackageError>>()?;
    let is_ours = outputs.iter().any(|(name, _)| *name == "prediction");
    let mut named: Vec<(String, ArrayRef)> = Vec::new();
    for (name, columns) in outputs {
        let has_prediction = named.iter().any(|(name, _)| name == "prediction");
        let is_float = columns
            .iter()
            .all(|column| column.data_type() == &DataType::Float64);
        match columns.len() {
            1 if is_ours || has_prediction => named.push((name.to_owned(), columns[0].clone())),
            1 => named.push(("prediction".to_owned(), columns[0].clone())),
            2 if !is_ours && is_float && has_prediction => {
                named.push(("probability".to_owned(), columns[1].clone()));
            }
            _ => {
                let prefix = if !is_ours && is_float && has_prediction {
                    "probability"
                } else {
                    name
                };
                let numbered = columns.into_iter().enumerate();
                named.extend(numbered.map(|(at, column)| (format!("{prefix}_{at}"), column)));
            }
        }
    }
    RecordBatch::try_from_iter(named).map_err(|error| PackageError::Run(error.to_string()))
}

fn columns(name: &str, value: &DynValue, n_rows: usize) -> Result<Vec<ArrayRef>, PackageError> {
    let ValueType::Tensor { ty, shape, .. } = value.dtype() else {
        return Err(PackageError::Model(format!(
            "output `{name}` is not a tensor: export the model without ZipMap (`options={{'zipmap': False}}`)"
        )));
    };
    let width = match shape[..] {
        [found] if found == n_rows as i64 => 1,
        [found, width] if found == n_rows as i64 => usize::try_from(width).unwrap_or(0),
        _ => {
            return Err(PackageError::Model(format!(
                "output `{name}` has shape {:?} for {n_rows} rows",
                &shape[..]
            )));
        }
    };
    macro_rules! primitive {
        ($type:ty, $array:ty, $convert:expr) => {{
            let (_, values) = value
                .try_extract_tensor::<$type>()
                .map_err(|error| engine(&error))?;
            let column = |at| {
                let values = values.iter().skip(at).step_by(width);
                Arc::new(<$array>::from_iter(values.map($convert))) as ArrayRef
            };
            Ok((0..width).map(column).collect())
        }};
    }
    match ty {
        TensorElementType::Float32 => {
            primitive!(f32, Float64Array, |value| Some(f64::from(*value)))
        }
        TensorElementType::Float64 => primitive!(f64, Float64Array, |value| Some(*value)),
        TensorElementType::Int64 => primitive!(i64, Int64Array, |value| Some(*value)),
        TensorElementType::Int32 => primitive!(i32, Int64Array, |value| Some(i64::from(*value))),
        TensorElementType::Bool => primitive!(bool, BooleanArray, |value| Some(*value)),
        TensorElementType::String => {
            let (_, values) = value
                .try_extract_strings()
                .map_err(|error| engine(&error))?;
            let column = |at| {
                let values = values.iter().skip(at).step_by(width);
                Arc::new(StringArray::from_iter_values(values)) as ArrayRef
            };
            Ok((0..width).map(column).collect())
        }
        other => Err(PackageError::Model(format!(
            "output `{name}` is of type {other:?}, which is not known"
        ))),
    }
}
