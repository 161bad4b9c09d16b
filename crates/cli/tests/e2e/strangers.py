"""Projects as strangers write them, seen by both tools: `strangers.py EVERLOOP`, run in an empty directory.

What a survey of public DVC projects found: stages that read what is not in the repository or lies behind links, plots of files of
which one is missing, stages that never ran, data that is nowhere, stages in the form of DVC 1; all of it with the line ends of
Windows, too.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

BINARY = sys.argv[1]
PLACE = Path.cwd()
DVC = str(Path(sys.executable).with_name("dvc"))
os.environ["DVC_SITE_CACHE_DIR"] = str(PLACE / "site")
os.environ["DVC_GLOBAL_CONFIG_DIR"] = os.environ["DVC_SYSTEM_CONFIG_DIR"] = str(PLACE / "none")
os.environ["DVC_NO_ANALYTICS"] = "1"
for role in ["AUTHOR", "COMMITTER"]:
    os.environ[f"GIT_{role}_NAME"], os.environ[f"GIT_{role}_EMAIL"] = "t", "t@t"

PIPELINE = f"""vars:
- sizes.yaml
stages:
  outside:
    cmd: cat ../shared/a.txt {PLACE}/shared/b.txt link/c.txt > all.txt
    deps:
    - ../shared/a.txt
    - {PLACE}/shared
    - link
    outs:
    - all.txt
  each:
    foreach: ${{sizes}}
    do:
      cmd: head -c ${{item}} all.txt > part_${{key}}.csv
      deps: [all.txt]
      outs:
      - part_${{key}}.csv
  late:
    frozen: true
    cmd: touch late.bin
    deps: [all.txt]
    outs: [late.bin]
plots:
- Both:
    x: n
    y:
      here.csv: loss
      absent.csv: loss
artifacts:
  part:
    path: part_small.csv
    type: dataset
