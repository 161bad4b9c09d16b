"""Converts an MLflow model of scikit-learn, XGBoost or LightGBM to ONNX.

Run as `python -c <this text> DIR FILE` by the Python that trained the model. The graph takes the columns of the
model's signature by name (or all of them as one matrix, where the model knows no names) and gives `prediction` and,
for classes, `probability` or `probability_<class>` beside it: what Everloop's Python worker gives for the same model.

On success the last line on standard output names the tools. Otherwise it ends with code 3 and the reason as the last
line on standard error: then the model is served by Python, and nothing is lost.
"""

import sys


def fail(reason):
    print(" ".join(str(reason).split())[:500], file=sys.stderr)
    sys.exit(3)


try:
    import mlflow.pyfunc
    import onnx
    from onnx import TensorProto, helper
    from skl2onnx import to_onnx, update_registered_converter
    from skl2onnx.common.data_types import (
        BooleanTensorType,
        DoubleTensorType,
        FloatTensorType,
        Int64TensorType,
        StringTensorType,
    )
except ImportError as error:
    fail(f"`{error.name}` is not installed: `pip install skl2onnx onnxmltools` converts models to ONNX")

# What ONNX Runtime 1.17 and later know.
OPSETS = {"": 17, "ai.onnx.ml": 3}


def main(directory, target):
    model = mlflow.pyfunc.load_model(directory)
    flavors = set(model.metadata.flavors) - {"python_function"}
    schema = model.metadata.get_input_schema() if model.metadata.signature else None
    if schema is None or schema.is_tensor_spec():
        fail("the model has no signature with columns: log it with `input_example=`")
    columns = [(spec.name, spec.type.name) for spec in schema.inputs]
    if model.metadata.flavors.get("python_function", {}).get("predict_fn", "predict") != "predict":
        fail("the model does not answer with `predict`")
    raw = model.get_raw_model()
    if "sklearn" in flavors:
        graph, tool = of_sklearn(raw, columns), "skl2onnx"
    elif "xgboost" in flavors:
        graph, tool = of_xgboost(raw, columns), "onnxmltools"
    elif "lightgbm" in flavors:
        graph, tool = of_lightgbm(raw, columns), "onnxmltools"
    else:
        fail(f"models of flavor {', '.join(sorted(flavors)) or 'python_function'} are not converted")
    if not any(one.domain == "" for one in graph.opset_import):
        graph.opset_import.append(helper.make_opsetid("", 15))
    name_inputs(graph, [name for name, _ in columns])
    name_outputs(graph, list(getattr(raw, "classes_", [])))
    onnx.checker.check_model(graph)
    onnx.save(graph, target)
    print(f"{tool} {__import__(tool).__version__}")


def of_sklearn(raw, columns):
    register(raw)
    options = {"zipmap": False} if hasattr(raw, "predict_proba") else None
    problem = None
    # Doubles agree best; not every converter and not every operator knows them.
    for number in (DoubleTensorType, FloatTensorType):
        try:
            types = by_column(columns, number) if picks_columns(raw) else matrix(columns, number)
            graph = to_onnx(raw, initial_types=types, options=options, target_opset=OPSETS)
            try_to_load(graph)
            return graph
        except Exception as error:  # whatever a converter raises, the next one may do
            problem = error
    fail(f"skl2onnx cannot convert it: {type(problem).__name__}: {problem}")


def try_to_load(graph):
    try:
        from onnxruntime import InferenceSession
    except ImportError:
        return
    InferenceSession(graph.SerializeToString(), providers=["CPUExecutionProvider"])


def of_xgboost(raw, columns):
    from onnxmltools import convert_xgboost

    # The converter wants the names that XGBoost gives to columns without any.
    booster = raw.get_booster() if hasattr(raw, "get_booster") else raw
    booster.feature_names = [f"f{at}" for at in range(len(columns))]
    return convert_xgboost(raw, initial_types=float_matrix(columns), target_opset=15)


def of_lightgbm(raw, columns):
    from onnxmltools import convert_lightgbm

    return convert_lightgbm(raw, initial_types=float_matrix(columns), target_opset=15, zipmap=False)


