"""Writes clusters.json beside this folder: scikit-learn's scores of groups.

Run from anywhere: `python clusters.py`, with the packages of `tests/requirements.txt`.
"""

import json
import pathlib

import numpy as np
import sklearn
from sklearn import metrics
from sklearn.cluster import KMeans

rng = np.random.default_rng(3)
cases = []
for n_rows, n_columns, k in [(60, 2, 3), (90, 5, 6), (30, 1, 2)]:
    rows = rng.normal(size=(n_rows, n_columns)) + 3 * rng.integers(0, 3, size=(n_rows, 1))
    labels = KMeans(k, n_init=2, random_state=0).fit_predict(rows)
    cases.append({
        "n_columns": n_columns, "values": rows.ravel().tolist(), "labels": labels.tolist(),
        "silhouette": float(metrics.silhouette_score(rows, labels)),
        "davies_bouldin": float(metrics.davies_bouldin_score(rows, labels)),
        "calinski_harabasz": float(metrics.calinski_harabasz_score(rows, labels)),
    })
versions = {"numpy": np.__version__, "scikit-learn": sklearn.__version__}
out = pathlib.Path(__file__).parent.parent / "clusters.json"
out.write_text(json.dumps({"tolerance": 1e-9, "versions": versions, "cases": cases}, indent=1) + "\n")
