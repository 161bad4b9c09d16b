//! The native engine against ONNX Runtime, and packages against MLflow: the real ones.
//!
//! Needs a Python with `onnxruntime` and `mlflow` in `EVERLOOP_TEST_PYTHON`; skipped without.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray as _, StringArray};
use arrow::datatypes::{Float64Type, Int64Type};
use arrow::record_batch::RecordBatch;
use everloop_domain::{Task, Value};
use everloop_package::graph::{Graph, GraphBuilder};
use everloop_package::native::NativeModel;
use everloop_package::{Flavor, Kind, NewPackage, Scorer as _, write};
use serde_json::{Map, Value as Json, json};

use crate::models;

const EXPRESSIONS: &[&str] = &[
    "a + b",
    "a - b * 2",
    "a / i",
    "i / 2",
    "a % b",
    "i % 3",
    "-a",
    "-i",
    "f + g",
    "a * pi()",
    "1 - a",
    "abs(a)",
    "exp(a)",
    "ln(a)",
    "log10(a)",
    "log2(a)",
    "sqrt(a)",
    "pow(a, 2)",
    "pow(2, i)",
    "floor(a)",
    "ceil(a)",
    "round(a)",
    "sign(a)",
    "sin(clip(a, -9, 9))",
    "cos(clip(a, -9, 9))",
    "tan(clip(a, -1, 1))",
    "asin(clip(a, -1, 1))",
    "acos(clip(a, -1, 1))",
    "atan(a)",
    "tanh(a)",
    "min(a, b)",
    "max(a, b, i)",
    "least(a, 1)",
    "greatest(a, 1)",
    "clip(a, -1, 1)",
    "coalesce(a, b, 0)",
    "coalesce(t, 'none')",
    "a = b",
    "a != b",
    "a = 1",
    "a != 1",
    "a < b",
    "a <= 1",
    "a > i",
    "a >= b",
    "i = 2",
    "i < \"SALE PRICE\n\"",
    "i <= 0",
    "i > 0.5",
    "i >= 3",
    "f = g",
    "f != true",
    "f = 1",
    "t = 'red'",
    "t != 'red'",
    "t = u",
    "t != u",
    "t in ('red', 'blue', 'it''s')",
    "t not in ('red')",
    "a in (1, 0.5, -1)",
    "a not in (1)",
    "i in (1, -2)",
    "f in (true)",
    "a is null",
    "a is not null",
    "t is null",
    "u is not null",
    "i is null",
    "f is null",
    "f and g",
    "f or g",
    "not f",
    "a > 0 and (t = 'red' or i = 1)",
    "if(f, a, b)",
    "if(f, 'x', t)",
    "if(f, g, not g)",
    "if(f, i, 2)",
    "case when a > 0 then 1 when a < 0 then -1 end",
    "case when t = 'red' then 1.5 else i end",
    "case when f then 'yes' end",
    "case when i > 0 then f else g end",
    "sin(2 * pi() * i / 24)",
];

/// The Python to use, unless the tests run without one.
fn python() -> Option<PathBuf> {
    let found = std::env::var_os("EVERLOOP_TEST_PYTHON").map(PathBuf::from);
    if found.is_none() {
        println!("skipped: EVERLOOP_TEST_PYTHON is not set");
    }
    found
}

/// Runs the committed script in one of its modes.
fn run_script(python: &Path, mode: &str, dir: &Path) {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/onnxruntime_compare.py");
    let output = Command::new(python)
        .arg(script)
        .arg(mode)
        .arg(dir)
        .env("MLFLOW_DISABLE_TELEMETRY", "true")
        .output()
        .unwrap();
    let shown = String::from_utf8_lossy(&output.stdout).into_owned()
        + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{mode}: {shown}");
    println!("{shown}");
}

/// A column as JSON; what JSON cannot hold goes as text.
fn column_json(column: &ArrayRef) -> Json {
    let (kind, values): (&str, Vec<Json>) = match Kind::from_data_type(column.data_type()).unwrap()
    {
        Kind::Number | Kind::Timestamp => {
            let shown = |value: f64| {
                if value.is_finite() {
                    json!(value)
                } else {
                    json!(value.to_string())
                }
            };
            (
                "number",
                column
                    .as_primitive::<Float64Type>()
                    .values()
                    .iter()
                    .map(|value| shown(*value))
                    .collect(),
            )
        }
        Kind::Integer => (
            "integer",
            column
                .as_primitive::<Int64Type>()
                .values()
                .iter()
                .map(|value| json!(value))
                .collect(),
        ),
        Kind::Text => (
            "text",
            column
                .as_string::<i32>()
                .iter()
                .map(|value| json!(value))
                .collect(),
        ),
        Kind::Boolean => (
            "boolean",
            column
                .as_boolean()
                .iter()
                .map(|value| json!(value))
                .collect(),
        ),
    };
    json!({ "kind": kind, "values": values })
}

