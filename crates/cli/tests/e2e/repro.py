"""`everloop repro` and `dvc repro` on two copies of a project: `repro.py EVERLOOP DVC`, run in an empty directory."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

BINARY, DVC = sys.argv[1:]
HERE = Path.cwd()
OURS, THEIRS = HERE / "ours", HERE / "theirs"
os.environ["DVC_SITE_CACHE_DIR"] = str(HERE / "site")
os.environ["DVC_GLOBAL_CONFIG_DIR"] = os.environ["DVC_SYSTEM_CONFIG_DIR"] = str(HERE / "none")
os.environ["DVC_NO_ANALYTICS"] = "1"

FILES = {
    "params.yaml": "scale: 2\nregions: [north, south]\ntrain: {rate: 0.1, name: 'a: b', layers: [1, 2]}\nunused: 1\n",
    "more.json": '{"deep": {"x": 1e-5}, "flag": true}',
    "run.sh": '#!/bin/sh\necho "log of $DVC_STAGE" >> ../log\ncat ../raw/$1.txt > $2\n',
    "sub/dvc.yaml": "stages:\n  last:\n    cmd: cat ../model/weights ../log > out\n    deps: [../model, ../log]\n    outs: [out]\n",
    "raw.dvc": None,
    "dvc.yaml": """\
vars:
  - word: hello
stages:
  # Each region has its features.
  features:
    foreach: ${regions}
    do:
      wdir: work
      cmd: ./../run.sh ${item} ${item}.out && echo "${word} ${scale}" >> ${item}.out
      deps: [../run.sh, ../raw/]
      params: [{../params.yaml: [scale]}]
      outs: ['${item}.out']
  train:
    cmd: |
      mkdir -p model/deep
      X=1
      echo "$X ${train.rate}" > model/weights; cp work/*.out model/deep; echo $DVC_STAGE $(test "$DVC_ROOT" = "$PWD" && echo root) >> model/deep/where
      echo '{"accuracy": 0.${scale}}' > metrics.json
      printf 'step,loss\\n1,0.5\\n' > plot.csv; chmod +x model/weights
    deps: [work/north.out, work/south.out]
    params: [train, unused, {more.json: [deep.x, flag]}]
    outs: [model, {kept: {persist: true, cache: true}}]
    metrics: [{metrics.json: {cache: false}}]
    plots: [{plot.csv: {x: step, y: loss}}]
  whole:
    cmd:
    - echo 1 > "we ird"
    - echo 2 >> "we ird"
    params: [{more.json: null}]
    outs: [we ird]
  hello:
    cmd: echo hello
  table:
    cmd: cp $(which true) program && echo x > table
    always_changed: true
    outs: [program, table]
""",
}


def run(dir, *arguments, code=0):
    done = subprocess.run(arguments, cwd=dir, capture_output=True, text=True)
    assert done.returncode == code, f"{arguments} in {dir}: {done.returncode}\n{done.stdout}{done.stderr}"
    return done


def ours(*arguments, code=0):
    return json.loads(run(OURS, BINARY, "repro", *arguments, "--format", "json", code=code).stdout)


def theirs(*arguments, code=0):
    return run(THEIRS, DVC, "repro", *arguments, code=code)


def make(dir):
    dir.mkdir()
    run(dir, "git", "init", "-q")
    run(dir, DVC, "init", "-q")
    for name, text in FILES.items():
        if text is not None:
            (dir / name).parent.mkdir(exist_ok=True)
            (dir / name).write_text(text)
    (dir / "run.sh").chmod(0o755)
    (dir / "work").mkdir()
    (dir / "log").write_text("")
    (dir / "kept").write_text("as it was\n")
    (dir / "raw").mkdir()
    for region in ["north", "south", "west"]:
        (dir / f"raw/{region}.txt").write_text(f"{region}\n")
    run(dir, DVC, "add", "-q", "raw")


def change(name, old, new):
    for dir in [OURS, THEIRS]:
        text = (dir / name).read_text()
        assert old in text, name
        (dir / name).write_text(text.replace(old, new))


def same():
    names = [str(path.relative_to(THEIRS)) for path in THEIRS.rglob("*") if path.is_file() or path.is_symlink()]
    names = [name for name in names if not name.startswith((".git/", ".dvc/"))]
    for name in sorted(names):
        if name.endswith(".gitignore"):
            assert set((OURS / name).read_text().split("\n")) == set((THEIRS / name).read_text().split("\n")), name
        else:
            assert (OURS / name).read_bytes() == (THEIRS / name).read_bytes(), f"{name}:\n{(OURS / name).read_text()}\n--\n{(THEIRS / name).read_text()}"
    objects = {str(path.relative_to(THEIRS)) for path in THEIRS.glob(".dvc/cache/files/md5/*/*")}
    assert objects <= {str(path.relative_to(OURS)) for path in OURS.glob(".dvc/cache/files/md5/*/*")}


def outcomes(report):
    return {row["stage"]: row["outcome"] for row in report if row["outcome"] not in ("up to date", "recorded")}


ALL = {"features@north", "features@south", "train", "whole", "hello", "table"}
make(OURS), make(THEIRS)
assert set(outcomes(ours("--dry"))) == ALL and not (OURS / "dvc.lock").exists()
report = ours()
assert outcomes(report) == dict.fromkeys(ALL, "run"), report
assert {reason["kind"] for row in report for reason in row["reasons"]} >= {"never run", "dependency", "parameters"}, report
theirs()
same()
ours("sub/dvc.yaml:last"), theirs("sub/dvc.yaml:last")
same()

