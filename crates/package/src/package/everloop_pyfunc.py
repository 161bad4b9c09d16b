"""Loads a model that Everloop wrote for `mlflow.pyfunc`.

It runs the model through MLflow's own ONNX flavour, but hands over each column of a data frame by
itself: whatever pandas keeps texts in becomes plain Python texts, a missing text becomes the empty
one (which is what the model was trained with), days and moments become milliseconds since 1970 (a
missing one NaN), and a single column stays a column.
"""

import numpy
import pandas
from mlflow import onnx


class _Model:
    def __init__(self, model):
        self._model = model
        self._inputs = [(value.name, value.type) for value in model.get_raw_model().get_inputs()]

    def get_raw_model(self):
        return self._model.get_raw_model()

    def predict(self, data, params=None):
        if not isinstance(data, pandas.DataFrame):
            return self._model.predict(data)
        columns = {name: _values(data[name], kind) for name, kind in self._inputs}
        predictions = self._model.predict(columns)
        return pandas.DataFrame({name: numpy.asarray(values) for name, values in predictions.items()})


def _values(column, kind):
    if kind == "tensor(string)":
        texts = column.astype(object)
        return texts.where(texts.notna(), "").to_numpy()
    is_number = pandas.api.types.is_numeric_dtype(column.dtype)
    if kind == "tensor(double)" and not is_number:
        moments = pandas.to_datetime(column, utc=True)
        millis = (moments - pandas.Timestamp(0, tz="UTC")) / pandas.Timedelta("1ms")
        return numpy.trunc(millis.to_numpy(dtype=float))
    return column.to_numpy()


def _load_pyfunc(path):
    return _Model(onnx._load_pyfunc(path))
