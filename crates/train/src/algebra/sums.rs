//! Sums of products over the rows, in one pass.
//!
//! Least squares, Newton's method for the logistic loss and for Huber's all need the same of the rows: a weighted matrix
//! of products and a gradient. The rows are taken in chunks of a size that depends on their width only; each chunk is
//! multiplied in blocks that fit the cache, and chunks are added in order: the same bits on any number of threads.

use everloop_package::lanes::{Loop, settle, wide};
use faer::linalg::matmul::triangular::{self, BlockStructure};
use faer::{Accum, Mat, MatRef, Par};

use super::{add, in_order};
use crate::Error;
use crate::encoder::Design;

/// Numbers of a block that is multiplied at once.
const BLOCK_VALUES: usize = 32 << 10;
/// Blocks of a chunk.
const N_BLOCKS: usize = 16;

/// What a row adds.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Term {
    /// The weight of its products.
    pub(crate) weight: f64,
    /// The last number of `z`.
    pub(crate) extra: f64,
    /// The factor of `[x, 1]` in the gradient.
    pub(crate) slope: f64,
    /// Added up as they are.
    pub(crate) losses: [f64; 2],
}

/// Sums over rows `x`.
#[derive(Clone, Debug)]
pub(crate) struct Sums {
    /// `sum of weight z z'` for `z = [x, 1, extra]`: the lower half.
    pub(crate) products: Mat<f64>,
    /// `sum of slope [x, 1]`.
    pub(crate) gradient: Vec<f64>,
    pub(crate) losses: [f64; 2],
}

impl Sums {
    fn new(n_columns: usize) -> Self {
        Self {
            products: Mat::zeros(n_columns + 2, n_columns + 2),
            gradient: vec![0.0; n_columns + 1],
            losses: [0.0; 2],
        }
    }

    fn add(&mut self, other: &Self) {
        for column in 0..self.products.ncols() {
            let to = self.products.col_as_slice_mut(column);
            add(to, 1.0, other.products.col_as_slice(column));
        }
        add(&mut self.gradient, 1.0, &other.gradient);
        add(&mut self.losses, 1.0, &other.losses);
    }

    /// The product sum of two places of `z`.
    pub(crate) fn product(&self, left: usize, right: usize) -> f64 {
        self.products[(left.max(right), left.min(right))]
    }
}

/// Sums what `term` says of each row; `tell` is asked between chunks.
pub(crate) fn sums(
    design: &Design,
    n_threads: usize,
    term: &(impl Fn(usize, &[f64]) -> Term + Sync),
    tell: &mut dyn FnMut() -> Result<(), Error>,
) -> Result<Sums, Error> {
    let width = design.n_columns + 2;
    let n_block = (BLOCK_VALUES / width).max(16);
    let n_chunk = n_block * N_BLOCKS;
    let mut sums = Sums::new(design.n_columns);
    let chunk = |at: usize| {
        let rows = at * n_chunk..design.n_rows.min((at + 1) * n_chunk);
        let mut own = Sums::new(design.n_columns);
        let mut block = vec![0.0; n_block * width];
        for first in rows.clone().step_by(n_block) {
            let rows = first..rows.end.min(first + n_block);
            own.add_block(design, rows, term, &mut block);
        }
        own
    };
    in_order(design.n_rows.div_ceil(n_chunk), n_threads, &chunk, |own| {
        sums.add(&own);
        tell()
    })?;
    Ok(sums)
}

impl Sums {
    fn add_block(
        &mut self,
        design: &Design,
        rows: std::ops::Range<usize>,
        term: &impl Fn(usize, &[f64]) -> Term,
        block: &mut [f64],
    ) {
        let width = design.n_columns + 2;
        let n_weighted = wide(Rows {
            sums: self,
            design,
            range: rows,
            term,
            block,
        });
        let z = MatRef::from_row_major_slice(&block[..n_weighted * width], n_weighted, width);
        triangular::matmul(
            self.products.as_mut(),
            BlockStructure::TriangularLower,
            Accum::Add,
            z.transpose(),
            BlockStructure::Rectangular,
            z,
            BlockStructure::Rectangular,
            1.0,
            Par::Seq,
        );
        settle();
    }
}

