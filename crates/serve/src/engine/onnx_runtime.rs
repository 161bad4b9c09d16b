//! ONNX Runtime, loaded when a model needs it.
//!
//! Graphs over columns (an input per column, of shape `[N]` or `[N, 1]`) take the columns by name; a
//! graph with one matrix input takes the signature's columns in order, all as its element type.
//! Outputs named as Everloop names them stay; otherwise the first output of one column is
//! `prediction`, and a matrix of floats beside it holds the probabilities of the classes.

mod inputs;
mod outputs;

use std::fmt;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use arrow::record_batch::RecordBatch;
use everloop_domain::ErrorKind;
use everloop_package::{Error as PackageError, Scorer, Signature};
use ort::environment::Environment;
use ort::logging::LogLevel;
use ort::session::Session;

use crate::Error;

/// ONNX Runtime allows one environment per process and never unloads its library, so this is one
/// of the few things that belong to the process.
static ENVIRONMENT: Mutex<Option<Environment>> = Mutex::new(None);

/// A model that ONNX Runtime runs.
pub struct OnnxModel {
    /// The binding wants exclusive access to run a session.
    session: Mutex<Session>,
    signature: Signature,
}

impl fmt::Debug for OnnxModel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OnnxModel")
            .field("signature", &self.signature)
            .finish_non_exhaustive()
    }
}

impl OnnxModel {
    /// Loads a model with the library at a path (of the first call in this process).
    ///
    /// # Errors
    ///
    /// Fails if the library is none, is older than version 1.17, or refuses the model.
    pub(super) fn load(
        file: &Path,
        signature: Option<&Signature>,
        library: &Path,
    ) -> Result<Self, Error> {
        let environment = environment(library)?;
        let refused = |source: ort::Error| Error::Runtime {
            path: file.to_path_buf(),
            source: Box::new(source),
        };
        let session = session(&environment, file).map_err(refused)?;
        let signature = match signature {
            Some(signature) if !signature.inputs.is_empty() => signature.clone(),
            _ => inputs::signature(&session)?,
        };
        inputs::check(&session, &signature)?;
        Ok(Self {
            session: Mutex::new(session),
            signature,
        })
    }
}

impl Scorer for OnnxModel {
    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn score(&self, rows: &RecordBatch) -> Result<RecordBatch, PackageError> {
        let mut session = self.session.lock().unwrap_or_else(PoisonError::into_inner);
        let values = inputs::values(&session, rows)?;
        let outputs = session.run(values).map_err(|error| engine(&error))?;
        outputs::predictions(&outputs, rows.num_rows())
    }
}

/// A failure of ONNX Runtime as the error of any engine.
fn engine(error: &ort::Error) -> PackageError {
    PackageError::Engine {
        problem: "ONNX Runtime cannot run the model on these rows".to_owned(),
        kind: ErrorKind::Invalid,
        source: Some(error.to_string().into()),
    }
}

fn environment(library: &Path) -> Result<Environment, Error> {
    let mut environment = ENVIRONMENT.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(environment) = environment.as_ref() {
        return Ok(environment.clone());
    }
    let failed = |source: Box<dyn std::error::Error + Send + Sync>| Error::Runtime {
        path: library.to_path_buf(),
        source,
    };
    let builder = ort::init_from(library).map_err(|error| failed(error.to_string().into()))?;
    let made = builder
        .with_name("everloop")
        .with_telemetry(false)
        .build()
        .map_err(|error| failed(Box::new(error)))?;
    made.set_log_level(LogLevel::Error);
    Ok(environment.insert(made).clone())
}

fn session(environment: &Environment, file: &Path) -> ort::Result<Session> {
    let builder = Session::builder(environment)?;
    // Requests run side by side: more threads for one of them only take them from the others.
    let mut builder = builder.with_intra_threads(1)?;
    builder.commit_from_file(file)
}
