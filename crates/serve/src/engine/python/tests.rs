use std::fs;
use std::io::{Read as _, Write as _};
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray as _, Float64Array, StringArray};
use arrow::datatypes::Float64Type;

use super::*;

/// The Python to use, unless the tests run without one.
fn python() -> Option<PathBuf> {
    let found = std::env::var_os("EVERLOOP_TEST_PYTHON").map(PathBuf::from);
    if found.is_none() {
        println!("skipped: EVERLOOP_TEST_PYTHON is not set");
    }
    found
}

fn settings(python: &Path) -> EngineSettings {
    EngineSettings {
        python: Some(python.to_path_buf()),
        ..EngineSettings::default()
    }
}

/// Saves a model with a script that has `dir`, `pd`, `np`, `mlflow` and a frame `x`.
fn saved(python: &Path, dir: &Path, script: &str) -> Package {
    let target = dir.join("model");
    let head = "import sys, numpy as np, pandas as pd, mlflow\ndir = sys.argv[1]\n\
                x = pd.DataFrame({'a': np.linspace(-1, 1, 40), 't': ['u', 'v'] * 20})\n";
    let output = Command::new(python)
        .arg("-c")
        .arg(format!("{head}{script}"))
        .arg(&target)
        .env("MLFLOW_DISABLE_TELEMETRY", "true")
        .current_dir(dir)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    everloop_package::open(&target).unwrap()
}

fn rows() -> RecordBatch {
    let numbers: ArrayRef = Arc::new(Float64Array::from(vec![-0.9, f64::NAN, 0.8]));
    let texts: ArrayRef = Arc::new(StringArray::from(vec!["u", "", "v"]));
    RecordBatch::try_from_iter([("a", numbers), ("t", texts)]).unwrap()
}

const CLASSIFIER: &str = "
from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.pipeline import make_pipeline
from sklearn.impute import SimpleImputer
from sklearn.preprocessing import OneHotEncoder
words = make_pipeline(SimpleImputer(strategy='most_frequent'), OneHotEncoder(handle_unknown='ignore', sparse_output=False))
encode = make_column_transformer((words, ['t']), remainder='passthrough')
model = make_pipeline(encode, HistGradientBoostingClassifier(min_samples_leaf=2)).fit(x.assign(t=x.t.where(x.a > -0.8)), np.where(x.a > 0, 'yes', 'no'))
mlflow.sklearn.save_model(model, dir, signature=mlflow.models.infer_signature(x, model.predict(x)), serialization_format='cloudpickle')
";

#[test]
fn a_classifier_gives_labels_and_probabilities() {
    let Some(python) = python() else { return };
    let dir = tempfile::tempdir().unwrap();
    let package = saved(&python, dir.path(), CLASSIFIER);
    let model = PythonModel::start(&package, &settings(&python)).unwrap();
    let predictions = model.score(&rows()).unwrap();
    let labels: Vec<&str> = predictions["prediction"]
        .as_string::<i32>()
        .iter()
        .flatten()
        .collect();
    assert_eq!((labels[0], labels[2]), ("no", "yes"));
    let probabilities = predictions["probability"].as_primitive::<Float64Type>();
    assert!(probabilities.value(0) < 0.5 && probabilities.value(2) > 0.5);
    assert_eq!(predictions.num_rows(), 3);

    // A worker that dies is replaced, and the request that meets its death is answered.
    let id = model.state.lock().unwrap().worker.as_ref().unwrap().id();
    assert!(
        Command::new("kill")
            .args(["-9", &id.to_string()])
            .status()
            .unwrap()
            .success()
    );
    assert_eq!(model.score(&rows()).unwrap(), predictions);
    let other = model.state.lock().unwrap().worker.as_ref().unwrap().id();
    assert_ne!(id, other);

    drop(model);
    assert!(
        !Path::new(&format!("/proc/{other}")).exists(),
        "no worker outlives its engine"
    );
}

const MOODY: &str = "
class Moody(mlflow.pyfunc.PythonModel):
    def predict(self, context, model_input, params=None):
        import os, sys, time
        print('a word on standard output')
        text = model_input['t'].iloc[0]
        if text == 'raise':
            raise ValueError('no such\\nmood')
        if text == 'die':
            print('last words', file=sys.stderr, flush=True)
            os._exit(7)
        if text == 'sleep':
            time.sleep(60)
        return pd.DataFrame({'prediction': model_input['a'] * 2, 'missing': [bool(v) for v in pd.isna(model_input['t'])]})
import pandas as pd
mlflow.pyfunc.save_model(dir, python_model=Moody())
";

