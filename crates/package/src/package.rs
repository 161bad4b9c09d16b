//! Package directories: written once, read by everybody.
//!
//! Layout of a package that Everloop writes, format version 1:
//!
//! - `MLmodel`: flavours, signature and input example as MLflow wants them.
//! - `model.onnx`: the graph.
//! - `code/everloop_pyfunc2.py`: how `mlflow.pyfunc` loads it. MLflow's own ONNX loader cannot take
//!   the text columns of pandas 3, nor a single column. Everloop itself never runs it.
//! - `everloop.json`: `{format_version, name, task, classes, metadata}`.
//! - `input_example.json`, `serving_input_example.json`: a few raw rows.
//! - `sbom.cdx.json`: the bill of materials.
//! - `requirements.txt`, `python_env.yaml`, `conda.yaml`: what MLflow needs to load it.
//!
//! Nothing in it depends on the time or on the machine: the same model has the same bytes, and
//! the [`digest`](digest()) over them is the package's name.

mod adopt;
mod export;
mod files;
mod flavor;
mod manifest;
mod mlmodel;
mod open;
mod parity;
mod quantized;
mod sbom;
mod write;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use arrow::record_batch::RecordBatch;
use everloop_domain::{Digest, Task, Value};

use crate::graph::Graph;
use crate::{Error, Signature};

pub use adopt::adopt;
pub use export::export_graph;
pub use files::digest;
pub use flavor::add_graph;
pub use open::open;
pub use parity::agree;
pub use quantized::{QUANTIZATION, write_quantized};
pub use write::write;

/// What a package is made of.
#[derive(Clone, Debug)]
pub struct NewPackage<'a> {
    /// The whole road from raw columns to predictions.
    pub graph: &'a Graph,
    /// What is predicted.
    pub task: Task,
    /// The classes in the order of the probabilities; empty for regression.
    pub classes: &'a [Value],
    /// The model's name.
    pub name: &'a str,
    /// A few raw rows for the example (the first 5 are taken).
    pub input_example: &'a RecordBatch,
    /// Where it comes from: data digest, trainer, fingerprint … The same model must have the same.
    pub metadata: BTreeMap<String, String>,
}

/// How well the graph repeats the trainer's predictions.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Parity {
    /// How many rows were compared.
    pub n_rows: usize,
    /// The largest difference of two numbers, relative to the larger one or to 1.
    pub max_difference: f64,
}

/// A package that was written.
#[derive(Clone, Debug, PartialEq)]
pub struct Written {
    /// The digest of its files.
    pub digest: Digest,
    /// How well it repeats its trainer.
    pub parity: Parity,
}

/// Who can run a package.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Flavor {
    /// Any ONNX engine: the path of the ONNX file.
    Onnx(PathBuf),
    /// Python with MLflow: the `loader_module` of the flavour `python_function`.
    Python(String),
}

/// A package directory that was read.
#[derive(Clone, Debug, PartialEq)]
pub struct Package {
    /// Where it is.
    pub dir: PathBuf,
    /// The digest of its files.
    pub digest: Digest,
    /// Who can run it.
    pub flavor: Flavor,
    /// What it takes and gives, as far as it says: packages by others may have none.
    pub signature: Option<Signature>,
    /// What it predicts; only packages by Everloop say.
    pub task: Option<Task>,
    /// The classes in the order of the probabilities; only packages by Everloop say.
    pub classes: Vec<Value>,
    /// Where it comes from.
    pub metadata: BTreeMap<String, String>,
}

impl Package {
    /// Reads the ONNX file of a package of flavour [`Flavor::Onnx`].
    ///
    /// # Errors
    ///
    /// Fails if the package has another flavour, or if the file is not a graph over columns.
    pub fn graph(&self) -> Result<Graph, Error> {
        let Flavor::Onnx(path) = &self.flavor else {
            let problem = "it has no ONNX file: it needs Python to run".to_owned();
            return Err(Error::Package {
                path: self.dir.clone(),
                problem,
            });
        };
        Graph::from_bytes(&files::read(Path::new(path))?)
    }
}
