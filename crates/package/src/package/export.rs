//! A package's graph with what one needs to know of it, for those who need nothing else.

use std::fs;
use std::path::Path;

use super::files::{failed, read, sync_dir, write_durably};
use super::sbom::SBOM;
use super::write::staging_dir;
use super::{Flavor, open};
use crate::Error;

/// The graph's file in an exported directory.
const GRAPH: &str = "model.onnx";
const SIGNATURE: &str = "signature.json";
const EXAMPLE: &str = "input_example.json";

/// Writes `model.onnx`, `signature.json` (`{inputs: [{name, kind, required}], outputs: [{name, kind}]}`) and, where the
/// package has them, `input_example.json` and `sbom.cdx.json` into a new directory, with other files by the caller. The
/// directory is complete or absent.
///
/// # Errors
///
/// Fails like [`open()`], if the package has no ONNX graph, with [`Error::AlreadyExists`] if the directory holds anything,
/// and if the file system refuses.
pub fn export_graph(package: &Path, target: &Path, others: &[(&str, &Path)]) -> Result<(), Error> {
    let package = open(package)?;
    let Flavor::Onnx(graph) = &package.flavor else {
        return Err(Error::Package {
            path: package.dir.clone(),
            problem: "it has no ONNX graph: it needs Python to run, so export it with `--mlflow`"
                .to_owned(),
        });
    };
    if fs::read_dir(target).is_ok_and(|mut entries| entries.next().is_some()) || target.is_file() {
        return Err(Error::AlreadyExists {
            path: target.to_path_buf(),
        });
    }
    let signature = match package.signature.clone() {
        Some(signature) => signature,
        None => package.graph()?.signature().clone(),
    };
    let signature = serde_json::to_string_pretty(&signature)
        .map_err(|error| Error::Build(format!("the signature cannot be written: {error}")))?;
    let staging = staging_dir(target)?;
    let fill = || {
        write_durably(&staging.join(GRAPH), &read(graph)?)?;
        write_durably(&staging.join(SIGNATURE), (signature + "\n").as_bytes())?;
        for name in [EXAMPLE, SBOM] {
            let file = package.dir.join(name);
            if file.is_file() {
                write_durably(&staging.join(name), &read(&file)?)?;
            }
        }
        for (name, file) in others {
            let to = staging.join(name);
            // Permissions go along: some of them are programs.
            fs::copy(file, &to).map_err(|source| failed("copy to", &to, source))?;
        }
        sync_dir(&staging)?;
        fs::rename(&staging, target).map_err(|source| failed("rename to", target, source))
    };
    let filled = fill();
    if filled.is_err() {
        // The first failure is the one to tell.
        let _ = fs::remove_dir_all(&staging);
    }
    filled
}
