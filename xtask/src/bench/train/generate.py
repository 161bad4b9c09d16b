"""Writes the tables that are fitted, each as `NAME-train.parquet` and `NAME-test.parquet` with the target in `y`.

Usage: generate.py DIRECTORY ROWS COVERTYPE_CSV_OR_EMPTY
"""

import os
import sys

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

N_COLUMNS = 30


def write(name, columns, target, n_train):
    for part, rows in (("train", slice(0, n_train)), ("test", slice(n_train, None))):
        table = pa.table({key: values[rows] for key, values in columns.items()} | {"y": target[rows]})
        pq.write_table(table, f"{directory}/{name}-{part}.parquet", compression="none", row_group_size=1 << 30)


def generated(n_rows, seed):
    """Ten columns matter, by themselves, bent and in pairs; every third is rounded to few values."""
    rng = np.random.default_rng(seed)
    columns = {}
    for index in range(N_COLUMNS):
        values = rng.standard_normal(n_rows)
        columns[f"x{index}"] = np.round(values * 4) if index % 3 == 2 else values
    x = [columns[f"x{index}"] for index in range(10)]
    signal = x[0] + 0.5 * x[1] - 0.25 * x[2] + 0.8 * np.sin(2 * x[3]) + 0.6 * x[4] * x[5]
    signal += 0.5 * np.abs(x[6]) + 0.4 * (x[7] > 0.5) * x[9] + 0.1 * x[8]
    return columns, signal, rng


directory, n_rows, covertype = sys.argv[1], int(sys.argv[2]), sys.argv[3]
os.makedirs(directory, exist_ok=True)
columns, signal, rng = generated(n_rows + n_rows // 5, 1)
write("regression", columns, signal + 0.5 * rng.standard_normal(len(signal)), n_rows)
is_positive = signal + 0.5 * rng.standard_normal(len(signal)) > np.median(signal)
write("binary", columns, is_positive.astype(np.int64), n_rows)
few = {key: values[:40_000] for key, values in columns.items()}
write("binary20k", few, is_positive[:40_000].astype(np.int64), 20_000)
if covertype:
    table = pa.csv.read_csv(covertype)
    order = np.random.default_rng(2).permutation(table.num_rows)
    named = {key: table[key].to_numpy()[order] for key in table.column_names}
    target = named.pop("Cover_Type")
    write("covertype", {key: values.astype(np.float64) for key, values in named.items()}, target, len(order) * 4 // 5)
