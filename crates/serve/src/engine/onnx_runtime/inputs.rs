//! Columns to the tensors that a graph takes.

use arrow::array::{Array, ArrayRef, AsArray as _};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Float64Type, Int64Type};
use arrow::record_batch::RecordBatch;
use everloop_package::{Error as PackageError, Input, Kind, Signature};
use ort::session::{Session, SessionInputValue};
use ort::value::{Outlet, Tensor, TensorElementType, ValueType};

use super::engine;
use crate::Error;

/// An input of a graph.
struct Slot<'a> {
    name: &'a str,
    element: TensorElementType,
    /// Dimensions; negative if not fixed. Empty if the graph does not say.
    shape: &'a [i64],
}

impl<'a> Slot<'a> {
    fn of(outlet: &'a Outlet) -> Result<Self, PackageError> {
        match outlet.dtype() {
            ValueType::Tensor { ty, shape, .. } => Ok(Self {
                name: outlet.name(),
                element: *ty,
                shape,
            }),
            _ => Err(PackageError::Model(format!(
                "input `{}` is not a tensor",
                outlet.name()
            ))),
        }
    }

    /// How many columns the input takes; `None` if the graph does not say.
    fn width(&self) -> Option<usize> {
        match *self.shape {
            [] | [_] => Some(1),
            [_, width] => usize::try_from(width).ok(),
            _ => None,
        }
    }

    fn kind(&self) -> Option<Kind> {
        match self.element {
            TensorElementType::Float32 | TensorElementType::Float64 => Some(Kind::Number),
            TensorElementType::Int32 | TensorElementType::Int64 => Some(Kind::Integer),
            TensorElementType::String => Some(Kind::Text),
            TensorElementType::Bool => Some(Kind::Boolean),
            _ => None,
        }
    }

    /// The column as this input's tensor.
    fn value(&self, column: &ArrayRef) -> Result<SessionInputValue<'static>, PackageError> {
        let n_rows = column.len();
        let shape = match self.shape.len() {
            2 => vec![n_rows, 1],
            _ => vec![n_rows],
        };
        self.tensor(shape, std::slice::from_ref(column))
    }

    /// Columns side by side, row by row.
    fn tensor(
        &self,
        shape: Vec<usize>,
        columns: &[ArrayRef],
    ) -> Result<SessionInputValue<'static>, PackageError> {
        let wrong = |error: ort::Error| engine(&error);
        Ok(match self.element {
            TensorElementType::Float32 => {
                let values = self.numbers(columns)?;
                let values: Vec<f32> = values.into_iter().map(|value| value as f32).collect();
                Tensor::from_array((shape, values)).map_err(wrong)?.into()
            }
            TensorElementType::Float64 => {
                let values = self.numbers(columns)?;
                Tensor::from_array((shape, values)).map_err(wrong)?.into()
            }
            TensorElementType::Int64 => {
                let values = self.integers(columns)?;
                Tensor::from_array((shape, values)).map_err(wrong)?.into()
            }
            TensorElementType::Int32 => {
                let values = self.integers(columns)?.into_iter().map(i32::try_from);
                let values: Vec<i32> = values
                    .collect::<Result<_, _>>()
                    .map_err(|_| self.unfit("holds a number of more than 32 bits".to_owned()))?;
                Tensor::from_array((shape, values)).map_err(wrong)?.into()
            }
            TensorElementType::Bool => {
                let columns = self.cast(columns, &DataType::Boolean)?;
                let values = interleaved(&columns, |column, row| column.as_boolean().value(row));
                Tensor::from_array((shape, values)).map_err(wrong)?.into()
            }
            TensorElementType::String => {
                let columns = self.cast(columns, &DataType::Utf8)?;
                let values = interleaved(&columns, |column, row| {
                    column.as_string::<i32>().value(row).to_owned()
                });
                Tensor::from_string_array((shape, &values[..]))
                    .map_err(wrong)?
                    .into()
            }
            other => return Err(self.unfit(format!("is of type {other:?}, which is not known"))),
        })
    }

    fn numbers(&self, columns: &[ArrayRef]) -> Result<Vec<f64>, PackageError> {
        let columns = self.cast(columns, &DataType::Float64)?;
        Ok(interleaved(&columns, |column, row| {
            column.as_primitive::<Float64Type>().value(row)
        }))
    }

    fn integers(&self, columns: &[ArrayRef]) -> Result<Vec<i64>, PackageError> {
        let columns = self.cast(columns, &DataType::Int64)?;
        Ok(interleaved(&columns, |column, row| {
            column.as_primitive::<Int64Type>().value(row)
        }))
    }

    fn cast(
        &self,
        columns: &[ArrayRef],
        data_type: &DataType,
    ) -> Result<Vec<ArrayRef>, PackageError> {
        let unfit = |column: &ArrayRef| {
            self.unfit(format!(
                "is of type {:?}, the column of {}",
                self.element,
                column.data_type()
            ))
        };
        let cast = |column: &ArrayRef| {
            if (column.data_type() == &DataType::Utf8) != (*data_type == DataType::Utf8) {
                return Err(unfit(column));
            }
            let cast = cast(column, data_type).map_err(|_| unfit(column))?;
            if cast.null_count() > 0 {
                return Err(unfit(column));
            }
            Ok(cast)
        };
        columns.iter().map(cast).collect()
    }

    fn unfit(&self, problem: String) -> PackageError {
        PackageError::Column {
            column: self.name.to_owned(),
            problem,
        }
    }
}

