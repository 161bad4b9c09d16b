"""Writes slices.json beside this folder: Welch's tests of all slices by SciPy, corrected by its Benjamini-Hochberg.

Run from anywhere: `python slices.py`, with the packages of `tests/requirements.txt`.
"""

import itertools

import numpy as np
import pandas as pd
from scipy import stats

from metrics import floats, write


def bins(numbers, n_bins):
    edges = np.unique(np.nanpercentile(numbers, np.linspace(0, 100, n_bins + 1)[1:-1]))
    return np.where(np.isnan(numbers), n_bins, np.searchsorted(edges, numbers, side="right"))


def search(rng, n_rows, min_rows):
    region = rng.choice(["north", "south", "west", "east"], n_rows, p=[0.4, 0.3, 0.2, 0.1])
    age = rng.uniform(18, 80, n_rows).round(0)
    age[rng.random(n_rows) < 0.15] = np.nan
    channel = rng.choice(["web", "shop"], n_rows)
    loss = rng.exponential(1, n_rows)
    loss += 1.2 * ((region == "south") & (channel == "web")) + 0.8 * (age > 65)
    loss = loss.round(3)
    columns = {"region": region, "age": bins(age, 5), "channel": channel}
    tried = []
    for names in [*itertools.combinations(columns, 1), *itertools.combinations(columns, 2)]:
        for values in itertools.product(*(pd.unique(columns[name]) for name in names)):
            rows = np.all([columns[name] == value for name, value in zip(names, values)], axis=0)
            if min_rows <= rows.sum() <= n_rows - 2:
                test = stats.ttest_ind(loss[rows], loss[~rows], equal_var=False, alternative="greater")
                effect = (loss[rows].mean() - loss[~rows].mean()) / np.sqrt(
                    (loss[rows].var(ddof=1) + loss[~rows].var(ddof=1)) / 2)
                tried.append({"columns": list(names), "n_rows": int(rows.sum()), "mean": float(loss[rows].mean()),
                              "elsewhere": float(loss[~rows].mean()), "effect": float(effect),
                              "p_value": float(test.pvalue), "parts": list(zip(names, map(str, values)))})
    for one, q_value in zip(tried, stats.false_discovery_control([one["p_value"] for one in tried])):
        one["q_value"] = float(q_value)
    alone = {tuple(one["parts"]): one for one in tried if len(one["parts"]) == 1}
    told = []
    for one in tried:
        parts = [alone[(part,)] for part in one["parts"] if len(one["parts"]) > 1 and (part,) in alone]
        if one["q_value"] <= 0.05 and all(
                one["mean"] > part["mean"] and one["effect"] > part["effect"] for part in parts):
            told.append(one)
    told.sort(key=lambda one: -one["n_rows"] * (one["mean"] - one["elsewhere"]))
    for one in told:
        del one["parts"]
    return {"loss": floats(loss), "region": region.tolist(), "channel": channel.tolist(),
            "age": [None if np.isnan(value) else value for value in age], "min_rows": min_rows,
            "n_tried": len(tried), "told": told}


if __name__ == "__main__":
    rng = np.random.default_rng(41)
    write("slices.json", [search(rng, 300, 20), search(rng, 200, 10)])
