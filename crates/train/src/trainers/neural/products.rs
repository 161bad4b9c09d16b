//! Products of row-major matrices, on one thread: the blocks of a batch are what threads share.

use everloop_package::lanes::product;
use faer::{Accum, MatMut, MatRef};

/// `to = left right`: `to` has `n_rows` rows, `right` is `n_inner` by `n_columns`.
pub(super) fn forwards(
    to: &mut [f32],
    left: &[f32],
    right: &[f32],
    [n_rows, n_inner, n_columns]: [usize; 3],
) {
    let to = MatMut::from_row_major_slice_mut(to, n_rows, n_columns);
    let left = MatRef::from_row_major_slice(left, n_rows, n_inner);
    let right = MatRef::from_row_major_slice(right, n_inner, n_columns);
    product(to, Accum::Replace, left, right);
}

/// `to = left right'`: the gradient of what came in, from that of what went out and the weights, `n_columns` by `n_inner`.
pub(super) fn backwards(
    to: &mut [f32],
    left: &[f32],
    right: &[f32],
    [n_rows, n_inner, n_columns]: [usize; 3],
) {
    let to = MatMut::from_row_major_slice_mut(to, n_rows, n_columns);
    let left = MatRef::from_row_major_slice(left, n_rows, n_inner);
    let right = MatRef::from_row_major_slice(right, n_columns, n_inner);
    product(to, Accum::Replace, left, right.transpose());
}

/// `to = left' right`: the gradient of weights, from what came in and the gradient of what went out.
pub(super) fn across(
    to: &mut [f32],
    left: &[f32],
    right: &[f32],
    [n_rows, n_inner, n_columns]: [usize; 3],
) {
    let to = MatMut::from_row_major_slice_mut(to, n_inner, n_columns);
    let left = MatRef::from_row_major_slice(left, n_rows, n_inner);
    let right = MatRef::from_row_major_slice(right, n_rows, n_columns);
    product(to, Accum::Replace, left.transpose(), right);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn products_are_those_of_the_definition() {
        let left = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0];
        let right = [1.0, 0.0, 2.0, 1.0, 0.0, 3.0];
        let mut to = [0.0; 4];
        forwards(&mut to, &left, &right, [2, 3, 2]);
        assert_eq!(to, [5.0, 11.0, 14.0, 23.0]);
        backwards(&mut to, &left, &right, [2, 3, 2]);
        assert_eq!(to, [7.0, 10.0, 16.0, 22.0]);
        let mut to = [0.0; 9];
        across(&mut to, &left, &right, [2, 3, 3]);
        assert_eq!(to, [5.0, 0.0, 14.0, 7.0, 0.0, 19.0, 9.0, 0.0, 24.0]);
    }
}
