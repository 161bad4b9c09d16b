"""Golden coefficients of `linear` and `logistic`: scikit-learn 1.9 on small tables. Prints linear.json.

The inputs are standardised, as the trainers' encoder does it, so that penalties act alike.
"""

import json
import warnings

import numpy as np
from scipy.optimize import root
from sklearn.linear_model import (
    ElasticNet,
    HuberRegressor,
    Lasso,
    LinearRegression,
    LogisticRegression,
    Ridge,
)
from sklearn.linear_model._huber import _huber_loss_and_gradient

warnings.simplefilter("ignore")
rng = np.random.default_rng(11)
n, p = 120, 5
x = rng.normal(size=(n, p))
x[:, 3] = 0.7 * x[:, 0] + 0.3 * x[:, 3]
x = (x - x.mean(axis=0)) / x.std(axis=0)
true = np.array([1.5, -2.0, 0.0, 0.5, 0.1])
y = x @ true + 3.0 + rng.normal(size=n)
y[::17] += 15.0
counts = rng.integers(1, 4, size=n).astype(float)
ones = np.ones(n)
binary = (x @ true + rng.normal(size=n) * 1.5 > 0.4).astype(float)
level = np.digitize(x @ true + rng.normal(size=n), [-1.5, 1.5]).astype(float)

cases = []


def add(name, trainer, task, parameters, target, weights, model):
    model.fit(x, target, sample_weight=weights)
    if isinstance(model, HuberRegressor):
        # Its L-BFGS stops at some 1e-5: the gradient of its own loss leads to the end.
        start = np.append(model.coef_, [model.intercept_, model.scale_])
        settings = (x, target, model.epsilon, model.alpha, weights)
        found = root(lambda at: _huber_loss_and_gradient(at, *settings)[1], start, tol=1e-13)
        model.coef_, model.intercept_ = found.x[:-2], found.x[-2]
    coefficients = np.atleast_2d(model.coef_)
    cases.append(
        {
            "name": name,
            "trainer": trainer,
            "task": task,
            "parameters": parameters,
            "target": {id(y): "number", id(binary): "binary", id(level): "level"}[id(target)],
            "weighted": weights is counts,
            # A row a class: bias, then weights.
            "coefficients": [
                [float(bias), *map(float, row)]
                for bias, row in zip(np.atleast_1d(model.intercept_), coefficients)
            ],
        }
    )


for weights in (ones, counts):
    total = weights.sum()
    add("ols", "linear", "regression", {}, y, weights, LinearRegression())
    add("ridge", "linear", "regression", {"l2": 0.3}, y, weights, Ridge(alpha=0.3 * total))
    add("lasso", "linear", "regression", {"l1": 0.2}, y, weights, Lasso(alpha=0.2, tol=1e-14, max_iter=10**6))
    add(
        "elastic net",
        "linear",
        "regression",
        {"l1": 0.2 * 0.7, "l2": 0.2 * 0.3},
        y,
        weights,
        ElasticNet(alpha=0.2, l1_ratio=0.7, tol=1e-14, max_iter=10**6),
    )
    for epsilon in (1.35, 2.0):
        add(
            f"huber {epsilon}",
            "linear",
            "regression",
            {"loss": "huber", "epsilon": epsilon, "l2": 0.001},
            y,
            weights,
            HuberRegressor(epsilon=epsilon, alpha=0.001 * total, tol=1e-12, max_iter=10**5),
        )
    for task, target in (("binary", binary), ("multiclass", level)):
        add(
            f"l2 {task}",
            "logistic",
            task,
            {"l2": 2.0, "iterations": 1000},
            target,
            weights,
            LogisticRegression(C=0.5, tol=1e-13, max_iter=10**5, solver="lbfgs"),
        )
        add(
            f"l1 {task}",
            "logistic",
            task,
            {"l1": 4.0, "l2": 0.0, "iterations": 1000},
            target,
            weights,
            LogisticRegression(C=0.25, l1_ratio=1.0, tol=1e-13, max_iter=10**6, solver="saga"),
        )
        add(
            f"elastic net {task}",
            "logistic",
            task,
            {"l1": 4.0 * 0.4, "l2": 4.0 * 0.6, "iterations": 1000},
            target,
            weights,
            LogisticRegression(C=0.25, l1_ratio=0.4, tol=1e-13, max_iter=10**6, solver="saga"),
        )

print(
    json.dumps(
        {
            "made_by": "scikit-learn 1.9.1, gen/linear.py",
            "n_columns": p,
            "values": x.ravel().tolist(),
            "number": y.tolist(),
            "binary": binary.tolist(),
            "level": level.tolist(),
            "weights": counts.tolist(),
            "cases": cases,
        },
        indent=0,
    )
)