/// Rows that are to be added, all but their products: those that have a weight are left in `block`, times its root.
struct Rows<'a, T> {
    sums: &'a mut Sums,
    design: &'a Design,
    range: std::ops::Range<usize>,
    term: &'a T,
    block: &'a mut [f64],
}

impl<T: Fn(usize, &[f64]) -> Term> Loop for Rows<'_, T> {
    /// How many are left.
    type Output = usize;

    #[expect(clippy::inline_always, reason = "compiled for wide registers")]
    #[inline(always)]
    fn run(self) -> usize {
        let Self {
            sums,
            design,
            range,
            term,
            block,
        } = self;
        let n_columns = design.n_columns;
        let width = n_columns + 2;
        let mut n_weighted = 0;
        for row in range {
            let values = &design.values[row * n_columns..(row + 1) * n_columns];
            let Term {
                weight,
                extra,
                slope,
                losses,
            } = term(row, values);
            add(&mut sums.losses, 1.0, &losses);
            if slope != 0.0 {
                add(&mut sums.gradient, slope, values);
                sums.gradient[n_columns] += slope;
            }
            if weight > 0.0 {
                let root = weight.sqrt();
                let to = &mut block[n_weighted * width..(n_weighted + 1) * width];
                to.iter_mut()
                    .zip(values)
                    .for_each(|(to, value)| *to = root * value);
                to[n_columns] = root;
                to[n_columns + 1] = root * extra;
                n_weighted += 1;
            }
        }
        n_weighted
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn design(n_rows: usize) -> Design {
        Design {
            values: (0..n_rows * 2).map(|at| (at % 7) as f64 - 3.0).collect(),
            n_rows,
            n_columns: 2,
        }
    }

    fn term(row: usize, values: &[f64]) -> Term {
        Term {
            weight: (row % 3) as f64,
            extra: values[0] + 1.0,
            slope: values[1],
            losses: [1.0, values[0]],
        }
    }

    #[test]
    fn products_and_gradients_are_those_of_the_definition() {
        let design = design(5);
        let found = sums(&design, 1, &term, &mut || Ok(())).unwrap();
        let mut products = [[0.0; 4]; 4];
        let mut gradient = [0.0; 3];
        for (row, values) in design.values.chunks(2).enumerate() {
            let Term {
                weight,
                extra,
                slope,
                ..
            } = term(row, values);
            let z = [values[0], values[1], 1.0, extra];
            for left in 0..4 {
                gradient
                    .iter_mut()
                    .zip(&z)
                    .filter(|_| left == 0)
                    .for_each(|(to, z)| *to += slope * z);
                for right in 0..4 {
                    products[left][right] += weight * z[left] * z[right];
                }
            }
        }
        assert_eq!(found.gradient, gradient);
        assert_eq!(found.losses[0], 5.0);
        for (left, products) in products.iter().enumerate() {
            for (right, product) in products.iter().enumerate() {
                assert!((found.product(left, right) - product).abs() < 1e-12);
            }
        }
    }

    #[test]
    fn threads_do_not_change_a_bit() {
        let design = design(700_000);
        let bits = |n_threads| {
            let found = sums(&design, n_threads, &term, &mut || Ok(())).unwrap();
            (found.product(3, 0).to_bits(), found.gradient)
        };
        assert_eq!(bits(1), bits(2));
        assert_eq!(bits(1), bits(3));
    }

    #[test]
    fn sums_can_be_cancelled_between_chunks() {
        let mut count = 0;
        let cancelled = sums(&design(700_000), 1, &term, &mut || {
            count += 1;
            Err(Error::Cancelled { step: 0 })
        });
        assert!(cancelled.is_err());
        assert_eq!(count, 1);
    }
}