# What one runs, the other calls up to date; what always runs, always runs.
ALWAYS = {"hello", "table"}
status = json.loads(run(OURS, DVC, "status", "--json").stdout)
assert set(status) <= {"hello", "table"}, status
before = (OURS / "dvc.lock").stat().st_mtime_ns
assert set(outcomes(ours())) == ALWAYS
assert ours("train") and outcomes(ours("train")) == {} and (OURS / "dvc.lock").stat().st_mtime_ns == before
theirs()

# The same stages run again after changes.
for name, old, new, stages in [
    ("params.yaml", "rate: 0.1", "rate: 0.25", {"train"}),
    ("params.yaml", "scale: 2", "scale: 3", {"features@north", "features@south", "train"}),
    ("params.yaml", "[north, south]", "[north, south, west]", {"features@west"}),
    ("more.json", "true", "false", {"train", "whole"}),
    ("dvc.yaml", "echo 2 >>", "echo 3 >>", {"whole"}),
]:
    change(name, old, new)
    assert "->" in run(OURS, BINARY, "repro", "--why", sorted(stages)[0]).stdout
    assert set(outcomes(ours())) == stages | ALWAYS, (name, new)
    told = theirs().stdout
    assert {stage for stage in ALL | {"features@west"} if f"Running stage '{stage}'" in told} == stages | ALWAYS, told
    same()

# Changed data is recorded, lost outputs come back without a run.
for dir in [OURS, THEIRS]:
    (dir / "raw/north.txt").write_text("other\n")
assert outcomes(ours("train"))["train"] == "run"
# Of a part of the graph DVC runs what is independent in the order of Python's hashes, which no two processes share.
for stage in ["features@north", "features@south", "train"]:
    theirs(stage)
same()
shutil.rmtree(OURS / "model")
(OURS / "metrics.json").touch()
assert outcomes(ours("train")) == {"train": "restored"}
same()
assert outcomes(ours("--single-item", "--force", "train")) == {"train": "run"}
assert set(outcomes(ours("--downstream", "features@west", "--force"))) == {"features@west"}
theirs("features@west")
same()
assert set(outcomes(ours("--downstream", "features@north", "--dry", "--force"))) == {"features@north", "train", "sub/dvc.yaml:last"}

# A stage that fails takes nothing from those that succeeded; with --keep-going others run.
more = "  good:\n    cmd: echo 1 > good\n    outs: [good]\n  bad:\n    cmd: echo 2 > bad; exit 3\n    deps: [good]\n    outs: [bad]\n  after:\n    cmd: cp bad after\n    deps: [bad]\n    outs: [after]\n  other:\n    cmd: echo 4 > other\n    outs: [other]\n  liar:\n    cmd: echo\n    outs: [absent]\n"
(OURS / "dvc.yaml").write_text((OURS / "dvc.yaml").read_text() + more)
report = ours("after", code=20)
assert outcomes(report) == {"good": "run", "bad": "failed"}, report
assert "exit code 3" in report[-1]["problem"] and "`bad`" in report[-1]["problem"], report
assert "  good:" in (OURS / "dvc.lock").read_text() and "  bad:" not in (OURS / "dvc.lock").read_text()
assert "/good\n" in (OURS / ".gitignore").read_text()
report = ours("after", "other", "liar", "--keep-going", code=20)
assert outcomes(report) == {"bad": "failed", "after": "skipped", "other": "run", "liar": "failed"}, report
run(OURS, BINARY, "repro", "nothing", code=30)

# Killed in the middle of a stage: its command keeps the repository until it ends; then the same command goes on.
slow = "  slow:\n    cmd: echo 1 > slow; sleep 3; echo 2 >> slow\n    deps: [good]\n    outs: [slow]\n"
(OURS / "dvc.yaml").write_text((OURS / "dvc.yaml").read_text() + slow)
child = subprocess.Popen([BINARY, "repro", "slow"], cwd=OURS, stderr=subprocess.DEVNULL)
while not (OURS / "slow").exists():
    time.sleep(0.01)
time.sleep(0.2)
child.send_signal(signal.SIGKILL)
child.wait()
assert "slow" in run(OURS, BINARY, "repro", "slow", code=31).stderr
assert "  slow:" not in (OURS / "dvc.lock").read_text()
time.sleep(3.2)
assert outcomes(ours("slow")) == {"slow": "run"}
assert (OURS / "slow").read_text() == "1\n2\n"
# Asked to stop, it takes the command with it.
began = time.monotonic()
child = subprocess.Popen([BINARY, "repro", "--force", "-s", "slow"], cwd=OURS, stderr=subprocess.DEVNULL)
time.sleep(0.1)
while not (OURS / "slow").exists():
    time.sleep(0.01)
child.send_signal(signal.SIGINT)
assert child.wait() == 130 and time.monotonic() - began < 2.9
# What it had made before comes back.
assert outcomes(ours("slow")) == {"slow": "restored"}
shutil.copy(OURS / "dvc.yaml", THEIRS / "dvc.yaml")
for stage in ["good", "other", "slow"]:
    theirs(stage)
lock = {dir: (dir / "dvc.lock").read_text() for dir in [OURS, THEIRS]}
assert lock[OURS] == lock[THEIRS], f"{lock[OURS]}\n--\n{lock[THEIRS]}"
print("ok")
