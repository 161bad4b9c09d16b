"""Writes intervals.json beside this folder: intervals and paired tests by SciPy, thresholds by trying them all.

Run from anywhere: `python intervals.py`, with the packages of `tests/requirements.txt`. DeLong's variances are in
neither library: they are computed here from their definition, pair by pair.
"""

import json
import warnings

import numpy as np
from scipy import stats
from sklearn import metrics

from metrics import floats, write


def shares():
    cases = []
    for hits, rows, level in [(0, 10, 0.95), (10, 10, 0.95), (7, 9, 0.9), (431, 1000, 0.99), (1, 100_000, 0.95)]:
        found = stats.binomtest(hits, rows).proportion_ci(level, method="wilson")
        cases.append({"kind": "wilson", "hits": hits, "rows": rows, "level": level,
                      "low": float(found.low), "high": float(found.high)})
    for left, right in [(0, 0), (1, 5), (12, 12), (40, 65), (1_480, 1_620), (40_000, 40_900), (0, 30)]:
        p_value = float(stats.binomtest(left, left + right).pvalue) if left + right else 1.0
        cases.append({"kind": "mcnemar", "left": left, "right": right, "p_value": p_value})
    return cases


def placements(truth, score):
    positive, negative = score[truth == 1], score[truth == 0]
    kernel = (positive[:, None] > negative[None, :]) + 0.5 * (positive[:, None] == negative[None, :])
    return kernel.mean(axis=1), kernel.mean(axis=0)


def areas(rng, n_rows, digits):
    truth = (rng.random(n_rows) < 0.4).astype(int)
    truth[:4] = [0, 1, 0, 1]
    left = np.clip(truth * 0.2 + rng.random(n_rows) * 0.8, 0, 1).round(digits)
    right = np.clip(truth * 0.3 + left * 0.4 + rng.random(n_rows) * 0.3, 0, 1).round(digits)
    (of_left, on_left), (of_right, on_right) = placements(truth, left), placements(truth, right)
    variance = np.cov(of_left, of_right) / len(of_left) + np.cov(on_left, on_right) / len(on_left)
    z = stats.norm.ppf(0.975)
    area = [metrics.roc_auc_score(truth, score) for score in (left, right)]
    half = z * np.sqrt(variance[0, 0])
    difference = area[1] - area[0]
    error = np.sqrt(variance[0, 0] + variance[1, 1] - 2 * variance[0, 1])
    return {"kind": "delong", "truth": floats(truth), "champion": floats(left), "candidate": floats(right),
            "area": float(area[0]), "low": float(max(0, area[0] - half)), "high": float(min(1, area[0] + half)),
            "difference": float(difference), "difference_low": float(difference - z * error),
            "difference_high": float(difference + z * error),
            "p_value": float(2 * stats.norm.sf(abs(difference / error)))}


def resampled(rng, seed):
    """SciPy's bootstrap; the rows that it draws are kept, so that the same ones can be drawn again."""
    n_rows, n_resamples, level = 18, 80, 0.9
    truth = np.arange(n_rows) % 2
    score = np.clip(truth * 0.3 + rng.random(n_rows) * 0.7, 0, 1).round(2)
    case = {"kind": "bootstrap", "truth": floats(truth), "score": floats(score), "level": level,
            "rows": np.random.default_rng(seed).integers(0, n_rows, (n_resamples, n_rows)).tolist()}
    for ours, theirs in [("percentile", "percentile"), ("bca", "BCa")]:
        found = stats.bootstrap((truth, score), metrics.roc_auc_score, paired=True, vectorized=False, method=theirs,
                                n_resamples=n_resamples, confidence_level=level, rng=np.random.default_rng(seed))
        case[ours] = [float(found.confidence_interval.low), float(found.confidence_interval.high)]
    areas = [metrics.roc_auc_score(truth[rows], score[rows]) for rows in case["rows"]]
    assert np.allclose(np.percentile(areas, [5, 95]), case["percentile"])
    return case


def thresholds(rng, is_weighted):
    n_rows = 70
    truth = (rng.random(n_rows) < 0.35).astype(int)
    score = np.clip(truth * 0.35 + rng.random(n_rows) * 0.65, 0, 1).round(2)
    weights = rng.uniform(0.2, 3, n_rows).round(2) if is_weighted else None
    kw = {"sample_weight": weights}
    tried = []
    for threshold in [None, *np.unique(score)[::-1]]:
        predicted = (score >= threshold).astype(int) if threshold is not None else np.zeros(n_rows, int)
        tn, fp, fn, tp = metrics.confusion_matrix(truth, predicted, **kw).ravel()
        n = tn + fp + fn + tp
        tried.append({
            "threshold": threshold, "cost": (-5 * tp + 2 * fp + 10 * fn) / n,
            "f1": metrics.f1_score(truth, predicted, **kw), "f2": metrics.fbeta_score(truth, predicted, beta=2, **kw),
            "accuracy": metrics.accuracy_score(truth, predicted, **kw),
            "balanced_accuracy": metrics.balanced_accuracy_score(truth, predicted, **kw),
            "precision": tp / (tp + fp) if tp + fp else -1, "recall": tp / (tp + fn) if tp + fp else -1,
            "false_positive_rate": fp / (fp + tn), "selection_rate": (tp + fp) / n,
        })
    goals = {
        "cost": (lambda one: -one["cost"], lambda one: True, "cost"),
        "f1": (lambda one: one["f1"], lambda one: True, "f1"),
        "f2": (lambda one: one["f2"], lambda one: True, "f2"),
        "accuracy": (lambda one: one["accuracy"], lambda one: True, "accuracy"),
        "balanced_accuracy": (lambda one: one["balanced_accuracy"], lambda one: True, "balanced_accuracy"),
        "recall_at_precision": (lambda one: one["recall"], lambda one: one["precision"] >= 0.7, "recall"),
        "precision_at_recall": (lambda one: one["precision"], lambda one: one["recall"] >= 0.8, "precision"),
        "recall_at_false_positive_rate": (
            lambda one: one["recall"], lambda one: one["false_positive_rate"] <= 0.2, "recall"),
        "recall_at_selection_rate": (lambda one: one["recall"], lambda one: one["selection_rate"] <= 0.25, "recall"),
    }
    expected = {}
    for goal, (worth, keeps, value) in goals.items():
        best = max((one for one in tried if keeps(one)), key=worth)
        expected[goal] = {"threshold": float(best["threshold"]), "value": float(best[value])}
    return {"kind": "threshold", "truth": floats(truth), "score": floats(score),
            "weights": None if weights is None else floats(weights), "expected": expected}


if __name__ == "__main__":
    warnings.simplefilter("error")
    warnings.filterwarnings("ignore", message="Precision is ill-defined")
    rng = np.random.default_rng(21)
    write("intervals.json", [
        *shares(), areas(rng, 60, 4), areas(rng, 50, 1), resampled(rng, 5), resampled(rng, 6),
        thresholds(rng, False), thresholds(rng, True),
    ])