#[test]
fn refusals_deaths_and_delays_are_told_apart() {
    let Some(python) = python() else { return };
    let dir = tempfile::tempdir().unwrap();
    let package = saved(&python, dir.path(), MOODY);
    assert_eq!(package.signature, None);
    let patient = settings(&python);
    let settings = EngineSettings {
        python_timeout: Duration::from_millis(1500),
        ..patient
    };
    let model = PythonModel::start(&package, &settings).unwrap();
    let ask = |text: &str| {
        let numbers: ArrayRef = Arc::new(Float64Array::from(vec![1.5, f64::INFINITY]));
        let texts: ArrayRef = Arc::new(StringArray::from(vec![text, ""]));
        model.score(&RecordBatch::try_from_iter([("a", numbers), ("t", texts)]).unwrap())
    };
    let predictions = ask("fine").unwrap();
    assert_eq!(
        predictions["prediction"]
            .as_primitive::<Float64Type>()
            .values(),
        &[3.0, f64::INFINITY]
    );
    let missing = predictions["missing"].as_boolean();
    assert_eq!(
        (missing.value(0), missing.value(1), missing.len()),
        (false, true, 2)
    );

    let error = ask("raise").unwrap_err();
    assert_eq!(
        error.to_string(),
        "the Python model refuses the rows: ValueError: no such mood"
    );
    assert_eq!(error.kind(), ErrorKind::Invalid);

    let error = ask("die").unwrap_err();
    assert_eq!(
        error.to_string(),
        "the model's Python worker: it died (exit status: 7)"
    );
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    let said = std::error::Error::source(&error).unwrap().to_string();
    assert!(said.contains("last words"), "{said}");

    let error = ask("sleep").unwrap_err();
    assert!(
        error.to_string().contains("did not answer within 1.5 s"),
        "{error}"
    );
    assert_eq!(ask("fine").unwrap(), predictions);
}

#[test]
fn a_worker_ends_with_its_standard_input_even_at_work() {
    let Some(python) = python() else { return };
    let dir = tempfile::tempdir().unwrap();
    let package = saved(&python, dir.path(), MOODY);
    // What a program that is killed leaves behind: nobody ends the worker, its pipes just close.
    let mut child = Command::new(&python)
        .args(["-u", "-c", include_str!("../worker.py")])
        .arg(&package.dir)
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let mut hello = [0];
    child
        .stdout
        .as_mut()
        .unwrap()
        .read_exact(&mut hello)
        .unwrap();
    assert_eq!(&hello, b"h");
    let texts: ArrayRef = Arc::new(StringArray::from(vec!["sleep"]));
    let request = to_ipc(&RecordBatch::try_from_iter([("t", texts)]).unwrap()).unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(b"r").unwrap();
    let length = u32::try_from(request.len()).unwrap().to_le_bytes();
    stdin.write_all(&length).unwrap();
    stdin.write_all(&request).unwrap();
    let start = Instant::now();
    drop(stdin);
    assert!(child.wait().unwrap().success());
    assert!(
        start.elapsed() < Duration::from_secs(20),
        "the prediction would take a minute"
    );
}

#[test]
fn a_model_that_does_not_load_says_why() {
    let Some(python) = python() else { return };
    let dir = tempfile::tempdir().unwrap();
    let package = saved(&python, dir.path(), MOODY);
    fs::remove_file(package.dir.join("python_model.pkl")).unwrap();
    let error = PythonModel::start(&package, &settings(&python)).unwrap_err();
    assert!(
        error.to_string().contains("the model cannot be loaded: "),
        "{error}"
    );
    assert_eq!(error.kind(), ErrorKind::Unavailable);
}

#[test]
fn a_python_that_is_not_there_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let text = "flavors:\n  python_function:\n    loader_module: mlflow.sklearn\n";
    fs::write(dir.path().join("MLmodel"), text).unwrap();
    let package = everloop_package::open(dir.path()).unwrap();
    let error = PythonModel::start(&package, &settings(Path::new("/no/python"))).unwrap_err();
    assert!(
        error
            .to_string()
            .contains("with `/no/python`: it does not start"),
        "{error}"
    );
}

#[test]
fn the_wait_doubles_up_to_a_bound() {
    let waits = [1, 2, 3, 7, 100]
        .map(wait_after)
        .map(|wait| wait.as_millis());
    assert_eq!(waits, [500, 1000, 2000, 30_000, 30_000]);
}

#[test]
fn predictions_of_other_types_are_refused_by_name() {
    let dates: ArrayRef = Arc::new(arrow::array::Date32Array::from(vec![1]));
    let rows = RecordBatch::try_from_iter([("when", dates)]).unwrap();
    let error = from_ipc(&to_ipc(&rows).unwrap()).unwrap_err().to_string();
    assert!(error.contains("output `when` is of type Date32"), "{error}");
    assert!(from_ipc(b"torn").is_err());
}
