//! The model package: ONNX graph, signature, MLmodel, evaluation, parity.
//!
//! A package is a directory that MLflow, ONNX Runtime and Everloop all read. Its `model.onnx`
//! holds the whole road from raw input columns to predictions, so that training and serving
//! cannot disagree: [`graph::GraphBuilder`] writes that road, [`native::Program`] runs it, and
//! [`write()`] refuses to make a package whose graph does not repeat the trainer's predictions.
//!
//! Start with [`Signature`] (what a model takes and gives) and [`graph`] (how a graph is made);
//! [`open()`] reads any MLflow model directory, also those made by others.
//!
//! Nothing here needs a network, a clock or a random number: the same model gives the same bytes.

mod error;
pub mod graph;
pub mod lanes;
pub mod native;
pub mod onnx;
mod package;
mod quantization;
mod scorer;
mod signature;

pub use error::{Error, ExpressionError, Mismatch};
pub use graph::check_expression;
pub use package::{
    Flavor, NewPackage, Package, Parity, QUANTIZATION, Written, add_graph, adopt, agree, digest,
    export_graph, open, write, write_quantized,
};
pub use quantization::{Quantized, quantize};
pub use scorer::Scorer;
pub use signature::{Input, Kind, Output, Signature};
