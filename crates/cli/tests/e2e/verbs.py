"""Everyday verbs with Everloop and DVC: `verbs.py EVERLOOP DVC`, run in an empty directory.

Both do the same in two repositories; after each verb all files of both are the same, byte by byte.
"""

import os
import subprocess
import sys
from pathlib import Path

BINARY, DVC = sys.argv[1:]
PLACE = Path.cwd()
os.environ["DVC_SITE_CACHE_DIR"] = str(PLACE / "site")
os.environ["DVC_GLOBAL_CONFIG_DIR"] = os.environ["DVC_SYSTEM_CONFIG_DIR"] = str(PLACE / "none")
os.environ["DVC_NO_ANALYTICS"] = "1"
OURS, THEIRS = PLACE / "ours", PLACE / "theirs"

PIPELINE = """# comment
stages:
  one:   # the first
    cmd: cp a b
    deps:
    - a
    outs: [b]
  two:   # comments of their own lines DVC loses where it ends freezing

    cmd: cp b c
    deps: [b]
    outs:
    - c
params:
- params.yaml
"""


def run(arguments, at, code=0):
    done = subprocess.run([str(one) for one in arguments], cwd=at, capture_output=True, text=True)
    assert done.returncode == code, f"{arguments}: {done.returncode}\n{done.stdout}{done.stderr}"
    return done.stdout


def files(root):
    found = {}
    for path in sorted(root.rglob("*")):
        name = path.relative_to(root).as_posix()
        if path.is_file() and not name.startswith((".git/", ".dvc/tmp/")):
            found[name] = path.read_bytes()
    return found


def both(ours, theirs=None):
    run([BINARY, *ours], OURS)
    run([DVC, *(theirs or ours[1:])], THEIRS)
    left, right = files(OURS), files(THEIRS)
    for name in sorted({*left, *right}):
        assert left.get(name) == right.get(name), f"{ours}: {name}:\n{left.get(name)}\n{right.get(name)}"


for root in [OURS, THEIRS]:
    root.mkdir()
    run(["git", "init", "-q"], root)
    run([DVC, "init", "-q"], root)
    (root / "a").write_text("a\n")
    (root / "src").write_text("s\n")
    (root / "params.yaml").write_text("lr: 1\nx: {y: 2}\n")
    (root / "dvc.yaml").write_text(PIPELINE)
    (root / ".dvcignore").write_text("*.tmp\n!keep.tmp\n/logs/\n")
    run([DVC, "add", "-q", "a"], root)
    run([DVC, "import-url", "-q", "src", "dst"], root)

both(["data", "freeze", "one"])
both(["data", "freeze", "two", "a.dvc", "one"])
both(["data", "unfreeze", "one", "two", "a.dvc", "dst.dvc"])
both(["data", "freeze", "dst.dvc"])
add = ["-d", "b", "-d", "a", "-p", "lr", "-p", "params.yaml:x.y", "-o", "d1", "-O", "d2", "--outs-persist", "p1"]
add += ["-m", "m.json", "-M", "m2.json", "--plots", "pl.csv", "--plots-no-cache", "pl2.csv", "--always-changed", "--desc", "hello"]
both(["stage", "add", "-n", "three", *add, "cp b d1 && echo 1"], ["stage", "add", "-n", "three", *add, "cp b d1 && echo 1"])
run([BINARY, "stage", "add", "-n", "three", "-o", "e", "x"], OURS, 31)
run([BINARY, "stage", "add", "-n", "four", "-o", "d1", "x"], OURS, 2)
both(["stage", "add", "-n", "four", "-d", "d1", "-o", "long", "cat d1 > long"], ["stage", "add", "-n", "four", "-d", "d1", "-o", "long", "cat d1 > long"])
for where in [[], ["--local"]]:
    both(["data", "config", *where, "core.autostage", "true"])
    both(["data", "config", *where, "cache.type", "hardlink,copy"])
    both(["data", "config", *where, "core.remote", "main"])
    both(["data", "config", *where, "--unset", "core.remote"])
both(["data", "cache-dir", "../elsewhere"], ["cache", "dir", "../elsewhere"])
ours, theirs = run([BINARY, "data", "cache-dir"], OURS), run([DVC, "cache", "dir"], THEIRS)
assert ours == theirs, (ours, theirs)
both(["data", "cache-dir", "--unset"], ["cache", "dir", "--unset"])
assert run([BINARY, "data", "config", "core.autostage"], OURS) == run([DVC, "config", "core.autostage"], THEIRS)
lines = sorted(set(run([DVC, "config", "--list"], THEIRS).splitlines()))
assert run([BINARY, "data", "config"], OURS).splitlines() == lines, lines
run([BINARY, "data", "config", "core.nothing", "x"], OURS, 30)
run([BINARY, "data", "config", "core.autostage", "maybe"], OURS, 2)
for path in ["x.tmp", "keep.tmp", "logs/a", "a", "sub/y.tmp"]:
    for details in [[], ["-d"], ["-d", "-n"]]:
        (OURS / "logs").mkdir(exist_ok=True), (THEIRS / "logs").mkdir(exist_ok=True)
        ours = subprocess.run([BINARY, "data", "check-ignore", *details, path], cwd=OURS, capture_output=True, text=True)
        theirs = subprocess.run([DVC, "check-ignore", *details, path], cwd=THEIRS, capture_output=True, text=True)
        assert ours.stdout == theirs.stdout, (path, details, ours.stdout, theirs.stdout)
        # DVC takes a line that keeps a path in for a success, too.
        assert (ours.returncode == 0) <= (theirs.returncode == 0), (path, details)
names = run([DVC, "stage", "list", "--names-only"], THEIRS)
assert run([BINARY, "stage", "list", "--names-only"], OURS) == names
print("ok")
