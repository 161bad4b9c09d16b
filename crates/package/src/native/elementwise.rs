//! Operators that go element by element.

use arrow::array::{Array as _, StringArray};

use crate::lanes::exponentials;
use crate::native::tensor::{Data, Problem, Shape, Tensor};
use crate::onnx::data_type;

/// A function in both widths.
type Forms = (fn(f64) -> f64, fn(f32) -> f32);

/// A function of one number.
#[derive(Clone, Copy, Debug)]
pub(super) struct Unary {
    double: fn(f64) -> f64,
    single: fn(f32) -> f32,
    /// Taken several at once in matrices.
    is_exponential: bool,
}

impl Unary {
    pub(super) fn named(op_type: &str) -> Option<Self> {
        let (double, single): Forms = match op_type {
            "Abs" => (f64::abs, f32::abs),
            "Acos" => (f64::acos, f32::acos),
            "Asin" => (f64::asin, f32::asin),
            "Atan" => (f64::atan, f32::atan),
            "Ceil" => (f64::ceil, f32::ceil),
            "Exp" => (f64::exp, f32::exp),
            "Floor" => (f64::floor, f32::floor),
            "Log" => (f64::ln, f32::ln),
            "Neg" => (|x| -x, |x| -x),
            // NaN stays NaN, unlike `max`.
            "Relu" => (
                |x| if x < 0.0 { 0.0 } else { x },
                |x| if x < 0.0 { 0.0 } else { x },
            ),
            "Reciprocal" => (f64::recip, f32::recip),
            "Round" => (f64::round_ties_even, f32::round_ties_even),
            "Sigmoid" => (|x| 1.0 / (1.0 + (-x).exp()), |x| 1.0 / (1.0 + (-x).exp())),
            // 0 for NaN, like ONNX Runtime.
            "Sign" => (
                |x| f64::from(i8::from(x > 0.0) - i8::from(x < 0.0)),
                |x| f32::from(i8::from(x > 0.0) - i8::from(x < 0.0)),
            ),
            "Sin" => (f64::sin, f32::sin),
            "Sqrt" => (f64::sqrt, f32::sqrt),
            "Tanh" => (f64::tanh, f32::tanh),
            _ => return None,
        };
        Some(Self {
            double,
            single,
            is_exponential: op_type == "Exp",
        })
    }

    pub(super) fn run(self, tensor: &Tensor) -> Result<Tensor, Problem> {
        match &tensor.data {
            // Matrices are exponents of models; columns are features, to the last digit those of expressions.
            Data::F64(values) if self.is_exponential && tensor.shape.rank == 2 => {
                let mut results = values.to_vec();
                exponentials(&mut results);
                Ok(Tensor::new(results, tensor.shape))
            }
            Data::F64(values) => Ok(map(values, tensor.shape, self.double)),
            Data::F32(values) => Ok(map(values, tensor.shape, self.single)),
            other => Err(format!("it is not supported for {}", other.type_name())),
        }
    }
}

/// A function of two numbers.
#[derive(Clone, Copy, Debug)]
pub(super) enum Arithmetic {
    Add,
    Subtract,
    Multiply,
    Divide,
    Power,
    Remainder,
}

impl Arithmetic {
    pub(super) fn run(self, left: &Tensor, right: &Tensor) -> Result<Tensor, Problem> {
        let (Data::F64(left_values), Data::F64(right_values)) = (&left.data, &right.data) else {
            return Err(mixed(left, right));
        };
        let (left, right) = ((&**left_values, left.shape), (&**right_values, right.shape));
        match self {
            Self::Add => zip(left, right, |x, y| x + y),
            Self::Subtract => zip(left, right, |x, y| x - y),
            Self::Multiply => zip(left, right, |x, y| x * y),
            Self::Divide => zip(left, right, |x, y| x / y),
            Self::Power => zip(left, right, f64::powf),
            Self::Remainder => zip(left, right, |x, y| x % y),
        }
    }
}

