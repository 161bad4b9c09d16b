//! Kernel machines: sums of kernels with support vectors.

use everloop_package::graph::{GraphBuilder, Matrix};
use everloop_package::lanes::{exponentials, product};
use faer::{Accum, Mat, MatMut, MatRef};

use super::Model;
use crate::encoder::Design;

/// Kernels that are held at once.
const BLOCK_VALUES: usize = 1 << 18;
/// Rows whose slopes tell how much the columns matter.
const N_PROBES: usize = 200;

/// A kernel of two points.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Kernel {
    /// `x's`.
    Linear,
    /// `exp(-gamma |x - s|^2)`.
    Rbf { gamma: f64 },
    /// `(gamma x's + bias)^degree`.
    Polynomial { gamma: f64, bias: f64, degree: i32 },
}

impl Kernel {
    /// The kernel from the inner product of two points and their squared lengths.
    pub(crate) fn of(self, product: f64, square: f64, other: f64) -> f64 {
        match self {
            Self::Linear => product,
            Self::Rbf { gamma } => (-gamma * (square + other - 2.0 * product).max(0.0)).exp(),
            Self::Polynomial {
                gamma,
                bias,
                degree,
            } => (gamma * product + bias).powi(degree),
        }
    }

    /// Turns the products of some points with one into kernels.
    fn of_all(self, products: &mut [f64], squares: &[f64], other: f64) {
        let pairs = products.iter_mut().zip(squares);
        match self {
            Self::Linear => {}
            Self::Rbf { gamma } => {
                for (value, square) in pairs {
                    *value = -gamma * (square + other - 2.0 * *value).max(0.0);
                }
                exponentials(products);
            }
            Self::Polynomial { .. } => {
                for (value, square) in pairs {
                    *value = self.of(*value, *square, other);
                }
            }
        }
    }

    /// The slope of the kernel in the direction of a column of `x`, from the column's values.
    fn slope(self, kernel: f64, product: f64, (value, support): (f64, f64)) -> f64 {
        match self {
            Self::Linear => support,
            Self::Rbf { gamma } => 2.0 * gamma * kernel * (support - value),
            Self::Polynomial {
                gamma,
                bias,
                degree,
            } => f64::from(degree) * gamma * (gamma * product + bias).powi(degree - 1) * support,
        }
    }
}

/// `sum of factor K(x, s) + bias` over support vectors `s`.
#[derive(Debug)]
pub(crate) struct KernelModel {
    pub(crate) kernel: Kernel,
    pub(crate) n_columns: usize,
    /// The support vectors, row by row.
    pub(crate) vectors: Vec<f64>,
    /// Vector by target.
    pub(crate) factors: Vec<f64>,
    pub(crate) bias: Vec<f64>,
}

impl KernelModel {
    fn n_vectors(&self) -> usize {
        self.vectors.len() / self.n_columns
    }

    fn squares(values: &[f64], n_columns: usize) -> Vec<f64> {
        let rows = values.chunks(n_columns);
        rows.map(|row| row.iter().map(|value| value * value).sum())
            .collect()
    }

    /// Products of some rows with the support vectors.
    fn products(&self, rows: &[f64]) -> Mat<f64> {
        let (n_rows, n_vectors) = (rows.len() / self.n_columns, self.n_vectors());
        let rows = MatRef::from_row_major_slice(rows, n_rows, self.n_columns);
        let vectors = MatRef::from_row_major_slice(&self.vectors, n_vectors, self.n_columns);
        let mut products = Mat::zeros(n_rows, n_vectors);
        product(products.as_mut(), Accum::Replace, rows, vectors.transpose());
        products
    }

    fn kernels(&self, rows: &[f64]) -> Mat<f64> {
        let mut kernels = self.products(rows);
        let own = Self::squares(rows, self.n_columns);
        let squares = Self::squares(&self.vectors, self.n_columns);
        for (at, other) in squares.iter().enumerate() {
            let values = kernels.col_as_slice_mut(at);
            self.kernel.of_all(values, &own, *other);
        }
        kernels
    }

    /// How far each column moves the scores: the mean size of the slope at some rows.
    pub(crate) fn slopes(&self, design: &Design) -> Vec<f64> {
        let n_columns = self.n_columns;
        let n_targets = self.n_targets();
        let mut sizes = vec![0.0; n_columns];
        let stride = (design.n_rows / N_PROBES).max(1);
        for row in design.values.chunks(n_columns).step_by(stride) {
            let (products, kernels) = (self.products(row), self.kernels(row));
            let mut slopes = vec![0.0; n_columns * n_targets];
            let vectors = self
                .vectors
                .chunks(n_columns)
                .zip(self.factors.chunks(n_targets));
            for (at, (vector, factors)) in vectors.enumerate() {
                let (kernel, product) = (kernels[(0, at)], products[(0, at)]);
                for (column, pair) in row.iter().zip(vector).enumerate() {
                    let slope = self.kernel.slope(kernel, product, (*pair.0, *pair.1));
                    for (target, factor) in factors.iter().enumerate() {
                        slopes[column * n_targets + target] += factor * slope;
                    }
                }
            }
            for (size, slopes) in sizes.iter_mut().zip(slopes.chunks(n_targets)) {
                *size += slopes.iter().map(|slope| slope.abs()).sum::<f64>();
            }
        }
        sizes
    }
}

