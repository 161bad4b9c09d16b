"""Outs of stages, parts of directories, kept commits, and objects that are damaged: Everloop and DVC in turns.

`tracked.py EVERLOOP SCENE`, run in an empty directory. After each operation both tell the same of each tracked path.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

BINARY, SCENE = sys.argv[1], sys.argv[2]
ROOT = Path.cwd() / "r"
os.environ["DVC_SITE_CACHE_DIR"] = str(Path.cwd() / "site")
os.environ["DVC_GLOBAL_CONFIG_DIR"] = os.environ["DVC_SYSTEM_CONFIG_DIR"] = str(Path.cwd() / "none")
os.environ["DVC_NO_ANALYTICS"] = "1"
for role in ["AUTHOR", "COMMITTER"]:
    os.environ[f"GIT_{role}_NAME"] = os.environ[f"GIT_{role}_EMAIL"] = "t"

from dvc.repo import Repo  # noqa: E402

PIPELINE = """\
stages:
  prepare:
    cmd: mkdir -p out/dir && cp data/a out/dir/a && cp data/sub/b out/dir/b && echo ${lr} > out/one
    deps:
    - data
    params:
    - lr
    outs:
    - out/dir
    - out/one:
        persist: true
    metrics:
    - m.json:
        cache: false
  each:
    foreach: [x, y]
    do:
      wdir: sub
      cmd: cat ../out/one > ${item}.txt
      deps:
      - ../out/one
      outs:
      - ${item}.txt:
          push: false
      plots:
      - plot-${item}.csv
"""


def everloop(*arguments, code=0):
    done = subprocess.run([BINARY, "data", *arguments], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == code, f"everloop data {arguments}: {done.returncode}\n{done.stdout}{done.stderr}"
    return done.stdout


def refused(code, words, *arguments):
    done = subprocess.run([BINARY, "data", *arguments], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == code and words in done.stderr, f"{arguments}: {done.returncode}\n{done.stderr}"


def dvc(verb, *arguments, **options):
    with Repo(str(ROOT)) as repo:
        return getattr(repo, verb)(*arguments, **options)


def git(*arguments):
    subprocess.run(["git", *arguments], cwd=ROOT, check=True, capture_output=True)


def save(message):
    git("add", "-A")
    git("commit", "-qm", message, "--allow-empty")


def write(path, text):
    place = ROOT / path
    place.parent.mkdir(parents=True, exist_ok=True)
    if place.exists():
        place.unlink()
    place.write_text(text)


def wipe(*paths):
    for path in paths:
        place = ROOT / path
        shutil.rmtree(place) if place.is_dir() else place.unlink()


def states():
    """What both say, which must be the same."""
    theirs = {}
    for name, changes in dvc("status").items():
        for change in changes:
            if isinstance(change, dict):
                theirs.update(change.get("changed outs", {}))
    rows = json.loads(everloop("status", "--format", "json"))
    word = lambda row: row["state"] if row["in_cache"] or row["state"] == "deleted" else "not in cache"
    ours = {row["path"]: word(row) for row in rows if word(row) != "unchanged"}
    assert ours == theirs, f"everloop says {ours}, dvc says {theirs}"
    return ours


def of_dvc():
    """All files of DVC's format."""
    kinds = ["*.dvc", "dvc.lock", ".gitignore"]
    return {path.relative_to(ROOT): path.read_bytes() for kind in kinds for path in ROOT.rglob(kind) if path.is_file()}


def agree():
    """Both record the same: nothing changes."""
    assert states() == {}, states()
    before = of_dvc()
    for record in [lambda: dvc("commit", force=True), lambda: everloop("commit")]:
        record()
        assert of_dvc() == before, f"changed\n{before}\nto\n{of_dvc()}"


def files(*paths):
    found = {}
    for path in paths:
        place = ROOT / path
        for file in [place, *place.rglob("*")] if place.is_dir() else [place]:
            if file.is_file():
                found[str(file.relative_to(ROOT))] = file.read_bytes()
    return found


