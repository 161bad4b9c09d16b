"""MLflow's client against a server whose artifacts are in a bucket: through the server, or beside it."""

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
import requests
from azure_container import make_container
from mlflow.store.artifact.http_artifact_repo import HttpArtifactRepository
from sklearn.linear_model import LinearRegression

url, way = sys.argv[1:]


store = os.environ.get("AZURITE_BLOB_STORAGE_URL")
if store:
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

    # A large file in parts, which the client sends to the bucket itself.
    os.environ["MLFLOW_ENABLE_PROXY_MULTIPART_UPLOAD"] = "true"
    os.environ["MLFLOW_MULTIPART_UPLOAD_MINIMUM_FILE_SIZE"] = str(6 << 20)
    os.environ["MLFLOW_MULTIPART_UPLOAD_CHUNK_SIZE"] = str(5 << 20)
    sent = []
    plainly = HttpArtifactRepository._upload_part

    def send(credential, **rest):
        sent.append(credential.part_number)
        return plainly(credential=credential, **rest)

    HttpArtifactRepository._upload_part = staticmethod(send)
    with tempfile.TemporaryDirectory() as dir:
        name = "größe 50%+.bin"
        (pathlib.Path(dir) / name).write_bytes(large)
        client.log_artifact(id, f"{dir}/{name}", "in parts")
        # Azure has no such addresses: the client sends the file through the server.
        assert sorted(sent) == ([] if store else [1, 2, 3, 4, 5]), sent
        got = pathlib.Path(client.download_artifacts(id, f"in parts/{name}", dir))
        assert got.read_bytes() == large
if way == "through" and not store:
    # One that is given up leaves nothing, and neither does one that never was.
    begun = {"path": "gone.bin", "num_parts": 2}
    begun = requests.post(f"{url}/api/2.0/mlflow-artifacts/mpu/create/{place}", json=begun).json()
    aborting = {"path": "gone.bin", "upload_id": begun["upload_id"]}
    for status in [200, 404]:
        answer = requests.post(f"{url}/api/2.0/mlflow-artifacts/mpu/abort/{place}", json=aborting)
        assert answer.status_code == status, answer.text
    parts = {"parts": [{"part_number": 1, "etag": "x"}]}
    answer = requests.post(f"{url}/api/2.0/mlflow-artifacts/mpu/complete/{place}", json=aborting | parts)
    assert answer.status_code >= 400, answer.text
    answer = requests.post(f"{url}/api/2.0/mlflow/artifacts/presigned-upload-url", json={"run_id": id, "path": "a"})
    assert answer.status_code == 400 and "go through the server" in answer.text, answer.text
if way == "beside":
    def ask_for(way, **body):
        answer = requests.post(f"{url}/api/2.0/mlflow/artifacts/presigned-{way}-url", json=body)
        return answer.status_code, answer.json()

    for owner in [{"run_id": id}, {"model_id": info.model_id}]:
        status, signed = ask_for("upload", path="signed/größe 1.txt", **owner)
        assert status == 200 and signed["headers"] == {"Content-Type": "text/plain"}, signed
        put = requests.put(signed["presigned_url"], data=b"hello", headers=signed["headers"])
        assert put.status_code == 200, put.text
    status, signed = ask_for("download", path="signed/größe 1.txt", run_id=id, expiration=60)
    assert status == 200 and signed["file_size"] == 5, signed
    assert requests.get(signed["presigned_url"]).content == b"hello"
    assert ask_for("download", path="none", run_id=id)[0] == 404
    for wrong in [
        {"path": "a"},
        {"path": "../a", "run_id": id},
        {"path": "a", "run_id": id, "model_id": info.model_id},
        {"path": "a", "run_id": id, "expiration": 0},
    ]:
        assert ask_for("upload", **wrong)[0] == 400, wrong

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
