//! Operators on whole shapes: reshaping, concatenation, matrix product, softmax.

use faer::{Accum, MatMut, MatRef};

use crate::lanes::product;
use crate::native::tensor::{Data, Problem, Shape, Tensor};

/// Products of so many rows and columns at least are worth packing; smaller ones are computed row by row.
const MIN_BLOCKED: (usize, usize) = (8, 16);

/// A column `[n, 1]` or a row `[1, n]` of a vector; a vector of a single value.
pub(super) fn unsqueeze(tensor: &Tensor, axes: &Tensor) -> Result<Tensor, Problem> {
    let Data::I64(axes) = &axes.data else {
        return Err("its axes are no whole numbers".to_owned());
    };
    let n = tensor.shape.n_columns;
    let shape = match (tensor.shape.rank, axes.as_ref()) {
        (0, [0 | -1]) => Shape::vector(1),
        (1, [1 | -1]) => Shape::matrix(n, 1)?,
        (1, [0 | -2]) => Shape::matrix(1, n)?,
        (_, axes) => {
            return Err(format!(
                "it is not supported for shape {} and axes {axes:?}",
                tensor.shape
            ));
        }
    };
    Ok(Tensor {
        data: tensor.data.clone(),
        shape,
    })
}

pub(super) fn reshape(tensor: &Tensor, shape: &Tensor) -> Result<Tensor, Problem> {
    let Data::I64(dims) = &shape.data else {
        return Err("its shape is not in whole numbers".to_owned());
    };
    let n_elements = tensor.shape.n_elements();
    let old = match tensor.shape.rank {
        0 => Vec::new(),
        1 => vec![tensor.shape.n_columns],
        _ => vec![tensor.shape.n_rows, tensor.shape.n_columns],
    };
    let mut new = Vec::with_capacity(2);
    for (at, &dim) in dims.iter().enumerate().take(3) {
        new.push(match dim {
            -1 => None,
            0 => Some(
                *old.get(at)
                    .ok_or("a 0 in its shape stands for no dimension")?,
            ),
            dim => Some(
                usize::try_from(dim).map_err(|_| format!("its shape has the dimension {dim}"))?,
            ),
        });
    }
    let known: usize = new
        .iter()
        .flatten()
        .fold(1, |product, &dim| product.saturating_mul(dim));
    let inferred = n_elements.checked_div(known).unwrap_or(0);
    let shape = match new.as_slice() {
        [] => Shape::SCALAR,
        [n] => Shape::vector(n.unwrap_or(inferred)),
        [None, None] => return Err("its shape has two unknown dimensions".to_owned()),
        [n_rows, n_columns] => {
            Shape::matrix(n_rows.unwrap_or(inferred), n_columns.unwrap_or(inferred))?
        }
        _ => return Err("ranks above 2 are not supported".to_owned()),
    };
    if shape.n_elements() != n_elements {
        return Err(format!("{} cannot become {shape}", tensor.shape));
    }
    Ok(Tensor {
        data: tensor.data.clone(),
        shape,
    })
}

/// Matrices side by side.
pub(super) fn concat(tensors: &[&Tensor]) -> Result<Tensor, Problem> {
    let Some(first) = tensors.first() else {
        return Err("it has no inputs".to_owned());
    };
    let n_rows = first.shape.n_rows;
    let mut n_columns = 0_usize;
    let mut parts: Vec<(&[f64], usize)> = Vec::with_capacity(tensors.len());
    for tensor in tensors {
        let Data::F64(values) = &tensor.data else {
            return Err(format!(
                "it is not supported for {}",
                tensor.data.type_name()
            ));
        };
        if tensor.shape.rank != 2 || tensor.shape.n_rows != n_rows {
            return Err(format!(
                "shapes {} and {} cannot stand side by side",
                first.shape, tensor.shape
            ));
        }
        n_columns = n_columns.saturating_add(tensor.shape.n_columns);
        parts.push((values, tensor.shape.n_columns));
    }
    let shape = Shape::matrix(n_rows, n_columns)?;
    let mut results = vec![0.0; shape.n_elements()];
    let mut offset = 0;
    for (values, width) in parts {
        if width > 0 {
            for (row, values) in results
                .chunks_exact_mut(n_columns)
                .zip(values.chunks_exact(width))
            {
                row[offset..offset + width].copy_from_slice(values);
            }
        }
        offset += width;
    }
    Ok(Tensor::new(results, shape))
}