fn batch_json(batch: &RecordBatch) -> Json {
    let schema = batch.schema();
    let columns = schema.fields().iter().zip(batch.columns());
    Json::Object(
        columns
            .map(|(field, column)| (field.name().clone(), column_json(column)))
            .collect::<Map<_, _>>(),
    )
}

/// All graphs that are compared, by name, each with its task and classes.
fn graphs() -> Vec<(&'static str, Graph, Task, Vec<Value>)> {
    let colours = models::texts(&["blue", "green", "red"]);
    let binary = |classes: [Value; 2]| {
        (
            models::logistic_regression(&classes),
            Task::Binary,
            classes.to_vec(),
        )
    };
    let mut all = vec![
        (
            "features",
            models::features(EXPRESSIONS),
            Task::Regression,
            vec![],
        ),
        (
            "linear",
            models::linear_regression(),
            Task::Regression,
            vec![],
        ),
        ("forest", models::forest(), Task::Regression, vec![]),
        (
            "neural",
            models::neural_regression(),
            Task::Regression,
            vec![],
        ),
        ("quantised", quantised(), Task::Regression, vec![]),
        ("no_trees", models::no_trees(), Task::Regression, vec![]),
        (
            "softmax",
            models::softmax_regression(&colours),
            Task::Multiclass,
            colours.clone(),
        ),
        (
            "kernels",
            models::kernel_machine(&colours),
            Task::Multiclass,
            colours.clone(),
        ),
        (
            "boosting",
            models::boosted_classes(&models::integers(&[1, 2, 7])),
            Task::Multiclass,
            models::integers(&[1, 2, 7]),
        ),
    ];
    for (name, (graph, task, classes)) in [
        (
            "logistic_text",
            binary([Value::Text("no".into()), Value::Text("yes".into())]),
        ),
        (
            "logistic_integer",
            binary([Value::Integer(0), Value::Integer(1)]),
        ),
        (
            "logistic_boolean",
            binary([Value::Boolean(false), Value::Boolean(true)]),
        ),
        (
            "logistic_number",
            binary([Value::Number(0.5), Value::Number(1.5)]),
        ),
    ] {
        all.push((name, graph, task, classes));
    }
    all.extend(single_inputs());
    all.extend(models::neighbours());
    all
}

/// A graph with rows and what the native engine makes of them.
fn write_case(dir: &Path, name: &str, graph: &Graph, rows: &RecordBatch) {
    let rows = graph.signature().conform(rows).unwrap();
    let results = NativeModel::new(graph).unwrap().score(&rows).unwrap();
    fs::write(dir.join(format!("{name}.onnx")), graph.to_bytes()).unwrap();
    let case = json!({ "inputs": batch_json(&rows), "outputs": batch_json(&results) });
    fs::write(dir.join(format!("{name}.json")), case.to_string()).unwrap();
}

/// Fails where ONNX Runtime does not find what the native engine finds; skipped without Python.
pub(crate) fn compare(cases: &[(&str, Graph, RecordBatch)]) {
    let Some(python) = python() else { return };
    let dir = tempfile::tempdir().unwrap();
    for (name, graph, rows) in cases {
        write_case(dir.path(), name, graph, rows);
    }
    run_script(&python, "onnxruntime", dir.path());
}

/// The neural model in 8 bits.
fn quantised() -> Graph {
    let graph = models::neural_regression();
    let rows = models::rows(50, 4);
    let rows = models::with_number(&rows, "amount");
    everloop_package::quantize(&graph, &rows).unwrap().graph
}

/// Models of one column, which MLflow's own loader would hand over as `[rows, 1]`.
fn single_inputs() -> Vec<(&'static str, Graph, Task, Vec<Value>)> {
    let mut all = Vec::new();
    for (name, column, expression) in [
        ("only_number", "a", "coalesce(a, 0) * 2"),
        ("only_integer", "i", "i + 1"),
        ("only_text", "t", "if(t is null, -1, if(t = 'red', 1, 0))"),
        ("only_boolean", "f", "if(f, 1, 2.5)"),
    ] {
        let mut builder = GraphBuilder::new();
        let kind = models::COLUMNS
            .iter()
            .find(|(name, _)| *name == column)
            .unwrap()
            .1;
        let input = builder.input(column, kind);
        let expression = everloop_domain::expression::parse(expression).unwrap();
        let result = builder
            .expression(&expression, &BTreeMap::from([(column.to_owned(), input)]))
            .unwrap();
        let result = builder.column_matrix(&[result]);
        all.push((
            name,
            builder.finish_regression(&result).unwrap(),
            Task::Regression,
            vec![],
        ));
    }
    all
}

#[test]
fn native_results_are_those_of_onnx_runtime() {
    let Some(python) = python() else { return };
    let dir = tempfile::tempdir().unwrap();
    for (name, graph, _, _) in graphs() {
        write_case(dir.path(), name, &graph, &models::rows(300, 7));
    }
    run_script(&python, "onnxruntime", dir.path());
}

