//! Matrix products in blocks that stay in the cache.

/// Columns of a block: four rows of results and some rows of factors fit into the first cache.
const BLOCK: usize = 128;

/// Adds `rows · factors` to `results`; all are row-major, with `n_inner` columns in `rows` and `n_columns` in the
/// others. Each result is summed in the order of the inner dimension, whatever the block it lies in.
pub(super) fn add_product(
    results: &mut [f64],
    rows: &[f64],
    factors: &[f64],
    n_inner: usize,
    n_columns: usize,
) {
    for first in (0..n_columns).step_by(BLOCK) {
        let last = n_columns.min(first + BLOCK);
        let four_results = results.chunks_mut(4 * n_columns);
        for (results, rows) in four_results.zip(rows.chunks(4 * n_inner)) {
            if rows.len() < 4 * n_inner {
                for (result, row) in results.chunks_mut(n_columns).zip(rows.chunks(n_inner)) {
                    one(&mut result[first..last], row, factors, (first, n_columns));
                }
            } else {
                four(results, rows, factors, (first, last), (n_inner, n_columns));
            }
        }
    }
}

fn one(result: &mut [f64], row: &[f64], factors: &[f64], (first, n_columns): (usize, usize)) {
    for (value, factors) in row.iter().zip(factors.chunks(n_columns)) {
        for (result, factor) in result.iter_mut().zip(&factors[first..]) {
            *result += value * factor;
        }
    }
}

/// Four rows at a time: each factor is read once for them.
fn four(
    results: &mut [f64],
    rows: &[f64],
    factors: &[f64],
    (first, last): (usize, usize),
    (n_inner, n_columns): (usize, usize),
) {
    let (front, back) = results.split_at_mut(2 * n_columns);
    let (r0, r1) = front.split_at_mut(n_columns);
    let (r2, r3) = back.split_at_mut(n_columns);
    let results = [r0, r1, r2, r3].map(|row| &mut row[first..last]);
    let [r0, r1, r2, r3] = results;
    for (inner, factors) in factors.chunks(n_columns).enumerate() {
        let [v0, v1, v2, v3] = [0, 1, 2, 3].map(|row| rows[row * n_inner + inner]);
        let own = r0
            .iter_mut()
            .zip(r1.iter_mut())
            .zip(r2.iter_mut().zip(r3.iter_mut()));
        for (((r0, r1), (r2, r3)), factor) in own.zip(&factors[first..last]) {
            *r0 += v0 * factor;
            *r1 += v1 * factor;
            *r2 += v2 * factor;
            *r3 += v3 * factor;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_do_not_change_results() {
        for (n_rows, n_inner, n_columns) in
            [(1, 1, 1), (5, 3, 130), (8, 2, 128), (3, 7, 300), (4, 1, 5)]
        {
            let made = |n: usize, step: usize| -> Vec<f64> {
                (0..n)
                    .map(|at| ((at * step) % 17) as f64 / 3.0 - 2.0)
                    .collect()
            };
            let (rows, factors) = (made(n_rows * n_inner, 5), made(n_inner * n_columns, 7));
            let mut found = vec![0.5; n_rows * n_columns];
            add_product(&mut found, &rows, &factors, n_inner, n_columns);
            for row in 0..n_rows {
                for column in 0..n_columns {
                    let products = (0..n_inner).map(|inner| {
                        rows[row * n_inner + inner] * factors[inner * n_columns + column]
                    });
                    let expected = products.fold(0.5, |sum, product| sum + product);
                    assert_eq!(found[row * n_columns + column], expected);
                }
            }
        }
    }
}
