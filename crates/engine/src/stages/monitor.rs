//! Monitor: leaves beside a new champion what its inputs and predictions looked like, so that the
//! controller has something to compare the live windows with.

use std::path::Path;
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, UInt32Array};
use everloop_domain::{ModelName, VersionNumber};

use crate::{Error, Runner};

/// Rows of a reference at most; more would not make a test sharper than its false-alarm rate allows.
const MAX_REFERENCE_ROWS: usize = 20_000;
/// The file of the reference beside the evaluation.
pub(crate) const REFERENCE_FILE: &str = "reference.parquet";

/// Writes inputs and predictions of evaluated rows; predictions get a leading `_`, as in the log.
pub(crate) fn write_reference(
    dir: &Path,
    inputs: &RecordBatch,
    predictions: &RecordBatch,
) -> Result<(), Error> {
    let names = inputs.schema();
    let inputs_named = names
        .fields()
        .iter()
        .map(|field| field.name().clone())
        .zip(inputs.columns());
    let schema = predictions.schema();
    let predictions_named = schema
        .fields()
        .iter()
        .map(|field| format!("_{}", field.name()))
        .zip(predictions.columns());
    let columns: Vec<(String, ArrayRef)> = inputs_named
        .chain(predictions_named)
        .map(|(name, column)| (name, Arc::clone(column)))
        .collect();
    let all =
        RecordBatch::try_from_iter(columns).map_err(|error| Error::Invalid(error.to_string()))?;
    everloop_data::write_parquet(&dir.join(REFERENCE_FILE), &evenly(&all)?)?;
    Ok(())
}

/// At most [`MAX_REFERENCE_ROWS`] rows, spread evenly over all.
fn evenly(rows: &RecordBatch) -> Result<RecordBatch, Error> {
    let n_rows = rows.num_rows();
    if n_rows <= MAX_REFERENCE_ROWS {
        return Ok(rows.clone());
    }
    let picked = (0..MAX_REFERENCE_ROWS).map(|index| (index * n_rows / MAX_REFERENCE_ROWS) as u32);
    let picked = UInt32Array::from_iter_values(picked);
    arrow::compute::take_record_batch(rows, &picked)
        .map_err(|error| Error::Invalid(error.to_string()))
}

/// Puts the reference of a version in its place. Doing it twice changes nothing.
pub(crate) fn run(
    runner: &Runner,
    evaluation: &Path,
    model: &ModelName,
    version: VersionNumber,
) -> Result<(), Error> {
    let from = evaluation.join(REFERENCE_FILE);
    let bytes = std::fs::read(&from).map_err(|source| Error::file("read", &from, source))?;
    let to = runner.project().reference_path(model, version);
    everloop_artifacts::write_atomically(&to, &bytes)?;
    Ok(())
}