/// `left · weights + bias`.
pub(super) fn gemm(
    left: &Tensor,
    weights: &Tensor,
    transposed: bool,
    bias: Option<&Tensor>,
) -> Result<Tensor, Problem> {
    let (Data::F64(rows), Data::F64(factors)) = (&left.data, &weights.data) else {
        return Err(format!(
            "it is not supported for {} and {}",
            left.data.type_name(),
            weights.data.type_name()
        ));
    };
    let (n_inner, n_columns) = if transposed {
        (weights.shape.n_columns, weights.shape.n_rows)
    } else {
        (weights.shape.n_rows, weights.shape.n_columns)
    };
    if left.shape.rank != 2 || weights.shape.rank != 2 || left.shape.n_columns != n_inner {
        return Err(format!(
            "shapes {} and {} cannot be multiplied",
            left.shape, weights.shape
        ));
    }
    let shape = Shape::matrix(left.shape.n_rows, n_columns)?;
    let mut results = match bias {
        Some(bias) => start(bias, shape)?,
        None => vec![0.0; shape.n_elements()],
    };
    if n_inner == 0 || n_columns == 0 {
        return Ok(Tensor::new(results, shape));
    }
    if shape.n_rows >= MIN_BLOCKED.0 && n_columns >= MIN_BLOCKED.1 {
        let (n_weight_rows, width) = (weights.shape.n_rows, weights.shape.n_columns);
        let factors = MatRef::from_row_major_slice(factors, n_weight_rows, width);
        product(
            MatMut::from_row_major_slice_mut(&mut results, shape.n_rows, n_columns),
            Accum::Add,
            MatRef::from_row_major_slice(rows, shape.n_rows, n_inner),
            if transposed {
                factors.transpose()
            } else {
                factors
            },
        );
        return Ok(Tensor::new(results, shape));
    }
    for (result, row) in results
        .chunks_exact_mut(n_columns)
        .zip(rows.chunks_exact(n_inner))
    {
        if transposed || n_columns == 1 {
            for (result, column) in result.iter_mut().zip(factors.chunks_exact(n_inner)) {
                *result += dot(row, column);
            }
        } else {
            for (value, factors) in row.iter().zip(factors.chunks_exact(n_columns)) {
                for (result, factor) in result.iter_mut().zip(factors) {
                    *result += value * factor;
                }
            }
        }
    }
    Ok(Tensor::new(results, shape))
}

/// The bias in the shape of the result.
fn start(bias: &Tensor, shape: Shape) -> Result<Vec<f64>, Problem> {
    let Data::F64(values) = &bias.data else {
        return Err(format!("it is not supported for {}", bias.data.type_name()));
    };
    match bias.shape.n_columns {
        1 if bias.shape.n_rows == 1 => Ok(vec![values[0]; shape.n_elements()]),
        n if n == shape.n_columns && bias.shape.n_rows == 1 => Ok(values.repeat(shape.n_rows)),
        _ => Err(format!(
            "a bias of shape {} does not fit {shape}",
            bias.shape
        )),
    }
}

/// Four sums at a time, so that they do not wait for each other.
fn dot(left: &[f64], right: &[f64]) -> f64 {
    let (left_parts, left_rest) = left.as_chunks::<4>();
    let (right_parts, right_rest) = right.as_chunks::<4>();
    let mut sums = [0.0; 4];
    for (left, right) in left_parts.iter().zip(right_parts) {
        for lane in 0..4 {
            sums[lane] += left[lane] * right[lane];
        }
    }
    let rest: f64 = left_rest
        .iter()
        .zip(right_rest)
        .map(|(left, right)| left * right)
        .sum();
    (sums[0] + sums[1]) + (sums[2] + sums[3]) + rest
}

/// The softmax of each row.
pub(super) fn softmax(tensor: &Tensor) -> Result<Tensor, Problem> {
    let Data::F64(values) = &tensor.data else {
        return Err(format!(
            "it is not supported for {}",
            tensor.data.type_name()
        ));
    };
    if tensor.shape.rank != 2 || tensor.shape.n_columns == 0 {
        return Err(format!("it is not supported for shape {}", tensor.shape));
    }
    let mut results = values.to_vec();
    for row in results.chunks_exact_mut(tensor.shape.n_columns) {
        let largest = row.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        for value in row.iter_mut() {
            *value = (*value - largest).exp();
        }
        let sum: f64 = row.iter().sum();
        for value in row.iter_mut() {
            *value /= sum;
        }
    }
    Ok(Tensor::new(results, tensor.shape))
}