fn interleaved<T>(columns: &[ArrayRef], value: impl Fn(&ArrayRef, usize) -> T) -> Vec<T> {
    let n_rows = columns.first().map_or(0, Array::len);
    let mut values = Vec::with_capacity(n_rows * columns.len());
    for row in 0..n_rows {
        values.extend(columns.iter().map(|column| value(column, row)));
    }
    values
}

/// The signature of a graph whose package has none. Columns of a matrix are named after it:
/// `X_0`, `X_1`, …
///
/// # Errors
///
/// Fails if an input is no column and no matrix of a known width.
pub(super) fn signature(session: &Session) -> Result<Signature, Error> {
    let mut inputs = Vec::new();
    for outlet in session.inputs() {
        let slot = Slot::of(outlet)?;
        let (Some(kind), Some(width)) = (slot.kind(), slot.width()) else {
            return Err(PackageError::Model(format!(
                "input `{}` is {:?} of shape {:?}, not a column, and the package has no signature",
                slot.name, slot.element, slot.shape
            ))
            .into());
        };
        let input = |name: String| Input {
            name,
            kind,
            required: true,
        };
        if width == 1 {
            inputs.push(input(slot.name.to_owned()));
        } else {
            inputs.extend((0..width).map(|at| input(format!("{}_{at}", slot.name))));
        }
    }
    Ok(Signature {
        inputs,
        outputs: Vec::new(),
    })
}

/// Whether the signature's columns are what the graph takes.
///
/// # Errors
///
/// Fails if they are not.
pub(super) fn check(session: &Session, signature: &Signature) -> Result<(), Error> {
    let has = |name: &str| signature.inputs.iter().any(|input| input.name == name);
    let slots: Vec<Slot<'_>> = session
        .inputs()
        .iter()
        .map(Slot::of)
        .collect::<Result<_, _>>()?;
    let n_columns = signature.inputs.len();
    match &slots[..] {
        slots if slots.iter().all(|slot| has(slot.name)) => Ok(()),
        [only] if only.width().is_none_or(|width| width == n_columns) => Ok(()),
        slots => {
            let names: Vec<&str> = slots.iter().map(|slot| slot.name).collect();
            Err(PackageError::Model(format!(
                "the graph takes {names:?}, but the signature has {n_columns} columns of other names"
            ))
            .into())
        }
    }
}

/// The tensors for conformed rows.
///
/// # Errors
///
/// Fails if a column does not fit its tensor.
pub(super) fn values(
    session: &Session,
    rows: &RecordBatch,
) -> Result<Vec<(String, SessionInputValue<'static>)>, PackageError> {
    let slots: Vec<Slot<'_>> = session
        .inputs()
        .iter()
        .map(Slot::of)
        .collect::<Result<_, _>>()?;
    if let [only] = &slots[..]
        && rows.column_by_name(only.name).is_none()
    {
        let shape = vec![rows.num_rows(), rows.num_columns()];
        let value = only.tensor(shape, rows.columns())?;
        return Ok(vec![(only.name.to_owned(), value)]);
    }
    let value = |slot: &Slot<'_>| {
        let column = rows.column_by_name(slot.name);
        let column = column.ok_or_else(|| slot.unfit("is absent".to_owned()))?;
        Ok((slot.name.to_owned(), slot.value(column)?))
    };
    slots.iter().map(value).collect()
}
