//! Tests over the public interface, in one program: building, running and loading whole models.
//!
//! `onnxruntime` drives real clients and takes some seconds; all others take less than one.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "helpers of tests fail like tests"
)]

mod compat;
mod dates;
mod decision;
mod export;
mod expressions;
mod hostile;
mod models;
mod network;
mod onnxruntime;
mod quantization;
mod shap;
mod trees;
