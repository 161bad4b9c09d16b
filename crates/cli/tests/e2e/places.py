"""Imports from URLs with Everloop and DVC: `places.py EVERLOOP http|ssh|s3|azure [...]`, run in an empty directory.

http starts its own servers; ssh takes URL, PORT, KEY and DIRECTORY of a machine; s3 takes the address of a store with a
bucket `data`, and compares with what DVC 3.67.1 and dvc-s3 3.2.2 wrote, for they are not installed beside the other clients; azure
takes the address of an Azurite, and is not compared with anybody.
"""

import base64
import hashlib
import http.server
import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path

BINARY, WAY, *REST = sys.argv[1:]
PLACE = Path.cwd()
DVC = str(Path(sys.executable).with_name("dvc"))
os.environ["DVC_SITE_CACHE_DIR"] = str(PLACE / "site")
os.environ["DVC_GLOBAL_CONFIG_DIR"] = os.environ["DVC_SYSTEM_CONFIG_DIR"] = str(PLACE / "none")
os.environ["DVC_NO_ANALYTICS"] = "1"
OURS, THEIRS = PLACE / "ours", PLACE / "theirs"


def run(arguments, at, code=0):
    done = subprocess.run([str(one) for one in arguments], cwd=at, capture_output=True, text=True)
    assert done.returncode == code, f"{arguments}: {done.returncode}\n{done.stdout}{done.stderr}"
    return done.stdout + done.stderr


def everloop(*arguments, at=OURS, code=0):
    return run([BINARY, "data", *arguments], at, code)


def both(*arguments):
    """The same command in both repositories."""
    everloop(*arguments)
    run([DVC, *arguments], THEIRS)


def make(*roots):
    for root in roots:
        root.mkdir()
        run(["git", "init", "-q"], root)
        everloop("init", at=root)


def dvc_files(root):
    return {path.relative_to(root).as_posix(): path.read_text() for path in sorted(root.rglob("*.dvc")) if path.is_file()}


def same():
    ours, theirs = dvc_files(OURS), dvc_files(THEIRS)
    for name in sorted({*ours, *theirs}):
        assert ours.get(name) == theirs.get(name), f"{name}: everloop {ours.get(name)}, dvc {theirs.get(name)}"
    return len(ours)


def pulled(name, text):
    """Data that was not downloaded comes with `pull`, and with `fetch` and `checkout`."""
    everloop("pull", name)
    assert (OURS / name).read_text() == text
    (OURS / name).unlink()
    digest = hashlib.md5(text.encode()).hexdigest()
    (OURS / ".dvc/cache/files/md5" / digest[:2] / digest[2:]).unlink()
    everloop("fetch", name)
    assert not (OURS / name).exists()
    everloop("checkout", name)
    assert (OURS / name).read_text() == text


class Server(http.server.SimpleHTTPRequestHandler):
    says = ""

    def end_headers(self):
        path = self.translate_path(self.path)
        if os.path.isfile(path):
            digest = hashlib.md5(Path(path).read_bytes())
            if self.says == "etag":
                self.send_header("ETag", f'"{digest.hexdigest()}"')
            if self.says == "md5":
                self.send_header("Content-MD5", base64.b64encode(digest.digest()).decode())
        super().end_headers()

    def log_message(self, *_):
        pass


