"""Makes containers on Azurite, also as a program: `azure_container.py URL NAME`."""

import base64
import email.utils
import hmac
import sys
import urllib.request

# The account that every Azurite has (published in its documentation).
ACCOUNT = "devstoreaccount1"
KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="


def make_container(store, name):
    """Makes a container."""
    put(store, name, b"", {}, "restype:container")


def put_blob(store, path, body):
    """Writes a file of a container: `container/path`."""
    put(store, path, body, {"x-ms-blob-type": "BlockBlob"}, None)


def put(store, path, body, headers, query):
    headers = {**headers, "x-ms-date": email.utils.formatdate(usegmt=True), "x-ms-version": "2021-08-06"}
    length = str(len(body)) if body else ""
    signed = ["PUT", "", "", length, *[""] * 8, *[f"{name}:{headers[name]}" for name in sorted(headers)]]
    signed += [f"/{ACCOUNT}/{ACCOUNT}/{path}", *([query] if query else [])]
    digest = hmac.digest(base64.b64decode(KEY), "\n".join(signed).encode(), "sha256")
    headers["Authorization"] = f"SharedKey {ACCOUNT}:{base64.b64encode(digest).decode()}"
    headers["Content-Type"] = ""
    place = f"{store}/{ACCOUNT}/{path}" + (f"?{query.replace(':', '=')}" if query else "")
    request = urllib.request.Request(place, method="PUT", data=body, headers=headers)
    with urllib.request.urlopen(request) as answer:
        assert answer.status == 201


if __name__ == "__main__":
    make_container(sys.argv[1], sys.argv[2])
