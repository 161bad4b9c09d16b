//! Python packages: MLflow's `pyfunc` in a supervised process.
//!
//! Rows and predictions go over pipes as Arrow IPC streams. JSON would be simpler to look at, but
//! it has no NaN, no infinities and no 64-bit integers in Python and pandas alike; Arrow has the
//! very types of a signature, and MLflow depends on `pyarrow` anyway. The script is in `worker.py`.
//!
//! A worker that dies, or does not answer in time, is ended and replaced. The request that met the
//! death is tried once more on the new one. Failures to start back off, up to half a minute.

mod process;
#[cfg(test)]
mod tests;

use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use arrow::compute::concat_batches;
use arrow::error::ArrowError;
use arrow::ipc::reader::StreamReader;
use arrow::ipc::writer::StreamWriter;
use arrow::record_batch::RecordBatch;
use everloop_domain::ErrorKind;
use everloop_package::{Error as PackageError, Kind, Package, Scorer, Signature};

use super::EngineSettings;
use crate::Error;
use process::{Broken, Reply, Worker};

/// The wait after the first failure to start; it doubles with each further one.
const FIRST_WAIT: Duration = Duration::from_millis(500);
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// A model that a Python process runs.
#[derive(Debug)]
pub struct PythonModel {
    start: Start,
    timeout: Duration,
    signature: Signature,
    /// One request at a time: Python would not do more with several.
    state: Mutex<State>,
}

/// What it takes to start a worker.
#[derive(Debug)]
struct Start {
    python: PathBuf,
    dir: PathBuf,
    timeout: Duration,
}

#[derive(Debug, Default)]
struct State {
    worker: Option<Worker>,
    n_failures: u32,
    failed_at: Option<Instant>,
}

impl PythonModel {
    /// Starts the worker of a package and waits until it has loaded the model.
    ///
    /// # Errors
    ///
    /// Fails if Python is not there, has no MLflow, or cannot load the model in time.
    pub(super) fn start(package: &Package, settings: &EngineSettings) -> Result<Self, Error> {
        let dir = std::path::absolute(&package.dir).unwrap_or_else(|_| package.dir.clone());
        let start = Start {
            python: settings.python(),
            dir,
            timeout: settings.python_start,
        };
        let worker = start.worker().map_err(|broken| Error::Worker {
            dir: start.dir.clone(),
            python: start.python.clone(),
            problem: broken.problem,
            source: broken.said.map(Into::into),
        })?;
        Ok(Self {
            start,
            timeout: settings.python_timeout,
            signature: package.signature.clone().unwrap_or_default(),
            state: Mutex::new(State {
                worker: Some(worker),
                ..State::default()
            }),
        })
    }

    fn ask(&self, request: &[u8]) -> Result<Vec<u8>, PackageError> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let mut last = None;
        // A death may have been the machine's doing; a second one is the request's.
        for _ in 0..2 {
            let worker = self.worker(&mut state)?;
            match worker.ask(request, self.timeout) {
                Ok(Reply::Predictions(body)) => return Ok(body),
                Ok(Reply::Refused(problem)) => return Err(refused(&problem)),
                Err(broken) => {
                    state.worker = None;
                    tracing::warn!(
                        problem = broken.problem,
                        said = broken.said,
                        model = %self.start.dir.display(),
                        "a Python worker ended; starting another"
                    );
                    let is_slow = broken.is_timeout;
                    last = Some(broken);
                    if is_slow {
                        break;
                    }
                }
            }
        }
        Err(Self::unavailable(last.unwrap_or_default()))
    }

    /// The running worker, or a new one if it is not too soon for that.
    fn worker<'a>(&self, state: &'a mut State) -> Result<&'a mut Worker, PackageError> {
        if state.worker.is_none() {
            let wait = wait_after(state.n_failures);
            if let Some(at) = state.failed_at
                && at.elapsed() < wait
            {
                let problem = format!(
                    "it failed to start {} times, the next try is in {:.1} s",
                    state.n_failures,
                    wait.saturating_sub(at.elapsed()).as_secs_f64()
                );
                return Err(Self::unavailable(Broken {
                    problem,
                    ..Broken::default()
                }));
            }
            match self.start.worker() {
                Ok(worker) => {
                    state.worker = Some(worker);
                    state.n_failures = 0;
                    state.failed_at = None;
                }
                Err(broken) => {
                    state.n_failures += 1;
                    state.failed_at = Some(Instant::now());
                    return Err(Self::unavailable(broken));
                }
            }
        }
        let gone = || Self::unavailable(Broken::default());
        state.worker.as_mut().ok_or_else(gone)
    }

    fn unavailable(broken: Broken) -> PackageError {
        PackageError::Engine {
            problem: format!("the model's Python worker: {}", broken.problem),
            kind: ErrorKind::Unavailable,
            source: broken.said.map(Into::into),
        }
    }
}

impl Start {
    fn worker(&self) -> Result<Worker, Broken> {
        Worker::start(&self.python, &self.dir, self.timeout)
    }
}

impl Scorer for PythonModel {
    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn score(&self, rows: &RecordBatch) -> Result<RecordBatch, PackageError> {
        let request = to_ipc(rows).map_err(|error| unreadable(&error))?;
        let answer = self.ask(&request)?;
        from_ipc(&answer).map_err(|error| unreadable(&error))
    }
}

fn wait_after(n_failures: u32) -> Duration {
    let factor = 2_u32.saturating_pow(n_failures.saturating_sub(1));
    FIRST_WAIT.saturating_mul(factor).min(LONGEST_WAIT)
}

fn refused(problem: &str) -> PackageError {
    PackageError::Engine {
        problem: format!("the Python model refuses the rows: {problem}"),
        kind: ErrorKind::Invalid,
        source: None,
    }
}

fn unreadable(error: &ArrowError) -> PackageError {
    PackageError::Run(format!(
        "rows cannot go to the Python worker and back: {error}"
    ))
}

fn to_ipc(rows: &RecordBatch) -> Result<Vec<u8>, ArrowError> {
    let mut writer = StreamWriter::try_new(Vec::new(), rows.schema_ref())?;
    writer.write(rows)?;
    writer.into_inner()
}

/// One batch of columns of our kinds.
fn from_ipc(body: &[u8]) -> Result<RecordBatch, ArrowError> {
    let reader = StreamReader::try_new(body, None)?;
    let schema = reader.schema();
    let odd = schema
        .fields()
        .iter()
        .find(|field| Kind::from_data_type(field.data_type()).is_none());
    if let Some(field) = odd {
        return Err(ArrowError::SchemaError(format!(
            "output `{}` is of type {}",
            field.name(),
            field.data_type()
        )));
    }
    let batches: Vec<RecordBatch> = reader.collect::<Result<_, _>>()?;
    concat_batches(&schema, &batches)
}
