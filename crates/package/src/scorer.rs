//! What every engine that predicts has in common.

use arrow::record_batch::RecordBatch;

use crate::{Error, Signature};

/// A model that can be asked for predictions, whatever runs it: the native engine, ONNX Runtime,
/// a Python worker.
pub trait Scorer: Send + Sync {
    /// What the model takes and gives.
    fn signature(&self) -> &Signature;

    /// The predictions for rows that were made ready by [`Signature::conform`]; as many rows as
    /// came in, in the same order.
    ///
    /// # Errors
    ///
    /// Fails if the rows are not as the signature says, or if the engine fails.
    fn score(&self, rows: &RecordBatch) -> Result<RecordBatch, Error>;
}
