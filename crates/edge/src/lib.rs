//! Runs a model at the edge: rows in, predictions out, and nothing else.
//!
//! No database, no network, no Python, no clock: a graph is read once and answers as the server does, because it is the
//! same evaluator. The program `everloop-edge` does it for pipes, [`ffi`] for any language that can call C
//! (`everloop_edge.h`).
//!
//! Start with [`Model`].

mod error;
pub mod ffi;

use std::io::BufRead;
use std::path::Path;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::{Field, Schema, SchemaRef};
use arrow::json::{LineDelimitedWriter, ReaderBuilder};
use everloop_package::graph::Graph;
use everloop_package::native::NativeModel;
use everloop_package::{Scorer as _, Signature};

pub use error::Error;

/// The C header of [`ffi`].
pub const HEADER: &str = include_str!("everloop_edge.h");

/// Rows that are read and scored at a time.
const BATCH_ROWS: usize = 1024;

/// A model that is ready to answer.
#[derive(Debug)]
pub struct Model {
    native: NativeModel,
    /// What rows may hold: every column of the signature, each of which may be missing.
    schema: SchemaRef,
}

impl Model {
    /// Reads a model: an ONNX file, or a directory with a `model.onnx`.
    ///
    /// # Errors
    ///
    /// Fails if there is no such file, or if it is no graph that Everloop's evaluator runs.
    pub fn open(path: &Path) -> Result<Self, Error> {
        let file = if path.is_dir() {
            path.join("model.onnx")
        } else {
            path.to_owned()
        };
        let bytes = std::fs::read(&file).map_err(|source| Error::Read {
            path: file.clone(),
            source,
        })?;
        let native = NativeModel::new(&Graph::from_bytes(&bytes)?)?;
        let inputs = native.signature().kept_schema();
        let fields = inputs.fields().iter();
        let fields: Vec<Field> = fields
            .map(|field| field.as_ref().clone().with_nullable(true))
            .collect();
        Ok(Self {
            native,
            schema: Arc::new(Schema::new(fields)),
        })
    }

    /// What the model takes and gives.
    #[must_use]
    pub fn signature(&self) -> &Signature {
        self.native.signature()
    }

    /// Predicts for rows of JSON, an object a row (one after the other, or in one array), and writes an object a row.
    /// `null` and an absent column are missing values; other columns are passed over. Days and moments are texts of ISO
    /// 8601, or milliseconds since 1970.
    ///
    /// # Errors
    ///
    /// Fails at the first row that is no JSON or holds a value of another type, and if the output cannot be written; what
    /// was written before stays.
    pub fn predict(&self, rows: impl BufRead, output: impl std::io::Write) -> Result<usize, Error> {
        let reader = ReaderBuilder::new(Arc::clone(&self.schema)).with_batch_size(BATCH_ROWS);
        let reader = reader.build(Unwrapped::new(rows)).map_err(Error::Rows)?;
        let mut writer = LineDelimitedWriter::new(output);
        let mut n_rows = 0;
        for batch in reader {
            let predictions = self.score(&batch.map_err(Error::Rows)?)?;
            n_rows += predictions.num_rows();
            writer.write(&predictions).map_err(Error::Write)?;
        }
        writer.finish().map_err(Error::Write)?;
        Ok(n_rows)
    }

    fn score(&self, rows: &RecordBatch) -> Result<RecordBatch, Error> {
        let inputs = self.native.conform(rows)?;
        Ok(self.native.score(&inputs)?)
    }
}

/// Rows in one array as rows one after the other: the brackets and commas between objects are made spaces.
struct Unwrapped<R> {
    rows: R,
    depth: usize,
    is_text: bool,
    is_escaped: bool,
    /// The part of the buffer that has been rewritten.
    bytes: Vec<u8>,
    at: usize,
}

impl<R: BufRead> Unwrapped<R> {
    fn new(rows: R) -> Self {
        Self {
            rows,
            depth: 0,
            is_text: false,
            is_escaped: false,
            bytes: Vec::new(),
            at: 0,
        }
    }

    /// What stands for a byte.
    fn outside(&mut self, byte: u8) -> u8 {
        if self.is_text {
            let ends = byte == b'"' && !self.is_escaped;
            self.is_escaped = byte == b'\\' && !self.is_escaped;
            self.is_text = !ends;
            return byte;
        }
        match byte {
            b'"' => self.is_text = true,
            b'{' => self.depth += 1,
            b'}' => self.depth = self.depth.saturating_sub(1),
            b'[' | b']' | b',' if self.depth == 0 => return b' ',
            _ => {}
        }
        byte
    }
}

impl<R: BufRead> std::io::Read for Unwrapped<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let available = self.fill_buf()?;
        let n_bytes = available.len().min(buffer.len());
        buffer[..n_bytes].copy_from_slice(&available[..n_bytes]);
        self.consume(n_bytes);
        Ok(n_bytes)
    }
}

impl<R: BufRead> BufRead for Unwrapped<R> {
    fn fill_buf(&mut self) -> std::io::Result<&[u8]> {
        if self.at == self.bytes.len() {
            let found = self.rows.fill_buf()?.to_vec();
            self.rows.consume(found.len());
            self.bytes = found.into_iter().map(|byte| self.outside(byte)).collect();
            self.at = 0;
        }
        Ok(&self.bytes[self.at..])
    }

    fn consume(&mut self, n_bytes: usize) {
        self.at += n_bytes;
    }
}
