//! What every engine that predicts has in common.

use arrow::record_batch::RecordBatch;

use crate::{Error, Signature};

/// A model that can be asked for predictions, whatever runs it: the native engine, ONNX Runtime,
/// a Python worker.
pub trait Scorer: Send + Sync {
    /// What the model takes and gives.
    fn signature(&self) -> &Signature;

    /// Makes rows ready for [`score`](Self::score). A model by others may not say what it takes:
    /// then it gets the rows as they are.
    ///
    /// # Errors
    ///
    /// Fails like [`Signature::conform`].
    fn conform(&self, rows: &RecordBatch) -> Result<RecordBatch, Error> {
        let signature = self.signature();
        if signature.inputs.is_empty() {
            return Ok(rows.clone());
        }
        signature.conform(rows)
    }

    /// The predictions for rows that were made ready by [`conform`](Self::conform); as many rows as
    /// came in, in the same order.
    ///
    /// # Errors
    ///
    /// Fails if the rows are not as the signature says, or if the engine fails.
    fn score(&self, rows: &RecordBatch) -> Result<RecordBatch, Error>;
}
