//! Writes a package, once its graph has been compared with its trainer.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use arrow::array::{ArrayRef, AsArray as _};
use arrow::datatypes::{Float64Type, Int64Type};
use arrow::record_batch::RecordBatch;
use everloop_domain::{Digest, Timestamp};
use serde_json::{Value as Json, json};

use super::files::{digest, failed, sync_dir, write_durably};
use super::manifest::{MANIFEST, Manifest};
use super::sbom::{self, SBOM};
use super::{NewPackage, Written, mlmodel, parity};
use crate::native::NativeModel;
use crate::{Error, Kind, Signature};

/// How many rows the input example has at most.
const MAX_EXAMPLE_ROWS: usize = 5;

/// Distinguishes directories that are written at the same time by one process.
static N_WRITTEN: AtomicU64 = AtomicU64::new(0);

/// Compares the graph with its trainer on the validation rows and, if they agree, writes the
/// package to `dir`: into a directory beside it first, which is then renamed, so that `dir` is
/// complete or absent. If the very same package is there already, that is success.
///
/// `expected` are the trainer's own predictions: a column for each output of the graph.
///
/// # Errors
///
/// Fails if the rows do not fit the graph's signature, with [`Error::Parity`] if one prediction
/// differs by more than 1e-5 of its size, with [`Error::AlreadyExists`] if `dir` holds something
/// else, and if the file system refuses.
pub fn write(
    dir: &Path,
    new: &NewPackage<'_>,
    validation: &RecordBatch,
    expected: &RecordBatch,
) -> Result<Written, Error> {
    let bytes = new.graph.to_bytes();
    // What is compared is what will be read back.
    let graph = crate::graph::Graph::from_bytes(&bytes)?;
    let parity = parity::check(&NativeModel::new(&graph)?, validation, expected)?;
    let staging = staging_dir(dir)?;
    let result = fill(&staging, new, &bytes).and_then(|()| publish(&staging, dir));
    if result.is_err() {
        // What is left would only be swept later; the first failure is the one to tell.
        let _ = fs::remove_dir_all(&staging);
    }
    Ok(Written {
        digest: result?,
        parity,
    })
}

/// An empty directory beside the target.
pub(super) fn staging_dir(dir: &Path) -> Result<PathBuf, Error> {
    let name = dir
        .file_name()
        .and_then(|name| name.to_str())
        .unwrap_or("package");
    let count = N_WRITTEN.fetch_add(1, Ordering::Relaxed);
    let staging = dir.with_file_name(format!(".{name}.{}-{count}.tmp", std::process::id()));
    if staging.exists() {
        fs::remove_dir_all(&staging).map_err(|source| failed("remove", &staging, source))?;
    }
    fs::create_dir_all(&staging).map_err(|source| failed("create", &staging, source))?;
    Ok(staging)
}

fn fill(staging: &Path, new: &NewPackage<'_>, model: &[u8]) -> Result<(), Error> {
    let signature = new.graph.signature();
    let n_rows = new.input_example.num_rows().min(MAX_EXAMPLE_ROWS);
    let rows = signature.conform(&new.input_example.slice(0, n_rows))?;
    let example = example(signature, &rows);
    let unwritable = |error: serde_json::Error| {
        Error::Build(format!("the package cannot be described: {error}"))
    };
    let manifest = Manifest::of(new).to_text().map_err(unwritable)?;
    let serving =
        serde_json::to_string_pretty(&json!({ "dataframe_split": example })).map_err(unwritable)?;
    let python = mlmodel::PYTHON_VERSION;
    let requirements = ["mlflow>=3", "numpy", "onnx", "onnxruntime>=1.17", "pandas"];
    let pip = requirements.join("\n  - ");
    let loader = format!("code/{}.py", mlmodel::LOADER);
    let graph = Digest::of(model);
    let bill = sbom::text(&sbom::Material {
        name: new.name,
        task: new.task,
        signature,
        graph: &graph,
        metadata: &new.metadata,
    })
    .map_err(unwritable)?;
    let files: [(&str, Vec<u8>); 10] = [
        ("MLmodel", mlmodel::text(signature, &graph, model.len()).into()),
        (&loader, include_bytes!("everloop_pyfunc.py").to_vec()),
        ("conda.yaml", format!(
            "channels:\n- conda-forge\ndependencies:\n- python={python}\n- pip\n- pip:\n  - {pip}\nname: mlflow-env\n"
        ).into()),
        (MANIFEST, manifest.into()),
        ("input_example.json", example.to_string().into()),
        ("model.onnx", model.to_vec()),
        ("python_env.yaml", format!(
            "python: '{python}'\nbuild_dependencies:\n- pip\n- setuptools\n- wheel\ndependencies:\n- -r requirements.txt\n"
        ).into()),
        ("requirements.txt", (requirements.join("\n") + "\n").into()),
        (SBOM, bill.into()),
        ("serving_input_example.json", serving.into()),
    ];
    let code = staging.join("code");
    fs::create_dir(&code).map_err(|source| failed("create", &code, source))?;
    for (name, bytes) in files {
        write_durably(&staging.join(name), &bytes)?;
    }
    sync_dir(&code)?;
    sync_dir(staging)
}

/// Gives the finished directory its name.
fn publish(staging: &Path, dir: &Path) -> Result<Digest, Error> {
    let written = digest(staging)?;
    if let Err(source) = fs::rename(staging, dir) {
        if !dir.is_dir() {
            return Err(failed("rename to", dir, source));
        }
        if digest(dir)? != written {
            return Err(Error::AlreadyExists {
                path: dir.to_path_buf(),
            });
        }
        fs::remove_dir_all(staging).map_err(|source| failed("remove", staging, source))?;
    }
    if let Some(parent) = dir.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        sync_dir(parent)?;
    }
    Ok(written)
}

/// Conformed rows as pandas writes them with `orient="split"`; what is missing is null.
fn example(signature: &Signature, rows: &RecordBatch) -> Json {
    let schema = rows.schema();
    let names: Vec<&str> = schema
        .fields()
        .iter()
        .map(|field| field.name().as_str())
        .collect();
    let data: Vec<Vec<Json>> = (0..rows.num_rows())
        .map(|row| {
            let columns = signature.inputs.iter().zip(rows.columns());
            columns
                .map(|(input, column)| cell(input.kind, column, row))
                .collect()
        })
        .collect();
    json!({ "columns": names, "data": data })
}

fn cell(kind: Kind, column: &ArrayRef, row: usize) -> Json {
    match kind {
        Kind::Integer => column.as_primitive::<Int64Type>().value(row).into(),
        Kind::Number => column.as_primitive::<Float64Type>().value(row).into(),
        Kind::Text => column.as_string::<i32>().value(row).into(),
        Kind::Boolean => column.as_boolean().value(row).into(),
        Kind::Timestamp => match column.as_primitive::<Float64Type>().value(row) {
            // MLflow wants moments without a zone.
            millis if millis.is_finite() => {
                let text = Timestamp::from_millis(millis as i64).to_string();
                text.trim_end_matches('Z').into()
            }
            _ => Json::Null,
        },
    }
}
