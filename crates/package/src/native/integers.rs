//! Products of 8-bit numbers, and what scales them.

use crate::native::matrix::gemm;
use crate::native::tensor::{Data, Problem, Shape, Tensor};

/// `MatMulInteger` of `uint8`: the product of both matrices less their zero points, as `int32`.
///
/// The sums are computed in doubles, which hold whole numbers of this size exactly.
pub(super) fn product(
    (left, left_zero): (&Tensor, &Tensor),
    (right, right_zero): (&Tensor, &Tensor),
) -> Result<Tensor, Problem> {
    let left = centred(left, left_zero)?;
    let right = centred(right, right_zero)?;
    let product = gemm(&left, &right, false, None)?;
    let Data::F64(sums) = &product.data else {
        return Err("its product is no number".to_owned());
    };
    let sums: Vec<i32> = sums.iter().map(|&sum| sum as i32).collect();
    Ok(Tensor::new(Data::I32(sums.into()), product.shape))
}

fn centred(tensor: &Tensor, zero: &Tensor) -> Result<Tensor, Problem> {
    match (&tensor.data, &zero.data) {
        (Data::U8(values), Data::U8(zero)) if zero.len() == 1 => {
            let zero = f64::from(zero[0]);
            let centred: Vec<f64> = values
                .iter()
                .map(|&value| f64::from(value) - zero)
                .collect();
            Ok(Tensor::new(centred, tensor.shape))
        }
        (data, zero) => Err(format!(
            "it is not supported for {} with zero points of {}",
            data.type_name(),
            zero.type_name()
        )),
    }
}

/// `ReduceMax` of each row of a matrix, as a column.
pub(super) fn row_max(tensor: &Tensor, axes: &Tensor) -> Result<Tensor, Problem> {
    let is_last = matches!(&axes.data, Data::I64(axes) if matches!(axes.as_ref(), [1 | -1]));
    let Data::F64(values) = &tensor.data else {
        return Err(format!(
            "it is not supported for {}",
            tensor.data.type_name()
        ));
    };
    if !is_last || tensor.shape.rank != 2 || tensor.shape.n_columns == 0 {
        return Err(format!(
            "it is not supported for shape {} and axes other than 1",
            tensor.shape
        ));
    }
    let greatest = |row: &[f64]| row.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let rows = values.chunks_exact(tensor.shape.n_columns);
    let found: Vec<f64> = rows.map(greatest).collect();
    Ok(Tensor::new(found, Shape::matrix(tensor.shape.n_rows, 1)?))
}
