//! The file `MLmodel`: read as MLflow and others write it, written as MLflow 3 reads it.
//!
//! It is YAML; the signature stands in it as JSON texts (`mlflow.types.Schema.to_json`). Ours is
//! written by hand, because its bytes must not change with a library, and has no time and no
//! random id.

use std::path::{Path, PathBuf};

use everloop_domain::Digest;
use saphyr::{LoadableYamlNode as _, Yaml};
use serde::{Deserialize, Serialize};

use super::Flavor;
use crate::{Error, Input, Kind, Output, Signature};

/// The MLflow whose layout ours follows, and with which it is tested.
const MLFLOW_VERSION: &str = "3.17.2";
/// The Python module in the directory `code` through which MLflow loads the package. Its name is
/// its version: one process may load packages of several.
pub(super) const LOADER: &str = "everloop_pyfunc2";
/// What the names of all versions begin with.
const LOADER_NAME: &str = "everloop_pyfunc";
/// The Python that MLflow is told; any newer one will do.
pub(super) const PYTHON_VERSION: &str = "3.11";

/// A column in a signature, as MLflow writes it.
#[derive(Serialize, Deserialize)]
struct Column {
    r#type: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[serde(default = "yes")]
    required: bool,
    /// What MLflow 1 wrote instead of `required`.
    #[serde(default, skip_serializing)]
    optional: bool,
    #[serde(default, rename = "tensor-spec", skip_serializing)]
    tensor: Option<Tensor>,
}

#[derive(Deserialize)]
struct Tensor {
    dtype: String,
    shape: Vec<i64>,
}

fn yes() -> bool {
    true
}

/// What was read.
pub(super) struct MlModel {
    pub(super) flavor: Flavor,
    pub(super) signature: Option<Signature>,
}

/// Reads the text of an `MLmodel` in `dir`.
///
/// # Errors
///
/// Fails if it is not YAML, or has neither the flavour `onnx` nor `python_function`.
pub(super) fn parse(dir: &Path, text: &str) -> Result<MlModel, Error> {
    let path = dir.join("MLmodel");
    let wrong = |problem: String| Error::Package {
        path: path.clone(),
        problem,
    };
    let documents =
        Yaml::load_from_str(text).map_err(|error| wrong(format!("it is not YAML: {error}")))?;
    let root = documents.first().filter(|root| root.is_mapping());
    let root = root.ok_or_else(|| wrong("it is not a mapping".to_owned()))?;
    let flavor = flavor(dir, root).map_err(wrong)?;
    Ok(MlModel {
        flavor,
        signature: signature(root),
    })
}

fn flavor(dir: &Path, root: &Yaml<'_>) -> Result<Flavor, String> {
    let flavors = root
        .as_mapping_get("flavors")
        .ok_or("it names no flavors")?;
    if let Some(file) = flavors
        .as_mapping_get("onnx")
        .and_then(|onnx| onnx.as_mapping_get("data"))
    {
        let file = file.as_str().ok_or("flavor `onnx` names no file")?;
        return Ok(Flavor::Onnx(dir.join(inside(file)?)));
    }
    let loader = loader(root).ok_or("it has neither the flavor `onnx` nor `python_function`")?;
    Ok(Flavor::Python(loader.to_owned()))
}

/// The Python module through which MLflow loads a model.
fn loader<'a>(root: &'a Yaml<'_>) -> Option<&'a str> {
    let python = root
        .as_mapping_get("flavors")?
        .as_mapping_get("python_function")?;
    python.as_mapping_get("loader_module")?.as_str()
}

/// A path that stays inside the package.
fn inside(file: &str) -> Result<PathBuf, String> {
    use std::path::Component;
    let path = PathBuf::from(file);
    let stays = !file.is_empty()
        && path
            .components()
            .all(|part| matches!(part, Component::Normal(_)));
    if stays {
        Ok(path)
    } else {
        Err(format!("the file `{file}` is not inside of the package"))
    }
}

