"""Compares what the native engine computed with ONNX Runtime and MLflow.

Usage: onnxruntime_compare.py MODE DIR. `crates/package/tests/onnxruntime.rs` writes DIR:

- onnxruntime: `<case>.onnx`, and `<case>.json` with `inputs` and `outputs`, a column each as
  `{"kind", "values"}`. The graph is run on all rows and on the first row alone.
- mlflow: the package directory `<case>` and `<case>.json`; `mlflow.pyfunc` must predict the same.
- foreign: nothing; the script writes models as MLflow does, for the test to read.
- missing: the package `missing`; None and NaN in a text column must count as missing.
"""

import json
import pathlib
import sys
import warnings

import numpy as np

TOLERANCE = 1e-6
DTYPES = {"number": np.float64, "integer": np.int64, "boolean": np.bool_, "text": object}


def load(path):
    case = json.loads(path.read_text(encoding="utf-8"))
    return {part: {name: column(spec) for name, spec in case[part].items()} for part in ("inputs", "outputs")}


def column(spec):
    values = spec["values"]
    if spec["kind"] == "number":
        values = [float(value) for value in values]
    return np.array(values, dtype=DTYPES[spec["kind"]])


def differences(expected, found):
    """The rows on which two columns differ."""
    if expected.dtype != np.float64:
        return [row for row in range(len(expected)) if expected[row] != found[row]]
    found = np.asarray(found, dtype=np.float64)
    with np.errstate(all="ignore"):
        size = np.maximum(1, np.maximum(np.abs(expected), np.abs(found)))
        same = (expected == found) | (np.isnan(expected) & np.isnan(found))
        same |= np.abs(expected - found) <= TOLERANCE * size
    return list(np.flatnonzero(~same))


def report(case, outputs, found, inputs, problems):
    for name, expected in outputs.items():
        if len(found[name]) != len(expected):
            problems.append(f"{case}: {name!r} has {len(found[name])} rows instead of {len(expected)}")
            continue
        rows = differences(expected, found[name])
        if rows:
            row = rows[0]
            shown = {key: values[row] for key, values in inputs.items()}
            problems.append(
                f"{case}: {name!r}: {len(rows)} rows differ, first {row}: "
                f"native {expected[row]!r}, found {found[name][row]!r}, inputs {shown}"
            )


def compare_onnxruntime(directory, problems):
    import onnx
    import onnxruntime

    n_outputs = 0
    for path in sorted(directory.glob("*.onnx")):
        case = load(path.with_suffix(".json"))
        onnx.checker.check_model(str(path), full_check=True)
        session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
        names = [output.name for output in session.get_outputs()]
        for n_rows in (None, 1):
            inputs = {name: values[:n_rows] for name, values in case["inputs"].items()}
            found = dict(zip(names, session.run(names, inputs)))
            for name, values in found.items():
                if values.ndim != 1:
                    problems.append(f"{path.stem}: {name!r} has shape {values.shape}")
            outputs = {name: values[:n_rows] for name, values in case["outputs"].items()}
            report(path.stem, outputs, found, inputs, problems)
            n_outputs += len(outputs)
    print(f"compared {n_outputs} outputs with ONNX Runtime {onnxruntime.__version__}")


