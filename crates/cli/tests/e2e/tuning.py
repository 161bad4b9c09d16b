"""MLflow's client looks at a search: the run of the cycle, and a nested run for each trial."""

import sys

import mlflow
from mlflow import MlflowClient


def main(url, n_trials):
    mlflow.set_tracking_uri(url)
    client = MlflowClient(url)
    experiment = client.get_experiment_by_name("line").experiment_id
    [parent] = client.search_runs([experiment], "tags.`everloop.best_trial` != 'none'")
    children = client.search_runs([experiment], f"tags.`mlflow.parentRunId` = '{parent.info.run_id}'")
    assert len(children) == n_trials, children
    for child in children:
        assert child.info.status == "FINISHED", child
        assert set(child.data.params) == {"learning_rate", "trees"}, child.data.params
        assert child.data.metrics["rmse"] > 0
        history = client.get_metric_history(child.info.run_id, "rmse")
        assert [point.step for point in history][:8] == list(range(1, 9)), history
    best = min(children, key=lambda child: child.data.metrics["rmse"])
    assert best.data.tags["everloop.trial"] == parent.data.tags["everloop.best_trial"]
    assert parent.data.params["learning_rate"] == best.data.params["learning_rate"]
    names = {file.path for file in client.list_artifacts(parent.info.run_id)}
    assert {"tuning.html", "tuning.json", "best_parameters.yaml"} <= names, names
    page = open(client.download_artifacts(parent.info.run_id, "tuning.html")).read()
    assert page.count("<svg") >= 4 and "<script" not in page
    print("ok")


main(sys.argv[1], int(sys.argv[2]))
