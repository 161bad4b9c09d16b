"""MLflow's client makes webhooks; a receiver here checks what they are told as MLflow's documentation says."""

import base64
import hashlib
import hmac
import json
import os
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

os.environ["MLFLOW_HTTP_REQUEST_MAX_RETRIES"] = "1"
import mlflow
import requests
from mlflow.entities.webhook import WebhookStatus
from mlflow.exceptions import MlflowException
from mlflow.webhooks.constants import (
    WEBHOOK_DELIVERY_ID_HEADER,
    WEBHOOK_SIGNATURE_HEADER,
    WEBHOOK_SIGNATURE_VERSION,
    WEBHOOK_TIMESTAMP_HEADER,
)
from mlflow.webhooks.types import get_example_payload_for_event

SECRET = "secret-of-the-client"
told = []


class Receiver(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        id, at = self.headers[WEBHOOK_DELIVERY_ID_HEADER], self.headers[WEBHOOK_TIMESTAMP_HEADER]
        signed = f"{id}.{at}.".encode() + body
        code = base64.b64encode(hmac.new(SECRET.encode(), signed, hashlib.sha256).digest()).decode()
        expected = f"{WEBHOOK_SIGNATURE_VERSION},{code}"
        right = hmac.compare_digest(expected, self.headers.get(WEBHOOK_SIGNATURE_HEADER) or "")
        fresh = abs(time.time() - int(at)) < 300
        told.append((json.loads(body), right and fresh))
        self.send_response(200 if right else 401)
        self.end_headers()
        self.wfile.write(b"ok" if right else b"wrong")

    def log_message(self, *_):
        pass


receiver = ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
threading.Thread(target=receiver.serve_forever, daemon=True).start()
hook = f"http://127.0.0.1:{receiver.server_port}/hook"


def until(n_told):
    end = time.time() + 30
    while len(told) < n_told and time.time() < end:
        time.sleep(0.05)
    time.sleep(0.6)
    assert len(told) == n_told, told
    found = [body for body, right in told if right]
    assert len(found) == n_told, told
    told.clear()
    return found


mlflow.set_tracking_uri(sys.argv[1])
client = mlflow.MlflowClient()
every = [
    "registered_model.created",
    "model_version.created",
    "model_version_tag.set",
    "model_version_tag.deleted",
    "model_version_alias.created",
    "model_version_alias.deleted",
    "prompt.created",
    "prompt_version.created",
    "prompt_tag.set",
    "prompt_tag.deleted",
    "prompt_version_tag.set",
    "prompt_version_tag.deleted",
    "prompt_alias.created",
    "prompt_alias.deleted",
    "budget_policy.exceeded",
]
webhook = client.create_webhook("all", hook, events=every, secret=SECRET, description="tells all")
assert [str(event) for event in webhook.events] == every, webhook
assert webhook.secret is None and webhook.status == WebhookStatus.ACTIVE
assert webhook.description == "tells all" and webhook.creation_timestamp > 0
assert client.get_webhook(webhook.webhook_id).url == hook

# Each event is tested with the example of MLflow's own server.
for event in webhook.events:
    result = client.test_webhook(webhook.webhook_id, event=event)
    assert result.success and result.response_status == 200 and result.response_body == "ok", result
    (body,) = until(1)
    assert (body["entity"], body["action"]) == (event.entity.value, event.action.value), body
    assert body["data"] == get_example_payload_for_event(event), body

# What happens is told in its order.
client.create_registered_model("M", tags={"a": "b"}, description="text")
version = client.create_model_version("M", "s3://bucket/path", run_id="1234567890abcdef", tags={"k": "v"})
client.set_model_version_tag("M", version.version, "t", "1")
client.delete_model_version_tag("M", version.version, "t")
client.set_registered_model_alias("M", "best", version.version)
client.delete_registered_model_alias("M", "best")
found = until(6)
assert [f"{body['entity']}.{body['action']}" for body in found] == every[:6], found
version_1 = {"name": "M", "version": "1"}
assert [body["data"] for body in found] == [
    {"name": "M", "tags": {"a": "b"}, "description": "text"},
    version_1
    | {"source": "s3://bucket/path", "run_id": "1234567890abcdef", "tags": {"k": "v"}, "description": None},
    version_1 | {"key": "t", "value": "1"},
    version_1 | {"key": "t"},
    version_1 | {"alias": "best"},
    {"name": "M", "alias": "best"},
], found

# A prompt is a model with a tag, and has events of its own.
def post(endpoint, **body):
    answer = requests.post(f"{sys.argv[1]}/api/2.0/mlflow/{endpoint}", json=body)
    answer.raise_for_status()


def pairs(**tags):
    return [{"key": key, "value": value} for key, value in tags.items()]


is_prompt = {"mlflow.prompt.is_prompt": "true", "_mlflow_prompt_type": "text"}
text = {"mlflow.prompt.text": "Hello {{name}}!"}
post("registered-models/create", name="P", tags=pairs(**is_prompt, x="y"))
post("model-versions/create", name="P", source="s3://bucket/prompt", tags=pairs(**is_prompt, **text, x="y"))
post("registered-models/set-tag", name="P", key="t", value="1")
post("registered-models/alias", name="P", alias="live", version="1")
found = {f"{body['entity']}.{body['action']}": body["data"] for body in until(4)}
assert found == {
    "prompt.created": {"name": "P", "tags": {"x": "y"}, "description": ""},
    "prompt_version.created": {
        "name": "P",
        "version": "1",
        "template": "Hello {{name}}!",
        "tags": {"x": "y"},
        "description": None,
    },
    "prompt_tag.set": {"name": "P", "key": "t", "value": "1"},
    "prompt_alias.created": {"name": "P", "alias": "live", "version": "1"},
}, found

# A disabled webhook hears nothing; a wrong secret is the receiver's to refuse.
changed = client.update_webhook(webhook.webhook_id, status="DISABLED", name="renamed", events=every[:2])
assert changed.status == WebhookStatus.DISABLED and changed.name == "renamed", changed
assert [str(event) for event in changed.events] == every[:2] and changed.description == "tells all"
client.create_registered_model("silent")
until(0)
client.update_webhook(webhook.webhook_id, status="ACTIVE", secret="wrong")
result = client.test_webhook(webhook.webhook_id)
assert not result.success and result.response_status == 401 and result.response_body == "wrong", result
assert told.pop()[1] is False

for number in range(4):
    client.create_webhook(f"page-{number}", "http://127.0.0.1:9/", events=["prompt.created"])
page = client.list_webhooks(max_results=3)
rest = client.list_webhooks(max_results=3, page_token=page.token)
assert (len(page), len(rest), rest.token or None) == (3, 2, None), (page, rest)
assert page[0].name == "page-3" or page[0].creation_timestamp >= page[1].creation_timestamp
for one in [*page, *rest]:
    client.delete_webhook(one.webhook_id)
assert client.list_webhooks() == []
for call in [client.get_webhook, client.delete_webhook, client.test_webhook]:
    try:
        call(webhook.webhook_id)
        raise AssertionError("it is still there")
    except MlflowException as error:
        assert f"Webhook with ID {webhook.webhook_id} not found" in str(error), error
try:
    client.create_webhook("a", "ftp://127.0.0.1/", events=["prompt.created"])
    raise AssertionError("it was made")
except MlflowException as error:
    assert "Invalid webhook URL scheme" in str(error), error
print("ok")
