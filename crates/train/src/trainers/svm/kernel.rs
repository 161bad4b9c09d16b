//! Kernels, and rows of kernel matrices in single precision.

use faer::linalg::matmul::matmul;
use faer::{Accum, MatMut, MatRef, Par};

use crate::encoder::Design;
use crate::model::Kernel;

/// Points whose kernels are asked for. Column by column, so that a row of the kernel matrix is a product of a matrix and
/// a vector.
#[derive(Clone, Debug)]
pub(super) struct Points {
    kernel: Kernel,
    n_rows: usize,
    n_columns: usize,
    values: Vec<f32>,
    /// The squared lengths.
    squares: Vec<f32>,
}

impl Points {
    /// Some rows of the inputs.
    pub(super) fn new(kernel: Kernel, design: &Design, rows: &[u32]) -> Self {
        let n_columns = design.n_columns;
        let mut values = vec![0.0; rows.len() * n_columns];
        for (at, row) in rows.iter().enumerate() {
            let from = &design.values[*row as usize * n_columns..][..n_columns];
            for (column, value) in from.iter().enumerate() {
                values[column * rows.len() + at] = *value as f32;
            }
        }
        Self::of_values(kernel, rows.len(), n_columns, values)
    }

    fn of_values(kernel: Kernel, n_rows: usize, n_columns: usize, values: Vec<f32>) -> Self {
        let mut squares = vec![0.0; n_rows];
        for column in values.chunks_exact(n_rows.max(1)) {
            let pairs = squares.iter_mut().zip(column);
            pairs.for_each(|(square, value)| *square += value * value);
        }
        Self {
            kernel,
            n_rows,
            n_columns,
            values,
            squares,
        }
    }

    pub(super) fn n_rows(&self) -> usize {
        self.n_rows
    }

    /// Some of the points.
    pub(super) fn subset(&self, kept: &[u32]) -> Self {
        let mut values = Vec::with_capacity(kept.len() * self.n_columns);
        for column in self.values.chunks_exact(self.n_rows.max(1)) {
            values.extend(kept.iter().map(|at| column[*at as usize]));
        }
        Self::of_values(self.kernel, kept.len(), self.n_columns, values)
    }

    /// The kernel of each point with itself.
    pub(super) fn diagonal(&self) -> Vec<f32> {
        let kernel = self.kernel;
        let of = |square: &f32| {
            let square = f64::from(*square);
            kernel.of(square, square, square) as f32
        };
        self.squares.iter().map(of).collect()
    }

    /// The kernels of all points here with a point of `others`.
    pub(super) fn row(&self, others: &Self, at: usize, to: &mut [f32]) {
        let point: Vec<f32> = others
            .values
            .iter()
            .skip(at)
            .step_by(others.n_rows)
            .copied()
            .collect();
        let square = others.squares[at];
        let points = MatRef::from_column_major_slice(&self.values, self.n_rows, self.n_columns);
        let point = MatRef::from_column_major_slice(&point, self.n_columns, 1);
        let products = MatMut::from_column_major_slice_mut(&mut *to, self.n_rows, 1);
        matmul(products, Accum::Replace, points, point, 1.0, Par::Seq);
        match self.kernel {
            Kernel::Linear => {}
            Kernel::Rbf { gamma } => {
                let gamma = gamma as f32;
                for (value, other) in to.iter_mut().zip(&self.squares) {
                    *value = exp(-gamma * (square + other - 2.0 * *value));
                }
            }
            Kernel::Polynomial { .. } => {
                for value in to {
                    *value = self.kernel.of(f64::from(*value), 0.0, 0.0) as f32;
                }
            }
        }
    }
}

/// `e^x` of numbers up to zero, to single precision; greater ones count as zero. Without calls and branches, so that the
/// compiler takes several at once: `2^(i + f)` from the bits of `i` and the Taylor series of `2^f`.
fn exp(x: f32) -> f32 {
    // Adding it leaves the nearest whole number in the lowest bits.
    const ROUNDING: f32 = 12_582_912.0;
    const LEAST: f32 = -87.0;
    let x = if x > 0.0 { 0.0 } else { x };
    let x = if x < LEAST { LEAST } else { x };
    let power = x * std::f32::consts::LOG2_E;
    let rounded = power + ROUNDING;
    let rest = (power - (rounded - ROUNDING)) * std::f32::consts::LN_2;
    let end = 1.0 / 24.0 + rest * (1.0 / 120.0 + rest * (1.0 / 720.0));
    let series = 1.0 + rest * (1.0 + rest * (0.5 + rest * (1.0 / 6.0 + rest * end)));
    let exponent = rounded.to_bits().wrapping_shl(23).wrapping_add(0x3F80_0000);
    series * f32::from_bits(exponent)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn powers_are_right_to_single_precision() {
        for step in 0..8_700 {
            let x = step as f32 / -100.0;
            let (found, expected) = (f64::from(exp(x)), f64::from(x).exp());
            assert!(
                (found / expected - 1.0).abs() < 1e-5,
                "{x}: {found} {expected}"
            );
            if x > -2.0 {
                assert!((found - expected).abs() < 5e-7, "{x}: {found} {expected}");
            }
        }
        assert_eq!(exp(0.0), 1.0);
        assert!(exp(-1e30) < 1e-37);
    }

    #[test]
    fn rows_hold_the_kernels_of_all_points() {
        let design = Design {
            values: vec![0.0, 0.0, 1.0, 2.0, -1.0, 0.5],
            n_rows: 3,
            n_columns: 2,
        };
        let kernels = [
            Kernel::Linear,
            Kernel::Rbf { gamma: 0.5 },
            Kernel::Polynomial {
                gamma: 0.5,
                bias: 1.0,
                degree: 3,
            },
        ];
        let products = [[0.0, 0.0, 0.0], [0.0, 5.0, 0.0], [0.0, 0.0, 1.25]];
        for kernel in kernels {
            let points = Points::new(kernel, &design, &[0, 1, 2]);
            let mut row = vec![0.0; 3];
            for at in 0..3 {
                points.row(&points, at, &mut row);
                for (other, found) in row.iter().enumerate() {
                    let [own, theirs] = [at, other].map(|place| products[place][place]);
                    let expected = kernel.of(products[at][other], own, theirs);
                    assert!((f64::from(*found) - expected).abs() < 1e-6, "{kernel:?}");
                }
                assert!((row[at] - points.diagonal()[at]).abs() < 1e-6);
            }
        }
        let few = Points::new(Kernel::Linear, &design, &[0, 1, 2]).subset(&[1]);
        assert_eq!(few.diagonal(), [5.0]);
    }
}