def objects(place):
    return {str(path.relative_to(place)) for path in place.rglob("*") if path.is_file() and path.parent.parent.name == "md5"}


def start():
    ROOT.mkdir()
    os.chdir(ROOT)
    git("init", "-q")
    everloop("init")
    everloop("remote", "add", "--default", "main", "../remote")
    write("data/a", "1")
    write("data/sub/b", "2")
    write("data/sub/c", "3")
    everloop("add", "data")


def stages():
    (ROOT / "sub").mkdir()
    write("dvc.yaml", PIPELINE.replace("cat ../out/one > ${item}.txt", "cat ../out/one | tee ${item}.txt > plot-${item}.csv").replace("echo ${lr} > out/one", "echo ${lr} | tee m.json > out/one"))
    write("params.yaml", "lr: 1\n")
    assert set(states()) == {"m.json", "out/dir", "out/one", "sub/x.txt", "sub/y.txt", "sub/plot-x.csv", "sub/plot-y.csv"}
    dvc("reproduce")
    agree()
    save("first")
    rows = {row["path"]: row for row in json.loads(everloop("list", "--format", "json"))}
    assert rows["sub/x.txt"]["stage"] == "each@x" and rows["data"]["stage"] is None, rows
    for target, expected in [("each", 4), ("dvc.yaml:each@x", 2), ("dvc.yaml", 7), ("sub", 4), ("out/one", 1), ("prepare", 3)]:
        found = json.loads(everloop("list", target, "--format", "json"))
        assert len(found) == expected, (target, found)
    # Both record what was changed by hand as the other does.
    for record in [lambda: everloop("commit"), lambda: dvc("commit", force=True), lambda: everloop("commit", "prepare", "each")]:
        write("out/one", f"{record}")
        write("out/dir/new", f"{record}")
        write("params.yaml", f"lr: '{record}'\n")
        assert states() == {"out/one": "modified", "out/dir": "modified"}
        record()
        agree()
    by_us = (ROOT / "dvc.lock").read_bytes()
    git("checkout", "dvc.lock", "params.yaml")
    dvc("commit", force=True)
    git("checkout", "dvc.lock", "params.yaml")
    before = files("out", "sub")
    for restore in [lambda: everloop("checkout", "--force"), lambda: dvc("checkout", force=True)]:
        restore()
        assert (ROOT / "out/one").read_text() == "1\n" and not (ROOT / "out/dir/new").exists()
        assert states() == {}
        wipe("out/dir", "out/one", "sub/x.txt")
        assert states() == {"out/dir": "deleted", "out/one": "deleted", "sub/x.txt": "deleted"}
    everloop("checkout", "out/one", "prepare")
    assert states() == {"sub/x.txt": "deleted"}
    everloop("checkout", "each@x")
    agree()
    # `push: false` stays here; the rest comes back, whoever sends it.
    for send, get in [(lambda: everloop("push"), lambda: dvc("pull")), (lambda: dvc("push"), lambda: everloop("pull", "data", "prepare", "sub/plot-x.csv"))]:
        shutil.rmtree(ROOT.parent / "remote", ignore_errors=True)
        send()
        n_objects = len(objects(ROOT.parent / "remote"))
        assert n_objects == 6, n_objects
        kept = files("data", "out", "sub")
        shutil.rmtree(ROOT / ".dvc/cache")
        wipe("out/dir", "out/one", "data", "sub/plot-x.csv")
        get()
        assert files("data", "out", "sub") == kept
        everloop("commit")
        agree()
    # The outs are named by `dvc.lock`.
    everloop("gc", "--workspace")
    dvc("gc", workspace=True)
    agree()
    refused(31, "is an output of stage `prepare`", "add", "out/one")
    refused(31, "is an output of stage `prepare`", "add", "out/dir/a")
    refused(31, "is tracked by `prepare`", "add", "out")
    refused(31, "is an output of stage", "move", "out/one", "x")
    assert by_us != b""


