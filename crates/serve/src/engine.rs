//! What runs a package: the native engine, ONNX Runtime, or a Python worker.

mod library;
mod onnx_runtime;
mod python;

use std::path::{Path, PathBuf};
use std::time::Duration;

use arrow::record_batch::RecordBatch;
use everloop_package::native::NativeModel;
use everloop_package::{Flavor, Package, Scorer, Signature};

use crate::Error;
use onnx_runtime::OnnxModel;
use python::PythonModel;

/// Which engine runs ONNX packages. Python packages always run in Python.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum EngineChoice {
    /// The native engine if it knows all operators, else ONNX Runtime.
    #[default]
    Auto,
    /// The native engine, or an error.
    Native,
    /// ONNX Runtime, or an error.
    OnnxRuntime,
}

/// How packages are run on this machine.
#[derive(Clone, Debug)]
pub struct EngineSettings {
    /// Which engine runs ONNX packages.
    pub choice: EngineChoice,
    /// The library of ONNX Runtime: a setting, or the value of `ORT_DYLIB_PATH`. One library is
    /// loaded per process: the first one that is needed.
    pub ort_library: Option<PathBuf>,
    /// The directory of the program; the library may be in `lib` beneath it.
    pub program_dir: Option<PathBuf>,
    /// The interpreter for Python packages, which is also asked for its ONNX Runtime; `python3` if
    /// not set.
    pub python: Option<PathBuf>,
    /// How long a Python worker may take to load its model.
    pub python_start: Duration,
    /// How long a Python worker may take for a request.
    pub python_timeout: Duration,
}

impl Default for EngineSettings {
    fn default() -> Self {
        Self {
            choice: EngineChoice::Auto,
            ort_library: None,
            program_dir: None,
            python: None,
            python_start: Duration::from_mins(2),
            python_timeout: Duration::from_mins(1),
        }
    }
}

impl EngineSettings {
    fn python(&self) -> PathBuf {
        let python = self.python.clone();
        python.unwrap_or_else(|| PathBuf::from("python3"))
    }
}

/// A model that is ready to score rows.
#[derive(Debug)]
#[non_exhaustive]
pub enum Engine {
    /// Pure Rust; all that Everloop's own packages need.
    Native(Box<NativeModel>),
    /// ONNX Runtime, for graphs by others.
    OnnxRuntime(Box<OnnxModel>),
    /// A supervised Python process, for any other MLflow model.
    Python(Box<PythonModel>),
}

/// Makes a package ready to score rows. A Python package's worker is started, so that a model that
/// does not load is found here; dropping the engine ends it. It blocks while it loads.
///
/// # Errors
///
/// Fails if the directory is no package, if no engine that is there can run it, or if Python cannot
/// load it.
pub fn load(dir: &Path, settings: &EngineSettings) -> Result<Engine, Error> {
    let package = everloop_package::open(dir)?;
    match &package.flavor {
        Flavor::Onnx(file) => load_onnx(&package, file, settings),
        Flavor::Python(_) => {
            let model = PythonModel::start(&package, settings)?;
            Ok(Engine::Python(Box::new(model)))
        }
    }
}

fn load_onnx(package: &Package, file: &Path, settings: &EngineSettings) -> Result<Engine, Error> {
    let mut reason = "it was not asked".to_owned();
    if settings.choice != EngineChoice::OnnxRuntime {
        match package.graph().and_then(|graph| NativeModel::new(&graph)) {
            Ok(model) => return Ok(Engine::Native(Box::new(model))),
            Err(error) if settings.choice == EngineChoice::Native => return Err(error.into()),
            // A file that cannot be read is no matter of engines.
            Err(error @ everloop_package::Error::Io { .. }) => return Err(error.into()),
            Err(error) => reason = error.to_string(),
        }
        tracing::debug!(reason, "the native engine cannot run the model");
    }
    let library = library::find(settings, &reason)?;
    let model = OnnxModel::load(file, package.signature.as_ref(), &library)?;
    Ok(Engine::OnnxRuntime(Box::new(model)))
}

impl Engine {
    /// Whether scoring waits for another process or for its turn, so that it must not happen on a
    /// thread that answers requests.
    pub(crate) fn waits(&self) -> bool {
        match self {
            Self::Native(_) => false,
            Self::OnnxRuntime(_) | Self::Python(_) => true,
        }
    }

    /// The engine's name, as the Open Inference Protocol's `platform`.
    pub(crate) fn platform(&self) -> &'static str {
        match self {
            Self::Native(_) => "everloop_onnx",
            Self::OnnxRuntime(_) => "onnxruntime_onnx",
            Self::Python(_) => "mlflow_python",
        }
    }

    fn scorer(&self) -> &dyn Scorer {
        match self {
            Self::Native(model) => model.as_ref(),
            Self::OnnxRuntime(model) => model.as_ref(),
            Self::Python(model) => model.as_ref(),
        }
    }
}

impl Scorer for Engine {
    fn signature(&self) -> &Signature {
        self.scorer().signature()
    }

    fn score(&self, rows: &RecordBatch) -> Result<RecordBatch, everloop_package::Error> {
        self.scorer().score(rows)
    }
}
