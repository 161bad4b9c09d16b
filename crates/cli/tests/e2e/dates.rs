//! Days and moments as inputs, on every road: training, files, servers, MLflow, ONNX Runtime, the edge.

use std::io::Write as _;
use std::process::{Command, Stdio};

use everloop_testkit::{TestProject, Up, post, test_python};
use serde_json::{Value, json};

use crate::projects::bike;

const LIFECYCLE: &str = "
version: 1
project: bike
sources:
  rides: {path: data/hour.csv}
prepare:
  - table: some
    sql: >
      select dteday as day, case when hr % 5 = 0 then null else
      to_timestamp_seconds(cast(date_part('epoch', dteday) as bigint) + hr * 3600) end as at,
      temp, cnt from rides limit 4000
dataset: {table: some, target: cnt}
split: {by: random, train: 0.6, validation: 0.2, test: 0.2}
train: {task: regression, trainer: boosting, parameters: {trees: 20}}
evaluate: {metrics: [rmse, r2]}
gates: [r2 > 0.4]
";

/// Two rows: a moment in another zone, and a missing one.
fn rows() -> Value {
    json!([
        {"day": "2011-03-01", "at": "2011-03-01T09:00:00+01:00", "temp": 0.3},
        {"day": "2011-03-01", "at": null, "temp": 0.3},
    ])
}

/// Predicts for the two rows by MLflow with pandas' moments, and by ONNX Runtime with milliseconds.
const CHECK: &str = r#"
import json, sys
import mlflow.pyfunc, numpy, onnxruntime, pandas

whole = sys.argv[1]
rows = pandas.DataFrame({
    "day": pandas.to_datetime(["2011-03-01", "2011-03-01"]),
    "at": pandas.to_datetime(["2011-03-01T08:00:00", None]),
    "temp": [0.3, 0.3],
})
model = mlflow.pyfunc.load_model(whole)
types = {one.name: str(one.type) for one in model.metadata.get_input_schema()}
assert types["day"] == types["at"] == "DataType.datetime", types
found = [model.predict(rows)["prediction"].to_numpy()]
example = mlflow.models.Model.load(whole).load_input_example(whole)
assert example["at"].dtype.kind == "M", example.dtypes
assert len(model.predict(example)) == len(example)
epoch = pandas.Timestamp(0)
moments = {name: ((rows[name] - epoch) / pandas.Timedelta("1ms")).to_numpy() for name in ["day", "at"]}
session = onnxruntime.InferenceSession(f"{whole}/model.onnx")
found.append(session.run(["prediction"], {**moments, "temp": rows["temp"].to_numpy()})[0])
numpy.testing.assert_allclose(*found, rtol=1e-12)
print(json.dumps(found[0].tolist()))
"#;

fn trained() -> Option<TestProject> {
    let project = bike(LIFECYCLE)?;
    let report = project.succeed(&["run", "--format", "json"]).json();
    assert_eq!(report["outcome"], "promoted", "{report}");
    // Days alone would not explain it: the hour is an input.
    assert!(report["metrics"]["r2"].as_f64().unwrap() > 0.4);
    Some(project)
}

fn numbers(values: &Value) -> Vec<f64> {
    let values = values.as_array().unwrap().iter();
    values.map(|value| value.as_f64().unwrap()).collect()
}

#[track_caller]
fn same(found: &[f64], expected: &[f64]) {
    let near = |(one, other): (&f64, &f64)| (one - other).abs() < 1e-9 * other.abs().max(1.0);
    assert_eq!(found.len(), expected.len());
    assert!(
        found.iter().zip(expected).all(near),
        "{found:?} {expected:?}"
    );
}

#[test]
fn moments_mean_the_same_on_every_road() {
    let Some(project) = trained() else { return };
    let up = Up::start(project.command(&["up", "--port", "0", "--every", "1"]));
    let ask = |body: &Value| {
        let answer = up.post("/invocations", body).ok().json();
        numbers(&answer["predictions"])
    };
    let expected = ask(&json!({"dataframe_records": rows()}));
    assert!((expected[0] - expected[1]).abs() > 1.0, "{expected:?}");
    let split = json!({"dataframe_split": {"columns": ["at", "day", "temp"], "data": [
        [1_298_966_400_000_i64, "2011-03-01T00:00:00", 0.3], ["", "2011-03-01", 0.3],
    ]}});
    same(&ask(&split), &expected);
    let csv = b"day,at,temp\n2011-03-01,2011-03-01 08:00:00,0.3\n2011-03-01,,0.3\n";
    let answer = post(up.address(), "/invocations", "text/csv", csv)
        .ok()
        .json();
    same(&numbers(&answer["predictions"]), &expected);
    let tensors = json!({"inputs": [
        {"name": "day", "shape": [2], "datatype": "BYTES", "data": ["2011-03-01", "2011-03-01"]},
        {"name": "at", "shape": [2], "datatype": "INT64", "data": [1_298_966_400_000_i64, null]},
        {"name": "temp", "shape": [2], "datatype": "FP64", "data": [0.3, 0.3]},
    ]});
    let answer = up.post("/v2/models/bike/infer", &tensors).ok().json();
    same(&numbers(&answer["outputs"][0]["data"]), &expected);
    let wrong = json!({"dataframe_records": [{"day": "1.3.2011", "at": null, "temp": 0.3}]});
    let answer = up.post("/invocations", &wrong);
    assert_eq!(answer.status, 400, "{}", answer.body);
    assert!(answer.body.contains("`day`"), "{}", answer.body);
    assert!(answer.body.contains("1.3.2011"), "{}", answer.body);
    assert_eq!(up.stop(), 0);

    project.succeed(&["model", "export", "bike", "--mlflow", "whole"]);
    if let Some(python) = test_python() {
        let checked = Command::new(python)
            .args(["-c", CHECK])
            .arg(project.dir().join("whole"))
            .env("MLFLOW_DISABLE_TELEMETRY", "true")
            .output()
            .unwrap();
        let words = String::from_utf8_lossy(&checked.stderr);
        assert!(checked.status.success(), "{words}");
        let found: Value = serde_json::from_slice(&checked.stdout).unwrap();
        same(&numbers(&found), &expected);
    }
    let edge = project.binary().with_file_name("everloop-edge");
    if !edge.is_file() {
        eprintln!("skipped: `everloop-edge` is not built");
        return;
    }
    let mut child = Command::new(edge)
        .arg(project.dir().join("whole"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let rows = rows().to_string();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(rows.as_bytes()).unwrap();
    drop(stdin);
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    let found = String::from_utf8(output.stdout).unwrap();
    let rows = found
        .lines()
        .map(|line| serde_json::from_str(line).unwrap());
    let found: Vec<f64> = rows
        .map(|row: Value| row["prediction"].as_f64().unwrap())
        .collect();
    same(&found, &expected);
}

#[test]
fn features_of_dates_belong_to_prepare() {
    let with = format!("{LIFECYCLE}features: {{late: 'at > 5'}}\n");
    let Some(project) = bike(&with) else { return };
    let ran = project.run(&["check"]);
    assert_eq!(ran.code, 10, "{}", ran.stdout);
    let words = format!("{}{}", ran.stdout, ran.stderr);
    assert!(words.contains("`at` is a timestamp"), "{words}");
}
