//! Which engine runs what, and that they agree.

use std::path::{Path, PathBuf};
use std::process::Command;

use arrow::array::{Array as _, AsArray as _};
use arrow::datatypes::{DataType, Float64Type};
use arrow::record_batch::RecordBatch;
use everloop_domain::Task;
use everloop_package::Scorer as _;
use everloop_serve::{Engine, EngineChoice, EngineSettings, load};

use crate::models;

/// The Python to use, unless the tests run without one.
fn python() -> Option<PathBuf> {
    let found = std::env::var_os("EVERLOOP_TEST_PYTHON").map(PathBuf::from);
    if found.is_none() {
        println!("skipped: EVERLOOP_TEST_PYTHON is not set");
    }
    found
}

fn settings(choice: EngineChoice, python: &Path) -> EngineSettings {
    EngineSettings {
        choice,
        python: Some(python.to_path_buf()),
        ..EngineSettings::default()
    }
}

#[track_caller]
fn assert_close(left: &RecordBatch, right: &RecordBatch) {
    assert_eq!(left.schema().fields().len(), right.schema().fields().len());
    for (field, column) in left.schema().fields().iter().zip(left.columns()) {
        let other = right.column_by_name(field.name()).unwrap();
        if field.data_type() != &DataType::Float64 {
            assert_eq!(column.as_ref(), other.as_ref(), "{}", field.name());
            continue;
        }
        let pairs = column
            .as_primitive::<Float64Type>()
            .iter()
            .zip(other.as_primitive::<Float64Type>().iter());
        for (row, (left, right)) in pairs.enumerate() {
            let (left, right) = (left.unwrap(), right.unwrap());
            let bound = 1e-6 * left.abs().max(1.0);
            assert!(
                (left - right).abs() <= bound,
                "{} row {row}: {left} {right}",
                field.name()
            );
        }
    }
    assert_eq!(left.column(0).len(), right.column(0).len());
}

#[test]
fn our_packages_need_nothing_but_the_binary() {
    let dir = tempfile::tempdir().unwrap();
    let package = models::package(dir.path(), "sum", &models::sum(0.0), Task::Regression);
    let engine = load(
        &package,
        &settings(EngineChoice::Auto, Path::new("/no/python")),
    )
    .unwrap();
    assert!(matches!(engine, Engine::Native(_)));
    let error = load(
        &package,
        &settings(EngineChoice::OnnxRuntime, Path::new("/no/python")),
    )
    .unwrap_err();
    assert!(
        error.to_string().contains("pip install onnxruntime"),
        "{error}"
    );
    let error = load(Path::new("/no/package"), &EngineSettings::default()).unwrap_err();
    assert_eq!(error.kind(), everloop_domain::ErrorKind::NotFound);
}

#[test]
fn a_file_that_is_no_library_is_an_error() {
    let dir = tempfile::tempdir().unwrap();
    let package = models::package(dir.path(), "sum", &models::sum(0.0), Task::Regression);
    let library = dir.path().join("libonnxruntime.so.1");
    std::fs::write(&library, "not a library").unwrap();
    let settings = EngineSettings {
        choice: EngineChoice::OnnxRuntime,
        ort_library: Some(library),
        ..EngineSettings::default()
    };
    // A library that another test has loaded stays: then this one is not looked at.
    if let Err(error) = load(&package, &settings) {
        assert!(
            error.to_string().starts_with("ONNX Runtime cannot load `"),
            "{error}"
        );
    }
}

#[test]
fn native_and_onnx_runtime_agree() {
    let Some(python) = python() else { return };
    let dir = tempfile::tempdir().unwrap();
    let graphs = [
        ("sum", models::sum(1.5), Task::Regression),
        ("forest", models::forest(6), Task::Regression),
        ("classifier", models::classifier(), Task::Binary),
    ];
    for (name, graph, task) in graphs {
        let package = models::package(dir.path(), name, &graph, task);
        let native = load(&package, &settings(EngineChoice::Native, &python)).unwrap();
        let other = load(&package, &settings(EngineChoice::OnnxRuntime, &python)).unwrap();
        assert!(matches!(
            (&native, &other),
            (Engine::Native(_), Engine::OnnxRuntime(_))
        ));
        for n_rows in [1, 2, 1000] {
            let rows = native.conform(&models::rows(n_rows)).unwrap();
            assert_close(&native.score(&rows).unwrap(), &other.score(&rows).unwrap());
        }
    }
}

/// An ONNX model by others: one matrix of floats in, labels and a matrix of probabilities out.
const FOREIGN: &str = "
import sys, numpy as np, onnx, mlflow
from onnx import helper as h, TensorProto as T, numpy_helper
w = numpy_helper.from_array(np.array([[-1, 1], [-2, 2]], np.float32), 'w')
nodes = [h.make_node('MatMul', ['X', 'w'], ['z']), h.make_node('Softmax', ['z'], ['probabilities'], axis=1),
         h.make_node('ArgMax', ['z'], ['label'], axis=1, keepdims=0)]
graph = h.make_graph(nodes, 'g', [h.make_tensor_value_info('X', T.FLOAT, [None, 2])],
    [h.make_tensor_value_info('label', T.INT64, [None]), h.make_tensor_value_info('probabilities', T.FLOAT, [None, 2])], [w])
model = h.make_model(graph, opset_imports=[h.make_opsetid('', 17)], ir_version=8)
mlflow.onnx.save_model(model, sys.argv[1])
";

#[test]
fn a_graph_by_others_runs_on_onnx_runtime() {
    let Some(python) = python() else { return };
    let dir = tempfile::tempdir().unwrap();
    let package = dir.path().join("foreign");
    let output = Command::new(&python)
        .args(["-c", FOREIGN])
        .arg(&package)
        .current_dir(dir.path())
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let engine = load(&package, &settings(EngineChoice::Auto, &python)).unwrap();
    assert!(matches!(engine, Engine::OnnxRuntime(_)));
    let names: Vec<&str> = engine
        .signature()
        .inputs
        .iter()
        .map(|input| input.name.as_str())
        .collect();
    assert_eq!(names, ["X_0", "X_1"]);
    let column = |values: [f64; 3]| -> arrow::array::ArrayRef {
        std::sync::Arc::new(arrow::array::Float64Array::from(values.to_vec()))
    };
    let rows = RecordBatch::try_from_iter([
        ("X_0", column([1.0, -1.0, 0.0])),
        ("X_1", column([0.0, 0.0, 1.0])),
    ])
    .unwrap();
    let predictions = engine.score(&engine.conform(&rows).unwrap()).unwrap();
    let labels = predictions["prediction"].as_primitive::<arrow::datatypes::Int64Type>();
    assert_eq!(labels.values(), &[1, 0, 1]);
    let probabilities = predictions["probability"].as_primitive::<Float64Type>();
    let expected = 1.0 / (1.0 + (-2.0_f64).exp());
    assert!((probabilities.value(0) - expected).abs() < 1e-6);
}
