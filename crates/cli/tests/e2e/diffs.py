"""`everloop metrics|params|plots` and the same of DVC in one repository: `diffs.py EVERLOOP DVC`, run in an empty directory."""

import json
import os
import re
import shutil
import struct
import subprocess
import sys
import zlib
from pathlib import Path
from xml.etree import ElementTree

from dvc.cli import main

BINARY, DVC = sys.argv[1:]
HERE = Path.cwd()
REPO = HERE / "repo"
os.environ["DVC_SITE_CACHE_DIR"] = str(HERE / "site")
os.environ["DVC_GLOBAL_CONFIG_DIR"] = os.environ["DVC_SYSTEM_CONFIG_DIR"] = str(HERE / "none")
os.environ["DVC_NO_ANALYTICS"] = "1"
for role in ["AUTHOR", "COMMITTER"]:
    os.environ[f"GIT_{role}_NAME"], os.environ[f"GIT_{role}_EMAIL"] = "t", "t@t"


def run(*arguments, code=0, dir=REPO):
    done = subprocess.run(arguments, cwd=dir, capture_output=True, text=True)
    assert done.returncode == code, f"{arguments}: {done.returncode}\n{done.stdout}{done.stderr}"
    return done


def dvc(*arguments, dir=REPO):
    """What DVC prints. It runs in this process: to start one takes it most of a second."""
    before, printed = (os.getcwd(), os.dup(1), os.dup(2)), HERE / "printed"
    os.chdir(dir)
    with printed.open("w") as out, open(os.devnull, "w") as nothing:
        os.dup2(out.fileno(), 1), os.dup2(nothing.fileno(), 2)
        code = main(list(arguments))
        sys.stdout.flush(), sys.stderr.flush()
        os.dup2(before[1], 1), os.dup2(before[2], 2), os.chdir(before[0])
    assert code == 0, (arguments, printed.read_text())
    return printed.read_text()


def everloop(*arguments, code=0, dir=REPO):
    return run(BINARY, *arguments, code=code, dir=dir)


def png(shade):
    chunk = lambda kind, data: struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    body = zlib.compress(b"\0" + bytes([shade] * 3))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0)) + chunk(b"IDAT", body) + chunk(b"IEND", b"")


def write(**files):
    for name, text in files.items():
        path = REPO / name.replace("__", "/").replace("_DOT_", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text) if isinstance(text, str) else path.write_bytes(text)


def commit(tag):
    run("git", "add", "-A")
    run("git", "commit", "-q", "-m", tag)
    run("git", "tag", tag)


def same_numbers(text):
    """Of numbers that JSON does not have, Everloop writes the names as texts."""
    named = lambda name: {"NaN": "NaN", "Infinity": "Infinity", "-Infinity": "-Infinity"}[name]
    return json.loads(text, parse_constant=named)


def without_messages(value):
    if isinstance(value, dict):
        return {key: without_messages(inner) for key, inner in value.items() if key != "msg"}
    return value


def compare(*arguments, dir=REPO):
    theirs = same_numbers(dvc(*arguments, "--json", dir=dir))
    ours = same_numbers(everloop(*arguments, "--json", dir=dir).stdout)
    assert without_messages(ours) == without_messages(theirs), f"{arguments}\n{ours}\n{theirs}"
    return ours