/// A comparison of two values.
#[derive(Clone, Copy, Debug)]
pub(super) enum Comparison {
    Equal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl Comparison {
    pub(super) fn run(self, left: &Tensor, right: &Tensor) -> Result<Tensor, Problem> {
        match (&left.data, &right.data) {
            (Data::F64(x), Data::F64(y)) => self.compare((x, left.shape), (y, right.shape)),
            (Data::I64(x), Data::I64(y)) => self.compare((x, left.shape), (y, right.shape)),
            (Data::Bool(x), Data::Bool(y)) => self.compare((x, left.shape), (y, right.shape)),
            (Data::Text(x), Data::Text(y)) if matches!(self, Self::Equal) => {
                equal_texts((x, left.shape), (y, right.shape))
            }
            _ => Err(mixed(left, right)),
        }
    }

    fn compare<T: Copy + PartialOrd>(
        self,
        left: (&[T], Shape),
        right: (&[T], Shape),
    ) -> Result<Tensor, Problem> {
        match self {
            Self::Equal => zip(left, right, |x, y| u8::from(x == y)),
            Self::Less => zip(left, right, |x, y| u8::from(x < y)),
            Self::LessOrEqual => zip(left, right, |x, y| u8::from(x <= y)),
            Self::Greater => zip(left, right, |x, y| u8::from(x > y)),
            Self::GreaterOrEqual => zip(left, right, |x, y| u8::from(x >= y)),
        }
    }
}

/// A function of two booleans.
#[derive(Clone, Copy, Debug)]
pub(super) enum Logic {
    And,
    Or,
}

impl Logic {
    pub(super) fn run(self, left: &Tensor, right: &Tensor) -> Result<Tensor, Problem> {
        let (Data::Bool(x), Data::Bool(y)) = (&left.data, &right.data) else {
            return Err(mixed(left, right));
        };
        let (left, right): ((&[u8], _), (&[u8], _)) = ((x, left.shape), (y, right.shape));
        match self {
            Self::And => zip(left, right, |x, y| x & y),
            Self::Or => zip(left, right, |x, y| x | y),
        }
    }
}

pub(super) fn not(tensor: &Tensor) -> Result<Tensor, Problem> {
    match &tensor.data {
        Data::Bool(values) => Ok(map(values, tensor.shape, |value| 1 - value)),
        other => Err(format!("it is not supported for {}", other.type_name())),
    }
}

pub(super) fn is_nan(tensor: &Tensor) -> Result<Tensor, Problem> {
    match &tensor.data {
        Data::F64(values) => Ok(map(values, tensor.shape, |value| u8::from(value.is_nan()))),
        Data::F32(values) => Ok(map(values, tensor.shape, |value| u8::from(value.is_nan()))),
        other => Err(format!("it is not supported for {}", other.type_name())),
    }
}

pub(super) fn cast(tensor: &Tensor, to: i32) -> Result<Tensor, Problem> {
    let shape = tensor.shape;
    Ok(match (&tensor.data, to) {
        (Data::F64(_), data_type::DOUBLE)
        | (Data::F32(_), data_type::FLOAT)
        | (Data::I64(_), data_type::INT64)
        | (Data::Bool(_), data_type::BOOL)
        | (Data::Text(_), data_type::STRING) => tensor.clone(),
        (Data::F64(values), data_type::FLOAT) => map(values, shape, |value| value as f32),
        (Data::F64(values), data_type::INT64) => map(values, shape, |value| value as i64),
        (Data::F32(values), data_type::DOUBLE) => map(values, shape, f64::from),
        (Data::I64(values), data_type::DOUBLE) => map(values, shape, |value| value as f64),
        (Data::I64(values), data_type::FLOAT) => map(values, shape, |value| value as f32),
        (Data::I64(values), data_type::BOOL) => map(values, shape, |value| u8::from(value != 0)),
        (Data::Bool(values) | Data::U8(values), data_type::DOUBLE) => map(values, shape, f64::from),
        (Data::Bool(values), data_type::FLOAT) => map(values, shape, f32::from),
        (Data::Bool(values), data_type::INT64) => map(values, shape, i64::from),
        // Saturates, and what is no number is 0.
        (Data::F64(values), data_type::UINT8) => {
            let bytes: Vec<u8> = values.iter().map(|&value| value as u8).collect();
            Tensor::new(Data::U8(bytes.into()), shape)
        }
        (Data::I32(values), data_type::DOUBLE) => map(values, shape, f64::from),
        (data, to) => {
            return Err(format!(
                "{} cannot become ONNX element type {to}",
                data.type_name()
            ));
        }
    })
}

fn mixed(left: &Tensor, right: &Tensor) -> Problem {
    format!(
        "it is not supported for {} and {}",
        left.data.type_name(),
        right.data.type_name()
    )
}

fn map<T: Copy, R>(values: &[T], shape: Shape, function: impl Fn(T) -> R) -> Tensor
where
    Data: From<Vec<R>>,
{
    let results: Vec<R> = values.iter().map(|&value| function(value)).collect();
    Tensor::new(results, shape)
}

/// Meets two tensors element by element. Equal shapes and single values take short ways.
fn zip<T: Copy, R>(
    (left, left_shape): (&[T], Shape),
    (right, right_shape): (&[T], Shape),
    function: impl Fn(T, T) -> R,
) -> Result<Tensor, Problem>
where
    Data: From<Vec<R>>,
{
    let shape = left_shape.broadcast(right_shape)?;
    let results: Vec<R> = match (left, right) {
        (left, right) if left_shape == right_shape => left
            .iter()
            .zip(right)
            .map(|(&x, &y)| function(x, y))
            .collect(),
        (left, &[y]) if left.len() == shape.n_elements() => {
            left.iter().map(|&x| function(x, y)).collect()
        }
        (&[x], right) if right.len() == shape.n_elements() => {
            right.iter().map(|&y| function(x, y)).collect()
        }
        // A matrix and one row.
        (left, right)
            if left_shape == shape
                && right_shape.n_rows == 1
                && right_shape.n_columns == shape.n_columns
                && !right.is_empty() =>
        {
            let mut results = Vec::with_capacity(left.len());
            for row in left.chunks_exact(right.len()) {
                let pairs = row.iter().zip(right);
                results.extend(pairs.map(|(&x, &y)| function(x, y)));
            }
            results
        }
        // A matrix and one column.
        (left, right)
            if left_shape == shape
                && right_shape.n_columns == 1
                && right_shape.n_rows == shape.n_rows
                && shape.n_columns > 0 =>
        {
            let rows = left.chunks_exact(shape.n_columns).zip(right);
            let mut results = Vec::with_capacity(left.len());
            for (row, &y) in rows {
                results.extend(row.iter().map(|&x| function(x, y)));
            }
            results
        }
        (left, right) => {
            let (left_index, right_index) = (Index::new(left_shape), Index::new(right_shape));
            places(shape)
                .map(|(row, column)| {
                    function(
                        left[left_index.of(row, column)],
                        right[right_index.of(row, column)],
                    )
                })
                .collect()
        }
    };
    Ok(Tensor::new(results, shape))
}

fn equal_texts(
    (left, left_shape): (&StringArray, Shape),
    (right, right_shape): (&StringArray, Shape),
) -> Result<Tensor, Problem> {
    let shape = left_shape.broadcast(right_shape)?;
    let (left_index, right_index) = (Index::new(left_shape), Index::new(right_shape));
    debug_assert!(
        left.null_count() == 0 && right.null_count() == 0,
        "texts are never null here"
    );
    let results: Vec<u8> = places(shape)
        .map(|(row, column)| {
            u8::from(
                left.value(left_index.of(row, column)) == right.value(right_index.of(row, column)),
            )
        })
        .collect();
    Ok(Tensor::new(results, shape))
}

/// All places of a shape, row by row.
pub(super) fn places(shape: Shape) -> impl Iterator<Item = (usize, usize)> {
    (0..shape.n_rows).flat_map(move |row| (0..shape.n_columns).map(move |column| (row, column)))
}

/// Where the element for a place of a broadcast result is.
#[derive(Clone, Copy)]
pub(super) struct Index {
    row_step: usize,
    column_step: usize,
}

impl Index {
    pub(super) fn new(shape: Shape) -> Self {
        Self {
            row_step: if shape.n_rows == 1 {
                0
            } else {
                shape.n_columns
            },
            column_step: usize::from(shape.n_columns != 1),
        }
    }

    pub(super) fn of(self, row: usize, column: usize) -> usize {
        row * self.row_step + column * self.column_step
    }
}