def over_http():
    web = PLACE / "web"
    (web / "dir").mkdir(parents=True)
    (web / "a.txt").write_text("hello\n")
    (web / "dir/b c.txt").write_text("x\n")
    make(OURS, THEIRS)
    for says in ["nothing", "etag", "md5"]:
        kind = type(says, (Server,), {"says": says})
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), lambda *all, kind=kind: kind(*all, directory=str(web)))
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}"
        both("import-url", f"{url}/a.txt", f"{says}.txt")
        both("import-url", "--no-download", f"{url}/dir/b%20c.txt", f"{says}.later")
        both("import-url", "--no-download", f"{url}/a.txt?x=1/2", f"{says}.asked")
        both("remote", "add", says, url)
        both("import-url", f"remote://{says}/a.txt", f"{says}.remote")
        same()
        pulled(f"{says}.later", "x\n")
        same()
        (web / "a.txt").write_text(f"more {says}\n")
        for name in ["txt", "remote"]:
            both("update", f"{says}.{name}.dvc")
            assert (OURS / f"{says}.{name}").read_text() == f"more {says}\n"
        both("update", "--no-download", f"{says}.asked.dvc")
        same()
        pulled(f"{says}.asked", f"more {says}\n")
        (web / "a.txt").write_text("hello\n")
        (OURS / f"{says}.asked").unlink()
        shutil.rmtree(OURS / ".dvc/cache")
        said = everloop("pull", f"{says}.asked", code=22)
        assert "has changed since it was imported" in said, said
        # What was downloaded once comes again from its source where there is no remote, if the source is as it was.
        said = everloop("pull", f"{says}.txt.dvc", code=30)
        assert "no default remote" in said, said
        (web / "a.txt").write_text(f"more {says}\n")
        if says != "nothing":
            everloop("pull", f"{says}.txt.dvc")
        (web / "a.txt").write_text("hello\n")
        assert "does not exist" in everloop("import-url", f"{url}/none", "none", code=30)
    return same()


def over_ssh():
    url, port, key, directory = REST
    place = Path(directory)
    (place / "dir/sub").mkdir(parents=True)
    (place / "a.txt").write_text("hello\n")
    (place / "run.sh").write_text("true\n")
    (place / "run.sh").chmod(0o755)
    (place / "dir/b c.txt").write_text("x\n")
    (place / "dir/sub/d").write_text("y\n")
    make(OURS, THEIRS)
    both("remote", "add", "there", url)
    both("remote", "modify", "there", "port", port)
    both("remote", "modify", "there", "keyfile", key)
    for name in ["a.txt", "run.sh", "dir"]:
        both("import-url", f"remote://there/{name}", name)
        both("import-url", "--no-download", f"remote://there/{name}", f"later_{name}")
    same()
    pulled("later_a.txt", "hello\n")
    everloop("pull")
    assert (OURS / "later_dir/sub/d").read_text() == "y\n"
    (place / "dir/e").write_text("e\n")
    (place / "a.txt").write_text("more\n")
    for name in ["a.txt", "dir"]:
        both("update", f"{name}.dvc")
    same()
    assert (OURS / "dir/e").read_text() == "e\n"
    assert "does not exist" in everloop("import-url", "remote://there/none", "none", code=30)
    return same()


S3_FILES = {
    "a.txt": ("etag: b1946ac92492d2347c6235b4d2611184\n  size: 6", "a82f17818811364248d37497eaa3c965", "b1946ac92492d2347c6235b4d2611184\n  size: 6"),
    "dir": ("md5: 0926468f2f056a6acb760aefb4c9a6e2.dir\n  size: 5\n  nfiles: 2", "fa1b82fd9e507c5cc7d30e7582c29d80", "88d9a8f47234cbe3de35c66682af4417.dir\n  size: 5\n  nfiles: 2"),
    "big": ("etag: fdd3f8f29045d7454477dd634c8cd8cb-2\n  size: 10485760", "6877f0c79f8819cbd81b5e3d98151e1a", "d9ac73ced04e4fe5b10a38b0d4f0da06\n  size: 10485760"),
}  # fmt: skip


