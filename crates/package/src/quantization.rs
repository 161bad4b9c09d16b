//! Models in 8 bits, with what that costs.

use arrow::array::{Array as _, ArrayRef, AsArray as _};
use arrow::datatypes::{DataType, Float64Type};
use arrow::record_batch::RecordBatch;
use arrow::util::display::array_value_to_string;

use crate::graph::{Graph, PREDICTION};
use crate::native::NativeModel;
use crate::{Error, Scorer as _};

/// A model in 8 bits beside the one that it was made of.
#[derive(Clone, Debug, PartialEq)]
pub struct Quantized {
    /// The model with weights and embeddings of 8 bits; the signature is the same.
    pub graph: Graph,
    /// How many matrices of weights and tables of embeddings were rounded.
    pub n_rounded: usize,
    /// The bytes of the model before and after.
    pub n_bytes: (usize, usize),
    /// The rows on which both were compared.
    pub n_rows: usize,
    /// What both predict for these rows, before and after.
    pub predictions: (RecordBatch, RecordBatch),
    /// The greatest difference of a probability, or of a predicted number; infinite if only one of both is a number.
    pub max_difference: f64,
    /// The mean of these differences.
    pub mean_difference: f64,
    /// The rows whose predicted class is another; 0 where numbers are predicted.
    pub n_relabelled: usize,
}

/// Rounds the weights and embeddings of a neural network to 8 bits and compares it with the given one on raw rows. The
/// model runs in the native engine and in ONNX Runtime.
///
/// # Errors
///
/// Fails if there is nothing to round (other models have no matrices of weights), if there are no rows, or if the rows
/// do not fit the signature.
pub fn quantize(graph: &Graph, rows: &RecordBatch) -> Result<Quantized, Error> {
    let (small, n_rounded) = graph.quantized()?;
    if rows.num_rows() == 0 {
        return Err(Error::Build(
            "a quantised model is compared on rows, but there are none".to_owned(),
        ));
    }
    let inputs = graph.signature().conform(rows)?;
    let before = NativeModel::new(graph)?.score(&inputs)?;
    let after = NativeModel::new(&small)?.score(&inputs)?;
    let differences = differences(&before, &after);
    let sum: f64 = differences.iter().sum();
    Ok(Quantized {
        n_bytes: (graph.to_bytes().len(), small.to_bytes().len()),
        graph: small,
        n_rounded,
        n_rows: rows.num_rows(),
        max_difference: differences.iter().copied().fold(0.0, f64::max),
        mean_difference: sum / differences.len().max(1) as f64,
        n_relabelled: relabelled(&before, &after),
        predictions: (before, after),
    })
}

/// How far the numbers of two predictions of the same rows lie apart.
fn differences(before: &RecordBatch, after: &RecordBatch) -> Vec<f64> {
    let pairs = before.columns().iter().zip(after.columns());
    let numbers = |column: &'_ ArrayRef| column.as_primitive::<Float64Type>().values().to_vec();
    pairs
        .filter(|(before, _)| before.data_type() == &DataType::Float64)
        .flat_map(|(before, after)| numbers(before).into_iter().zip(numbers(after)))
        .map(|(before, after)| difference(before, after))
        .collect()
}

fn difference(before: f64, after: f64) -> f64 {
    let is_same = before.total_cmp(&after).is_eq() || (before.is_nan() && after.is_nan());
    match (before - after).abs() {
        _ if is_same => 0.0,
        apart if apart.is_nan() => f64::INFINITY,
        apart => apart,
    }
}

fn relabelled(before: &RecordBatch, after: &RecordBatch) -> usize {
    let labels = (
        before.column_by_name(PREDICTION),
        after.column_by_name(PREDICTION),
    );
    let (Some(before), Some(after)) = labels else {
        return 0;
    };
    if before.data_type() == &DataType::Float64 {
        return 0;
    }
    let label = |column: &ArrayRef, row| array_value_to_string(column, row).ok();
    let rows = 0..before.len();
    rows.filter(|&row| label(before, row) != label(after, row))
        .count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_and_none_are_infinitely_apart() {
        for (before, after, expected) in [
            (1.0, 1.5, 0.5),
            (f64::NAN, f64::NAN, 0.0),
            (f64::INFINITY, f64::INFINITY, 0.0),
            (f64::NAN, 1.0, f64::INFINITY),
            (1.0, f64::NAN, f64::INFINITY),
        ] {
            assert_eq!(difference(before, after), expected, "{before} {after}");
        }
    }
}
