"""Writes the golden numbers of `measure`: scores.json, drift.json and fairness.json beside this folder.

Run from anywhere: `python golden.py`, with the packages of `tests/requirements.txt`. Scores are scikit-learn's,
tests are SciPy's; the group differences are those of Fairlearn's definition, computed from scikit-learn's rates.
"""

import json
import pathlib
import warnings

import numpy as np
import scipy
import sklearn
from scipy import stats
from sklearn import metrics

OUT = pathlib.Path(__file__).parent.parent


def write(name, cases):
    versions = {"numpy": np.__version__, "scipy": scipy.__version__, "scikit-learn": sklearn.__version__}
    text = json.dumps({"tolerance": 1e-9, "versions": versions, "cases": cases}, indent=1)
    (OUT / name).write_text(text + "\n")


def floats(values):
    return [float(value) for value in np.ravel(values)]


def binary(name, rng, n_rows, share, noise, digits):
    truth = (rng.random(n_rows) < share).astype(int)
    truth[:2] = [0, 1]
    score = np.clip(0.5 + (truth - 0.5) * 0.5 + rng.normal(0, noise, n_rows), 0, 1).round(digits)
    predicted = (score >= 0.5).astype(int)
    expected = {
        "accuracy": metrics.accuracy_score(truth, predicted),
        "precision": metrics.precision_score(truth, predicted, zero_division=0),
        "recall": metrics.recall_score(truth, predicted),
        "f1": metrics.f1_score(truth, predicted, zero_division=0),
        "roc_auc": metrics.roc_auc_score(truth, score),
        "log_loss": metrics.log_loss(truth, score),
    }
    return case(name, "binary", truth, predicted, score, 2, expected)


def multiclass(name, rng, n_rows, n_classes, sharpness):
    truth = rng.integers(0, n_classes, n_rows)
    truth[:n_classes] = range(n_classes)
    weights = rng.random((n_rows, n_classes))
    weights[np.arange(n_rows), truth] += sharpness
    weights = weights.round(3)
    probabilities = weights / weights.sum(axis=1, keepdims=True)
    predicted = probabilities.argmax(axis=1)
    expected = {
        "accuracy": metrics.accuracy_score(truth, predicted),
        "precision": metrics.precision_score(truth, predicted, average="macro", zero_division=0),
        "recall": metrics.recall_score(truth, predicted, average="macro"),
        "f1": metrics.f1_score(truth, predicted, average="macro", zero_division=0),
        "roc_auc": metrics.roc_auc_score(truth, probabilities, multi_class="ovr"),
        "log_loss": metrics.log_loss(truth, probabilities),
    }
    return case(name, "multiclass", truth, predicted, probabilities, n_classes, expected)


def regression(name, rng, n_rows, scale, offset):
    truth = (rng.normal(offset, scale, n_rows)).round(4)
    predicted = (truth * 0.9 + rng.normal(0, scale / 4, n_rows)).round(4)
    expected = {
        "mse": metrics.mean_squared_error(truth, predicted),
        "rmse": metrics.root_mean_squared_error(truth, predicted),
        "mae": metrics.mean_absolute_error(truth, predicted),
        "r2": metrics.r2_score(truth, predicted),
    }
    return case(name, "regression", truth, predicted, None, 0, expected)


def case(name, task, truth, predicted, probabilities, n_classes, expected):
    return {
        "name": name,
        "task": task,
        "truth": floats(truth),
        "predicted": floats(predicted),
        "probabilities": None if probabilities is None else floats(probabilities),
        "n_classes": n_classes,
        "expected": {key: float(value) for key, value in expected.items()},
    }


