//! Models in 8 bits, with what that costs.

use arrow::array::{Array as _, ArrayRef, AsArray as _};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Float64Type};
use arrow::record_batch::RecordBatch;

use crate::graph::{Graph, PROBABILITY};
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
    /// `accuracy` (greater is better) or `rmse` (smaller is better).
    pub score: &'static str,
    /// The score of the model before and after.
    pub scores: (f64, f64),
    /// The greatest difference of a probability, or of a predicted number.
    pub max_difference: f64,
}

/// Rounds the weights and embeddings of a neural network to 8 bits and compares it with the given one on raw rows, which
/// hold the column `target`. The model runs in the native engine and in ONNX Runtime.
///
/// # Errors
///
/// Fails if there is nothing to round (other models have no matrices of weights), if there are no rows, or if the rows
/// lack a column or do not fit the signature.
pub fn quantize(graph: &Graph, rows: &RecordBatch, target: &str) -> Result<Quantized, Error> {
    let (small, n_rounded) = graph.quantized()?;
    let truth = rows.column_by_name(target).ok_or_else(|| Error::Column {
        column: target.to_owned(),
        problem: "is absent: a quantised model is compared with its target".to_owned(),
    })?;
    if rows.num_rows() == 0 {
        return Err(Error::Build(
            "a quantised model is compared on rows, but there are none".to_owned(),
        ));
    }
    let inputs = graph.signature().conform(rows)?;
    let before = NativeModel::new(graph)?.score(&inputs)?;
    let after = NativeModel::new(&small)?.score(&inputs)?;
    let is_classification = graph
        .signature()
        .outputs
        .iter()
        .any(|output| output.name.starts_with(PROBABILITY));
    let score = if is_classification { accuracy } else { rmse };
    Ok(Quantized {
        n_bytes: (graph.to_bytes().len(), small.to_bytes().len()),
        graph: small,
        n_rounded,
        n_rows: rows.num_rows(),
        score: if is_classification {
            "accuracy"
        } else {
            "rmse"
        },
        scores: (score(truth, &before)?, score(truth, &after)?),
        max_difference: max_difference(&before, &after)?,
    })
}

/// The share of rows whose predicted class is the true one.
fn accuracy(truth: &ArrayRef, predictions: &RecordBatch) -> Result<f64, Error> {
    let (truth, own) = (
        as_type(truth, &DataType::Utf8)?,
        as_type(predictions.column(0), &DataType::Utf8)?,
    );
    let (truth, own) = (truth.as_string::<i32>(), own.as_string::<i32>());
    let hits = truth.iter().zip(own).filter(|(truth, own)| truth == own);
    Ok(hits.count() as f64 / truth.len() as f64)
}

/// The root of the mean squared error of predicted numbers.
fn rmse(truth: &ArrayRef, predictions: &RecordBatch) -> Result<f64, Error> {
    let (truth, own) = (numbers(truth)?, numbers(predictions.column(0))?);
    let squares: f64 = truth
        .iter()
        .zip(&own)
        .map(|(truth, own)| (truth - own).powi(2))
        .sum();
    Ok((squares / truth.len() as f64).sqrt())
}

fn max_difference(before: &RecordBatch, after: &RecordBatch) -> Result<f64, Error> {
    let mut greatest = 0.0_f64;
    for (before, after) in before.columns().iter().zip(after.columns()) {
        if before.data_type() != &DataType::Float64 {
            continue;
        }
        for (before, after) in numbers(before)?.iter().zip(numbers(after)?) {
            greatest = greatest.max((before - after).abs());
        }
    }
    Ok(greatest)
}

fn numbers(column: &ArrayRef) -> Result<Vec<f64>, Error> {
    let column = as_type(column, &DataType::Float64)?;
    let numbers = column.as_primitive::<Float64Type>();
    Ok(numbers
        .iter()
        .map(|value| value.unwrap_or(f64::NAN))
        .collect())
}

fn as_type(column: &ArrayRef, to: &DataType) -> Result<ArrayRef, Error> {
    cast(column, to).map_err(|error| Error::Run(error.to_string()))
}
