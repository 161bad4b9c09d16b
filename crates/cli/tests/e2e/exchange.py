"""Fills a store with MLflow's own code, or compares two stores through MLflow's client.

exchange.py write STORE
exchange.py compare STORE SERVER
"""

import json
import logging
import math
import os
import sys
import warnings

os.environ["MLFLOW_ALLOW_FILE_STORE"] = "true"
warnings.filterwarnings("ignore")
logging.disable(logging.INFO)
import mlflow
import numpy as np
import pandas as pd
from mlflow import MlflowClient
from mlflow.entities import ViewType
from sklearn.linear_model import LinearRegression


def write(store):
    mlflow.set_tracking_uri(store)
    client = MlflowClient()
    first = mlflow.set_experiment("first")
    client.set_experiment_tag(first.experiment_id, "team", "a b")
    for number in range(12):
        with mlflow.start_run(run_name=f"run {number}", tags={"k": "v", "mlflow.note.content": "näh"}) as run:
            mlflow.log_params({"lr": 0.1 * number, "deep/er": "x", "long": "y" * 500})
            for step in range(50):
                value = {3: math.nan, 4: math.inf}.get(step, 1 / (step + 1))
                mlflow.log_metric("loss", value, step=step)
            mlflow.log_metric("deep/acc", 0.5)
            mlflow.log_text(f"hello {number}", "dir/a.txt")
            data = mlflow.data.from_pandas(pd.DataFrame({"a": [1, 2]}), name="d")
            mlflow.log_input(data, context="train", tags={"x": "1"})
    x = np.arange(4.0).reshape(-1, 1)
    with mlflow.start_run():
        model = mlflow.sklearn.log_model(
            LinearRegression().fit(x, x[:, 0]),
            name="model",
            registered_model_name="M",
            serialization_format="cloudpickle",
            params={"p": 1},
        )
        mlflow.log_metric("on model", 0.25, step=2, model_id=model.model_id)
    client.set_registered_model_alias("M", "champion", 1)
    client.set_model_version_tag("M", 1, "q", "z")
    client.update_model_version("M", 1, "what it is")
    client.update_registered_model("M", "about")
    client.set_registered_model_tag("M", "t", "1")
    client.create_registered_model("Empty")
    for _ in range(2):
        client.create_model_version("M", f"runs:/{run.info.run_id}/dir", run.info.run_id)
    client.delete_model_version("M", 2)
    client.transition_model_version_stage("M", 1, "Staging")
    gone = mlflow.create_experiment("gone")
    with mlflow.start_run(experiment_id=gone):
        mlflow.log_metric("m", 1)
    client.delete_experiment(gone)
    with mlflow.start_run(experiment_id=first.experiment_id) as run:
        mlflow.log_param("dead", 1)
    client.delete_run(run.info.run_id)


def plain(value):
    """A number as every store gives it: those with a database give the greatest number for infinity."""
    if math.isnan(value):
        return "nan"
    return max(min(value, sys.float_info.max), -sys.float_info.max)


def dump(uri):
    """All that the client sees, but places of artifacts and ids of experiments that every store has (0)."""
    mlflow.set_tracking_uri(uri)
    client = MlflowClient()
    found = {"experiments": {}, "runs": {}, "models": {}, "versions": {}, "logged": {}}
    experiments = client.search_experiments(view_type=ViewType.ALL)
    for one in experiments:
        if one.name != "Default":
            found["experiments"][one.experiment_id] = [
                one.name, one.lifecycle_stage, one.creation_time, one.last_update_time, one.tags,
            ]
    ids = [one.experiment_id for one in experiments]
    for run in client.search_runs(ids, run_view_type=ViewType.ALL, max_results=1000):
        id, info = run.info.run_id, run.info
        histories = {
            key: [(point.step, point.timestamp, plain(point.value)) for point in client.get_metric_history(id, key)]
            for key in run.data.metrics
        }
        found["runs"][id] = {
            "info": [info.run_name, info.status, info.start_time, info.end_time, info.user_id, info.lifecycle_stage,
                     info.experiment_id],
            "params": run.data.params,
            "tags": run.data.tags,
            "latest": {key: plain(value) for key, value in run.data.metrics.items()},
            "histories": histories,
            "datasets": [
                [one.dataset.name, one.dataset.digest, one.dataset.schema, sorted((tag.key, tag.value) for tag in one.tags)]
                for one in run.inputs.dataset_inputs
            ],
            "outputs": [[one.model_id, one.step] for one in (run.outputs.model_outputs if run.outputs else [])],
            "files": sorted(one.path for one in client.list_artifacts(id, "dir")),
        }
        if info.lifecycle_stage == "active" and found["runs"][id]["files"]:
            found["runs"][id]["text"] = mlflow.artifacts.load_text(f"runs:/{id}/dir/a.txt")
    for model in client.search_registered_models():
        found["models"][model.name] = [model.description or "", model.tags, {alias: str(version) for alias, version in model.aliases.items()}]
    for one in client.search_model_versions():
        found["versions"][f"{one.name}/{one.version}"] = [
            one.description or "", one.tags, one.current_stage, one.run_id, one.creation_timestamp,
        ]
    for one in client.search_logged_models(ids):
        found["logged"][one.model_id] = [
            one.name, str(one.status), one.tags, one.params, one.source_run_id, one.creation_timestamp,
            [[point.key, point.value, point.step, point.run_id] for point in one.metrics or []],
        ]
    x = np.arange(4.0).reshape(-1, 1)
    loaded = mlflow.pyfunc.load_model("models:/M@champion")
    found["predictions"] = [round(value, 6) for value in loaded.predict(x).tolist()]
    return json.loads(json.dumps(found, default=str))


def compare(store, server):
    left, right = dump(store), dump(server)
    for kind in left:
        if isinstance(left[kind], dict):
            assert left[kind].keys() == right[kind].keys(), (kind, left[kind].keys(), right[kind].keys())
            for key in left[kind]:
                ours, theirs = left[kind][key], right[kind][key]
                if isinstance(ours, dict):
                    differ = [field for field in ours if ours[field] != theirs.get(field)]
                    assert not differ, (kind, key, [(field, ours[field], theirs.get(field)) for field in differ])
                assert ours == theirs, (kind, key, ours, theirs)
        assert left[kind] == right[kind], (kind, left[kind], right[kind])
    # Numbers of deleted versions are not given again.
    mlflow.set_tracking_uri(server)
    next = MlflowClient().create_model_version("M", "s3://bucket/x")
    assert int(next.version) == 4, next


{"write": write, "compare": compare}[sys.argv[1]](*sys.argv[2:])
print("ok")
