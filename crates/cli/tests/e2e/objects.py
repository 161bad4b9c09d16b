"""MLflow's client against a server whose artifacts are in a bucket: through the server, or beside it."""

import base64
import email.utils
import hmac
import json
import os
import pathlib
import sys
import tempfile
import urllib.error
import urllib.parse
import urllib.request

os.environ["MLFLOW_HTTP_REQUEST_MAX_RETRIES"] = "1"
import mlflow
import numpy as np
from sklearn.linear_model import LinearRegression

url, way = sys.argv[1:]


def make_container(store, name):
    """Makes a container with the account that every Azurite has (published in its documentation)."""
    account = "devstoreaccount1"
    key = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
    date = email.utils.formatdate(usegmt=True)
    signed = ["PUT", *[""] * 11, f"x-ms-date:{date}", "x-ms-version:2021-08-06"]
    signed += [f"/{account}/{account}/{name}", "restype:container"]
    digest = hmac.digest(base64.b64decode(key), "\n".join(signed).encode(), "sha256")
    headers = {
        "x-ms-date": date,
        "x-ms-version": "2021-08-06",
        "Authorization": f"SharedKey {account}:{base64.b64encode(digest).decode()}",
        "Content-Type": "",
    }
    place = f"{store}/{account}/{name}?restype=container"
    request = urllib.request.Request(place, method="PUT", data=b"", headers=headers)
    with urllib.request.urlopen(request) as answer:
        assert answer.status == 201


if store := os.environ.get("AZURITE_BLOB_STORAGE_URL"):
    make_container(store, "models")
mlflow.set_tracking_uri(url)
mlflow.set_experiment("bucket")
names = ["plain.txt", "with space.txt", "größe 50%.txt", "a+b=c&d;e.txt", "deep/er/file.bin"]
large = np.random.default_rng(0).bytes(21 << 20)

with mlflow.start_run() as run, tempfile.TemporaryDirectory() as dir:
    root = pathlib.Path(dir)
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    (root / "large.bin").write_bytes(large)
    mlflow.log_artifacts(dir, "files")
    x = np.arange(6.0).reshape(-1, 1)
    model = LinearRegression().fit(x, 2 * x[:, 0])
    info = mlflow.sklearn.log_model(
        model, name="model", registered_model_name="Bucket", serialization_format="cloudpickle"
    )
id = run.info.run_id

client = mlflow.MlflowClient()
expected = sorted(f"files/{name}" for name in [*names, "large.bin"] if "/" not in name) + ["files/deep"]
listed = {entry.path: entry for entry in client.list_artifacts(id, "files")}
assert sorted(listed) == sorted(expected), sorted(listed)
assert listed["files/deep"].is_dir and listed["files/large.bin"].file_size == len(large)
with tempfile.TemporaryDirectory() as dir:
    got = pathlib.Path(client.download_artifacts(id, "files", dir))
    assert (got / "large.bin").read_bytes() == large
    for name in names:
        assert (got / name).read_text() == name, name


def ask(path, **headers):
    with urllib.request.urlopen(urllib.request.Request(url + path, headers=headers)) as answer:
        return answer.status, answer.read()


# The page's own way to a file, and a part of it.
query = urllib.parse.urlencode({"run_id": id, "path": "files/größe 50%.txt"})
assert ask(f"/get-artifact?{query}") == (200, "größe 50%.txt".encode())
if way == "through":
    place = urllib.parse.quote(run.info.artifact_uri.removeprefix("mlflow-artifacts:/"))
    below = f"/api/2.0/mlflow-artifacts/artifacts/{place}/files"
    assert ask(f"{below}/large.bin", Range="bytes=5-9") == (206, large[5:10])


    for name in ["plain.txt", "with space.txt"]:
        try:
            path = urllib.parse.quote(f"files/{name}")
            _, signed = ask(f"/api/2.0/mlflow-artifacts/presigned/{place}/{path}")
        except urllib.error.HTTPError as error:
            # On Azure there are no such addresses of names with spaces.
            assert store and error.code == 501 and " " in name, error
            continue
        signed = json.loads(signed)
        with urllib.request.urlopen(signed["url"]) as answer:
            assert answer.read() == name.encode() and signed["file_size"] == len(name)
    client._tracking_client._get_artifact_repo(id).delete_artifacts("files/deep")
    left = {entry.path for entry in client.list_artifacts(id, "files")}
    assert "files/deep" not in left and "files/plain.txt" in left, left

# Anybody may register any place of the bucket; what is below no run of the version's is not read.
stray = client.create_model_version("Bucket", "s3://models/direct/secret")
query = urllib.parse.urlencode({"name": "Bucket", "version": stray.version, "path": "a.txt"})
try:
    ask(f"/model-versions/get-artifact?{query}")
    raise AssertionError("it was read")
except urllib.error.HTTPError as error:
    assert error.code == 400 and b"not read for clients" in error.read()
loaded = mlflow.pyfunc.load_model("models:/Bucket/1")
assert np.allclose(loaded.predict(x), 2 * x[:, 0])
print("ok")
