"""Trains LightGBM, with early stopping on the validation rows."""

import json
import os

import lightgbm
import mlflow
import pandas as pd

target = os.environ["EVERLOOP_TARGET"]
parameters = json.loads(os.environ["EVERLOOP_PARAMETERS"])
numbers = ["months", "age", "monthly_charge", "support_calls"]


def part(name):
    rows = pd.read_parquet(os.environ[name])
    return rows[numbers].astype("float64"), rows[target]


inputs, labels = part("EVERLOOP_TRAIN")
model = lightgbm.LGBMClassifier(
    n_estimators=parameters["trees"],
    num_leaves=parameters["leaves"],
    learning_rate=parameters["learning_rate"],
    random_state=int(os.environ["EVERLOOP_SEED"]),
    verbose=-1,
)
curves = {}
with mlflow.start_run():
    model.fit(
        inputs,
        labels,
        eval_set=[part("EVERLOOP_VALIDATION")],
        eval_metric="binary_logloss",
        callbacks=[lightgbm.early_stopping(10, verbose=False), lightgbm.record_evaluation(curves)],
    )
    for step, loss in enumerate(curves["valid_0"]["binary_logloss"]):
        mlflow.log_metric("validation_log_loss", loss, step=step)
    mlflow.lightgbm.log_model(model, name="model", input_example=inputs.head(5))