def over_s3():
    import boto3

    client = boto3.client("s3", endpoint_url=REST[0])
    for name, body in {"p/a.txt": b"hello\n", "p/dir/b": b"x\n", "p/dir/sub/c d.txt": b"yy\n", "p/dir/sub/": b""}.items():
        client.put_object(Bucket="data", Key=name, Body=body)
    upload = dict(Bucket="data", Key="p/big")
    upload["UploadId"] = client.create_multipart_upload(**upload)["UploadId"]
    parts = [
        {"PartNumber": number, "ETag": client.upload_part(**upload, PartNumber=number, Body=bytes([number]) * (5 << 20))["ETag"]}
        for number in [1, 2]
    ]
    client.complete_multipart_upload(**upload, MultipartUpload={"Parts": parts})
    make(OURS)
    os.environ["AWS_ENDPOINT_URL"] = REST[0]
    everloop("remote", "add", "main", "s3://data/p")
    for name, (dep, digest, out) in S3_FILES.items():
        everloop("import-url", f"remote://main/{name}")
        expected = (
            f"md5: {digest}\nfrozen: true\ndeps:\n- {dep}\n  hash: md5\n  path: remote://main/{name}\n"
            f"outs:\n- md5: {out}\n  hash: md5\n  path: {name}\n"
        )
        found = (OURS / f"{name}.dvc").read_text()
        assert found == expected, f"{name}: {found}"
    assert (OURS / "dir/sub/c d.txt").read_text() == "yy\n"
    everloop("import-url", "s3://data/p/dir/b")
    assert "md5: 22db837db46c54e63fc03633d328cab9\n" in (OURS / "b.dvc").read_text()
    everloop("import-url", "--no-download", "remote://main/dir", "dir2")
    assert "md5: 3791f6b708fcaec5aa2ee4f21d05bd60\n" in (OURS / "dir2.dvc").read_text()
    everloop("import-url", "--no-download", "remote://main/a.txt", "a2.txt")
    pulled("a2.txt", "hello\n")
    everloop("pull")
    assert (OURS / "dir2/sub/c d.txt").read_text() == "yy\n"
    client.put_object(Bucket="data", Key="p/dir/e", Body=b"e\n")
    client.put_object(Bucket="data", Key="p/a.txt", Body=b"hello2\n")
    everloop("update", "dir.dvc", "a.txt.dvc")
    assert (OURS / "dir/e").read_text() == "e\n"
    for name, digest in {"dir": "b3d783ea132cf3a0a390267c88f861b9", "a.txt": "825098fc968bbfc3d97f8fb394159fba"}.items():
        assert f"md5: {digest}\n" in (OURS / f"{name}.dvc").read_text(), name
    assert "does not exist" in everloop("import-url", "remote://main/none", code=30)
    return 6


def over_azure():
    from azure_container import ACCOUNT, KEY, make_container, put_blob

    store = REST[0]
    make_container(store, "data")
    for name, body in {"a.txt": b"hello\n", "dir/b": b"x\n", "dir/sub/c.txt": b"yy\n"}.items():
        put_blob(store, f"data/p/{name}", body)
    make(OURS)
    connection = f"AccountName={ACCOUNT};AccountKey={KEY};BlobEndpoint={store}/{ACCOUNT};"
    os.environ["AZURE_STORAGE_CONNECTION_STRING"] = connection
    everloop("remote", "add", "main", "azure://data/p")
    everloop("import-url", "azure://data/p/a.txt")
    everloop("import-url", "remote://main/dir")
    everloop("import-url", "--no-download", "remote://main/a.txt", "later.txt")
    assert "- etag: " in (OURS / "a.txt.dvc").read_text() and "nfiles: 2" in (OURS / "dir.dvc").read_text()
    assert (OURS / "dir/sub/c.txt").read_text() == "yy\n"
    pulled("later.txt", "hello\n")
    files = dvc_files(OURS)
    everloop("update", "dir.dvc", "a.txt.dvc")
    assert dvc_files(OURS) == files, "nothing has changed there"
    put_blob(store, "data/p/a.txt", b"more\n")
    put_blob(store, "data/p/dir/e", b"e\n")
    everloop("update", "dir.dvc", "a.txt.dvc")
    assert (OURS / "a.txt").read_text() == "more\n" and (OURS / "dir/e").read_text() == "e\n"
    assert "does not exist" in everloop("import-url", "remote://main/none", code=30)
    return len(dvc_files(OURS))


n_files = {"http": over_http, "ssh": over_ssh, "s3": over_s3, "azure": over_azure}[WAY]()
print(f"{n_files} files are those of DVC\nok")
