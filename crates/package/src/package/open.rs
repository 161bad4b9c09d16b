//! Reads a package, whoever wrote it.

use std::path::Path;

use super::files::{digest, read};
use super::manifest::{MANIFEST, Manifest};
use super::{Flavor, Package, mlmodel};
use crate::Error;
use crate::graph::Graph;

/// Reads an MLflow model directory: one of ours, or one that MLflow or another tool wrote. What is
/// in it is not loaded or run. An ONNX package without a signature takes the graph's, if that is
/// one over columns.
///
/// # Errors
///
/// Fails if there is no `MLmodel` in it, if that cannot be read or names no flavour that Everloop
/// can run, or if the package's layout is newer than this program.
pub fn open(dir: &Path) -> Result<Package, Error> {
    let path = dir.join("MLmodel");
    let text = String::from_utf8(read(&path)?).map_err(|_| Error::Package {
        path: path.clone(),
        problem: "it is not UTF-8".to_owned(),
    })?;
    let mut model = mlmodel::parse(dir, &text)?;
    if let (Flavor::Onnx(file), None) = (&model.flavor, &model.signature) {
        let graph = Graph::from_bytes(&read(file)?).ok();
        model.signature = graph.map(|graph| graph.signature().clone());
    }
    let manifest_path = dir.join(MANIFEST);
    let manifest = if manifest_path.is_file() {
        Some(Manifest::parse(&manifest_path, &read(&manifest_path)?)?)
    } else {
        None
    };
    let task = manifest.as_ref().map(|manifest| manifest.task);
    let (classes, metadata) = manifest
        .map(|manifest| (manifest.classes, manifest.metadata))
        .unwrap_or_default();
    Ok(Package {
        dir: dir.to_path_buf(),
        digest: digest(dir)?,
        flavor: model.flavor,
        signature: model.signature,
        task,
        classes,
        metadata,
    })
}
