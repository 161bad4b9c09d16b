//! A package again, with its weights in 8 bits.

use std::path::Path;

use super::files::read;
use super::manifest::{MANIFEST, Manifest};
use super::{NewPackage, Package, Written, write};
use crate::{Error, Quantized};

/// The key of a package's metadata under which the kind of weights stands, if they were rounded.
pub const QUANTIZATION: &str = "quantization";
/// Its value: 8-bit whole numbers.
pub(super) const INT8: &str = "int8";
/// The key under which the digest of the package stands that was rounded.
pub(super) const QUANTIZED_FROM: &str = "quantized_from";

/// Writes a package by Everloop to a new directory with its quantised graph. Its metadata tell what was done
/// (`quantization`) and of which package it was made (`quantized_from`). What rounding costs is told by
/// [`quantize`](crate::quantize()): here the graph is held against what that gave for `rows`.
///
/// # Errors
///
/// Fails if the package is not by Everloop, if the graph does not give what `quantized` says, and like [`write()`].
pub fn write_quantized(
    dir: &Path,
    package: &Package,
    quantized: &Quantized,
    rows: &arrow::record_batch::RecordBatch,
) -> Result<Written, Error> {
    let path = package.dir.join(MANIFEST);
    let foreign = || Error::Package {
        path: package.dir.clone(),
        problem: format!(
            "it holds no `{MANIFEST}`: only models that Everloop trained are quantised"
        ),
    };
    if !path.is_file() {
        return Err(foreign());
    }
    let manifest = Manifest::parse(&path, &read(&path)?)?;
    let mut metadata = manifest.metadata;
    metadata.insert(QUANTIZATION.to_owned(), INT8.to_owned());
    metadata.insert(QUANTIZED_FROM.to_owned(), package.digest.to_string());
    let new = NewPackage {
        graph: &quantized.graph,
        task: manifest.task,
        classes: &manifest.classes,
        name: manifest.name.as_deref().ok_or_else(foreign)?,
        input_example: rows,
        metadata,
    };
    write(dir, &new, rows, &quantized.predictions.1)
}