#[test]
fn mlflow_loads_packages_and_predicts_the_same() {
    let Some(python) = python() else { return };
    let dir = tempfile::tempdir().unwrap();
    for (name, graph, task, classes) in graphs() {
        let rows = graph.signature().conform(&models::rows(100, 8)).unwrap();
        let results = NativeModel::new(&graph).unwrap().score(&rows).unwrap();
        let new = NewPackage {
            graph: &graph,
            task,
            classes: &classes,
            name,
            input_example: &rows,
            metadata: BTreeMap::new(),
        };
        write(&dir.path().join(name), &new, &rows, &results).unwrap();
        let case = json!({ "inputs": batch_json(&rows), "outputs": batch_json(&results) });
        fs::write(dir.path().join(format!("{name}.json")), case.to_string()).unwrap();
    }
    run_script(&python, "mlflow", dir.path());
}

#[test]
fn missing_text_from_pandas_is_missing_for_the_model() {
    let Some(python) = python() else { return };
    let dir = tempfile::tempdir().unwrap();
    let mut builder = GraphBuilder::new();
    let text = builder.input("t", Kind::Text);
    let number = builder.input("a", Kind::Number);
    let columns = BTreeMap::from([("t".to_owned(), text.clone()), ("a".to_owned(), number)]);
    let is_null = everloop_domain::expression::parse("t is null").unwrap();
    let is_null = builder.expression(&is_null, &columns).unwrap();
    let colours = builder.one_hot(&text, &models::texts(&["red", "green"]));
    let score = builder.linear(&colours, &[1.0, 2.0], &[0.0]);
    let is_null = builder.column_matrix(&[is_null]);
    let result = builder.concat(&[score, is_null]);
    let result = builder.linear(&result, &[1.0, 10.0], &[0.0]);
    let graph = builder.finish_regression(&result).unwrap();
    let rows = RecordBatch::try_from_iter([
        (
            "t",
            Arc::new(StringArray::from(vec!["red", "", "unseen"])) as ArrayRef,
        ),
        (
            "a",
            Arc::new(arrow::array::Float64Array::from(vec![1.0, f64::NAN, 2.0])) as ArrayRef,
        ),
    ])
    .unwrap();
    let results = NativeModel::new(&graph).unwrap().score(&rows).unwrap();
    assert_eq!(
        results
            .column(0)
            .as_primitive::<Float64Type>()
            .values()
            .as_ref(),
        [1.0, 10.0, 0.0]
    );
    let new = NewPackage {
        graph: &graph,
        task: Task::Regression,
        classes: &[],
        name: "missing",
        input_example: &rows,
        metadata: BTreeMap::new(),
    };
    write(&dir.path().join("missing"), &new, &rows, &results).unwrap();
    run_script(&python, "missing", dir.path());
}

#[test]
fn models_of_real_writers_are_opened_and_run() {
    let Some(python) = python() else { return };
    let dir = tempfile::tempdir().unwrap();
    run_script(&python, "foreign", dir.path());
    let open = |name: &str| everloop_package::open(&dir.path().join(name)).unwrap();
    for name in ["sklearn", "pyfunc"] {
        let package = open(name);
        let loader = if name == "sklearn" {
            "mlflow.sklearn"
        } else {
            "mlflow.pyfunc.model"
        };
        assert_eq!(package.flavor, Flavor::Python(loader.to_owned()));
        let signature = package.signature.unwrap();
        let inputs: Vec<_> = signature
            .inputs
            .iter()
            .map(|input| (input.name.as_str(), input.kind))
            .collect();
        assert_eq!(
            inputs,
            [
                ("age", Kind::Number),
                ("a column whose name is long: it's folded", Kind::Integer)
            ]
        );
        assert_eq!(signature.outputs.len(), 1);
    }
    let onnx = open("onnx");
    let graph = onnx.graph().unwrap();
    assert_eq!(
        onnx.signature.as_ref().map(|signature| &signature.inputs),
        Some(&graph.signature().inputs)
    );
    let numbers =
        |values: &[f64]| Arc::new(arrow::array::Float64Array::from(values.to_vec())) as ArrayRef;
    let rows = RecordBatch::try_from_iter([
        ("a", numbers(&[1.0, 2.0])),
        ("b", numbers(&[10.0, f64::NAN])),
    ])
    .unwrap();
    let found = NativeModel::new(&graph).unwrap().score(&rows).unwrap();
    let found = found.column(0).as_primitive::<Float64Type>();
    assert!((found.value(0) - 21.5).abs() < 1e-12 && found.value(1).is_nan());
}

#[test]
fn engines_are_shared_between_threads() {
    fn is_shared<T: Send + Sync + 'static>() {}
    is_shared::<NativeModel>();
    is_shared::<everloop_package::Package>();
    is_shared::<everloop_package::Error>();
}
