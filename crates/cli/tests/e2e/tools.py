"""MLflow's command line and its evaluation against our server: tools.py URL"""

import json
import logging
import os
import pathlib
import sys
import tempfile
import warnings

warnings.simplefilter("ignore")
url = sys.argv[1]
os.environ["MLFLOW_TRACKING_URI"] = url
os.chdir(tempfile.mkdtemp())
import mlflow
import numpy as np
import pandas as pd
from click.testing import CliRunner
from mlflow.cli import cli
from sklearn.linear_model import LinearRegression, LogisticRegression

logging.getLogger("mlflow").setLevel(logging.ERROR)
client = mlflow.MlflowClient()


def command(*words):
    result = CliRunner().invoke(cli, words)
    assert result.exit_code == 0, (words, result.output, result.exception)
    return result.output


# Experiments, runs and artifacts from the command line.
command("experiments", "create", "-n", "by hand")
id = client.get_experiment_by_name("by hand").experiment_id
command("experiments", "rename", "-x", id, "--new-name", "by line")
assert "by line" in command("experiments", "search")
with mlflow.start_run(experiment_id=id, run_name="first") as run:
    mlflow.log_metric("loss", 0.5)
    mlflow.log_param("lr", 0.1)
run_id = run.info.run_id
assert run_id in command("runs", "list", "--experiment-id", id)
described = json.loads(command("runs", "describe", "--run-id", run_id))
assert described["data"]["metrics"] == {"loss": 0.5}, described
pathlib.Path("a.txt").write_text("hello")
command("artifacts", "log-artifact", "--local-file", "a.txt", "--run-id", run_id, "--artifact-path", "notes")
assert "notes" in command("artifacts", "list", "--run-id", run_id)
command("artifacts", "download", "--run-id", run_id, "--artifact-path", "notes/a.txt", "--dst-path", "got")
assert next(pathlib.Path("got").rglob("a.txt")).read_text() == "hello"
command("experiments", "csv", "-x", id, "-o", "runs.csv")
assert pd.read_csv("runs.csv")["run_id"].tolist() == [run_id]
command("runs", "delete", "--run-id", run_id)
assert client.get_run(run_id).info.lifecycle_stage == "deleted"
command("runs", "restore", "--run-id", run_id)
command("experiments", "delete", "-x", id)
assert client.get_experiment(id).lifecycle_stage == "deleted"
command("experiments", "restore", "-x", id)

# A registered model predicts from the command line.
x = pd.DataFrame({"x": np.arange(20.0)})
mlflow.set_experiment("by line")
line = LinearRegression().fit(x, 3 * x["x"])
mlflow.sklearn.log_model(line, name="line", registered_model_name="Line", serialization_format="cloudpickle")
pathlib.Path("x.csv").write_text("x\n2\n")
command(
    *["models", "predict", "-m", "models:/Line/1", "-i", "x.csv", "-t", "csv"],
    *["-o", "y.json", "--env-manager", "local"],
)
assert abs(json.loads(pathlib.Path("y.json").read_text())["predictions"][0] - 6) < 1e-9

# Evaluation logs metrics, tables and pictures, of the model too.
rows = pd.DataFrame({"a": np.arange(60.0), "b": np.arange(60.0) % 7})
rows["y"] = (rows["a"] > 30).astype(int)
model = LogisticRegression().fit(rows[["a", "b"]], rows["y"])
with mlflow.start_run() as run:
    info = mlflow.sklearn.log_model(model, name="classifier", serialization_format="cloudpickle")
    result = mlflow.models.evaluate(
        info.model_uri, rows, targets="y", model_type="classifier", evaluator_config={"log_explainer": False}
    )
kept = client.get_run(run.info.run_id)
assert kept.data.metrics["accuracy_score"] == result.metrics["accuracy_score"]
assert kept.inputs.dataset_inputs, kept
assert "roc_auc" in {metric.key for metric in client.get_logged_model(info.model_id).metrics}
names = {entry.path for entry in client.list_artifacts(run.info.run_id)}
assert "confusion_matrix.png" in names, names
print("ok")
