//! Permutation importance (Breiman 2001): how much worse a model does when a column no longer belongs to its rows.

use arrow::array::{ArrayRef, RecordBatch, UInt32Array};
use rand::SeedableRng as _;
use rand::seq::SliceRandom as _;
use rand_chacha::ChaCha8Rng;

use crate::Error;

/// How much worse the model does without each column: the mean over the repeats and their standard deviation, as
/// scikit-learn's `permutation_importance` gives them, the greatest mean first.
///
/// `goodness` is told rows and says how well the model does on them: more is better. Every column of the rows is
/// shuffled so many times, each by its own draw of the seed.
///
/// # Errors
///
/// Fails if `goodness` does.
pub fn permutation_importances<E: From<Error>>(
    rows: &RecordBatch,
    n_repeats: usize,
    seed: u64,
    goodness: &mut dyn FnMut(&RecordBatch) -> Result<f64, E>,
) -> Result<Vec<(String, f64, f64)>, E> {
    let base = goodness(rows)?;
    let mut found = Vec::with_capacity(rows.num_columns());
    for (place, field) in rows.schema().fields().iter().enumerate() {
        let mut losses = Vec::with_capacity(n_repeats);
        for repeat in 0..n_repeats {
            let draw = (place * n_repeats + repeat) as u64;
            let shuffled = shuffled(rows, place, seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ draw)?;
            losses.push(base - goodness(&shuffled)?);
        }
        let count = n_repeats.max(1) as f64;
        let mean = losses.iter().sum::<f64>() / count;
        let variance = losses.iter().map(|loss| (loss - mean).powi(2)).sum::<f64>() / count;
        found.push((field.name().clone(), mean, variance.sqrt()));
    }
    found.sort_by(|left, right| right.1.total_cmp(&left.1));
    Ok(found)
}

/// The rows with one column in another order.
fn shuffled(rows: &RecordBatch, place: usize, seed: u64) -> Result<RecordBatch, Error> {
    let mut order: Vec<u32> = (0..rows.num_rows() as u32).collect();
    order.shuffle(&mut ChaCha8Rng::seed_from_u64(seed));
    let mut columns: Vec<ArrayRef> = rows.columns().to_vec();
    columns[place] = arrow::compute::take(&columns[place], &UInt32Array::from(order), None)?;
    Ok(RecordBatch::try_new(rows.schema(), columns)?)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{AsArray as _, Float64Array};
    use arrow::datatypes::Float64Type;

    use super::*;

    #[test]
    fn a_column_that_is_not_used_does_not_matter() {
        let values: Vec<f64> = (0..50).map(f64::from).collect();
        let column = |factor: f64| -> ArrayRef {
            Arc::new(Float64Array::from_iter_values(
                values.iter().map(|value| value * factor),
            ))
        };
        let rows =
            RecordBatch::try_from_iter(vec![("idle", column(3.0)), ("used", column(1.0))]).unwrap();
        // The negative squared error of a model that repeats `used`.
        let mut goodness = |rows: &RecordBatch| -> Result<f64, Error> {
            let used = rows
                .column(1)
                .as_primitive::<Float64Type>()
                .values()
                .to_vec();
            Ok(-used
                .iter()
                .zip(&values)
                .map(|(own, truth)| (own - truth).powi(2))
                .sum::<f64>())
        };
        let found = permutation_importances(&rows, 5, 1, &mut goodness).unwrap();
        assert_eq!(found[0].0, "used");
        assert!(found[0].1 > 1000.0 && found[0].2 > 0.0, "{found:?}");
        assert_eq!(found[1], ("idle".to_owned(), 0.0, 0.0));
        assert_eq!(
            permutation_importances(&rows, 5, 1, &mut goodness).unwrap(),
            found
        );
    }
}
