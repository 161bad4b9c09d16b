"""Runs an MLflow model for Everloop: rows on standard input, predictions on standard output.

Started as `python -c <this text> DIR`. Every message is a frame: one byte that says what it is, the
length of what follows as 4 bytes (little endian), and that many bytes.

  to the worker:   r  rows, an Arrow IPC stream
  from the worker: h  the model is loaded ("hello"); JSON
                   p  predictions, an Arrow IPC stream
                   e  the model refused the rows; one line of text
                   f  the model cannot be loaded; text

It ends as soon as its standard input does, also in the midst of a prediction: a worker never
outlives the program that started it.
"""

import json
import os
import queue
import struct
import sys
import threading
import traceback


def main(directory):
    # What the model prints must not get between the frames.
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    frames = queue.Queue(maxsize=1)
    threading.Thread(target=read, args=(sys.stdin.buffer, frames), daemon=True).start()
    try:
        model = Model(directory)
    except BaseException as error:
        traceback.print_exc()
        send(out, b"f", one_line(error).encode())
        return
    send(out, b"h", json.dumps({"classes": len(model.classes)}).encode())
    while True:
        rows = frames.get()
        try:
            answer = b"p", model.predict(rows)
        except Exception as error:
            traceback.print_exc()
            answer = b"e", one_line(error).encode()
        send(out, *answer)


def read(source, frames):
    while True:
        head = source.read(5)
        body = source.read(struct.unpack("<I", head[1:])[0]) if len(head) == 5 else b""
        if len(head) < 5:
            os._exit(0)
        frames.put(body)


def send(out, kind, body):
    out.write(kind + struct.pack("<I", len(body)) + body)
    out.flush()


def one_line(error):
    return " ".join(f"{type(error).__name__}: {error}".split())[:500]


class Model:
    def __init__(self, directory):
        import mlflow.pyfunc
        import pyarrow  # noqa: F401  a model that cannot be asked is not loaded

        self.model = mlflow.pyfunc.load_model(directory)
        metadata = self.model.metadata
        schema = metadata.get_input_schema() if metadata.signature else None
        self.schema = schema if schema is not None and not schema.is_tensor_spec() else None
        self.raw = self.probabilistic(metadata)
        self.classes = list(self.raw.classes_) if self.raw is not None else []

    def probabilistic(self, metadata):
        """The classifier behind the model, if it can say how sure it is."""
        flavor = metadata.flavors.get("python_function", {})
        if flavor.get("predict_fn", "predict") != "predict":
            return None
        try:
            raw = self.model.get_raw_model()
        except Exception:
            return None
        has_all = hasattr(raw, "predict_proba") and hasattr(raw, "classes_")
        return raw if has_all and len(raw.classes_) > 1 else None

    def predict(self, body):
        import pyarrow as pa

        with pa.ipc.open_stream(body) as reader:
            table = reader.read_all()
        frame = table.to_pandas()
        for field in table.schema:
            # Everloop's missing text is the empty one, pandas' own is NaN: as if read from a CSV file.
            if pa.types.is_string(field.type):
                frame[field.name] = frame[field.name].mask(frame[field.name] == "")
        if self.schema is not None:
            frame = self.typed(frame)
        predicted = columns(self.model.predict(frame), len(frame))
        if self.raw is not None and list(predicted) == ["prediction"]:
            predicted.update(self.probabilities(frame))
        table = pa.table({name: array(values) for name, values in predicted.items()})
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, table.schema) as writer:
            writer.write_table(table)
        return sink.getvalue().to_pybytes()

    def typed(self, frame):
        """The columns in the types the signature wants: MLflow itself never narrows."""
        for spec in self.schema.inputs:
            if spec.name in frame and spec.type.name in ("integer", "float"):
                frame[spec.name] = frame[spec.name].astype(spec.type.to_numpy())
        return frame

    def probabilities(self, frame):
        probabilities = self.raw.predict_proba(frame)
        if len(self.classes) == 2:
            return {"probability": probabilities[:, 1]}
        return {f"probability_{label}": probabilities[:, at] for at, label in enumerate(self.classes)}


def columns(predicted, n_rows):
    """What a model gave, as columns by name."""
    import numpy as np
    import pandas as pd

    if isinstance(predicted, pd.DataFrame):
        if predicted.shape[1] == 1:
            return {"prediction": predicted.iloc[:, 0].to_numpy()}
        return {str(name): predicted[name].to_numpy() for name in predicted.columns}
    if isinstance(predicted, dict):
        return {str(name): np.asarray(values).reshape(n_rows) for name, values in predicted.items()}
    values = np.asarray(predicted)
    if values.ndim == 2 and values.shape[1] != 1:
        return {f"prediction_{at}": values[:, at] for at in range(values.shape[1])}
    return {"prediction": values.reshape(n_rows)}


def array(values):
    """A column of one of the four types that Everloop knows."""
    import numpy as np
    import pyarrow as pa

    values = np.asarray(values)
    if values.dtype.kind == "b":
        return pa.array(values, pa.bool_())
    if values.dtype.kind in "iu":
        return pa.array(values.astype(np.int64), pa.int64())
    if values.dtype.kind == "f":
        return pa.array(values.astype(np.float64), pa.float64())
    kinds = {type(value) for value in values.tolist()}
    if kinds == {bool}:
        return pa.array(values.tolist(), pa.bool_())
    if kinds == {int}:
        return pa.array(values.tolist(), pa.int64())
    if kinds and kinds <= {int, float}:
        return pa.array(values.tolist(), pa.float64())
    return pa.array([None if value is None else str(value) for value in values.tolist()], pa.string())


main(sys.argv[1])
