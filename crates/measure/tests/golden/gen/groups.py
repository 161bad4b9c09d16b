"""Writes groups.json beside this folder: Fairlearn's group numbers, AIF360's, and weights and thresholds by group.

Run from anywhere: `python groups.py` in an environment with fairlearn==0.15.0 and aif360==0.6.1, which are not among
the packages of `tests/requirements.txt`. Thresholds by group are found by trying all of them.
"""

import itertools
import json
import warnings

import numpy as np
import pandas as pd

warnings.filterwarnings("ignore")

import aif360.sklearn.metrics as aif
import fairlearn
import fairlearn.metrics as fair
from aif360.datasets import BinaryLabelDataset
from aif360.algorithms.preprocessing import Reweighing
from sklearn import metrics

from metrics import OUT, floats

RATES = {
    "count": fair.count,
    "selection_rate": fair.selection_rate,
    "true_positive_rate": fair.true_positive_rate,
    "false_positive_rate": fair.false_positive_rate,
    "true_negative_rate": fair.true_negative_rate,
    "false_negative_rate": fair.false_negative_rate,
    "accuracy": metrics.accuracy_score,
    "balanced_accuracy": metrics.balanced_accuracy_score,
    "precision": metrics.precision_score,
    "f1": metrics.f1_score,
    "base_rate": lambda truth, predicted, sample_weight=None: np.average(truth, weights=sample_weight),
}


def frame(truth, predicted, groups, weights):
    named = {name: metric for name, metric in RATES.items() if weights is None or name != "count"}
    params = None if weights is None else {name: {"sample_weight": weights} for name in named}
    made = fair.MetricFrame(metrics=named, y_true=truth, y_pred=predicted, sensitive_features=groups,
                            sample_params=params)
    numbers = lambda series: {key: float(value) for key, value in series.items()}
    found = {
        "overall": numbers(made.overall), "min": numbers(made.group_min()), "max": numbers(made.group_max()),
        "by_group": {", ".join(key) if isinstance(key, tuple) else key: {k: float(v) for k, v in row.items()}
                     for key, row in made.by_group.to_dict("index").items()},
        "names": {},
    }
    for method in ["between_groups", "to_overall"]:
        found[f"difference_{method}"] = numbers(made.difference(method=method))
        found[f"ratio_{method}"] = numbers(made.ratio(method=method))
        how = {"sensitive_features": groups, "method": method, "sample_weight": weights}
        for name in ["demographic_parity", "equalized_odds", "equal_opportunity"]:
            for kind in ["difference", "ratio"]:
                function = getattr(fair, f"{name}_{kind}")
                found["names"][f"{name}_{kind} {method}"] = float(function(truth, predicted, **how))
        found["names"][f"mean_odds_difference {method}"] = float(
            fair.equalized_odds_difference(truth, predicted, agg="mean", **how))
    return found


def privilege(truth, predicted, group, weights):
    """AIF360 reads groups from the index."""
    index = pd.Index(group, name="group")
    truth, predicted = pd.Series(truth, index=index), pd.Series(predicted, index=index)
    how = {"prot_attr": "group", "priv_group": "a", "sample_weight": weights}
    return {
        "statistical_parity_difference": aif.statistical_parity_difference(truth, predicted, **how),
        "disparate_impact": aif.disparate_impact_ratio(truth, predicted, **how),
        "equal_opportunity_difference": aif.equal_opportunity_difference(truth, predicted, **how),
        "average_odds_difference": aif.average_odds_difference(truth, predicted, **how),
        "average_abs_odds_difference": aif.average_odds_error(truth, predicted, **how),
    } | ({"theil_index": aif.theil_index(1 + predicted - truth)} if weights is None else {})


def reweighed(truth, group, weights):
    rows = pd.DataFrame({"group": (group == "a").astype(float), "truth": truth.astype(float)})
    rows["weight"] = 1.0 if weights is None else weights
    data = BinaryLabelDataset(df=rows, label_names=["truth"], protected_attribute_names=["group"],
                              instance_weights_name="weight")
    made = Reweighing(unprivileged_groups=[{"group": 0}], privileged_groups=[{"group": 1}]).fit_transform(data)
    return floats(made.instance_weights)


def thresholds(truth, score, group, tolerance):
    """The best accuracy over all pairs of thresholds of two groups, for each kind of parity."""
    tried = []
    for name in ["a", "b"]:
        rows = group == name
        options = []
        for threshold in [np.inf, *np.unique(score[rows])]:
            selected = score[rows] >= threshold
            positive = truth[rows] == 1
            options.append((selected.mean(), selected[positive].mean(), selected[~positive].mean(),
                            (selected == positive).sum()))
        tried.append(options)
    kinds = {"demographic": [0], "true_positive_rate": [1], "false_positive_rate": [2], "equalized_odds": [1, 2]}
    best = dict.fromkeys(kinds, 0.0)
    for left, right in itertools.product(*tried):
        for kind, rates in kinds.items():
            if all(abs(left[rate] - right[rate]) <= tolerance + 1e-12 for rate in rates):
                best[kind] = max(best[kind], float((left[3] + right[3]) / len(truth)))
    return {"tolerance": tolerance, "accuracy": best}


def case(rng, n_rows, is_weighted):
    group = rng.choice(["a", "b"], n_rows, p=[0.6, 0.4])
    region = rng.choice(["north", "south", "west"], n_rows)
    truth = (rng.random(n_rows) < np.where(group == "a", 0.5, 0.35)).astype(int)
    score = np.clip(truth * 0.3 + (group == "a") * 0.1 + rng.random(n_rows) * 0.6, 0, 1).round(2)
    predicted = (score >= 0.5).astype(int)
    weights = rng.uniform(0.2, 3, n_rows).round(2) if is_weighted else None
    both = pd.DataFrame({"group": group, "region": region})
    found = {
        "truth": floats(truth), "predicted": floats(predicted), "score": floats(score), "group": group.tolist(),
        "region": region.tolist(), "weights": None if weights is None else floats(weights),
        "by group": frame(truth, predicted, group, weights),
        "by region": frame(truth, predicted, region, weights),
        "by both": frame(truth, predicted, both, weights),
        "privilege": {key: float(value) for key, value in privilege(truth, predicted, group, weights).items()},
        "reweighing": reweighed(truth, group, weights),
    }
    if weights is None:
        made = fair.MetricFrame(metrics=metrics.roc_auc_score, y_true=truth, y_pred=score, sensitive_features=group)
        found["roc_auc"] = {key: float(value) for key, value in made.by_group.items()}
        found["thresholds"] = [thresholds(truth, score, group, tolerance) for tolerance in [0.0, 0.05, 0.2]]
    return found


if __name__ == "__main__":
    rng = np.random.default_rng(31)
    versions = {"fairlearn": fairlearn.__version__, "aif360": "0.6.1"}
    cases = ",\n".join(json.dumps(case(rng, 120, is_weighted)) for is_weighted in [False, True])
    head = json.dumps({"tolerance": 1e-9, "versions": versions})[:-1]
    (OUT / "groups.json").write_text(f'{head}, "cases": [\n{cases}\n]}}\n')