def register(raw):
    """Lets pipelines hold models of XGBoost and LightGBM."""
    for step in steps(raw):
        package = type(step).__module__.split(".")[0]
        if package not in ("xgboost", "lightgbm"):
            continue
        from skl2onnx.common.shape_calculator import (
            calculate_linear_classifier_output_shapes,
            calculate_linear_regressor_output_shapes,
        )

        if package == "xgboost":
            from onnxmltools.convert.xgboost.operator_converters.XGBoost import convert_xgboost as convert
        else:
            from onnxmltools.convert.lightgbm.operator_converters.LightGbm import convert_lightgbm as convert
        is_classifier = hasattr(step, "predict_proba")
        update_registered_converter(
            type(step),
            type(step).__name__,
            calculate_linear_classifier_output_shapes if is_classifier else calculate_linear_regressor_output_shapes,
            convert,
            options={"nocl": [True, False], "zipmap": [True, False, "columns"]} if is_classifier else None,
        )


def steps(model):
    """The models that a model is made of, itself included."""
    yield model
    for _, step in getattr(model, "steps", []):
        yield from steps(step)
    for _, step, _ in getattr(model, "transformers_", []):
        if not isinstance(step, str):
            yield from steps(step)


def picks_columns(model):
    return any(hasattr(step, "transformers_") for step in steps(model))


def by_column(columns, number):
    kinds = {
        "boolean": BooleanTensorType,
        "integer": Int64TensorType,
        "long": Int64TensorType,
        "float": number,
        "double": number,
        "string": StringTensorType,
    }
    odd = [f"`{name}` ({kind})" for name, kind in columns if kind not in kinds]
    if odd:
        fail(f"columns of these types are not converted: {', '.join(odd)}")
    return [(name, kinds[kind]([None, 1])) for name, kind in columns]


def matrix(columns, number):
    texts = [kind == "string" for _, kind in columns]
    if any(texts) and not all(texts):
        fail("text and numbers go into one matrix: pick columns with a `ColumnTransformer`")
    return [("everloop:inputs", (StringTensorType if texts and texts[0] else number)([None, len(columns)]))]


def float_matrix(columns):
    if any(kind == "string" for _, kind in columns):
        fail("text columns are not converted: encode them in a pipeline with a `ColumnTransformer`")
    from onnxmltools.convert.common.data_types import FloatTensorType as Floats

    return [("everloop:inputs", Floats([None, len(columns)]))]


def name_inputs(model, names):
    """Columns under their own names: converters replace what is no identifier. A matrix keeps a name that no column has."""
    graph = model.graph
    if len(graph.input) != len(names):
        names = ["everloop:inputs"]
    if len(graph.input) != len(names):
        fail(f"the graph takes {len(graph.input)} inputs for {len(names)} columns")
    renamed = {one.name: f"everloop:input:{name}" for one, name in zip(graph.input, names)}
    for node in graph.node:
        for at, edge in enumerate(node.input):
            node.input[at] = renamed.get(edge, edge)
    for one, name in zip(graph.input, names):
        graph.node.insert(0, helper.make_node("Identity", [name], [renamed[one.name]]))
        one.name = name


def name_outputs(model, classes):
    """Outputs of one dimension under the names that Everloop gives them."""
    graph = model.graph
    found = [(one.name, one.type.tensor_type.elem_type, one.type.HasField("tensor_type")) for one in graph.output]
    del graph.output[:]
    shape = constant(graph, "everloop:flat", TensorProto.INT64, [1], [-1])

    def put(edge, name, kind):
        graph.node.append(helper.make_node("Reshape", [edge, shape], [name]))
        graph.output.append(helper.make_tensor_value_info(name, kind, ["rows"]))

    def number(edge, name):
        graph.node.append(helper.make_node("Cast", [edge], [f"everloop:{name}"], to=TensorProto.DOUBLE))
        put(f"everloop:{name}", name, TensorProto.DOUBLE)

    (first, kind, _), rest = found[0], found[1:]
    if not classes:
        number(first, "prediction")
        return
    put(first, "prediction", kind)
    if not rest or not rest[0][2]:
        return
    probabilities = rest[0][0]
    wanted = [(1, "probability")] if len(classes) == 2 else enumerate(f"probability_{label}" for label in classes)
    for at, name in wanted:
        place = constant(graph, f"everloop:at_{name}", TensorProto.INT64, [1], [at])
        graph.node.append(helper.make_node("Gather", [probabilities, place], [f"everloop:of_{name}"], axis=1))
        number(f"everloop:of_{name}", name)


def constant(graph, name, kind, shape, values):
    graph.initializer.append(helper.make_tensor(name, kind, shape, values))
    return name


main(sys.argv[1], sys.argv[2])
