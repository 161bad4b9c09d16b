"""Writes metrics.json, curves.json and lists.json beside this folder: scikit-learn's numbers for every metric.

Run from anywhere: `python metrics.py`, with the packages of `tests/requirements.txt`. What scikit-learn does not have
is computed here from its definition with numpy, and said so.
"""

import json
import pathlib
import warnings

import numpy as np
import scipy
import sklearn
from scipy import stats
from sklearn import calibration, metrics

OUT = pathlib.Path(__file__).parent.parent


def write(name, cases):
    versions = {"numpy": np.__version__, "scipy": scipy.__version__, "scikit-learn": sklearn.__version__}
    head = json.dumps({"tolerance": 1e-9, "versions": versions})[:-1]
    body = ",\n".join(json.dumps(case) for case in cases)
    (OUT / name).write_text(f'{head}, "cases": [\n{body}\n]}}\n')


def floats(values):
    return [float(value) for value in np.ravel(values)]


def rates(truth, predicted, average, weights, labels):
    """The rates of one way to average, by our names without the ending."""
    kw = {"average": average, "sample_weight": weights, "labels": labels, "zero_division": 0}
    found = {
        "precision": metrics.precision_score(truth, predicted, **kw),
        "recall": metrics.recall_score(truth, predicted, **kw),
        "f1": metrics.f1_score(truth, predicted, **kw),
        "f2": metrics.fbeta_score(truth, predicted, beta=2, **kw),
        "f0_5": metrics.fbeta_score(truth, predicted, beta=0.5, **kw),
        "jaccard": metrics.jaccard_score(truth, predicted, **kw),
    }
    matrices = metrics.multilabel_confusion_matrix(truth, predicted, labels=labels, sample_weight=weights)
    tn, fp = matrices[:, 0, 0], matrices[:, 0, 1]
    support = matrices[:, 1, :].sum(axis=1)
    each = tn / np.where(tn + fp > 0, tn + fp, 1)
    found["specificity"] = {
        "macro": each.mean(),
        "micro": tn.sum() / (tn + fp).sum(),
        "weighted": (each * support).sum() / support.sum(),
        "binary": each[-1],
    }[average]
    return found


def of_classes(truth, predicted, weights, occurring):
    found = {
        "accuracy": metrics.accuracy_score(truth, predicted, sample_weight=weights),
        "balanced_accuracy": metrics.balanced_accuracy_score(truth, predicted, sample_weight=weights),
        "zero_one_loss": metrics.zero_one_loss(truth, predicted, sample_weight=weights),
        "hamming_loss": metrics.hamming_loss(truth, predicted, sample_weight=weights),
        "mcc": metrics.matthews_corrcoef(truth, predicted, sample_weight=weights),
    }
    for name, kind in [("", None), ("_linear", "linear"), ("_quadratic", "quadratic")]:
        labels = range(int(max(occurring)) + 1)
        found[f"cohen_kappa{name}"] = metrics.cohen_kappa_score(
            truth, predicted, weights=kind, labels=list(labels), sample_weight=weights)
    for average in ["macro", "micro", "weighted"]:
        for name, value in rates(truth, predicted, average, weights, occurring).items():
            found[f"{name}_{average}"] = value
    return found


def calibration_errors(is_positive, probability, weights):
    """Ten bins of the same width, as scikit-learn's `calibration_curve` puts rows into them."""
    weights = np.ones(len(probability)) if weights is None else weights
    bins = np.searchsorted(np.linspace(0, 1, 11)[1:-1], probability)
    gaps, shares = [], []
    for one in np.unique(bins):
        rows = bins == one
        confidence = np.average(probability[rows], weights=weights[rows])
        gaps.append(abs(confidence - np.average(is_positive[rows], weights=weights[rows])))
        shares.append(weights[rows].sum())
    return {"expected_calibration_error": np.average(gaps, weights=shares), "max_calibration_error": max(gaps)}


