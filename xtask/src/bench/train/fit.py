"""Fits a model of a peer, and prints as JSON what it cost: seconds, seconds of CPU, peak memory in bytes, score.

Usage: fit.py JOB, a JSON object: the Parquet files `train` and `test`, whether `regression`, `class`, `parameters`, `threads`.
"""

import importlib
import json
import resource
import sys
import time
import warnings

import numpy as np
import pyarrow.parquet as pq


def read(path):
    """Column by column, so that the file is not in memory twice."""
    file = pq.ParquetFile(path)
    names = [name for name in file.schema_arrow.names if name != "y"]
    x = np.empty((file.metadata.num_rows, len(names)), order="F")
    for index, name in enumerate(names):
        x[:, index] = file.read(columns=[name]).column(0).to_numpy()
    return x, file.read(columns=["y"]).column(0).to_numpy()


def measured(work):
    wall, cpu = time.perf_counter(), time.process_time()
    result = work()
    return result, time.perf_counter() - wall, time.process_time() - cpu


warnings.filterwarnings("ignore")
job = json.loads(sys.argv[1])
module, _, name = job["class"].rpartition(".")
x, y = read(job["train"])
start = 0 if job["regression"] else y.min()
model = getattr(importlib.import_module(module), name)(**job["parameters"])
if "n_jobs" in model.get_params():
    model.set_params(n_jobs=job["threads"])
if job["scaled"]:
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    model = make_pipeline(StandardScaler(), model)
_, wall, cpu = measured(lambda: model.fit(x, y - start))
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
x, y = read(job["test"])
predicted, predict_wall, predict_cpu = measured(lambda: model.predict(x))
if job["regression"]:
    score = 1 - np.mean((predicted - y) ** 2) / np.var(y)
else:
    score = np.mean(predicted + start == y)
told = {"wall": wall, "cpu": cpu, "rss": peak, "score": float(score)}
print(json.dumps(told | {"predict_wall": predict_wall, "predict_cpu": predict_cpu}))
