"""Compares what trainers predict with what ONNX Runtime makes of their packages.

Usage: matrix.py DIR. `matrix.rs` writes DIR: the package directory `<case>`, and `<case>.json` with `inputs` and
`outputs`, a column each as `{"kind", "values"}`. A case is named `<trainer> <task> <type of column>`.

The graph is run on all rows and on the first row alone. Numbers may differ by 1e-5 of their size or of 1; labels are
equal unless what they are picked by ties. The types in `MLmodel` are those of the graph.
"""

import json
import pathlib
import sys

import numpy as np
import onnxruntime
import yaml

TOLERANCE = 1e-5
DTYPES = {"number": np.float64, "integer": np.int64, "boolean": np.bool_, "text": object}
TENSORS = {
    "double": "tensor(double)",
    "long": "tensor(int64)",
    "boolean": "tensor(bool)",
    "string": "tensor(string)",
    "datetime": "tensor(double)",
}


def column(spec):
    values = spec["values"]
    if spec["kind"] == "number":
        values = [float(value) for value in values]
    return np.array(values, dtype=DTYPES[spec["kind"]])


def is_tie(outputs, row):
    """Whether the label of a row is picked by numbers that are equal but for rounding."""
    if "probability" in outputs:
        return abs(outputs["probability"][row] - 0.5) <= TOLERANCE
    shares = sorted(values[row] for name, values in outputs.items() if name.startswith("probability_"))
    if shares:
        return shares[-1] - shares[-2] <= TOLERANCE
    distances = sorted(values[row] for name, values in outputs.items() if name.startswith("distance_"))
    return bool(distances) and distances[1] - distances[0] <= TOLERANCE * max(1, distances[0])


def differences(outputs, name, found):
    """The rows on which a column differs."""
    expected = outputs[name]
    if expected.dtype != np.float64:
        rows = range(len(expected))
        return [row for row in rows if expected[row] != found[row] and not is_tie(outputs, row)]
    near = np.abs(expected - found) <= TOLERANCE * np.maximum(1, np.abs(expected))
    return list(np.flatnonzero(~near))


def compare_rows(session, inputs, outputs):
    """What is wrong with the outputs for some rows."""
    names = [output.name for output in session.get_outputs()]
    if names != list(outputs):
        yield f"it gives {names}, the trainer {list(outputs)}"
        return
    for name, found in zip(names, session.run(names, inputs)):
        expected = outputs[name]
        if found.shape != expected.shape or (found.dtype != expected.dtype and found.dtype.kind not in "UO"):
            yield f"{name!r} is {found.dtype} {found.shape}, of the trainer {expected.dtype} {expected.shape}"
            continue
        rows = differences(outputs, name, found)
        if rows:
            row = rows[0]
            shown = {key: values[row] for key, values in inputs.items()}
            yield (
                f"{name!r}: {len(rows)} of {len(expected)} rows differ, first {row}: "
                f"trainer {expected[row]!r}, ONNX Runtime {found[row]!r}, inputs {shown}"
            )


def compare_types(session, package):
    """What is wrong with the types that `MLmodel` tells."""
    signature = yaml.safe_load((package / "MLmodel").read_text(encoding="utf-8"))["signature"]
    for part, columns in (("inputs", session.get_inputs()), ("outputs", session.get_outputs())):
        said = [(said["name"], TENSORS.get(said["type"], said["type"])) for said in json.loads(signature[part])]
        real = [(column.name, column.type) for column in columns]
        if said != real:
            yield f"MLmodel says {part} {said}, the graph has {real}"


def compare(directory):
    """What is wrong with the package of a case."""
    case = json.loads(directory.with_suffix(".json").read_text(encoding="utf-8"))
    inputs, outputs = ({name: column(spec) for name, spec in case[part].items()} for part in ("inputs", "outputs"))
    session = onnxruntime.InferenceSession(str(directory / "model.onnx"), providers=["CPUExecutionProvider"])
    yield from compare_types(session, directory)
    for n_rows in (None, 1):
        some = ({name: values[:n_rows] for name, values in part.items()} for part in (inputs, outputs))
        for problem in compare_rows(session, *some):
            yield problem if n_rows is None else f"one row alone: {problem}"


def main():
    onnxruntime.set_default_logger_severity(3)
    cases = sorted(pathlib.Path(sys.argv[1]).glob("*.json"))
    problems = []
    for path in cases:
        try:
            problems += [f"{path.stem}: {problem}" for problem in compare(path.with_suffix(""))]
        except Exception as error:  # All are told, not only the first.
            problems.append(f"{path.stem}: {type(error).__name__}: {error}")
    print(f"compared {len(cases)} packages with ONNX Runtime {onnxruntime.__version__}")
    print("\n".join(problems))
    sys.exit(1 if problems or not cases else 0)


if __name__ == "__main__":
    main()