def binary(name, rng, n_rows, share, digits, is_weighted):
    truth = (rng.random(n_rows) < share).astype(int)
    truth[:2] = [0, 1]
    score = np.clip(0.5 + (truth - 0.5) * 0.4 + rng.normal(0, 0.3, n_rows), 0, 1).round(digits)
    predicted = (score >= 0.5).astype(int)
    weights = rng.uniform(0.2, 3, n_rows).round(2) if is_weighted else None
    kw = {"sample_weight": weights}
    tn, fp, fn, tp = metrics.confusion_matrix(truth, predicted, **kw).ravel()
    ratios = metrics.class_likelihood_ratios(truth, predicted, **kw)
    precision, recall, _ = metrics.precision_recall_curve(truth, score, **kw)
    fpr, tpr, _ = metrics.roc_curve(truth, score, drop_intermediate=False, **kw)
    expected = of_classes(truth, predicted, weights, [0, 1]) | rates(truth, predicted, "binary", weights, None) | {
        "false_positive_rate": fp / (fp + tn),
        "false_negative_rate": fn / (fn + tp),
        "negative_predictive_value": tn / (tn + fn),
        "positive_likelihood_ratio": ratios[0],
        "negative_likelihood_ratio": ratios[1],
        "roc_auc": metrics.roc_auc_score(truth, score, **kw),
        "gini": 2 * metrics.roc_auc_score(truth, score, **kw) - 1,
        "ks": np.abs(tpr - fpr).max(),
        "average_precision": metrics.average_precision_score(truth, score, **kw),
        "pr_auc": metrics.auc(recall, precision),
        "log_loss": metrics.log_loss(truth, score, **kw),
        "brier": metrics.brier_score_loss(truth, score, **kw),
        "d2_log_loss": metrics.d2_log_loss_score(truth, score, **kw),
        "d2_brier": metrics.d2_brier_score(truth, score, **kw),
    } | calibration_errors(truth, score, weights)
    if not is_weighted:
        ks = stats.ks_2samp(score[truth == 1], score[truth == 0]).statistic
        assert abs(ks - expected["ks"]) < 1e-12
    return case(name, "binary", truth, predicted, score, 2, weights, expected), (truth, score, weights)


def multiclass(name, rng, n_rows, n_classes, unseen, is_weighted):
    truth = rng.integers(0, n_classes, n_rows)
    truth[:n_classes] = range(n_classes)
    chances = rng.random((n_rows, n_classes))
    chances[np.arange(n_rows), truth] += 0.4
    probabilities = chances.round(2) / chances.round(2).sum(axis=1, keepdims=True)
    predicted = probabilities.argmax(axis=1)
    # A class that is never predicted.
    predicted[predicted == unseen] = 0
    weights = rng.uniform(0.2, 3, n_rows).round(2) if is_weighted else None
    kw = {"sample_weight": weights}
    auc = lambda **how: metrics.roc_auc_score(truth, probabilities, **how)
    precision = lambda average: metrics.average_precision_score(truth, probabilities, average=average, **kw)
    expected = of_classes(truth, predicted, weights, list(range(n_classes)))
    expected |= {key.removesuffix("_macro"): value for key, value in expected.items() if key.endswith("_macro")}
    areas = []
    for one in range(n_classes):
        curve = metrics.precision_recall_curve(truth == one, probabilities[:, one], **kw)
        areas.append(metrics.auc(curve[1], curve[0]))
    expected |= {
        "roc_auc": auc(multi_class="ovr", **kw),
        "roc_auc_ovr": auc(multi_class="ovr", **kw),
        "roc_auc_ovr_weighted": auc(multi_class="ovr", average="weighted", **kw),
        "roc_auc_ovr_micro": auc(multi_class="ovr", average="micro", **kw),
        "average_precision": precision("macro"),
        "average_precision_weighted": precision("weighted"),
        "average_precision_micro": precision("micro"),
        "pr_auc": np.mean(areas),
        "log_loss": metrics.log_loss(truth, probabilities, **kw),
        "brier": metrics.brier_score_loss(truth, probabilities, **kw),
        "d2_log_loss": metrics.d2_log_loss_score(truth, probabilities, **kw),
        "d2_brier": metrics.d2_brier_score(truth, probabilities, **kw),
    }
    if not is_weighted:
        expected["roc_auc_ovo"] = auc(multi_class="ovo")
        expected["roc_auc_ovo_weighted"] = auc(multi_class="ovo", average="weighted")
    for k in [2, 3, 5]:
        if k < n_classes:
            expected[f"top_{k}_accuracy"] = metrics.top_k_accuracy_score(truth, probabilities, k=k, **kw)
    best = probabilities.argmax(axis=1)
    expected |= calibration_errors((best == truth).astype(int), probabilities.max(axis=1), weights)
    return case(name, "multiclass", truth, predicted, probabilities, n_classes, weights, expected)


