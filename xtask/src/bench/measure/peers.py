"""The peers of `cargo xtask bench measure`: Fairlearn's MetricFrame and scikit-learn's metrics on the same rows."""

import json
import sys
import time
import warnings

import fairlearn
import fairlearn.metrics as fair
import numpy as np
import pandas as pd
import sklearn
from sklearn import metrics

warnings.filterwarnings("ignore")

RATES = {
    "count": fair.count,
    "selection_rate": fair.selection_rate,
    "true_positive_rate": fair.true_positive_rate,
    "false_positive_rate": fair.false_positive_rate,
    "true_negative_rate": fair.true_negative_rate,
    "false_negative_rate": fair.false_negative_rate,
    "accuracy": metrics.accuracy_score,
    "precision": metrics.precision_score,
    "f1": metrics.f1_score,
}


def mixed(rows, salt):
    return (rows * 2_654_435_761 + salt * 40_503) % 4_294_967_291 % 1_000_003


def timed(work):
    """Seconds of the processor, which others on the machine do not lengthen, and what was computed."""
    start = time.process_time()
    found = work()
    return time.process_time() - start, float(found)


def main():
    n_rows = int(sys.argv[1])
    rows = np.arange(n_rows, dtype=np.uint64)
    truth = (mixed(rows, 1) < 400_000).astype(int)
    probabilities = np.clip(mixed(rows, 2) / 1_000_003.0 * 0.7 + 0.3 * truth, 0.001, 0.999)
    predicted = (probabilities > 0.5).astype(int)
    groups = pd.DataFrame(
        {name: np.char.add("group ", (mixed(rows, salt) % n).astype(str)) for name, salt, n in [("a", 3, 2), ("b", 4, 5), ("c", 5, 9)]}
    )

    def compare(columns):
        frame = fair.MetricFrame(metrics=RATES, y_true=truth, y_pred=predicted, sensitive_features=columns)
        return frame.difference().sum() + frame.ratio(method="to_overall").sum()

    def scores():
        labels = [
            metrics.accuracy_score,
            metrics.precision_score,
            metrics.recall_score,
            metrics.f1_score,
            metrics.matthews_corrcoef,
            metrics.balanced_accuracy_score,
        ]
        ranked = [metrics.roc_auc_score, metrics.log_loss, metrics.average_precision_score, metrics.brier_score_loss]
        return sum(it(truth, predicted) for it in labels) + sum(it(truth, probabilities) for it in ranked)

    found = [
        timed(lambda: sum(compare(groups[name]) for name in "abc")),
        timed(lambda: compare(groups)),
        timed(scores),
    ]
    told = {
        "fairlearn": fairlearn.__version__,
        "sklearn": sklearn.__version__,
        "seconds": [seconds for seconds, _ in found],
        "checks": [check for _, check in found],
    }
    print(json.dumps(told))


main()
