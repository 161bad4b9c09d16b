"""Golden decision values of `svm`: scikit-learn 1.9 (libsvm) on a small table. Prints svm.json."""

import json

import numpy as np
from sklearn.svm import SVC, SVR

rng = np.random.default_rng(5)
n, p = 150, 4
x = rng.normal(size=(n, p))
x = (x - x.mean(axis=0)) / x.std(axis=0)
score = x[:, 0] ** 2 - x[:, 1] + 0.5 * x[:, 2] * x[:, 3]
side = np.where(score + 0.7 * rng.normal(size=n) > 0.8, 1.0, -1.0)
number = 2.0 * score + 3.0 + 0.3 * rng.normal(size=n)
counts = rng.integers(1, 4, size=n).astype(float)

kernels = {
    "rbf": ({"gamma": 0.4}, {"kernel": "rbf", "gamma": 0.4}),
    "linear": ({}, {"kernel": "linear"}),
    "polynomial": (
        {"gamma": 0.5, "coef0": 1.0, "degree": 3},
        {"kernel": "poly", "gamma": 0.5, "coef0": 1.0, "degree": 3},
    ),
}
cases = []
for kernel, (ours, theirs) in kernels.items():
    # Kernels of large values and costs hang on the rounding of 32-bit floats, in libsvm, too.
    for c in (0.5,) if kernel == "polynomial" else (0.5, 20.0):
        for weighted in (False, True):
            weights = counts if weighted else None
            for target in ("side", "number"):
                made = (
                    SVC(C=c, tol=1e-6, **theirs)
                    if target == "side"
                    else SVR(C=c, tol=1e-6, epsilon=0.2, **theirs)
                )
                made.fit(x, side if target == "side" else number, sample_weight=weights)
                found = made.decision_function(x) if target == "side" else made.predict(x)
                cases.append(
                    {
                        "kernel": kernel,
                        "parameters": ours,
                        "c": c,
                        "weighted": weighted,
                        "target": target,
                        "epsilon": 0.0 if target == "side" else 0.2,
                        "decisions": [round(float(value), 9) for value in found],
                    }
                )
print(
    json.dumps(
        {
            "made_by": "scikit-learn 1.9.1, gen/svm.py",
            "n_columns": p,
            "values": x.ravel().tolist(),
            "side": side.tolist(),
            "number": number.tolist(),
            "weights": counts.tolist(),
            "cases": cases,
        },
        indent=0,
    )
)