impl Model for KernelModel {
    fn n_targets(&self) -> usize {
        self.bias.len()
    }

    fn scores(&self, design: &Design) -> Vec<f64> {
        let (n_targets, n_vectors) = (self.n_targets(), self.n_vectors());
        let n_block = (BLOCK_VALUES / n_vectors.max(1)).max(1);
        let mut scores = self.bias.repeat(design.n_rows);
        let factors = MatRef::from_row_major_slice(&self.factors, n_vectors, n_targets);
        let rows = design.values.chunks(n_block * self.n_columns);
        for (rows, scores) in rows.zip(scores.chunks_mut(n_block * n_targets)) {
            let n_rows = rows.len() / self.n_columns;
            let to = MatMut::from_row_major_slice_mut(scores, n_rows, n_targets);
            let kernels = self.kernels(rows);
            product(to, Accum::Add, kernels.as_ref(), factors);
        }
        scores
    }

    fn emit(&self, builder: &mut GraphBuilder, matrix: &Matrix) -> Matrix {
        let (n_columns, n_vectors) = (self.n_columns, self.n_vectors());
        // Support vectors as columns, times a factor, with a last line for the squared length of the row.
        let lines = |factor: f64, last: Option<f64>| -> Vec<f64> {
            let own = (0..n_columns).flat_map(|column| {
                let values = self.vectors.iter().skip(column).step_by(n_columns);
                values.map(move |value| factor * value)
            });
            own.chain(last.into_iter().flat_map(|last| vec![last; n_vectors]))
                .collect()
        };
        let kernels = match self.kernel {
            Kernel::Linear => builder.linear(matrix, &lines(1.0, None), &vec![0.0; n_vectors]),
            Kernel::Rbf { gamma } => {
                let squares = builder.product(matrix, matrix);
                let square = builder.linear(&squares, &vec![1.0; n_columns], &[0.0]);
                let both = builder.concat(&[matrix.clone(), square]);
                let own = Self::squares(&self.vectors, n_columns);
                let own: Vec<f64> = own.iter().map(|square| -gamma * square).collect();
                let exponents = builder.linear(&both, &lines(2.0 * gamma, Some(-gamma)), &own);
                builder.exp(&exponents)
            }
            Kernel::Polynomial {
                gamma,
                bias,
                degree,
            } => {
                let base = builder.linear(matrix, &lines(gamma, None), &vec![bias; n_vectors]);
                let mut power = base.clone();
                for _ in 1..degree {
                    power = builder.product(&power, &base);
                }
                power
            }
        };
        builder.linear(&kernels, &self.factors, &self.bias)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn model(kernel: Kernel) -> KernelModel {
        KernelModel {
            kernel,
            n_columns: 2,
            vectors: vec![1.0, 0.0, 0.0, 2.0],
            factors: vec![1.0, -1.0],
            bias: vec![0.5],
        }
    }

    fn rows() -> Design {
        Design {
            values: vec![1.0, 1.0, 3.0, -1.0],
            n_rows: 2,
            n_columns: 2,
        }
    }

    #[test]
    fn scores_are_sums_of_kernels() {
        let rbf = model(Kernel::Rbf { gamma: 0.5 }).scores(&rows());
        let expected = [
            (-0.5_f64).exp() - (-1.0_f64).exp() + 0.5,
            (-2.5_f64).exp() - (-9.0_f64).exp() + 0.5,
        ];
        for (found, expected) in rbf.iter().zip(expected) {
            assert!((found - expected).abs() < 1e-12);
        }
        let polynomial = Kernel::Polynomial {
            gamma: 1.0,
            bias: 1.0,
            degree: 2,
        };
        assert_eq!(
            model(polynomial).scores(&rows()),
            [4.0 - 9.0 + 0.5, 16.0 - 1.0 + 0.5]
        );
    }

    #[test]
    fn slopes_are_those_of_small_differences() {
        let kernels = [
            Kernel::Linear,
            Kernel::Rbf { gamma: 0.5 },
            Kernel::Polynomial {
                gamma: 0.5,
                bias: 1.0,
                degree: 3,
            },
        ];
        for kernel in kernels {
            let model = model(kernel);
            let score = |x: f64, y: f64| {
                let at = Design {
                    values: vec![x, y],
                    n_rows: 1,
                    n_columns: 2,
                };
                model.scores(&at)[0]
            };
            let at = Design {
                values: vec![0.5, 0.25],
                n_rows: 1,
                n_columns: 2,
            };
            let slopes = model.slopes(&at);
            let step = 1e-6;
            let by_x = (score(0.5 + step, 0.25) - score(0.5 - step, 0.25)) / (2.0 * step);
            let by_y = (score(0.5, 0.25 + step) - score(0.5, 0.25 - step)) / (2.0 * step);
            assert!((slopes[0] - by_x.abs()).abs() < 1e-6, "{kernel:?}");
            assert!((slopes[1] - by_y.abs()).abs() < 1e-6, "{kernel:?}");
        }
    }
}
