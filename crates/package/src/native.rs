//! Runs model graphs without any library: the operators that [`crate::graph`] writes.
//!
//! [`Program::compile`] turns a model into a flat list of steps over numbered slots and checks
//! everything that can be known before rows come; [`Program::run`] carries the steps out on whole
//! columns. A graph with any other operator is refused with [`Error::Unsupported`], so that the
//! caller can take ONNX Runtime instead. Models may come from anywhere: contradictions in them are
//! errors, never panics, and no tensor may outgrow [`MAX_ELEMENTS`].

mod arrays;
mod attributes;
mod compile;
mod elementwise;
mod encode;
mod explain;
mod integers;
mod matrix;
mod operation;
mod program;
mod select;
mod tensor;
mod top;
mod trees;

#[cfg(test)]
mod tests;

use arrow::compute::concat_batches;
use arrow::record_batch::RecordBatch;

use crate::graph::Graph;
use crate::{Error, Scorer, Signature};

pub use explain::{Attributions, Explainer, Scale};
pub use program::Program;
pub use tensor::MAX_ELEMENTS;

/// Rows that are scored at a time: enough to amortise the steps, few enough to stay in the cache
/// and to bound the memory of a wide one-hot encoding.
const CHUNK_ROWS: usize = 1024;
/// A product of a chunk of rows and the widest constant has so many elements at most: 4 MiB of doubles. What is
/// much larger would be new memory for every chunk.
const MAX_CHUNK_ELEMENTS: usize = 1 << 19;

/// A model that the native engine runs.
#[derive(Debug)]
pub struct NativeModel {
    program: Program,
    signature: Signature,
    chunk_rows: usize,
}

impl NativeModel {
    /// Makes a graph ready to run.
    ///
    /// # Errors
    ///
    /// Fails like [`Program::compile`].
    pub fn new(graph: &Graph) -> Result<Self, Error> {
        let program = Program::compile(graph.model())?;
        let chunk_rows = MAX_CHUNK_ELEMENTS / program.widest().max(1);
        Ok(Self {
            program,
            signature: graph.signature().clone(),
            chunk_rows: chunk_rows.clamp(1, CHUNK_ROWS),
        })
    }
}

impl Scorer for NativeModel {
    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn score(&self, rows: &RecordBatch) -> Result<RecordBatch, Error> {
        if rows.num_rows() <= self.chunk_rows || !self.program.is_row_wise() {
            return self.program.run(rows);
        }
        let mut results = Vec::with_capacity(rows.num_rows().div_ceil(self.chunk_rows));
        for start in (0..rows.num_rows()).step_by(self.chunk_rows) {
            let n_rows = self.chunk_rows.min(rows.num_rows() - start);
            results.push(self.program.run(&rows.slice(start, n_rows))?);
        }
        let schema = results
            .first()
            .map_or_else(|| self.signature.output_schema(), RecordBatch::schema);
        concat_batches(&schema, &results).map_err(|error| Error::Run(error.to_string()))
    }
}
