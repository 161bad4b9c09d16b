//! Arrow columns to tensors and back.

use std::sync::Arc;

use arrow::array::{
    Array as _, ArrayRef, AsArray as _, BooleanArray, Float64Array, Int64Array, StringArray,
};
use arrow::datatypes::{DataType, Float64Type, Int64Type};

use crate::Kind;
use crate::native::tensor::{Data, Problem, Shape, Tensor};

/// Shares a conformed column as a vector. Missing numbers and texts take their stand-ins.
pub(super) fn from_column(column: &ArrayRef, kind: Kind) -> Result<Tensor, Problem> {
    let shape = Shape::vector(column.len());
    let has_missing = column.null_count() > 0;
    match (kind, column.data_type()) {
        (Kind::Number | Kind::Timestamp, DataType::Float64) => {
            let values = column.as_primitive::<Float64Type>();
            if has_missing {
                let filled: Vec<f64> = values
                    .iter()
                    .map(|value| value.unwrap_or(f64::NAN))
                    .collect();
                return Ok(Tensor::new(filled, shape));
            }
            Ok(Tensor {
                data: Data::F64(values.values().clone()),
                shape,
            })
        }
        (Kind::Text, DataType::Utf8) => {
            let values = column.as_string::<i32>();
            if has_missing {
                let filled: StringArray = values
                    .iter()
                    .map(|value| Some(value.unwrap_or_default()))
                    .collect();
                return Ok(Tensor::from_text(filled, shape));
            }
            Ok(Tensor::from_text(values.clone(), shape))
        }
        (Kind::Integer, DataType::Int64) if !has_missing => Ok(Tensor {
            data: Data::I64(column.as_primitive::<Int64Type>().values().clone()),
            shape,
        }),
        (Kind::Boolean, DataType::Boolean) if !has_missing => {
            let values: Vec<u8> = column.as_boolean().values().iter().map(u8::from).collect();
            Ok(Tensor::new(values, shape))
        }
        (kind, data_type) => {
            let missing = if has_missing {
                " with missing values"
            } else {
                ""
            };
            Err(format!(
                "is `{data_type}`{missing}, the model takes {kind}: conform the rows first"
            ))
        }
    }
}

/// A result of one value per row as a column.
pub(super) fn to_column(tensor: Tensor, n_rows: usize) -> Result<ArrayRef, Problem> {
    let shape = tensor.shape;
    let is_column = match shape.rank {
        1 => shape.n_columns == n_rows,
        2 => shape.n_columns == 1 && shape.n_rows == n_rows,
        _ => false,
    };
    if !is_column {
        return Err(format!("has shape {shape} for {n_rows} rows"));
    }
    Ok(match tensor.data {
        Data::F64(values) => Arc::new(Float64Array::new(values, None)),
        Data::F32(values) => Arc::new(
            values
                .iter()
                .map(|&value| f64::from(value))
                .collect::<Float64Array>(),
        ),
        Data::I64(values) => Arc::new(Int64Array::new(values, None)),
        Data::Bool(values) => Arc::new(BooleanArray::from(
            values.iter().map(|&value| value != 0).collect::<Vec<_>>(),
        )),
        Data::Text(values) => Arc::new(values),
        data @ (Data::I32(_) | Data::U8(_)) => {
            return Err(format!("is {}, which no column holds", data.type_name()));
        }
    })
}
