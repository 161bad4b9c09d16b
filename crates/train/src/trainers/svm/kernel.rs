//! Kernels, and rows of kernel matrices in single precision.

use everloop_package::lanes::{Loop, wide};

use crate::encoder::Design;
use crate::model::Kernel;

/// Points that are multiplied at once.
const LANES: usize = 32;

/// Points whose kernels are asked for: blocks of [`LANES`] points, column by column within a block, so that a row of the
/// kernel matrix is made in registers from memory that is read in order.
#[derive(Clone, Debug)]
pub(super) struct Points {
    kernel: Kernel,
    n_rows: usize,
    n_columns: usize,
    /// The last block is filled up with zeros.
    values: Vec<f32>,
    /// The squared lengths.
    squares: Vec<f32>,
}

impl Points {
    /// Some rows of the inputs.
    pub(super) fn new(kernel: Kernel, design: &Design, rows: &[u32]) -> Self {
        let n_columns = design.n_columns;
        Self::from_fn(kernel, rows.len(), n_columns, |at, column| {
            design.values[rows[at] as usize * n_columns + column] as f32
        })
    }

    fn from_fn(
        kernel: Kernel,
        n_rows: usize,
        n_columns: usize,
        of: impl Fn(usize, usize) -> f32,
    ) -> Self {
        let mut values = vec![0.0; n_rows.next_multiple_of(LANES) * n_columns];
        let mut squares = vec![0.0; n_rows];
        for (at, square) in squares.iter_mut().enumerate() {
            for column in 0..n_columns {
                let value = of(at, column);
                values[Self::place(n_columns, at, column)] = value;
                *square += value * value;
            }
        }
        Self {
            kernel,
            n_rows,
            n_columns,
            values,
            squares,
        }
    }

    fn place(n_columns: usize, at: usize, column: usize) -> usize {
        (at / LANES * n_columns + column) * LANES + at % LANES
    }

    pub(super) fn n_rows(&self) -> usize {
        self.n_rows
    }

    /// Some of the points.
    pub(super) fn subset(&self, kept: &[u32]) -> Self {
        Self::from_fn(self.kernel, kept.len(), self.n_columns, |at, column| {
            self.values[Self::place(self.n_columns, kept[at] as usize, column)]
        })
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
        wide(Row {
            points: self,
            others,
            at,
            to,
        });
    }
}

/// A row of the kernel matrix that is to be made.
struct Row<'a> {
    points: &'a Points,
    others: &'a Points,
    at: usize,
    to: &'a mut [f32],
}

impl Loop for Row<'_> {
    type Output = ();

    #[expect(clippy::inline_always, reason = "compiled for wide registers")]
    #[inline(always)]
    fn run(self) {
        let Self {
            points,
            others,
            at,
            to,
        } = self;
        let columns = 0..points.n_columns;
        let point =
            columns.map(|column| others.values[Points::place(points.n_columns, at, column)]);
        let point: Vec<f32> = point.collect();
        let square = others.squares[at];
        let blocks = points.values.chunks_exact(LANES * points.n_columns.max(1));
        let results = to.chunks_mut(LANES).zip(points.squares.chunks(LANES));
        for (block, (to, squares)) in blocks.zip(results) {
            let products = products(block, &point);
            match points.kernel {
                Kernel::Linear => to.copy_from_slice(&products[..to.len()]),
                Kernel::Rbf { gamma } => {
                    let gamma = gamma as f32;
                    for ((to, product), own) in to.iter_mut().zip(products).zip(squares) {
                        *to = exp(-gamma * (square + own - 2.0 * product));
                    }
                }
                Kernel::Polynomial { .. } => {
                    for (to, product) in to.iter_mut().zip(products) {
                        *to = points.kernel.of(f64::from(product), 0.0, 0.0) as f32;
                    }
                }
            }
        }
    }
}

/// The products of the points of a block with a point.
#[expect(clippy::inline_always, reason = "compiled for wide registers")]
#[inline(always)]
fn products(block: &[f32], point: &[f32]) -> [f32; LANES] {
    let mut sums = [0.0; LANES];
    for (column, value) in block.as_chunks::<LANES>().0.iter().zip(point) {
        for lane in 0..LANES {
            sums[lane] += column[lane] * value;
        }
    }
    sums
}

/// `e^x` of numbers up to zero, to single precision; greater ones count as zero. Without calls and branches, so that the
/// compiler takes several at once: `2^(i + f)` from the bits of `i` and the Taylor series of `2^f`.
#[inline(always)]
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