/// The signature, if the model has one whose inputs are columns of our kinds.
fn signature(root: &Yaml<'_>) -> Option<Signature> {
    let section = root.as_mapping_get("signature")?;
    let is_own = loader(root).is_some_and(|loader| loader.starts_with(LOADER_NAME));
    let columns = |key: &str| -> Option<Vec<Column>> {
        serde_json::from_str(section.as_mapping_get(key)?.as_str()?).ok()
    };
    let inputs = columns("inputs")?.into_iter().map(|column| {
        let required = column.required && !column.optional;
        Some(Input {
            kind: column_kind(&column.r#type, is_own)?,
            name: column.name?,
            required,
        })
    });
    let inputs: Vec<Input> = inputs.collect::<Option<_>>()?;
    let outputs = columns("outputs")
        .unwrap_or_default()
        .into_iter()
        .map(output);
    Some(Signature {
        inputs,
        outputs: outputs.collect::<Option<_>>().unwrap_or_default(),
    })
}

/// A column of results; an unnamed one is the prediction.
fn output(column: Column) -> Option<Output> {
    let kind = match &column.tensor {
        Some(tensor) if tensor.shape.len() == 1 => dtype_kind(&tensor.dtype)?,
        Some(_) => return None,
        None => column_kind(&column.r#type, false)?,
    };
    Some(Output {
        name: column.name.unwrap_or_else(|| "prediction".to_owned()),
        kind,
    })
}

/// The kind of `mlflow.types.DataType`.
fn column_kind(name: &str, is_own: bool) -> Option<Kind> {
    match name {
        "boolean" => Some(Kind::Boolean),
        "integer" | "long" => Some(Kind::Integer),
        "float" | "double" => Some(Kind::Number),
        "string" => Some(Kind::Text),
        // Models of others take these as they come.
        "datetime" if is_own => Some(Kind::Timestamp),
        _ => None,
    }
}

fn dtype_kind(dtype: &str) -> Option<Kind> {
    match dtype {
        "bool" => Some(Kind::Boolean),
        "float32" | "float64" => Some(Kind::Number),
        "object" | "str" => Some(Kind::Text),
        name if name.starts_with("int") || name.starts_with("uint") => Some(Kind::Integer),
        name if name.starts_with("<U") => Some(Kind::Text),
        _ => None,
    }
}

/// The text of `MLmodel` for a graph with this signature and the digest and size of `model.onnx`.
pub(super) fn text(signature: &Signature, model: &Digest, size_bytes: usize) -> String {
    let inputs: Vec<Column> = signature
        .inputs
        .iter()
        .map(|input| column(&input.name, input.kind, input.required))
        .collect();
    let outputs: Vec<Column> = signature
        .outputs
        .iter()
        .map(|output| column(&output.name, output.kind, true))
        .collect();
    let uuid = &model.hex()[..32];
    format!(
        "\
flavors:
  onnx:
    code: null
    data: model.onnx
    onnx_session_options: null
    onnx_version: 1.16.0
    providers:
    - CPUExecutionProvider
  python_function:
    code: code
    data: model.onnx
    env:
      conda: conda.yaml
      virtualenv: python_env.yaml
    loader_module: {LOADER}
    python_version: {PYTHON_VERSION}.0
is_signature_from_type_hint: false
mlflow_version: {MLFLOW_VERSION}
model_id: null
model_size_bytes: {size_bytes}
model_uuid: '{uuid}'
prompts: null
saved_input_example_info:
  artifact_path: input_example.json
  pandas_orient: split
  serving_input_path: serving_input_example.json
  type: dataframe
signature:
  inputs: {}
  outputs: {}
  params: null
type_hint_from_example: false
",
        quoted(&inputs),
        quoted(&outputs)
    )
}

fn column(name: &str, kind: Kind, required: bool) -> Column {
    let r#type = match kind {
        Kind::Integer => "long",
        Kind::Number => "double",
        Kind::Text => "string",
        Kind::Boolean => "boolean",
        Kind::Timestamp => "datetime",
    };
    Column {
        r#type: r#type.to_owned(),
        name: Some(name.to_owned()),
        required,
        optional: false,
        tensor: None,
    }
}

/// JSON of columns as a YAML text. JSON keeps control characters escaped, so a single-quoted text
/// on one line holds it; only what YAML takes for line breaks must be escaped beyond that.
fn quoted(columns: &[Column]) -> String {
    let json = serde_json::to_string(columns).unwrap_or_default();
    let json: String = json
        .chars()
        .map(|letter| match letter {
            '\'' => "''".to_owned(),
            '\u{7f}'..='\u{9f}'
            | '\u{2028}'
            | '\u{2029}'
            | '\u{feff}'
            | '\u{fffe}'
            | '\u{ffff}' => {
                format!("\\u{:04x}", u32::from(letter))
            }
            letter => letter.to_string(),
        })
        .collect();
    format!("'{json}'")
}
