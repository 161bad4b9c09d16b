"""Trains a small network in PyTorch, and exports the graph that Everloop serves."""

import json
import os

import mlflow
import onnx
import pandas as pd
import torch
from mlflow.models import infer_signature

target = os.environ["EVERLOOP_TARGET"]
parameters = json.loads(os.environ["EVERLOOP_PARAMETERS"])
numbers = ["months", "monthly_charge", "support_calls"]
torch.manual_seed(int(os.environ["EVERLOOP_SEED"]))


def part(name):
    rows = pd.read_parquet(os.environ[name])
    labels = torch.tensor(rows[target].to_numpy(), dtype=torch.float32)
    return rows[numbers].astype("float32"), labels.reshape(-1, 1)


class Network(torch.nn.Module):
    """Raw columns to log odds: what the inputs are scaled by is part of the model."""

    def __init__(self, inputs, hidden):
        super().__init__()
        self.register_buffer("mean", inputs.mean(0))
        self.register_buffer("deviation", inputs.std(0))
        self.layers = torch.nn.Sequential(
            torch.nn.Linear(inputs.shape[1], hidden), torch.nn.ReLU(), torch.nn.Linear(hidden, 1)
        )

    def forward(self, inputs):
        return self.layers((inputs - self.mean) / self.deviation)


class Served(torch.nn.Module):
    """What is served: the class, and the probabilities of both classes."""

    def __init__(self, network):
        super().__init__()
        self.network = network

    def forward(self, inputs):
        likely = torch.sigmoid(self.network(inputs))
        return (likely > 0.5).to(torch.int64), torch.cat([1 - likely, likely], 1)


frame, labels = part("EVERLOOP_TRAIN")
validation_frame, validation_labels = part("EVERLOOP_VALIDATION")
inputs = torch.tensor(frame.to_numpy())
validation = torch.tensor(validation_frame.to_numpy())
network = Network(inputs, parameters["hidden"])
optimizer = torch.optim.Adam(network.parameters(), lr=0.02)
loss = torch.nn.BCEWithLogitsLoss()

with mlflow.start_run():
    for epoch in range(parameters["epochs"]):
        optimizer.zero_grad()
        step = loss(network(inputs), labels)
        step.backward()
        optimizer.step()
        with torch.no_grad():
            mlflow.log_metric("validation_log_loss", loss(network(validation), validation_labels).item(), step=epoch)

    torch.onnx.export(
        Served(network),
        (inputs[:1],),
        "network.onnx",
        input_names=["inputs"],
        output_names=["prediction_class", "probabilities"],
        dynamic_axes={name: {0: "rows"} for name in ("inputs", "prediction_class", "probabilities")},
        opset_version=17,
        dynamo=False,
    )
    mlflow.onnx.log_model(
        onnx.load("network.onnx"), name="model", signature=infer_signature(frame.head(5)), input_example=frame.head(5)
    )
    os.remove("network.onnx")