"""


def run(*arguments, at, code=0):
    done = subprocess.run([str(one) for one in arguments], cwd=at, capture_output=True, text=True)
    assert done.returncode == code, f"{arguments}: {done.returncode}\n{done.stdout}{done.stderr}"
    return done.stdout


def everloop(*arguments, at, code=0):
    return run(BINARY, *arguments, at=at, code=code)


def make(name, end):
    root = PLACE / name
    root.mkdir()
    run("git", "init", "-q", at=root)
    run(DVC, "init", "-q", at=root)
    (root / "link").symlink_to(PLACE / "shared", target_is_directory=True)
    for file, text in [
        ("dvc.yaml", PIPELINE),
        ("sizes.yaml", "sizes: {small: 3, large: 9}\n"),
        ("here.csv", "n,loss\n1,0.5\n2,0.25\n"),
        ("data.bin", "some\ntext\n"),
    ]:
        (root / file).write_bytes(text.replace("\n", end).encode())
    run(DVC, "add", "-q", "data.bin", at=root)
    dvc_file = root / "data.bin.dvc"
    dvc_file.write_bytes(dvc_file.read_bytes().replace(b"\n", end.encode()))
    run("git", "add", "-A", at=root)
    run("git", "commit", "-q", "-m", "one", at=root)
    return root


def data_status_of_dvc(root):
    told = json.loads(run(DVC, "data", "status", "--json", at=root))
    changed = told.get("uncommitted", {})
    return sorted(changed.get("deleted", [])), sorted(told.get("not_in_cache", []))


def data_status(root):
    """As `dvc data status`, which says nothing of what a stage has yet to make; `dvc status` does, and so does Everloop."""
    told = json.loads(everloop("data", "status", "--format", "json", at=root))
    lock = root / "dvc.lock"
    recorded = ["data.bin", *(lock.read_text().split() if lock.exists() else [])]
    deleted = [one["path"] for one in told if one["state"] == "deleted" and one["path"] in recorded]
    return sorted(deleted), sorted(one["path"] for one in told if not one["in_cache"])


def points(plots):
    keys = ["n", "loss", "rev", "filename"]
    values = [part.get("datapoints") or part["content"]["data"]["values"] for part in plots]
    return [[point[key] for key in keys] for part in values for point in part]


def plots(root):
    theirs = json.loads(run(DVC, "plots", "show", "--json", "-o", PLACE / "static", at=root))
    ours = json.loads(everloop("plots", "show", "--json", at=root))
    drawn = points(theirs["data"]["Both"])
    assert points(ours["data"]["Both"]) == drawn and len(drawn) == 2, ours
    assert [one["source"] for one in ours["errors"]] == ["absent.csv"], ours


def seen_alike(end):
    kind = "unix" if end == "\n" else "windows"
    ours, theirs = make(f"ours_{kind}", end), make(f"theirs_{kind}", end)
    assert data_status(ours) == data_status_of_dvc(ours) == ([], []), data_status(ours)
    plots(ours)
    names = ["stage", "list", "--all"]
    listed = everloop(*names, "--names-only", at=ours).split()
    assert listed == run(DVC, *names, "--name-only", at=ours).split(), listed
    for frozen in ["outside", "each"]:
        everloop("repro", frozen, at=ours)
        run(DVC, "repro", "-q", frozen, at=theirs)
    assert (ours / "dvc.lock").read_text() == (theirs / "dvc.lock").read_text(), (ours / "dvc.lock").read_text()
    for root in [ours, theirs]:
        told = run(DVC, "status", "outside", "each", at=root)
        assert told.startswith("Data and pipelines are up to date"), told
        why = everloop("repro", "--dry", "outside", "each", "--format", "json", at=root)
        assert {one["outcome"] for one in json.loads(why)} == {"up to date"}, why
    # Something outside changes.
    (PLACE / "shared/b.txt").write_text(f"changed {kind}\n")
    why = json.loads(everloop("repro", "--why", "outside", "--format", "json", at=ours))
    assert {reason["subject"] for reason in why[0]["reasons"]} == {f"{PLACE}/shared", "link"}, why
    # Data that is nowhere is told before anything runs, by a dry run too.
    shutil.rmtree(ours / ".dvc/cache")
    (ours / "data.bin").unlink()
    for dry in [["--dry"], []]:
        everloop("repro", "data.bin.dvc", *dry, at=ours, code=20)
    assert data_status(ours) == data_status_of_dvc(ours), data_status(ours)


def since_dvc_2():
    """A record of DVC 2 keeps its digest, and says what the file is like now."""
    roots = [PLACE / "ours_2", PLACE / "theirs_2"]
    digest = "401b30e3b8b5d629635a5c613cdb7919"
    for root in roots:
        root.mkdir()
        run("git", "init", "-q", at=root)
        run(DVC, "init", "-q", at=root)
        (root / "run.sh").write_bytes(b"x\r\n")
        (root / "run.sh").chmod(0o755)
        (root / "dvc.yaml").write_text("stages:\n  a:\n    cmd: cp run.sh out.txt; echo ran\n    deps: [run.sh]\n    outs: [out.txt]\n")
        (root / "dvc.lock").write_text(
            f"schema: '2.0'\nstages:\n  a:\n    cmd: cp run.sh out.txt\n    deps:\n    - path: run.sh\n      md5: {digest}\n      size: 3\n"
        )
    everloop("repro", at=roots[0])
    run(DVC, "repro", "-q", at=roots[1])
    ours, theirs = [(root / "dvc.lock").read_text() for root in roots]
    assert ours == theirs and f"      md5: {digest}\n      size: 3\n      isexec: true\n" in ours, f"{ours}\n{theirs}"


def old_stages():
    root = PLACE / "old"
    root.mkdir()
    run("git", "init", "-q", at=root)
    everloop("data", "init", at=root)
    (root / "out.txt").write_text("x\n")
    (root / "make.dvc").write_text(
        "md5: 0123456789abcdef0123456789abcdef\ncmd: cp in.txt out.txt\ndeps:\n- md5: 0123456789abcdef0123456789abcdef\n  path: in.txt\n"
        "outs:\n- md5: 401b30e3b8b5d629635a5c613cdb7919\n  path: out.txt\n  cache: true\n  metric: false\n  persist: false\n"
    )
    status = json.loads(everloop("data", "status", "--format", "json", at=root))
    assert [one["state"] for one in status] == ["unchanged"], status
    done = subprocess.run([BINARY, "repro", "make.dvc"], cwd=root, capture_output=True, text=True)
    assert done.returncode == 20 and "in the form of DVC 1" in done.stderr, done.stderr
    # DVC 1 wrote locks without a schema.
    (root / "make.dvc").unlink()
    (root / "dvc.yaml").write_text("stages:\n  a:\n    cmd: cp in.txt out.txt\n    deps: [in.txt]\n    outs: [out.txt]\n")
    (root / "in.txt").write_text("x\n")
    digest = "401b30e3b8b5d629635a5c613cdb7919"
    (root / "dvc.lock").write_text(f"a:\n  cmd: cp in.txt out.txt\n  deps:\n  - path: in.txt\n    md5: {digest}\n  outs:\n  - path: out.txt\n    md5: {digest}\n")
    why = json.loads(everloop("repro", "--why", "a", "--format", "json", at=root))
    assert {reason["kind"] for reason in why[0]["reasons"]} <= {"not in cache"}, why


(PLACE / "shared").mkdir()
for name in "abc":
    (PLACE / f"shared/{name}.txt").write_text(f"{name}\n")
seen_alike("\n")
seen_alike("\r\n")
since_dvc_2()
old_stages()
print("ok")