def compare_mlflow(directory, problems):
    import mlflow
    import pandas

    warnings.simplefilter("ignore")
    n_packages = 0
    for path in sorted(directory.glob("*.json")):
        case = load(path)
        package = directory / path.stem
        model = mlflow.pyfunc.load_model(str(package))
        frame = pandas.DataFrame(case["inputs"])
        found = model.predict(frame)
        if list(found.columns) != list(case["outputs"]):
            problems.append(f"{path.stem}: outputs are {list(found.columns)}")
            continue
        report(path.stem, case["outputs"], {name: found[name].to_numpy() for name in found}, case["inputs"], problems)
        # Columns in another order and one too many: MLflow puts them right by the signature.
        shuffled = frame[list(frame.columns)[::-1]].assign(surplus=1)
        report(path.stem, case["outputs"], dict(model.predict(shuffled).items()), case["inputs"], problems)
        example = model.input_example
        if list(example.columns) != list(case["inputs"]):
            problems.append(f"{path.stem}: the input example has the columns {list(example.columns)}")
        model.predict(example)
        if len(model.metadata.get_input_schema().inputs) != len(case["inputs"]):
            problems.append(f"{path.stem}: the signature is {model.metadata.signature}")
        raw = mlflow.onnx.load_model(str(package))
        if [value.name for value in raw.graph.output] != list(case["outputs"]):
            problems.append(f"{path.stem}: the onnx flavor gives {raw.graph.output}")
        if mlflow.models.get_model_info(str(package)).signature is None:
            problems.append(f"{path.stem}: MLflow sees no signature")
        n_packages += 1
    print(f"loaded {n_packages} packages with MLflow {mlflow.__version__}")


def compare_missing(directory, problems):
    import mlflow
    import pandas

    warnings.simplefilter("ignore")
    model = mlflow.pyfunc.load_model(str(directory / "missing"))
    for missing in (None, float("nan"), ""):
        for dtype in (object, "str", "string"):
            texts = pandas.Series(["red", missing, "unseen"], dtype=dtype)
            found = list(model.predict(pandas.DataFrame({"t": texts, "a": [1.0, None, 2.0]}))["prediction"])
            if found != [1.0, 10.0, 0.0]:
                problems.append(f"a missing text given as {missing!r} in {dtype} gives {found}")
    frame = pandas.DataFrame({"t": ["red"], "a": ["12"]})
    try:
        model.predict(frame)
        problems.append("text for a number was taken")
    except mlflow.exceptions.MlflowException:
        pass


def write_foreign(directory, _problems):
    import mlflow
    import onnx
    import pandas
    from mlflow.models import infer_signature
    from onnx import TensorProto, helper, numpy_helper
    from sklearn.linear_model import LinearRegression

    warnings.simplefilter("ignore")
    frame = pandas.DataFrame({"age": [1.0, 2.0, 3.0], "a column whose name is long: it's folded": [1, 2, 4]})
    model = LinearRegression().fit(frame, [1.0, 2.0, 3.0])
    signature = infer_signature(frame, model.predict(frame))
    mlflow.sklearn.save_model(
        model, str(directory / "sklearn"), signature=signature, input_example=frame, serialization_format="cloudpickle"
    )

    class Constant(mlflow.pyfunc.PythonModel):
        def predict(self, context, model_input, params=None):
            return [0.0] * len(model_input)

    mlflow.pyfunc.save_model(str(directory / "pyfunc"), python_model=Constant(), signature=signature)
    rows = ["rows"]
    graph = helper.make_graph(
        [
            helper.make_node("Mul", ["b", "two"], ["twice"]),
            helper.make_node("Add", ["a", "twice"], ["sum"]),
            helper.make_node("Add", ["sum", "half"], ["prediction"]),
        ],
        "foreign",
        [helper.make_tensor_value_info(name, TensorProto.DOUBLE, rows) for name in "ab"],
        [helper.make_tensor_value_info("prediction", TensorProto.DOUBLE, rows)],
        [numpy_helper.from_array(np.array(2.0), "two"), numpy_helper.from_array(np.array([0.5]), "half")],
    )
    foreign = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    columns = pandas.DataFrame({"a": [1.0], "b": [2.0]})
    mlflow.onnx.save_model(
        foreign, str(directory / "onnx"), signature=infer_signature(columns, pandas.DataFrame({"prediction": [5.5]}))
    )


def main():
    mode, directory = sys.argv[1], pathlib.Path(sys.argv[2])
    problems = []
    modes = {
        "onnxruntime": compare_onnxruntime,
        "mlflow": compare_mlflow,
        "missing": compare_missing,
        "foreign": write_foreign,
    }
    modes[mode](directory, problems)
    for problem in problems:
        print(problem)
    sys.exit(1 if problems else 0)


if __name__ == "__main__":
    main()
