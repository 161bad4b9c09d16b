"""Writes shap.json beside this folder: SHAP values of trees and of a linear model, as the package `shap` computes them.

Run from anywhere: `python shap.py` in an environment with shap==0.51.0 and scikit-learn==1.9.1, which are not among the
packages of `tests/requirements.txt`. Features are whole numbers; where a row meets a threshold, it goes left here.
"""

import json
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
# This file is named like the package.
sys.path = [entry for entry in sys.path if Path(entry or ".").resolve() != HERE]

import numpy as np
import shap
import sklearn
from sklearn.ensemble import GradientBoostingRegressor, RandomForestClassifier
from sklearn.linear_model import LinearRegression
from sklearn.tree import DecisionTreeRegressor

N_EXPLAINED = 12


def nodes(tree, scale, values):
    """The nodes of a tree in their order: a child comes after its parent."""
    told = []
    for at in range(tree.node_count):
        if tree.children_left[at] < 0:
            told.append({"values": [float(scale * value) for value in values(tree.value[at])]})
        else:
            told.append(
                {
                    "feature": int(tree.feature[at]),
                    "threshold": float(tree.threshold[at]),
                    "left": int(tree.children_left[at]),
                    "right": int(tree.children_right[at]),
                }
            )
    return told


def case(name, trees, n_targets, rows, explainer, base):
    explained = rows[:N_EXPLAINED]
    values = np.asarray(explainer.shap_values(explained))
    if values.ndim == 2:
        values = values[:, :, None]
    expected = np.atleast_1d(np.asarray(explainer.expected_value, dtype=float))
    return {
        "name": name,
        "trees": trees,
        "n_targets": n_targets,
        "base": base,
        "rows": rows.tolist(),
        "expected_value": expected.tolist(),
        "shap": values.reshape(len(explained), -1).tolist(),
    }


def main():
    random = np.random.default_rng(5)
    rows = random.integers(0, 12, size=(160, 5)).astype(float)
    number = 3 * rows[:, 0] - rows[:, 1] * (rows[:, 2] > 5) + random.normal(size=160)
    classes = (rows[:, 0] + rows[:, 3] > 11).astype(int) + (rows[:, 1] > 9)
    first = lambda value: [value[0][0]]
    cases = []

    tree = DecisionTreeRegressor(max_depth=5, random_state=0).fit(rows, number)
    explainer = shap.TreeExplainer(tree, feature_perturbation="tree_path_dependent")
    cases.append(case("tree", [nodes(tree.tree_, 1.0, first)], 1, rows, explainer, [0.0]))

    boosting = GradientBoostingRegressor(n_estimators=12, max_depth=4, random_state=0).fit(rows, number)
    explainer = shap.TreeExplainer(boosting, feature_perturbation="tree_path_dependent")
    trees = [nodes(it.tree_, boosting.learning_rate, first) for it in boosting.estimators_[:, 0]]
    base = [float(boosting.init_.constant_[0][0])]
    cases.append(case("boosting", trees, 1, rows, explainer, base))

    # Without a bootstrap all trees see all rows, as our background does.
    forest = RandomForestClassifier(n_estimators=6, max_depth=5, bootstrap=False, max_features=2, random_state=0)
    forest.fit(rows, classes)
    explainer = shap.TreeExplainer(forest, feature_perturbation="tree_path_dependent")
    trees = [nodes(it.tree_, 1 / 6, lambda value: value[0] / value[0].sum()) for it in forest.estimators_]
    cases.append(case("forest", trees, 3, rows, explainer, [0.0, 0.0, 0.0]))

    linear = LinearRegression().fit(rows, number)
    # Of a bare array `shap` takes 100 rows as background.
    explainer = shap.LinearExplainer(linear, shap.maskers.Independent(rows, max_samples=len(rows)))
    told = {
        "weights": linear.coef_.tolist(),
        "intercept": float(linear.intercept_),
        "rows": rows.tolist(),
        "shap": np.asarray(explainer.shap_values(rows[:N_EXPLAINED])).tolist(),
    }
    versions = {"shap": shap.__version__, "scikit-learn": sklearn.__version__}
    text = json.dumps({"versions": versions, "trees": cases, "linear": told}, indent=1)
    (HERE.parent / "shap.json").write_text(text + "\n")


main()