PARAMS_PY = """\
import os
LR = 1e-3
LAYERS = [1, 2, {"k": None}]
NAME: str = 'a' "b"
path = os.environ["HOME"]

class Train:
    epochs = %s
    def __init__(self):
        self.decay = -0.5
        self.flags = {"t": 1, "x": [1.5]}
"""
PIPELINE = """\
vars: [config.yaml]
params: [extra.toml, more.json]
metrics: [top.yaml, absent.json]
plots:
- Both: {x: epoch, y: {logs/a.csv: [loss, acc], logs/b.tsv: loss}, title: Two files}
- logs: {x: epoch}
- pictures
- roc.json: {x: fpr, y: tpr, x_label: false positives, template: simple}
stages:
  train:
    cmd: python make.py ${model.name} ${depth}
    deps: [make.py]
    params: [lr, deep.list, {params.py: [LR, LAYERS, Train.epochs, Train.flags]}, {other.yaml: }]
    outs: [model]
    metrics:
    - m.json: {cache: false}
    - cached/scores.json
    plots:
    - confusion.csv: {template: confusion, x: guess, y: truth}
    - importance.json: {template: bar_horizontal_sorted, x: weight, y: name}
"""
MAKE = """\
import json, os, sys
os.makedirs("cached", exist_ok=True)
text = open("params.py").read()
n = int(text.split("epochs = ")[1].split()[0])
json.dump({"accuracy": 1 - 1 / n, "nested": {"loss": 2 / n, "nan": float("nan"), "big": float("inf")}, "list": [n], "flag": n > 3}, open("m.json", "w"))
json.dump({"f1": n / 10, "name": sys.argv[1], "tiny": 1e-9 * n, "none": None}, open("cached/scores.json", "w"))
open("model", "w").write(str(n))
open("confusion.csv", "w").write("guess,truth\\n" + "".join(f"{'ab'[i % 2]},{'ab'[i % n % 2]}\\n" for i in range(10)))
json.dump([{"name": name, "weight": n * len(name)} for name in ["a", "<b>", "ccc"]], open("importance.json", "w"))
"""

REPO.mkdir()
run("git", "init", "-q", "-b", "main")
run(DVC, "init", "-q")
write(
    make_DOT_py=MAKE, dvc_DOT_yaml=PIPELINE, params_DOT_py=PARAMS_PY % 3,
    params_DOT_yaml="lr: 0.1\ndeep: {list: [1, [2, 'x']], n: null, e: {}}\nunused: yes\n1: {2: x}\n",
    other_DOT_yaml="a: 1\nb: {c: true}\n", config_DOT_yaml="model: {name: small, size: 3}\ndepth: 2\n",
    extra_DOT_toml="a = 1\n[b]\nc = 2.5\n", more_DOT_json='{"x": [1, "it\'s"], "y": NaN}', top_DOT_yaml="score: 0.5\nkind: x\nold: 1\n",
    logs__a_DOT_csv="epoch,loss,acc\n1,0.9,0.1\n2,0.5,0.4\n", logs__b_DOT_tsv="epoch\tloss\n1\t0.8\n2\t0.7\n",
    pictures__one_DOT_png=png(10), roc_DOT_json='{"roc": [{"fpr": 0, "tpr": 0}, {"fpr": 0.5, "tpr": 0.9}]}',
    sub__dvc_DOT_yaml="metrics: [own.json]\nstages:\n  s: {cmd: echo, params: [k]}\n", sub__own_DOT_json='{"deep": {"er": {"x": 1}}}',
    sub__params_DOT_yaml="k: 1\nl: 2\n",
)
# Python parameters are run and recorded alike by both.
everloop("repro", "train")
assert run(DVC, "status", "--json", "train").stdout.strip() == "{}"
lock = (REPO / "dvc.lock").read_text()
(REPO / "dvc.lock").unlink()
run(DVC, "repro", "-q", "train")
assert (REPO / "dvc.lock").read_text() == lock
commit("v1")

write(
    params_DOT_py=PARAMS_PY % 5, params_DOT_yaml="lr: 0.2\ndeep: {list: [1, [3, 'x']], n: 1}\nnew: {a: 1}\n1: {2: y}\n",
    config_DOT_yaml="model: {name: large, size: 3}\ndepth: 2\n", more_DOT_json='{"x": [1, "it is"], "y": NaN}',
    top_DOT_yaml="score: 0.75\nkind: y\n", logs__a_DOT_csv="epoch,loss,acc\n1,0.9,0.1\n2,0.4,0.6\n3,0.3,0.7\n",
    pictures__one_DOT_png=png(200), pictures__two_DOT_png=png(30), sub__own_DOT_json='{"deep": {"er": {"x": 3}}}',
)
everloop("repro", "train")
(REPO / "extra.toml").unlink()
run("git", "branch", "side", "v1")
commit("v2")
write(top_DOT_yaml="score: [", other_DOT_yaml="a: 2\nb: {c: 1}\n", sub__params_DOT_yaml="k: 2\nl: 3\n", logs__b_DOT_tsv="epoch\tloss\n1\t0.6\n2\t0.1\n")

