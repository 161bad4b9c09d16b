//! Values between steps: typed, shared, of rank 0 to 2.

use arrow::array::{Array as _, StringArray};
use arrow::buffer::ScalarBuffer;

use crate::onnx::{TensorProto, data_type};

/// No program may hold more tensor elements than this at once: 1 GiB of doubles.
pub const MAX_ELEMENTS: usize = 1 << 27;
/// No program may hold more tensor elements than this for a single row.
pub(super) const MAX_ROW_ELEMENTS: usize = 1 << 22;

/// A failure of one step, told without the name of the step.
pub(super) type Problem = String;

/// A shape of rank 0 to 2, aligned as broadcasting wants it: a vector is one row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Shape {
    pub(super) rank: u8,
    pub(super) n_rows: usize,
    pub(super) n_columns: usize,
}

impl Shape {
    pub(super) const SCALAR: Self = Self {
        rank: 0,
        n_rows: 1,
        n_columns: 1,
    };

    pub(super) fn vector(n: usize) -> Self {
        Self {
            rank: 1,
            n_rows: 1,
            n_columns: n,
        }
    }

    /// A matrix, unless it would be too large.
    pub(super) fn matrix(n_rows: usize, n_columns: usize) -> Result<Self, Problem> {
        match n_rows.checked_mul(n_columns) {
            Some(n) if n <= MAX_ELEMENTS => Ok(Self {
                rank: 2,
                n_rows,
                n_columns,
            }),
            _ => Err(format!(
                "a tensor of {n_rows} x {n_columns} elements is larger than {MAX_ELEMENTS}"
            )),
        }
    }

    pub(super) fn n_elements(self) -> usize {
        self.n_rows.saturating_mul(self.n_columns)
    }

    /// The shape of the result when two tensors meet element by element.
    pub(super) fn broadcast(self, other: Self) -> Result<Self, Problem> {
        let dimension = |left: usize, right: usize| match (left, right) {
            (left, right) if left == right => Ok(left),
            (1, other) | (other, 1) => Ok(other),
            _ => Err(format!("shapes {self} and {other} do not fit together")),
        };
        let n_rows = dimension(self.n_rows, other.n_rows)?;
        let n_columns = dimension(self.n_columns, other.n_columns)?;
        Ok(Self {
            rank: self.rank.max(other.rank),
            ..Self::matrix(n_rows, n_columns)?
        })
    }
}

impl std::fmt::Display for Shape {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.rank {
            0 => f.write_str("[]"),
            1 => write!(f, "[{}]", self.n_columns),
            _ => write!(f, "[{}, {}]", self.n_rows, self.n_columns),
        }
    }
}

/// The elements of a tensor, row-major. Cloning shares them.
#[derive(Clone, Debug)]
pub(super) enum Data {
    F64(ScalarBuffer<f64>),
    F32(ScalarBuffer<f32>),
    I64(ScalarBuffer<i64>),
    /// What products of 8-bit numbers are.
    I32(ScalarBuffer<i32>),
    U8(ScalarBuffer<u8>),
    /// 0 and 1.
    Bool(ScalarBuffer<u8>),
    Text(StringArray),
}

impl Data {
    pub(super) fn len(&self) -> usize {
        match self {
            Self::F64(values) => values.len(),
            Self::F32(values) => values.len(),
            Self::I64(values) => values.len(),
            Self::I32(values) => values.len(),
            Self::U8(values) | Self::Bool(values) => values.len(),
            Self::Text(values) => values.len(),
        }
    }

    pub(super) fn type_name(&self) -> &'static str {
        match self {
            Self::F64(_) => "double",
            Self::F32(_) => "float",
            Self::I64(_) => "int64",
            Self::I32(_) => "int32",
            Self::U8(_) => "uint8",
            Self::Bool(_) => "bool",
            Self::Text(_) => "string",
        }
    }
}

impl From<Vec<f64>> for Data {
    fn from(values: Vec<f64>) -> Self {
        Self::F64(values.into())
    }
}

impl From<Vec<f32>> for Data {
    fn from(values: Vec<f32>) -> Self {
        Self::F32(values.into())
    }
}