def regression(name, rng, n_rows, is_weighted, is_positive):
    truth = (rng.gamma(2, 3, n_rows) if is_positive else rng.normal(1, 4, n_rows)).round(2)
    if is_positive:
        truth[:2] = [0.5, 0.5]
        predicted = (truth * rng.uniform(0.5, 1.6, n_rows)).round(3) + 0.1
    else:
        predicted = (truth + rng.normal(0.4, 2, n_rows)).round(3)
    weights = rng.integers(0, 4, n_rows).astype(float) if is_weighted else None
    kw = {"sample_weight": weights}
    mean = lambda values: np.average(values, weights=weights)
    expected = {
        "mse": metrics.mean_squared_error(truth, predicted, **kw),
        "rmse": metrics.root_mean_squared_error(truth, predicted, **kw),
        "mae": metrics.mean_absolute_error(truth, predicted, **kw),
        "median_ae": metrics.median_absolute_error(truth, predicted, **kw),
        "mape": metrics.mean_absolute_percentage_error(truth, predicted, **kw),
        # Not in scikit-learn.
        "smape": mean(2 * np.abs(truth - predicted) / (np.abs(truth) + np.abs(predicted))),
        "wape": mean(np.abs(truth - predicted)) / mean(np.abs(truth)),
        "r2": metrics.r2_score(truth, predicted, **kw),
        "explained_variance": metrics.explained_variance_score(truth, predicted, **kw),
        "d2_absolute_error": metrics.d2_absolute_error_score(truth, predicted, **kw),
    }
    for percent in [1, 5, 10, 25, 50, 75, 90, 95, 99]:
        loss = metrics.mean_pinball_loss(truth, predicted, alpha=percent / 100, **kw)
        expected[f"quantile_loss_{percent}"] = loss
    for percent in [10, 90]:
        score = metrics.d2_pinball_score(truth, predicted, alpha=percent / 100, **kw)
        expected[f"d2_quantile_loss_{percent}"] = score
    if not is_weighted:
        expected["max_error"] = metrics.max_error(truth, predicted)
    if is_positive:
        for ours, power in [("poisson_deviance", 1), ("gamma_deviance", 2), ("tweedie_deviance_1_5", 1.5)]:
            expected[ours] = metrics.mean_tweedie_deviance(truth, predicted, power=power, **kw)
            expected[f"d2_{ours}"] = metrics.d2_tweedie_score(truth, predicted, power=power, **kw)
        expected["msle"] = metrics.mean_squared_log_error(truth, predicted, **kw)
        expected["rmsle"] = metrics.root_mean_squared_log_error(truth, predicted, **kw)
    return case(name, "regression", truth, predicted, None, 0, weights, expected)


def case(name, task, truth, predicted, probabilities, n_classes, weights, expected):
    return {
        "name": name, "task": task, "truth": floats(truth), "predicted": floats(predicted),
        "probabilities": None if probabilities is None else floats(probabilities), "n_classes": n_classes,
        "weights": None if weights is None else floats(weights),
        "expected": {key: float(value) for key, value in expected.items()},
    }


def curves(name, truth, score, weights):
    kw = {"sample_weight": weights}
    fpr, tpr, _ = metrics.roc_curve(truth, score, **kw)
    precision, recall, thresholds = metrics.precision_recall_curve(truth, score, **kw)
    tns, fps, fns, tps, levels = metrics.confusion_matrix_at_thresholds(truth, score, **kw)
    n_positive, n_rows = tps[-1], tps[-1] + fps[-1]
    found = {
        "name": name, "truth": floats(truth), "score": floats(score),
        "weights": None if weights is None else floats(weights),
        "fpr": floats(fpr), "tpr": floats(tpr),
        "precision": floats(precision), "recall": floats(recall), "thresholds": floats(thresholds),
        # Not in scikit-learn: from its counts at each threshold.
        "row_share": floats((tps + fps) / n_rows), "gain": floats(tps / n_positive),
        "lift": floats((tps / n_positive) / ((tps + fps) / n_rows)),
        "confusion": metrics.confusion_matrix(truth, score >= 0.5, **kw).astype(float).tolist(),
    }
    if weights is None:
        for strategy in ["uniform", "quantile"]:
            true, predicted = calibration.calibration_curve(truth, score, n_bins=6, strategy=strategy)
            found[strategy] = {"positive_share": floats(true), "mean_probability": floats(predicted)}
    return found


