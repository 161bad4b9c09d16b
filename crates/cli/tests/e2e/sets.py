"""The data sets of `shared/data` through both tools: `sets.py EVERLOOP DATA`, run in an empty directory.

One repository is written by Everloop and read by DVC, another the other way round. Both must hold the same bytes.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

BINARY, DATA = sys.argv[1], Path(sys.argv[2])
HERE = Path.cwd()
os.environ["DVC_SITE_CACHE_DIR"] = str(HERE / "site")
os.environ["DVC_GLOBAL_CONFIG_DIR"] = os.environ["DVC_SYSTEM_CONFIG_DIR"] = str(HERE / "none")
os.environ["DVC_NO_ANALYTICS"] = "1"

from dvc.repo import Repo  # noqa: E402

SETS = sorted(path.name for path in DATA.iterdir() if path.is_dir())
assert len(SETS) == 11, SETS
PIPELINE = """\
stages:
  count:
    foreach: ${sets}
    do:
      cmd: mkdir -p counts && wc -l data/${item}/* > counts/${item}
      deps: ['data/${item}']
      outs: ['counts/${item}']
  sum:
    cmd: cat counts/* | wc -l > sum.txt
    deps: [counts]
    metrics: [sum.txt: {cache: false}]
"""


KINDS = ["added", "deleted", "modified", "renamed"]


def path_of(entry):
    """A path, or the old and the new one."""
    path = entry["path"]
    return (path["old"], path["new"]) if isinstance(path, dict) else path


class Everloop:
    def __init__(self, root):
        self.root = root

    def run(self, *arguments):
        done = subprocess.run([BINARY, *arguments], cwd=self.root, capture_output=True, text=True)
        assert done.returncode == 0, f"everloop {arguments}: {done.returncode}\n{done.stdout}{done.stderr}"
        return done.stdout

    def add(self, paths):
        self.run("data", "add", *paths)

    def commit(self):
        self.run("data", "commit")

    def push(self):
        self.run("data", "push")

    def pull(self):
        self.run("data", "pull")

    def checkout(self):
        self.run("data", "checkout")

    def repro(self):
        self.run("repro", "-j", "3")

    def diff(self):
        told = json.loads(self.run("data", "diff", "HEAD~1", "HEAD", "--format", "json"))
        return {kind: sorted(path_of(entry) for entry in told[kind]) for kind in KINDS}

    def is_up_to_date(self):
        rows = json.loads(self.run("data", "status", "--format", "json"))
        stages = json.loads(self.run("repro", "--dry", "--format", "json"))
        return all(row["state"] == "unchanged" and row["in_cache"] for row in rows) and all(row["outcome"] == "up to date" for row in stages)


class Dvc:
    def __init__(self, root):
        self.root = root

    def run(self, verb, *arguments, **options):
        os.chdir(self.root)
        with Repo(str(self.root)) as repo:
            return getattr(repo, verb)(*arguments, **options)

    def add(self, paths):
        self.run("add", paths)

    def commit(self):
        self.run("commit", force=True)

    def push(self):
        self.run("push")

    def pull(self):
        self.run("pull")

    def checkout(self):
        self.run("checkout")

    def repro(self):
        self.run("reproduce")

    def diff(self):
        told = self.run("diff", "HEAD~1", "HEAD")
        return {kind: sorted(path_of(entry) for entry in told[kind]) for kind in KINDS}

    def is_up_to_date(self):
        return self.run("status") == {}


def contents(root, *patterns):
    found = [path for pattern in patterns for path in root.glob(pattern) if path.is_file()]
    return {str(path.relative_to(root)): path.read_bytes() for path in found}


def change(root):
    for index, name in enumerate(SETS):
        tables = sorted(path for path in (root / "data" / name).rglob("*.*") if path.suffix in (".csv", ".parquet", ".gz", ".txt", ".data"))
        table = tables[index % len(tables)]
        text = table.read_bytes()
        table.unlink()
        # The last line once more; every third table loses its middle.
        lines = text.splitlines(keepends=True)
        table.write_bytes(b"".join(lines[: len(lines) // 3] + lines[-len(lines) // 3 :] if index % 3 == 0 else lines + lines[-1:]))
        (root / "data" / name / "added.txt").write_text(name)
        (root / "data" / name / "README.md").unlink(missing_ok=True)


def live(root, writer, reader):
    root.mkdir()
    git = lambda *arguments: subprocess.run(["git", *arguments], cwd=root, check=True, capture_output=True)
    git("init", "-q"), git("config", "user.name", "x"), git("config", "user.email", "x@y")
    Everloop(root).run("data", "init")
    Everloop(root).run("data", "remote", "add", "-d", "main", str(root) + ".remote")
    shutil.copytree(DATA, root / "data", ignore=lambda _, names: [name for name in names if name.endswith(".dvc")])
    for path in (root / "data").iterdir():
        if path.is_file():
            path.unlink()
    subprocess.run(["chmod", "-R", "u+w", root / "data"], check=True)
    (root / "params.yaml").write_text(json.dumps({"sets": SETS}))
    (root / "dvc.yaml").write_text(PIPELINE)
    versions = []
    for step in range(2):
        if step == 0:
            writer.add([f"data/{name}" for name in SETS])
        else:
            change(root)
            assert not writer.is_up_to_date() and not reader.is_up_to_date()
            writer.commit()
        writer.repro()
        assert writer.is_up_to_date() and reader.is_up_to_date()
        before = contents(root, "data/*.dvc", "dvc.lock")
        reader.commit(), reader.repro()
        assert contents(root, "data/*.dvc", "dvc.lock") == before
        writer.push()
        git("add", "-A"), git("commit", "-q", "-m", str(step))
        versions.append(contents(root, "data/**/*"))
    assert versions[0] != versions[1]
    differences = writer.diff()
    assert differences == reader.diff() and differences["added"] and differences["modified"], differences
    # All is lost but what git and the remote have.
    shutil.rmtree(root / ".dvc/cache")
    for name in SETS:
        shutil.rmtree(root / "data" / name)
    reader.pull()
    assert contents(root, "data/**/*") == versions[1]
    git("checkout", "-q", "HEAD~1")
    reader.pull()
    assert {name: text for name, text in contents(root, "data/**/*").items() if not name.endswith(".gitignore")} == {name: text for name, text in versions[0].items() if not name.endswith(".gitignore")}
    git("checkout", "-q", "-")
    writer.checkout()
    assert contents(root, "data/**/*") == versions[1]
    writer.repro()
    assert writer.is_up_to_date() and reader.is_up_to_date()
    return contents(root, "data/*.dvc", "dvc.lock", ".dvc/cache/files/md5/*/*.dir")


ours, theirs = HERE / "ours", HERE / "theirs"
kept = live(ours, Everloop(ours), Dvc(ours))
assert kept == live(theirs, Dvc(theirs), Everloop(theirs))
assert len([name for name in kept if name.endswith(".dir")]) == 22 and "dvc.lock" in kept
print("ok")