# Tuples in Python files aside, the answers are DVC's.
for pair in [[], ["v1", "v2"], ["v2", "v1"], ["side", "workspace"]]:
    compare("metrics", "diff", *pair)
    compare("metrics", "diff", "--all", *pair)
    compare("params", "diff", *pair)
    compare("params", "diff", "--all", *pair)
    compare("params", "diff", "--deps", *pair)
assert compare("metrics", "diff", "v1", "v2")["cached/scores.json"]["f1"]["new"] == 0.5
compare("metrics", "diff", "v1", "--targets", "m.json", "sub/own.json", "top.yaml")
compare("metrics", "diff", "v1", "--targets", "sub/own.json")
compare("params", "diff", "v1", "--targets", "params.py", "params.yaml")
compare("params", "diff", "v1", "v2", "--targets", "extra.toml", "nothing.yaml")
compare("metrics", "diff", "v1", dir=REPO / "sub")
compare("params", "diff", "v1", dir=REPO / "sub")
for flags in [[], ["-a"], ["-T"], ["-A"], ["-a", "-T"], ["m.json", "-T"], ["sub"], ["-T", "top.yaml"]]:
    compare("metrics", "show", *flags)

# What cannot be read is told, and stops nothing.
told = everloop("metrics", "diff", "v1")
assert "warning: workspace: `top.yaml`: it is not YAML" in told.stderr and "warning: v1: `absent.json`: does not exist" in told.stderr, told.stderr
assert "git knows no revision `nope`" in everloop("metrics", "diff", "nope", code=30).stderr
everloop("params", "diff", "--format", "nope", code=2)
everloop("metrics", "show", code=30, dir=HERE)

# The same cells in tables, but that nothing and no value are two things.
def cells(text):
    return [["-" if cell.strip() == "None" else cell.strip() for cell in line.strip("|").split("|")] for line in text.strip().splitlines() if not re.fullmatch(r"[|\s:-]+", line)]

for arguments in [["params", "diff", "v1", "v2"], ["params", "diff", "--all", "--no-path"], ["metrics", "diff", "v1", "v2", "--targets", "m.json"], ["metrics", "diff", "v1", "v2", "--precision", "2", "--targets", "m.json"]]:
    theirs, ours = cells(dvc(*arguments, "--md")), cells(everloop(*arguments, "--md").stdout)
    assert sorted(ours) == sorted(theirs), f"{arguments}\n{ours}\n{theirs}"
text = everloop("metrics", "diff", "v1", "v2").stdout
assert "cached/scores.json  tiny" in text and "5e-09" in text and "2e-09" in text, text
assert everloop("metrics", "diff", "HEAD", "HEAD", "--targets", "sub/own.json").stdout == ""

# Plots: the points are those that DVC hands to its templates.
def their_points(*arguments):
    data = same_numbers(dvc("plots", *arguments, "--json", "-o", str(HERE / "static")))["data"]
    found = {}
    for name, plots in data.items():
        for plot in plots:
            if plot["type"] == "vega":
                found[name] = plot["content"]["data"]["values"]
            else:
                found.setdefault(name, []).append(plot["revisions"])
    return found


def our_points(*arguments):
    answer = json.loads(everloop("plots", *arguments, "--json").stdout)
    found = {name: plot["datapoints"] for name, plots in answer["data"].items() for plot in plots if plot["type"] == "points"}
    for name, plots in answer["data"].items():
        for plot in plots:
            if plot["type"] == "image":
                found.setdefault(name, []).append(plot["revisions"])
                assert plot["url"].startswith("data:image/png;base64,")
    return found


