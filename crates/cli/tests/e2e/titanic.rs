//! Titanic: a team's own `train.py` with scikit-learn and ordinary `mlflow` calls becomes the package.

use everloop_testkit::{TestProject, Up, shared_data, test_python};
use serde_json::json;

use crate::projects::BINARY;

const LIFECYCLE: &str = "
version: 1
project: titanic
sources:
  passengers: {path: data/titanic_raw.csv}
dataset: {table: passengers, target: survived}
split: {by: stratified}
train:
  task: binary
  run: python train.py
evaluate: {metrics: [accuracy, roc_auc], slices: [sex]}
gates: [accuracy > 0.7]
deploy: {model: titanic}
";

const TRAIN: &str = r#"
import os
import mlflow
import pandas as pd
from sklearn.compose import make_column_transformer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

train = pd.read_parquet(os.environ["EVERLOOP_TRAIN"])
validation = pd.read_parquet(os.environ["EVERLOOP_VALIDATION"])
target = os.environ["EVERLOOP_TARGET"]
numbers, texts = ["age", "fare", "pclass"], ["sex", "embarked"]

model = make_pipeline(
    make_column_transformer(
        (SimpleImputer(), numbers),
        (make_pipeline(SimpleImputer(strategy="constant", fill_value="none"), OneHotEncoder(handle_unknown="ignore")), texts),
    ),
    LogisticRegression(max_iter=1000),
)
with mlflow.start_run():
    model.fit(train[numbers + texts], train[target])
    mlflow.log_param("solver", "lbfgs")
    mlflow.log_metric("validation_accuracy", model.score(validation[numbers + texts], validation[target]))
    mlflow.sklearn.log_model(model, name="model", serialization_format="cloudpickle", input_example=train[numbers + texts].head(3))
"#;

#[test]
fn a_python_model_is_adopted_and_served() {
    let (Some(data), Some(_)) = (shared_data("titanic/titanic_raw.csv"), test_python()) else {
        return;
    };
    let project = TestProject::new(BINARY, LIFECYCLE);
    project.copy(&data, "data/titanic_raw.csv");
    project.write("train.py", TRAIN);
    let report = project.succeed(&["run", "--format", "json"]).json();
    assert_eq!(report["outcome"], "promoted", "{report}");
    assert!(
        report["metrics"]["roc_auc"].as_f64().unwrap() > 0.75,
        "{report}"
    );

    let up = Up::start(project.command(&["up", "--port", "0", "--no-controller"]));
    let body = json!({"dataframe_records": [
        {"age": 29.0, "fare": 211.3, "pclass": 1, "sex": "female", "embarked": "S"},
        {"age": 40.0, "fare": 7.9, "pclass": 3, "sex": "male", "embarked": "S"},
    ]});
    let answer = up.wait_for(std::time::Duration::from_mins(1), "prediction", |up| {
        let answer = up.post("/invocations", &body);
        (answer.status == 200).then(|| answer.json())
    });
    let predictions = answer["predictions"].as_array().unwrap();
    assert_eq!(predictions[0]["prediction"], 1, "{answer}");
    assert_eq!(predictions[1]["prediction"], 0, "{answer}");
    assert_eq!(up.stop(), 0);
}

#[test]
fn a_command_that_fails_shows_its_last_words() {
    let Some(data) = shared_data("titanic/titanic_raw.csv") else {
        return;
    };
    let project = TestProject::new(
        BINARY,
        &LIFECYCLE.replace("python train.py", "echo no such feature >&2; exit 3"),
    );
    project.copy(&data, "data/titanic_raw.csv");
    let ran = project.run(&["run"]);
    assert_eq!(ran.code, 20, "{}", ran.stderr);
    assert!(
        ran.stderr.contains("no such feature") && ran.stderr.contains("exit code 3"),
        "{}",
        ran.stderr
    );
    assert_eq!(project.status()["cycles"][0]["outcome"], "failed");
}