impl From<Vec<i64>> for Data {
    fn from(values: Vec<i64>) -> Self {
        Self::I64(values.into())
    }
}

impl From<Vec<u8>> for Data {
    fn from(values: Vec<u8>) -> Self {
        Self::Bool(values.into())
    }
}

/// Elements and their shape; the number of elements is that of the shape.
#[derive(Clone, Debug)]
pub(super) struct Tensor {
    pub(super) data: Data,
    pub(super) shape: Shape,
}

impl Tensor {
    pub(super) fn new(data: impl Into<Data>, shape: Shape) -> Self {
        let data = data.into();
        debug_assert_eq!(
            data.len(),
            shape.n_elements(),
            "elements and shape must agree"
        );
        Self { data, shape }
    }

    pub(super) fn from_text(values: StringArray, shape: Shape) -> Self {
        Self {
            data: Data::Text(values),
            shape,
        }
    }

    /// Reads a constant of a model.
    pub(super) fn from_proto(proto: &TensorProto) -> Result<Self, Problem> {
        if proto.data_location != 0 {
            return Err("its elements are in another file".to_owned());
        }
        let shape = shape_of(&proto.dims)?;
        let data: Data = match proto.data_type {
            data_type::DOUBLE => numbers(
                proto.raw_data.as_deref(),
                &proto.double_data,
                f64::from_le_bytes,
            )?
            .into(),
            data_type::FLOAT => numbers(
                proto.raw_data.as_deref(),
                &proto.float_data,
                f32::from_le_bytes,
            )?
            .into(),
            data_type::INT64 => numbers(
                proto.raw_data.as_deref(),
                &proto.int64_data,
                i64::from_le_bytes,
            )?
            .into(),
            data_type::UINT8 => {
                let typed = || proto.int32_data.iter().map(|&value| value as u8).collect();
                Data::U8(proto.raw_data.clone().unwrap_or_else(typed).into())
            }
            data_type::BOOL => match &proto.raw_data {
                Some(bytes) => bytes
                    .iter()
                    .map(|&byte| u8::from(byte != 0))
                    .collect::<Vec<u8>>()
                    .into(),
                None => proto
                    .int32_data
                    .iter()
                    .map(|&value| u8::from(value != 0))
                    .collect::<Vec<u8>>()
                    .into(),
            },
            data_type::STRING => Data::Text(texts(&proto.string_data)?),
            other => return Err(format!("the ONNX element type {other} is not supported")),
        };
        if data.len() != shape.n_elements() {
            return Err(format!(
                "it has {} elements, but the shape {shape}",
                data.len()
            ));
        }
        Ok(Self { data, shape })
    }
}

fn shape_of(dims: &[i64]) -> Result<Shape, Problem> {
    let dims: Option<Vec<usize>> = dims.iter().map(|&dim| usize::try_from(dim).ok()).collect();
    match dims.as_deref() {
        Some([]) => Ok(Shape::SCALAR),
        Some(&[n]) => Shape::matrix(1, n).map(|_| Shape::vector(n)),
        Some(&[n_rows, n_columns]) => Shape::matrix(n_rows, n_columns),
        Some(dims) => Err(format!("tensors of rank {} are not supported", dims.len())),
        None => Err("it has a negative dimension".to_owned()),
    }
}

fn numbers<T: Copy, const WIDTH: usize>(
    raw: Option<&[u8]>,
    typed: &[T],
    read: fn([u8; WIDTH]) -> T,
) -> Result<Vec<T>, Problem> {
    let Some(raw) = raw else {
        return Ok(typed.to_vec());
    };
    let (elements, rest) = raw.as_chunks::<WIDTH>();
    if !rest.is_empty() {
        return Err(format!(
            "its {} raw bytes are no multiple of {WIDTH}",
            raw.len()
        ));
    }
    Ok(elements.iter().map(|&bytes| read(bytes)).collect())
}

pub(super) fn texts(values: &[Vec<u8>]) -> Result<StringArray, Problem> {
    let texts: Result<Vec<&str>, _> = values
        .iter()
        .map(|bytes| std::str::from_utf8(bytes))
        .collect();
    texts
        .map(StringArray::from)
        .map_err(|_| "a text is not UTF-8".to_owned())
}