def parts():
    agree()
    before = files("data")
    everloop("push", "data/sub/b")
    remote = ROOT.parent / "remote"
    # A listing without its files would make DVC believe that they are there.
    assert len(objects(remote)) == 1, objects(remote)
    dvc("push")
    assert len(objects(remote)) == 4
    for get in [lambda: everloop("pull", "data/sub"), lambda: dvc("pull", "data/sub")]:
        shutil.rmtree(ROOT / ".dvc/cache")
        wipe("data")
        get()
        assert set(files("data")) == {"data/sub/b", "data/sub/c"}
        assert len(objects(ROOT / ".dvc/cache")) == 3
    everloop("fetch", "data/a")
    everloop("checkout", "data/a")
    assert files("data") == before
    agree()
    write("data/a", "changed")
    write("data/sub/c", "changed, too")
    rows = json.loads(everloop("status", "data/sub", "data/a", "data/sub/b", "--format", "json"))
    told = {row["path"]: (row["state"], row["modified"]) for row in rows}
    assert told["data/sub"] == ("modified", ["sub/c"]) and told["data/sub/b"][0] == "unchanged", told
    refused(22, "would be lost", "checkout", "data/sub/c")
    everloop("checkout", "--force", "data/sub/c")
    assert (ROOT / "data/sub/c").read_text() == "3" and (ROOT / "data/a").read_text() == "changed"
    # The file of the directory says what DVC would have made it say.
    for change in [
        lambda: write("data/new", "new"),
        lambda: write("data/sub/b", "other"),
        lambda: wipe("data/sub/c"),
        lambda: write("data/deep/er/x", "x"),
    ]:
        target = {0: "data/new", 1: "data/sub", 2: "data/sub/c", 3: "data/deep/er/x"}[parts.n]
        parts.n += 1
        start_text = (ROOT / "data.dvc").read_bytes()
        change()
        everloop("add", target)
        ours = (ROOT / "data.dvc").read_bytes()
        write("data.dvc", start_text.decode())
        dvc("add", target)
        assert (ROOT / "data.dvc").read_bytes() == ours, f"{target}: {ours}\n{(ROOT / 'data.dvc').read_bytes()}"
        assert states() == {"data": "modified"}
    everloop("commit", "data/a")
    assert states() == {}
    dvc("commit", force=True)
    everloop("commit")
    agree()
    refused(30, "is not in what is recorded", "add", "data/absent")
    refused(30, "no `.dvc` file tracks", "checkout", "absent/x")
    # Both files of one name or neither.
    everloop("move", "data", "moved")
    agree()
    dvc("move", "moved", "data")
    agree()
    (ROOT / "in").mkdir()
    everloop("move", "data", "in")
    agree()
    assert (ROOT / "in/data.dvc").exists() and "data" not in (ROOT / ".gitignore").read_text() if (ROOT / ".gitignore").exists() else True
    everloop("remove", "in/data.dvc")
    assert (ROOT / "in/data/a").exists() and not (ROOT / "in/data.dvc").exists() and not (ROOT / "in/.gitignore").exists()
    assert json.loads(everloop("list", "--format", "json")) == []


parts.n = 0


