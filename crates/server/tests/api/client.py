"""What data scientists do with MLflow's client, against Everloop's server: client.py URL"""
import logging
import os
import sys
import tempfile
import warnings

warnings.simplefilter("ignore")
os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
os.environ["MLFLOW_TRACKING_URI"] = sys.argv[1]
import mlflow
import numpy as np
import pandas as pd
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException
from sklearn.linear_model import LogisticRegression
logging.getLogger("mlflow").setLevel(logging.ERROR)
os.chdir(tempfile.mkdtemp())
X = pd.DataFrame({"a": np.arange(40.0), "b": np.arange(40.0) % 7})
y = (X["a"] > 20).astype(int)
c = MlflowClient()

mlflow.set_experiment("e1")
mlflow.set_experiment("e1")
with mlflow.start_run() as run:
    rid = run.info.run_id
    mlflow.log_param("p", 1)
    mlflow.log_params({"q": 2, "r": "x"})
    mlflow.log_metric("m", 0.5, step=1)
    mlflow.log_metric("m", float("nan"), step=2)
    mlflow.log_metrics({"m": 0.6, "n": 1.0}, step=3)
    mlflow.set_tag("t", "v")
    mlflow.set_tags({"t1": "v", "t2": "w"})
    mlflow.log_input(mlflow.data.from_pandas(X, name="xs"), context="training")
    with open("f.txt", "w") as f:
        f.write("hello")
    mlflow.log_artifact("f.txt", "dir")
    mlflow.log_dict({"a": 1}, "d.json")
    model = LogisticRegression().fit(X, y)
    info = mlflow.sklearn.log_model(model, name="model", input_example=X.head(2))
got = mlflow.get_run(rid)
assert got.info.status == "FINISHED" and got.data.params == {"p": "1", "q": "2", "r": "x"}, got
assert got.data.metrics["m"] == 0.6 and got.data.tags["t2"] == "w"
assert got.inputs.dataset_inputs[0].dataset.name == "xs"
assert got.inputs.dataset_inputs[0].tags[0].value == "training"
assert got.outputs.model_outputs[0].model_id == info.model_id
assert [m.step for m in c.get_metric_history(rid, "m")] == [1, 2, 3]
assert [f.path for f in c.list_artifacts(rid)] == ["d.json", "dir"], c.list_artifacts(rid)
assert mlflow.artifacts.load_text(f"runs:/{rid}/dir/f.txt") == "hello"

# Whoever would rather send parts to the store itself is sent back to the server.
os.environ["MLFLOW_ENABLE_PROXY_MULTIPART_UPLOAD"] = "true"
os.environ["MLFLOW_MULTIPART_UPLOAD_MINIMUM_FILE_SIZE"] = "1"
with open("parts.txt", "w") as f:
    f.write("in one")
c.log_artifact(rid, "parts.txt", "parts")
assert mlflow.artifacts.load_text(f"runs:/{rid}/parts/parts.txt") == "in one"
del os.environ["MLFLOW_ENABLE_PROXY_MULTIPART_UPLOAD"]

with mlflow.start_run(run_id=rid):
    mlflow.log_metric("late", 3)
try:
    c.log_param(rid, "p", "other")
    raise SystemExit("a parameter was changed")
except MlflowException as error:
    assert error.error_code == "INVALID_PARAMETER_VALUE", error
try:
    c.get_run("0" * 32)
    raise SystemExit("an absent run was found")
except MlflowException as error:
    assert error.error_code == "RESOURCE_DOES_NOT_EXIST", error

v1 = mlflow.register_model(info.model_uri, "M")
v2 = mlflow.register_model(f"runs:/{rid}/model", "M")
assert (int(v1.version), int(v2.version)) == (1, 2)
c.set_registered_model_alias("M", "champion", 2)
assert int(c.get_model_version_by_alias("M", "champion").version) == 2
for uri in [info.model_uri, f"runs:/{rid}/model", "models:/M/1", "models:/M@champion", "models:/M/latest"]:
    assert (mlflow.pyfunc.load_model(uri).predict(X) == model.predict(X)).all(), uri

mlflow.sklearn.autolog()
with mlflow.start_run():
    LogisticRegression(C=0.5).fit(X, y)
mlflow.sklearn.autolog(disable=True)
runs = mlflow.search_runs()
assert len(runs) == 2 and "metrics.training_accuracy_score" in runs, runs
assert {e.name for e in mlflow.search_experiments()} == {"Default", "e1"}
found = mlflow.search_runs(filter_string="metrics.m > 0 and params.q = '2'", order_by=["metrics.m DESC"])
assert list(found["run_id"]) == [rid], found
try:
    mlflow.search_runs(filter_string="metrics.m > '0'")
    raise SystemExit("a wrong filter was ignored")
except MlflowException as error:
    assert "Expected numeric value" in str(error), error

os.environ["MLFLOW_RUN_ID"] = rid
with mlflow.start_run() as again:
    assert again.info.run_id == rid
    mlflow.log_metric("resumed", 1)
assert mlflow.get_run(rid).data.metrics["resumed"] == 1
print("ok")