def plain(points):
    """Points without what DVC's templates add for themselves, in any order."""
    drop = lambda point: {key: value for key, value in point.items() if key not in ("filename::field",)} if isinstance(point, dict) else point
    key = lambda point: json.dumps(point, sort_keys=True)
    return {name: sorted(map(drop, all), key=key) for name, all in points.items()}


for arguments in [["show"], ["diff"], ["diff", "v1"], ["diff", "v1", "v2"], ["diff", "v1", "v2", "side"], ["show", "Both"]]:
    theirs, ours = plain(their_points(*arguments)), plain(our_points(*arguments))
    assert theirs.keys() == ours.keys(), f"{arguments} {theirs.keys()} {ours.keys()}"
    for name in theirs:
        missing = [{key for key in point if key not in other or point[key] != other[key]} for point, other in zip(theirs[name], ours[name]) if isinstance(point, dict)]
        assert len(theirs[name]) == len(ours[name]) and not any(m - {"filename", "field"} for m in missing), f"{arguments} {name}\n{theirs[name]}\n{ours[name]}"

# DVC draws a file twice that a target names and `dvc.yaml` has.
assert sorted(our_points("show", "logs")) == ["logs/a.csv", "logs/b.tsv"]
assert all(point["field"] == "loss" for point in our_points("show", "logs/a.csv", "-y", "loss")["logs/a.csv"])

# The page needs nothing else; every chart is well-formed XML; versions have colours of their own.
told = everloop("plots", "diff", "v1", "v2")
page = Path(told.stdout.strip())
assert page == REPO / "dvc_plots/index.html" and "roc.json: differs" not in told.stderr and "Both: differs" in told.stderr, told
html = page.read_text()
charts = re.findall(r"<svg.*?</svg>", html, re.S)
assert len(charts) == 6 and "<script" not in html and not re.search(r'(src|href)="(?!data:)', html)
for chart in charts:
    ElementTree.fromstring(chart)
assert "#0072B2" in html and "#E69F00" in html and "&lt;b&gt;" in html and html.count("data:image/png") == 3
for command, text in [("show", "2 plots"), ("diff", "differs")]:
    everloop("plots", command, "-o", "elsewhere", "--format", "svg")
files = {path.name for path in (REPO / "elsewhere").iterdir()}
assert {"Both.svg", "logs_a.csv.svg", "confusion.csv.svg", "HEAD_pictures_one.png"} <= files, files
for path in (REPO / "elsewhere").glob("*.svg"):
    ElementTree.parse(path)
table = cells(everloop("plots", "diff", "v1", "v2", "--format", "markdown").stdout)
assert ["pictures/one.png", "image", "v2", "69 bytes", "-", "-", "-", "differs"] in table or any(row[0] == "pictures/one.png" and row[7] == "differs" for row in table), table
assert any(row[:4] == ["logs/a.csv", "acc", "v2", "3"] and row[6] == "0.7000" for row in table), table
shutil.rmtree(REPO / "dvc_plots"), shutil.rmtree(REPO / "elsewhere")

# A hostile project: names that lead out, fields that are not there, files that are none.
write(logs__a_DOT_csv="epoch,other\n1,2\n", roc_DOT_json="{", pictures__one_DOT_png=b"")
told = everloop("plots", "diff", "v1", "--format", "text")
assert "`repo" not in told.stderr and "has no field `loss`" in told.stderr and "not JSON" in told.stderr, told.stderr
write(dvc_DOT_yaml=PIPELINE.replace("pictures", "../../etc/passwd").replace("roc.json", '"</title><script>.csv"'))
write(**{"</title><script>_DOT_csv": "fpr,tpr\n1,<script>\n"}) if False else None
told = everloop("plots", "show", "--format", "text")
assert "root:" not in told.stdout + told.stderr
print("ok")
