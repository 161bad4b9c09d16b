"""Makes containers on Azurite, also as a program: `azure_container.py URL NAME`."""

import base64
import email.utils
import hmac
import sys
import urllib.request


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


if __name__ == "__main__":
    make_container(sys.argv[1], sys.argv[2])
