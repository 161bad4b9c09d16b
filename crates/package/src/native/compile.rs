//! The program.
use crate::Error;
use crate::onnx::ModelProto;
use arrow::record_batch::RecordBatch;
/// A model as a flat list of steps.
#[derive(Debug)]
pub struct Program;
impl Program {
    /// Compiles.
    ///
    /// # Errors
    ///
    /// Fails on an unsupported operator.
    pub fn compile(_model: &ModelProto) -> Result<Self, Error> {
        Err(Error::Run("native engine: being built".into()))
    }
    /// Runs.
    ///
    /// # Errors
    ///
    /// Fails on wrong rows.
    pub fn run(&self, _rows: &RecordBatch) -> Result<RecordBatch, Error> {
        Err(Error::Run("native engine: being built".into()))
    }
    pub(super) fn is_row_wise(&self) -> bool {
        false
    }
}
