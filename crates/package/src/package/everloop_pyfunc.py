"""Loads a model that Everloop wrote for `mlflow.pyfunc`.

It is MLflow's own ONNX loader, with text columns made ready for ONNX Runtime first: whatever pandas
keeps texts in becomes plain Python texts, and a missing text becomes the empty one, which is what
the model was trained with.
"""

import pandas
from mlflow import onnx


class _Model:
    def __init__(self, model):
        self._model = model

    def get_raw_model(self):
        return self._model.get_raw_model()

    def predict(self, data, params=None):
        if isinstance(data, pandas.DataFrame):
            data = data.copy(deep=False)
            for name in data.columns:
                if not pandas.api.types.is_bool_dtype(data[name]) and not pandas.api.types.is_numeric_dtype(data[name]):
                    texts = data[name].astype(object)
                    data[name] = texts.where(texts.notna(), "")
        return self._model.predict(data)


def _load_pyfunc(path):
    return _Model(onnx._load_pyfunc(path))
