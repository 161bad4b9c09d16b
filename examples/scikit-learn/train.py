"""Trains a forest in a scikit-learn pipeline. Everloop tells where the rows are and what to log to."""

import json
import os

import mlflow
import pandas as pd
from sklearn.compose import make_column_transformer
from sklearn.ensemble import ExtraTreesClassifier
from sklearn.impute import SimpleImputer
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

target = os.environ["EVERLOOP_TARGET"]
parameters = json.loads(os.environ["EVERLOOP_PARAMETERS"])
train = pd.read_parquet(os.environ["EVERLOOP_TRAIN"])
validation = pd.read_parquet(os.environ["EVERLOOP_VALIDATION"])

numbers, texts = ["months", "age", "monthly_charge", "support_calls"], ["plan"]
# MLflow's signature then allows for missing ages and for whole numbers that are missing one day.
features = {name: "float64" for name in numbers}

model = make_pipeline(
    make_column_transformer(
        (SimpleImputer(strategy="median"), numbers),
        (OneHotEncoder(handle_unknown="ignore"), texts),
    ),
    ExtraTreesClassifier(
        n_estimators=parameters["trees"],
        max_depth=parameters["depth"],
        random_state=int(os.environ["EVERLOOP_SEED"]),
    ),
)
rows = train[numbers + texts].astype(features)
model.fit(rows, train[target])

with mlflow.start_run():
    likely = model.predict_proba(validation[numbers + texts].astype(features))[:, 1]
    mlflow.log_metric("validation_roc_auc", roc_auc_score(validation[target], likely))
    mlflow.sklearn.log_model(model, name="model", input_example=rows.head(5), serialization_format="cloudpickle")
