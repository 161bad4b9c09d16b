"""Fills a store with MLflow's own code, or compares two stores through MLflow's client.

exchange.py write STORE
exchange.py fill SERVER
exchange.py compare STORE SERVER [NEXT]
exchange.py restore STORE
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
from mlflow.entities import Dataset, DatasetInput, InputTag, LoggedModelInput, LoggedModelOutput, ViewType
from sklearn.linear_model import LinearRegression


# The tag that makes a registered model a prompt; searches leave prompts out unless they name it.
PROMPT = "mlflow.prompt.is_prompt"


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


def fill(server):
    """All that a store can have, on a server; and some that a file store cannot."""
    write(server)
    client = MlflowClient()
    first = client.get_experiment_by_name("first").experiment_id
    run = client.create_run(first, tags={"multi": "a\n'b': \"c\"\t# d", "empty": ""})
    id = run.info.run_id
    for step, value in enumerate([1e-300, -0.5, 12345678.9, math.nan]):
        client.log_metric(id, "odd: name.x", value, step=-step)
    client.log_param(id, "text", "line\r\nline\u2028\U0001f600\x7f")
    client.log_param(id, "a", "file")
    client.log_param(id, "a/b", "file in a file")
    made = client.search_logged_models([first])[0]
    client.log_inputs(id, models=[LoggedModelInput(made.model_id)])
    client.log_outputs(id, [LoggedModelOutput(made.model_id, 7)])
    for name, context in [("d", "test"), ("e", "train")]:
        dataset = Dataset(name, "digest", "local", '{"uri": "/x: y"}', schema='{"a": 1}', profile=None)
        client.log_inputs(id, [DatasetInput(dataset, [InputTag("mlflow.data.context", context)])])
    client.set_terminated(id, "FAILED")
    client.create_model_version("M", f"models:/{made.model_id}", model_id=made.model_id, tags={"v": "4"})
    client.set_registered_model_alias("M", "files", 3)
    client.create_model_version("M", "s3://bucket/elsewhere")
    client.delete_model_version("M", 5)
    registry = client._get_registry_client()
    registry.create_registered_model("Prompt", tags={PROMPT: "true"})
    text = {PROMPT: "true", "mlflow.prompt.text": "say {{x}}"}
    registry.create_model_version("Prompt", "dummy-source", tags=text)
    gone = client.create_logged_model(first, name="gone")
    client.delete_logged_model(gone.model_id)
    deleted = client.create_experiment("deleted with files")
    run = client.create_run(deleted)
    client.log_text(run.info.run_id, "still here", "dir/a.txt")
    client.delete_experiment(deleted)


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
    hidden = [one.experiment_id for one in experiments if one.lifecycle_stage == "deleted"]
    for run in client.search_runs(ids, run_view_type=ViewType.ALL, max_results=1000):
        # MLflow's searches leave out which models a run read.
        run = client.get_run(run.info.run_id)
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
            "datasets": sorted(
                [one.dataset.name, one.dataset.digest, one.dataset.source_type, one.dataset.source, one.dataset.schema or "",
                 one.dataset.profile or "", sorted((tag.key, tag.value) for tag in one.tags)]
                for one in run.inputs.dataset_inputs
            ),
            "models": sorted(one.model_id for one in run.inputs.model_inputs),
            "outputs": [[one.model_id, one.step] for one in (run.outputs.model_outputs if run.outputs else [])],
            "files": sorted(one.path for one in client.list_artifacts(id, "dir")),
        }
        if info.experiment_id in hidden:
            # Files of a deleted experiment come back with it.
            del found["runs"][id]["files"]
            continue
        if info.lifecycle_stage == "active" and found["runs"][id]["files"]:
            found["runs"][id]["text"] = mlflow.artifacts.load_text(f"runs:/{id}/dir/a.txt")
    prompts = f"tags.`{PROMPT}` = 'true'"
    for model in [*client.search_registered_models(), *client.search_registered_models(prompts)]:
        found["models"][model.name] = [model.description or "", model.tags, {alias: str(version) for alias, version in model.aliases.items()}]
    for one in [*client.search_model_versions(), *client.search_model_versions(prompts)]:
        found["versions"][f"{one.name}/{one.version}"] = [
            one.description or "", one.tags, one.current_stage, one.run_id or "", one.creation_timestamp,
            one.source if ":/" in one.source and not one.source.startswith(("file:", "mlflow-artifacts:")) else "",
        ]
    for one in client.search_logged_models(ids):
        found["logged"][one.model_id] = [
            one.name, str(one.status), one.tags, one.params, one.source_run_id, one.creation_timestamp,
            [[point.key, point.value, point.step, point.run_id] for point in one.metrics or []],
            one.model_type or "", one.status_message or "",
        ]
    x = np.arange(4.0).reshape(-1, 1)
    loaded = mlflow.pyfunc.load_model("models:/M@champion")
    found["predictions"] = [round(value, 6) for value in loaded.predict(x).tolist()]
    return json.loads(json.dumps(found, default=str))


def compare(store, server, next="4"):
    left, right = dump(store), dump(server)
    for kind in left:
        if isinstance(left[kind], dict):
            assert left[kind].keys() == right[kind].keys(), (kind, left[kind].keys(), right[kind].keys())
            for key in left[kind]:
                ours, theirs = left[kind][key], right[kind][key]
                if isinstance(ours, dict):
                    differ = [field for field in ours if ours[field] != theirs.get(field)]
                    differ = [(field, ours[field], theirs.get(field)) for field in differ]
                    # The one thing of `fill` that a file store cannot have.
                    differ = [one for one in differ if one[0] != "params" or set(one[1]) ^ set(one[2]) != {"a/b"}]
                    assert not differ, (kind, key, differ)
                else:
                    assert ours == theirs, (kind, key, ours, theirs)
        else:
            assert left[kind] == right[kind], (kind, left[kind], right[kind])
    for uri in (store, server):
        mlflow.set_tracking_uri(uri)
        assert MlflowClient().get_model_version_by_alias("M", "champion").version in (1, "1")
        if int(next) > 4:
            path = mlflow.artifacts.download_artifacts("models:/M@files")
            assert open(os.path.join(path, "a.txt")).read().startswith("hello"), path
    # Numbers of deleted versions are not given again.
    if next != "0":
        made = MlflowClient().create_model_version("M", "s3://bucket/x")
        assert str(made.version) == next, made


def restore(store):
    """Restores a deleted experiment, with its files."""
    client = MlflowClient(store)
    experiment = client.get_experiment_by_name("deleted with files").experiment_id
    client.restore_experiment(experiment)
    run = client.search_runs([experiment])[0].info
    assert [one.path for one in client.list_artifacts(run.run_id, "dir")] == ["dir/a.txt"]
    mlflow.set_tracking_uri(store)
    assert mlflow.artifacts.load_text(run.artifact_uri + "/dir/a.txt") == "still here"


{"write": write, "fill": fill, "compare": compare, "restore": restore}[sys.argv[1]](*sys.argv[2:])
print("ok")