def scores(rng):
    write("scores.json", [
        binary("even classes", rng, 60, 0.5, 0.3, 6),
        binary("a rare class", rng, 80, 0.06, 0.35, 6),
        binary("scores with ties, 0 and 1 among them", rng, 60, 0.4, 0.45, 1),
        binary("better than chance by little", rng, 60, 0.5, 3.0, 6),
        multiclass("three classes", rng, 45, 3, 0.6),
        multiclass("seven classes, hard to tell", rng, 70, 7, 0.1),
        regression("around zero", rng, 40, 2.0, 0.0),
        regression("large and far from zero", rng, 40, 500.0, 1e6),
    ])


def numbers_drift(name, reference, window):
    test = stats.ks_2samp(reference, window, method="asymp")
    size = np.sqrt(len(reference) * len(window) / (len(reference) + len(window)))
    p_value = stats.kstwobign.sf(size * test.statistic)
    return {"name": name, "kind": "numbers", "reference": floats(reference), "window": floats(window),
            "statistic": "ks", "value": float(test.statistic), "p_value": min(1.0, 2 * float(p_value))}


def texts_drift(name, reference, window):
    names = sorted(set(reference) | set(window))
    table = [[list(side).count(name) for name in names] for side in (reference, window)]
    test = stats.chi2_contingency(table, correction=False)
    return {"name": name, "kind": "texts", "reference": list(reference), "window": list(window),
            "statistic": "chi_square", "value": float(test.statistic), "p_value": min(1.0, 2 * float(test.pvalue))}


def drift(rng):
    letters = lambda shares, n: [str(value) for value in rng.choice(list("abcd"), n, p=shares)]
    write("drift.json", [
        numbers_drift("the same law", rng.normal(0, 1, 120).round(4), rng.normal(0, 1, 90).round(4)),
        numbers_drift("a shifted law", rng.normal(0, 1, 120).round(4), rng.normal(0.8, 1, 90).round(4)),
        numbers_drift("a wider law", rng.normal(0, 1, 120).round(4), rng.normal(0, 3, 90).round(4)),
        numbers_drift("whole numbers with ties", rng.poisson(3, 100), rng.poisson(4, 60)),
        numbers_drift("a small window", rng.exponential(1, 80).round(4), rng.exponential(2, 7).round(4)),
        texts_drift("the same shares", letters([0.4, 0.3, 0.2, 0.1], 120), letters([0.4, 0.3, 0.2, 0.1], 80)),
        texts_drift("other shares", letters([0.4, 0.3, 0.2, 0.1], 120), letters([0.1, 0.2, 0.3, 0.4], 80)),
        texts_drift("a new value", letters([0.5, 0.5, 0, 0], 90), letters([0.4, 0.4, 0.2, 0], 60)),
    ])


def group_difference(values):
    values = [value for value in values if value is not None]
    return max(values) - min(values) if values else 0.0


def fairness(rng):
    cases = []
    for name, n_rows, groups in [("two groups", 80, "FM"), ("four groups, one small", 120, "AAABBBCCD")]:
        truth = rng.integers(0, 2, n_rows)
        predicted = np.where(rng.random(n_rows) < 0.75, truth, 1 - truth)
        group = rng.choice(list(groups), n_rows)
        rates = {"selection": [], "true_positive": [], "false_positive": []}
        for one in sorted(set(group)):
            rows = group == one
            rates["selection"].append(predicted[rows].mean())
            (tn, fp), (fn, tp) = metrics.confusion_matrix(truth[rows], predicted[rows], labels=[0, 1])
            rates["true_positive"].append(tp / (tp + fn) if tp + fn else None)
            rates["false_positive"].append(fp / (fp + tn) if fp + tn else None)
        cases.append({
            "name": name, "truth": floats(truth), "predicted": floats(predicted), "groups": [str(one) for one in group],
            "demographic_parity_difference": float(group_difference(rates["selection"])),
            "equalized_odds_difference": float(max(map(group_difference, (rates["true_positive"], rates["false_positive"])))),
        })
    write("fairness.json", cases)


if __name__ == "__main__":
    warnings.simplefilter("error")
    scores(np.random.default_rng(1))
    drift(np.random.default_rng(2))
    fairness(np.random.default_rng(3))