def kept():
    save("v1")
    git("tag", "one")
    for number in range(2, 6):
        write("data/a", f"version {number}")
        everloop("add", "data")
        if number == 4:
            git("checkout", "-qb", "other")
        save(f"v{number}")
    git("checkout", "-q", "master" if "master" in subprocess.check_output(["git", "branch"], cwd=ROOT, text=True) else "main")
    everloop("checkout", "--force")
    cache = ROOT / ".dvc/cache"
    whole = Path.cwd().parent / "whole"
    shutil.copytree(cache, whole)
    modes = [
        (["-w"], {"workspace": True}),
        (["-a"], {"all_branches": True}),
        (["-T"], {"all_tags": True}),
        (["-A"], {"all_commits": True}),
        (["-a", "-n", "2"], {"all_branches": True, "num": 2}),
        (["--rev", "one"], {"rev": "one"}),
        (["--rev", "other", "-n", "3"], {"rev": "other", "num": 3}),
        (["-w", "--date", "2000-01-01"], {"workspace": True, "commit_date": "2000-01-01"}),
        (["-w", "--date", "2999-01-01"], {"workspace": True, "commit_date": "2999-01-01"}),
        (["-T", "-a"], {"all_tags": True, "all_branches": True}),
    ]
    remote = ROOT.parent / "remote"
    for cloud in [False, True]:
        for options, theirs in modes:
            left = []
            for collect in [
                lambda: everloop("gc", *options, *(["-c"] if cloud else [])),
                lambda: dvc("gc", **theirs, cloud=cloud, force=True),
            ]:
                for place in [cache, remote]:
                    shutil.rmtree(place, ignore_errors=True)
                    shutil.copytree(whole, place)
                shutil.rmtree(Path(os.environ["DVC_SITE_CACHE_DIR"]), ignore_errors=True)
                told = json.loads(everloop("gc", *options, "--dry", "--format", "json"))
                collect()
                left.append((objects(cache), objects(remote)))
                assert len(objects(cache)) == told["kept"], f"{options} {collect}: {told} {objects(cache)}"
            assert left[0] == left[1], f"{options} {cloud}: {left}"
    shutil.rmtree(cache)
    shutil.copytree(whole, cache)
    everloop("push")
    everloop("gc", "-w", "--not-in-remote")
    assert objects(cache) == set()
    # One commit that cannot be read, and nothing goes.
    shutil.rmtree(cache)
    shutil.copytree(whole, cache)
    (ROOT / "data.dvc").write_text("outs: [")
    save("broken")
    git("checkout", "-q", "HEAD~1")
    before = objects(cache)
    refused(2, "data.dvc", "gc", "-A")
    head = subprocess.check_output(["git", "rev-parse", "other^{/broken}"], cwd=ROOT, text=True).strip() if False else ""
    assert objects(cache) == before and head == ""
    refused(30, "knows no revision", "gc", "--rev", "nothing")
    refused(2, "is no day", "gc", "-w", "--date", "yesterday")
    refused(2, "`--num` is for", "gc", "-w", "--num", "2")


def damaged():
    everloop("push")
    agree()
    cache = ROOT / ".dvc/cache/files/md5"
    a = cache / "c4/ca4238a0b923820dcc509a6f75849b"
    b = cache / "c8/1e728d9d4c2f636f067f89cc14862c"

    def break_it():
        a.chmod(0o644)
        a.write_text("x")
        a.chmod(0o444)
        b.unlink()
        listing.chmod(0o644)

    listing = next(cache.rglob("*.dir"))
    break_it()
    # DVC believes the mode.
    told = json.loads(everloop("fsck", "--format", "json", code=22))
    kinds = {fault["kind"]: fault["used_by"] for fault in told["faults"]}
    assert kinds == {"damaged": ["data/a"], "missing": ["data/sub/b"], "writable": ["data"]}, told
    assert json.loads(everloop("fsck", "data/sub/c", "--format", "json", code=22))["left"] == 1
    told = json.loads(everloop("fsck", "--repair", "--format", "json"))
    assert {fault["repaired"] for fault in told["faults"]} == {"from `data/a` in the workspace", "from `data/sub/b` in the workspace", "its mode was set"}, told
    assert a.read_text() == "1" and a.stat().st_mode & 0o777 == 0o444
    everloop("fsck", "--all")
    agree()
    wipe("data")
    break_it()
    listing.write_text("[]")
    told = json.loads(everloop("fsck", "--repair", "--format", "json"))
    assert all(fault["repaired"] == "from the remote `main`" for fault in told["faults"]) and len(told["faults"]) == 3, told
    everloop("checkout")
    agree()
    # Nobody has it: it is named, and DVC no longer believes it.
    wipe("data")
    break_it()
    shutil.rmtree(ROOT.parent / "remote")
    told = json.loads(everloop("fsck", "--repair", "--format", "json", code=22))
    assert told["left"] == 2 and not a.exists(), told
    assert (ROOT / ".dvc/cache/everloop-damaged/c4ca4238a0b923820dcc509a6f75849b").read_text() == "x"


start()
{"stages": stages, "parts": parts, "kept": kept, "damaged": damaged}[SCENE]()
print("ok")
