"""Trains XGBoost, with early stopping on the validation rows."""

import json
import os

import mlflow
import pandas as pd
import xgboost

target = os.environ["EVERLOOP_TARGET"]
parameters = json.loads(os.environ["EVERLOOP_PARAMETERS"])
numbers = ["months", "age", "monthly_charge", "support_calls"]


def part(name):
    rows = pd.read_parquet(os.environ[name])
    return rows[numbers].astype("float32"), rows[target]


inputs, labels = part("EVERLOOP_TRAIN")
model = xgboost.XGBClassifier(
    n_estimators=parameters["trees"],
    max_depth=parameters["depth"],
    learning_rate=parameters["learning_rate"],
    early_stopping_rounds=10,
    seed=int(os.environ["EVERLOOP_SEED"]),
)
with mlflow.start_run():
    model.fit(inputs, labels, eval_set=[part("EVERLOOP_VALIDATION")], verbose=False)
    for step, loss in enumerate(model.evals_result()["validation_0"]["logloss"]):
        mlflow.log_metric("validation_log_loss", loss, step=step)
    mlflow.xgboost.log_model(model, name="model", input_example=inputs.head(5))