def labels(rng, is_weighted):
    n_rows, n_labels = 25, 4
    truth = (rng.random((n_rows, n_labels)) < [0.5, 0.3, 0.6, 0.2]).astype(int)
    truth[0], truth[1] = 0, 1
    scores = np.clip(truth * 0.3 + rng.random((n_rows, n_labels)) * 0.7, 0, 1).round(1)
    predicted = (scores > 0.5).astype(int)
    weights = rng.uniform(0.2, 3, n_rows).round(2) if is_weighted else None
    kw = {"sample_weight": weights}
    expected = {
        "subset_accuracy": metrics.accuracy_score(truth, predicted, **kw),
        "hamming_loss": metrics.hamming_loss(truth, predicted, **kw),
    }
    for average in ["macro", "micro", "weighted", "samples"]:
        how = kw | {"average": average, "zero_division": 0}
        expected[f"precision_{average}"] = metrics.precision_score(truth, predicted, **how)
        expected[f"recall_{average}"] = metrics.recall_score(truth, predicted, **how)
        expected[f"f1_{average}"] = metrics.f1_score(truth, predicted, **how)
        expected[f"jaccard_{average}"] = metrics.jaccard_score(truth, predicted, **how)
        if average != "samples":
            expected[f"roc_auc_{average}"] = metrics.roc_auc_score(truth, scores, average=average, **kw)
            expected[f"average_precision_{average}"] = metrics.average_precision_score(
                truth, scores, average=average, **kw)
    return {"kind": "labels", "truth": truth.tolist(), "predicted": predicted.tolist(), "scores": scores.tolist(),
            "weights": None if weights is None else floats(weights),
            "expected": {key: float(value) for key, value in expected.items()}}


def rankings(rng, is_weighted):
    n_queries, n_items = 20, 8
    relevance = rng.integers(0, 4, (n_queries, n_items)) * (rng.random((n_queries, n_items)) < 0.5)
    relevance[0] = 0
    scores = (relevance * 0.2 + rng.random((n_queries, n_items))).round(1)
    weights = rng.uniform(0.2, 3, n_queries).round(2) if is_weighted else None
    kw = {"sample_weight": weights}
    is_relevant = (relevance > 0).astype(int)
    precisions, firsts = [], []
    for truth, score in zip(is_relevant, scores):
        precisions.append(metrics.average_precision_score(truth, score) if truth.any() else 0.0)
        ranks = stats.rankdata(-score, "max")
        firsts.append(1 / ranks[truth == 1].min() if truth.any() else 0.0)
    expected = {
        "dcg": metrics.dcg_score(relevance, scores, **kw),
        "dcg_3": metrics.dcg_score(relevance, scores, k=3, **kw),
        "ndcg": metrics.ndcg_score(relevance, scores, **kw),
        "ndcg_3": metrics.ndcg_score(relevance, scores, k=3, **kw),
        # Not in scikit-learn as such: means over the queries.
        "map": np.average(precisions, weights=weights),
        "mrr": np.average(firsts, weights=weights),
        "lrap": metrics.label_ranking_average_precision_score(is_relevant, scores, **kw),
        "ranking_loss": metrics.label_ranking_loss(is_relevant, scores, **kw),
        "coverage_error": metrics.coverage_error(is_relevant, scores, **kw),
    }
    return {"kind": "ranking", "relevance": floats(relevance), "scores": floats(scores),
            "sizes": [n_items] * n_queries, "weights": None if weights is None else floats(weights),
            "expected": {key: float(value) for key, value in expected.items()}}


if __name__ == "__main__":
    warnings.filterwarnings("error")
    warnings.filterwarnings("ignore", message="No positive class found")
    rng = np.random.default_rng(11)
    plain, of_plain = binary("binary", rng, 60, 0.4, 4, False)
    weighted, of_weighted = binary("binary, ties and weights", rng, 60, 0.3, 1, True)
    write("metrics.json", [
        plain, weighted,
        multiclass("three classes", rng, 40, 3, 9, False),
        multiclass("six classes, one never predicted, weights", rng, 60, 6, 4, True),
        multiclass("six classes", rng, 60, 6, 9, False),
        regression("numbers", rng, 41, False, False),
        regression("numbers, weights with zeros", rng, 40, True, False),
        regression("positive numbers", rng, 40, False, True),
        regression("positive numbers, weights with zeros", rng, 41, True, True),
    ])
    write("curves.json", [curves("plain", *of_plain), curves("ties and weights", *of_weighted)])
    write("lists.json", [labels(rng, False), labels(rng, True), rankings(rng, False), rankings(rng, True)])
