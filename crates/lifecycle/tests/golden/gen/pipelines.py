"""Writes ../dvc/*.json: what DVC itself makes of small projects.

Run with the Python of a virtual environment that has `dvc==3.67.1`:

    PYTHONHASHSEED=0 python crates/lifecycle/tests/golden/gen/pipelines.py [NAME…]
"""

import contextlib
import json
import os
import random
import shutil
import sys
import tempfile
from pathlib import Path

import dvc
from dvc.repo import Repo
from dvc.repo.reproduce import collect_stages, get_active_graph, plan_repro
from dvc.utils.serialize import dumps_yaml

OUT = Path(__file__).resolve().parent.parent / "dvc"
LONG = "python -m train --input data/prepared/part-0001.csv --output models/a.bin || cp models/a.bin build/model.bin"

PROJECTS = {
    "basic": {
        "files": {
            "raw.txt": "a\nb\n",
            "fz.txt": "f",
            "params.yaml": "lr: 0.1\ntrain:\n  opt: {name: adam, eps: 1.0e-8}\n  n: 3\nnone:\nseed: 7\n",
            "cfg.json": '{"s": "1e3", "deep": {"x": [1, 2.5, null, true]}}',
            "cfg.toml": 'title = "t"\n[a]\nb = 1\n',
            "dvc.yaml": """\
stages:
  prepare:
    cmd: cp raw.txt prepared.txt
    deps: [raw.txt]
    outs: [prepared.txt]
    desc: prepares
    meta: {team: x}
  train:
    cmd:
    - mkdir -p d/e && cp prepared.txt d/one && cp prepared.txt d/e/two
    - echo '{"a":1}' > m.json; echo 'x,y' > p.csv
    deps: [prepared.txt, raw.txt]
    params:
    - lr
    - train.opt
    - none
    - cfg.json: [s, deep.x]
    - cfg.toml:
    outs: [d]
    metrics:
    - m.json: {cache: false}
    plots:
    - p.csv: {x: x, y: y}
  tool:
    cmd: cp raw.txt tool.sh && chmod +x tool.sh
    outs:
    - tool.sh: {persist: true, push: false, desc: a tool, type: t, labels: [l], meta: {k: v}}
  call:
    cmd: echo called
  always:
    cmd: echo 1 > always.txt
    always_changed: true
    outs: [always.txt]
  frozen:
    cmd: cp d/one fz.txt
    deps: [d/one]
    outs: [fz.txt]
    frozen: true
params: [params.yaml]
metrics: [m.json]
plots: [p.csv, {p.csv: {x: x, y: y}}]
artifacts:
  model: {path: tool.sh, type: model}
""",
        },
        "changes": [
            {},
            {"raw.txt": "c\n"},
            {"prepared.txt": "zz\n"},
            {"d/one": "zz\n", "m.json": "{}"},
            {"raw.txt": None},
            {"prepared.txt": None},
            {"params.yaml": "lr: 0.2\ntrain:\n  opt: {eps: 1.0e-8, name: adam}\n"},
            {"params.yaml": None},
            {"cfg.toml": 'title = "t"\nnew = 1\n[a]\nb = 2\n'},
            {"cfg.json": '{"s": 1000.0, "deep": {"x": [1.0, 2.5, null, 1]}}'},
            {"dvc.yaml": ("cp raw.txt prepared.txt", "cat raw.txt > prepared.txt")},
            {"dvc.yaml": ("deps: [raw.txt]", "deps: [raw.txt, cfg.json, absent]")},
            {"dvc.yaml": ("  call:\n", "  fresh: {cmd: touch f, outs: [f], deps: [raw.txt], params: [lr]}\n  call:\n")},
            {"dvc.yaml": ("outs: [d]", "outs: [d, other]"), "other": "x"},
            {"dvc.yaml": ("- lr", "- lr\n    - seed\n    - gone")},
            {"dvc.yaml": ("    - lr\n", "")},
            {"dvc.yaml": ("frozen: true", "frozen: false")},
        ],
        "wipe_cache": ["prepared.txt", "d"],
    },
    "templating": {
        "files": {
            "a.txt": "a",
            "raw.us": "us",
            "raw.de": "de",
            "params.yaml": """\
models: {us: {thresh: 10, f: x}, de: {thresh: 12.50, f: y}}
list: [1, two, true, 2.0]
composite: [{a: 1}, {a: 2}]
nested: {list: [x, [y, z]], 'on': 1}
flag: false
dict: {lr: 0.1, deep: {name: "it's", n: null}, on: true, off: false, l: [1, a b], e: []}
ver: 1.10
""",
            "cfg.json": '{"key1": "one", "key2": 2, "key3": {"k": [10, 20]}}',
            "more.yaml": "extra: 5\n",
            "sub/local.yaml": "loc: here\n",
            "dvc.yaml": """\
vars:
- cfg.json:key1,key3
- more.yaml
- inline: {a: b, n: 4}
  other: o
stages:
  plain:
    cmd: echo ${key1} ${key3.k[1]} ${inline.n} \\${escaped} ${ver} ${flag} > plain.txt
    outs: [plain.txt]
  exact:
    cmd: echo > exact_${inline.a}.txt
    outs:
    - exact_${inline.a}.txt:
        cache: false
        remote: ${inline.a}
    params:
    - ${inline.a}.yaml:
    - flag
  expand:
    cmd: echo ${dict} > expanded.txt
    outs: [expanded.txt]
  loc:
    wdir: ${wd.x}
    vars: [local.yaml, {mine: 3}]
    cmd: echo ${loc} ${mine} > o.txt
    outs: [o.txt]
  featurize:
    foreach: ${models}
    do:
      cmd: echo ${key} ${item.thresh} ${item.f} > feat_${key}.txt
      deps: ["raw.${key}"]
      outs: ["feat_${key}.txt"]
  each:
    foreach: ${list}
    do:
      cmd: echo ${item} > each_${item}.txt
      outs: ["each_${item}.txt"]
  inline:
    foreach: [{x: 1, y: "${inline.n}"}, {x: 2, y: 3}]
    do:
      cmd: echo ${item.x} ${item.y} > inline_${item.x}.txt
      outs: ["inline_${item.x}.txt"]
  train:
    matrix:
      m: [a, b]
      c: ${composite}
      i: [1, 2]
    cmd: echo ${item.m} ${item.c.a} ${item.i} ${key} > t_${key}.txt
    deps: [a.txt]
    outs: ["t_${key}.txt"]
plots: ["${inline.a}.csv"]
artifacts:
  m-${other}: {path: "x${inline.n}", labels: ["${key1}"]}
""".replace("${wd.x}", "sub"),
            "b.yaml": "q: 1\n",
        },
        "changes": [{}, {"params.yaml": "list: [1, two, true, 2.0]\nmodels: {us: {thresh: 11, f: x}, de: {thresh: 12.50, f: y}}\ncomposite: [{a: 1}, {a: 2}]\nflag: true\nver: 1.10\ndict: {}\n"}],
        "orders": [
            {"targets": ["featurize"]},
            {"targets": ["train@a-c1-2"]},
            {"targets": ["train", "plain"]},
            {"targets": ["dvc.yaml"]},
            {"targets": ["dvc.yaml:each"]},
            {"targets": ["each@two"]},
        ],
    },
    "diamond": {
        "files": {
            "x": "x",
            "K": "k",
            "dvc.yaml": """\
stages:
  E: {cmd: cat D F > E, deps: [D, F], outs: [E]}
  D: {cmd: cat dir/B dir/C > D, deps: [dir], outs: [D]}
  F: {cmd: cat G > F, deps: [G], outs: [F]}
  B: {cmd: mkdir -p dir && cat A > dir/B, deps: [A], outs: [dir/B]}
  H: {cmd: cat x > H, deps: [x], outs: [H]}
  C: {cmd: mkdir -p dir && cat A > dir/C, deps: [A], outs: [dir/C]}
  G: {cmd: echo g > G, outs: [G]}
  A: {cmd: cat x > A, deps: [x], outs: [A]}
  I: {cmd: cat sub/tree/leaf H > I, deps: [sub/tree/leaf, H], outs: [I]}
  J: {cmd: mkdir -p sub/tree; cp x sub/tree/leaf, deps: [x], outs: [sub/tree]}
  K: {cmd: cat F > K, deps: [F], outs: [K], frozen: true}
""",
        },
        "changes": [{}, {"x": "y"}],
        "orders": [
            {"targets": ["E"]},
            {"targets": ["D"]},
            {"targets": ["B"], "downstream": True},
            {"targets": ["A", "G"], "downstream": True},
            {"targets": ["G"], "pipeline": True},
            {"targets": ["I", "E"], "pipeline": True},
            {"targets": ["K"]},
            {"targets": ["H", "E"]},
            {"targets": ["E", "D", "B"]},
        ],
    },
    "forms": {
        "files": {
            "we ird:#name.bin": "w",
            "données": "d",
            "wd/in": "i",
            "params.yaml": """\
strings: ['1', '1e3', 'true', '', ' lead', 'trail ', "it's", 'a: b', '# c', 'é', "two\\nlines", 'null', '~', '2020-01-01', '0x1f', '1_0', '.5', '-', '- a', '=', '<<', 'yes', '12:30:45', '@at', '`b', '%p', '!t', '&a', '*b', '{x', '[y', 'x]', 'a,b', 'q"q', "back\\\\slash", "tab\\there", '...', '---', ': ', 'a:', '?', '? x', '🎉']
numbers: [1, -2, 1.0, 1e-8, 1e22, 123456789.123, 0.1, 1e16, 1e15, .inf, -.inf, 1_000, 0x1F, 0o17, 010, 1e3, 12345678901234567890]
empty: {l: [], m: {}, n: , s: ''}
nest: {z: 1, a: [[1, [2, 3]], {k: v, w: {q: [x]}}, []]}
long: word word word word word word word word word word word word word word word word word word word word
longer: "it's a word a word a word a word a word a word a word a word a word a word a word a word a word"
averyveryveryveryveryveryveryveryveryveryveryveryveryveryveryveryveryveryveryveryverylongkey: averyveryveryveryveryveryveryveryveryveryveryveryveryveryveryveryveryveryveryveryverylongvalue
""",
            "dvc.yaml": f"""\
stages:
  long:
    cmd: 'true {LONG} > /dev/null ; true {LONG}; echo 1 > long.out'
    deps: ['we ird:#name.bin', données, ./wd/in]
    params: [strings, numbers, empty, nest, long, longer, averyveryveryveryveryveryveryveryveryveryveryveryveryveryveryveryveryveryveryveryverylongkey]
    outs: [long.out]
  multi:
    cmd: |
      echo "a" > multi.out
      echo 'b: c' >> multi.out
    outs: [./multi.out]
  folded:
    cmd: >-
      echo one
      two > folded.out
    wdir: wd
    deps: [../données, in]
    outs: [folded.out]
  quoted:
    cmd: "echo \\"x: y\\" '# z' && true {LONG} # comment: 'quotes' and more words to make it fold at least once > /dev/null\\necho 1 > quoted.out"
    outs: [quoted.out]
  spaces:
    cmd:
    - 'true  two  spaces   in a line'
    - 'echo 1 > spaces.out'
    outs: [spaces.out]
  whole:
    cmd: echo
    params:
    - params.yaml:
""",
        },
        "changes": [{}],
    },
    "windows": {
        "files": {
            "params.yaml": "\ufeffa: 1\r\nb:\r\n  c: x\r\n",
            "dvc.yaml": "\ufeffstages:\r\n  one:\r\n    cmd: echo ${b.c} > one.txt\r\n    params:\r\n    - a\r\n    outs:\r\n    - one.txt\r\n",
        },
        "changes": [{}],
    },
    "anchors": {
        "files": {
            "dvc.yaml": """\
base: &x 1
stages:
  a: &a
    cmd: echo 1 > a.txt; echo 2 > b.txt
    outs: [a.txt]
  b:
    <<: *a
    outs: [b.txt]
""".replace("base: &x 1\n", ""),
        },
        "changes": [{}],
    },
}

VERDICTS = {
    "empty": "",
    "no stages": "vars: []\n",
    "null stages": "stages:\n",
    "no cmd": "stages: {a: {outs: [x]}}",
    "unknown key": "stages: {a: {cmd: x, out: [x]}}",
    "unknown top": "stages: {a: {cmd: x}}\nstage: {}",
    "unknown flag": "stages: {a: {cmd: x, outs: [{x: {cached: true}}]}}",
    "flag type": "stages: {a: {cmd: x, outs: [{x: {cache: 3}}]}}",
    "cmd number": "stages: {a: {cmd: 3}}",
    "cmd map": "stages: {a: {cmd: {x: y}}}",
    "cmd empty": "stages: {a: {cmd: ''}}",
    "deps text": "stages: {a: {cmd: x, deps: y}}",
    "deps number": "stages: {a: {cmd: x, deps: [3]}}",
    "frozen text": "stages: {a: {cmd: x, frozen: 'yes'}}",
    "stage list": "stages: [a]",
    "stage null": "stages: {a: }",
    "missing var": "stages: {a: {cmd: '${x}'}}",
    "bad expression": "stages: {a: {cmd: '${x[}'}}",
    "empty expression": "stages: {a: {cmd: '${}'}}",
    "list in text": "vars: [{x: [1]}]\nstages: {a: {cmd: 'echo ${x}'}}",
    "dict in dep": "vars: [{x: {y: 1}}]\nstages: {a: {cmd: 'echo', deps: ['${x}']}}",
    "dict in cmd": "vars: [{x: {y: 1}}]\nstages: {a: {cmd: 'echo ${x}'}}",
    "nested in cmd": "vars: [{x: {y: [[1]]}}]\nstages: {a: {cmd: 'echo ${x}'}}",
    "cycle": "stages: {a: {cmd: x, deps: [y], outs: [z]}, b: {cmd: x, deps: [z], outs: [y]}}",
    "self": "stages: {a: {cmd: x, deps: [y], outs: [y]}}",
    "duplicate": "stages: {a: {cmd: x, outs: [y]}, b: {cmd: x, outs: [y]}}",
    "duplicate by form": "stages: {a: {cmd: x, outs: [y]}, b: {cmd: x, outs: [./y]}}",
    "twice in one": "stages: {a: {cmd: x, outs: [y], metrics: [y]}}",
    "twice in outs": "stages: {a: {cmd: x, outs: [y, y]}}",
    "overlap": "stages: {a: {cmd: x, outs: [y]}, b: {cmd: x, outs: [y/z]}}",
    "overlap up": "stages: {a: {cmd: x, outs: [y/z]}, b: {cmd: x, outs: [y]}}",
    "var redefined": "vars: [{x: 1}, {x: 2}]\nstages: {a: {cmd: x}}",
    "var merged": "vars: [{x: {a: 1}}, {x: {b: 2}}]\nstages: {a: {cmd: 'x ${x.a} ${x.b}'}}",
    "var file absent": "vars: [no.yaml]\nstages: {a: {cmd: x}}",
    "var key absent": "vars: ['p.yaml:zz']\nstages: {a: {cmd: x}}",
    "var key there": "vars: ['p.yaml:a']\nstages: {a: {cmd: 'x ${a}'}}",
    "var twice whole": "vars: [p.yaml, p.yaml]\nstages: {a: {cmd: 'x ${a}'}}",
    "var twice part": "vars: [p.yaml, 'p.yaml:a']\nstages: {a: {cmd: 'x ${a}'}}",
    "var interpolated": "vars: [{x: '${y}'}]\nstages: {a: {cmd: x}}",
    "foreach scalar": "stages: {a: {foreach: x, do: {cmd: x}}}",
    "foreach without do": "stages: {a: {foreach: [x]}}",
    "do without foreach": "stages: {a: {do: {cmd: x}}}",
    "foreach and cmd": "stages: {a: {foreach: [x], do: {cmd: x}, cmd: y}}",
    "foreach empty": "stages: {a: {foreach: [], do: {cmd: x}}}",
    "foreach nulls": "stages: {a: {foreach: [1, null], do: {cmd: 'x ${item}'}}}",
    "matrix text": "stages: {a: {matrix: {m: x}, cmd: x}}",
    "matrix list": "stages: {a: {matrix: [x], cmd: x}}",
    "matrix empty": "stages: {a: {matrix: {m: []}, cmd: x}}",
    "key in list": "stages: {a: {foreach: [x], do: {cmd: 'x ${key}'}}}",
    "reserved": "stages: {a: {foreach: [x], do: {vars: [{item: 3}], cmd: 'x ${item}'}}}",
    "stage var again": "vars: [{x: 1}]\nstages: {a: {vars: [{x: 2}], cmd: 'x ${x}'}}",
    "bad name": "stages: {a.b: {cmd: x}}",
    "params map": "stages: {a: {cmd: x, params: {a: b}}}",
    "params text": "stages: {a: {cmd: x, params: [{p.yaml: x}]}}",
    "params null": "stages: {a: {cmd: x, params: [{p.yaml: }]}}",
    "params number": "stages: {a: {cmd: x, params: [3]}}",
    "plots list": "stages: {a: {cmd: x, plots: [{p: [{x: a}]}]}}",
    "plots prop": "stages: {a: {cmd: x, plots: [{p: {x: a, header: false}}]}}",
    "top plots": "plots: [{p: {x: {f: a}, y: [b]}}, q]\nstages: {a: {cmd: x}}",
    "top metrics map": "metrics: [{a: b}]\nstages: {a: {cmd: x}}",
    "artifact without path": "artifacts: {a: {type: m}}\nstages: {a: {cmd: x}}",
    "duplicate key": "stages: {a: {cmd: x}, a: {cmd: y}}",
    "tabs": "stages:\n\ta: {cmd: x}",
    "yml list": "- a",
    "group as name": "stages: {a: {foreach: [1, 2], do: {cmd: 'x ${item}'}}, b: {cmd: x}}",
    "float group": "stages: {a: {foreach: [1.50, 1e3, yes], do: {cmd: 'x ${item}'}}}",
    "negative index": "vars: [{x: [1, 2]}]\nstages: {a: {cmd: 'x ${x[-1]} ${x.0}'}}",
    "spaces in expression": "vars: [{x: {y: 2}}]\nstages: {a: {cmd: 'x ${ x.y }'}}",
    "unclosed": "stages: {a: {cmd: 'x ${y'}}",
    "two in one": "vars: [{x: 1, y: 2}]\nstages: {a: {cmd: '${x}${y}'}}",
    "wdir var": "vars: [{x: q}]\nstages: {a: {cmd: y, wdir: '${x}'}}",
    "key template": "vars: [{x: q}]\nstages: {a: {cmd: y, outs: [{'${x}': {cache: false}}]}}",
    "checkpoint": "stages: {a: {cmd: y, outs: [{x: {checkpoint: true}}]}}",
    "desc number": "stages: {a: {cmd: y, desc: 3}}",
    "exact cmd number": "vars: [{x: 3}]\nstages: {a: {cmd: '${x}'}}",
    "null in text": "vars: [{x: }]\nstages: {a: {cmd: 'x ${x}'}}",
    "out is dvcyaml dir": "stages: {a: {cmd: x, outs: [.]}}",
}


def write(root, files):
    for name, text in files.items():
        path = Path(root, name)
        path.parent.mkdir(parents=True, exist_ok=True)
        if text is None:
            path.unlink()
        else:
            path.write_bytes(text.encode())


@contextlib.contextmanager
def project(files):
    root = tempfile.mkdtemp(prefix="golden-")
    before = os.getcwd()
    os.chdir(root)
    try:
        write(root, files)
        yield Repo.init(no_scm=True)
    finally:
        os.chdir(before)
        shutil.rmtree(root)


def stage_facts(repo):
    """All that a status depends on, asked of DVC's own objects."""
    digests, uncached, params = {}, [], {}
    for stage in repo.index.stages:
        for item in [*stage.deps, *stage.outs]:
            where = os.path.relpath(item.fs_path, repo.root_dir).replace(os.sep, "/")
            if hasattr(item, "params"):
                if item.exists:
                    params[where] = Path(item.fs_path).read_bytes().decode()
            elif item.exists:
                digests[where] = item.get_hash().value
                if item in stage.outs and item.use_cache and item.hash_info and item.changed_cache():
                    uncached.append(where)
            elif item in stage.outs and item.use_cache and item.hash_info and item.changed_cache():
                uncached.append(where)
    return {"digests": digests, "uncached": uncached, "params": params}


def plain(value):
    return json.loads(json.dumps(value, default=str))


def fresh():
    return Repo(".")


def orders(repo, wanted):
    answers = []
    graph = get_active_graph(repo.index.graph)
    for ask in [{"targets": []}, *wanted]:
        stages = collect_stages(repo, ask["targets"] or ["dvc.yaml"])
        steps = plan_repro(graph, stages, pipeline=ask.get("pipeline", False), downstream=ask.get("downstream", False))
        answers.append({**ask, "order": [step.addressing for step in steps]})
    steps = plan_repro(graph, [])
    answers.append({"targets": [], "all": True, "order": [step.addressing for step in steps]})
    return answers


def resolved(repo):
    found = {}
    for stage in repo.index.stages:
        found[stage.name] = {
            "cmd": stage.cmd,
            "wdir": os.path.relpath(stage.wdir, repo.root_dir),
            "deps": [str(d.def_path) for d in stage.deps if not hasattr(d, "params")],
            "params": [[d.def_path, d.params] for d in stage.deps if hasattr(d, "params")],
            "outs": [
                [o.def_path, "plot" if o.plot else "metric" if o.metric else "out", bool(o.use_cache), bool(o.persist), bool(o.can_push)]
                for o in stage.outs
            ],
            "frozen": bool(stage.frozen),
            "always_changed": bool(stage.always_changed),
        }
    file = repo.stage.load_all("dvc.yaml")[0].dvcfile
    tops = {"plots": file.plots, "metrics": file.metrics, "params": file.params, "artifacts": file.artifacts}
    return found, tops


def run(name, spec):
    with project(spec["files"]) as repo:
        stages, tops = resolved(repo)
        before = {"status": plain(repo.status()), **stage_facts(repo)}
        asked = orders(repo, spec.get("orders", []))
        repo.reproduce()
        lock = Path("dvc.lock").read_bytes().decode()
        statuses = []
        for change in spec["changes"]:
            saved = tempfile.mkdtemp()
            shutil.copytree(".", saved, dirs_exist_ok=True)
            files = {}
            for path, text in change.items():
                if isinstance(text, tuple):
                    old = Path(path).read_text()
                    assert text[0] in old, text
                    text = old.replace(*text)
                files[path] = text
            write(".", files)
            repo = fresh()
            statuses.append({"dvc.yaml": Path("dvc.yaml").read_bytes().decode(), "status": plain(repo.status()), **stage_facts(repo)})
            for entry in os.listdir("."):
                shutil.rmtree(entry) if os.path.isdir(entry) else os.unlink(entry)
            shutil.copytree(saved, ".", dirs_exist_ok=True)
            shutil.rmtree(saved)
        if spec.get("wipe_cache"):
            shutil.rmtree(".dvc/cache/files")
            repo = fresh()
            statuses.append({"dvc.yaml": Path("dvc.yaml").read_bytes().decode(), "status": plain(repo.status()), **stage_facts(repo)})
        return {"dvc": dvc.__version__, "files": spec["files"], "stages": stages, "top": plain(tops), "orders": asked, "before": before, "lock": lock, "statuses": statuses}


def verdict(text):
    with project({"p.yaml": "a: 1\nb: 2\n", "dvc.yaml": text}) as repo:
        try:
            index = repo.index
            index.check_graph()
            return {"text": text, "error": None, "stages": [stage.name for stage in index.stages], "cmds": [stage.cmd for stage in index.stages]}
        except Exception as error:  # noqa: BLE001
            return {"text": text, "error": str(error).replace(os.getcwd(), "")[:300]}


def scalars():
    """Texts and small trees as ruamel writes them, at several depths."""
    chance = random.Random(7)
    words = ["a", "--b", "c:", "#d", "'e'", '"f"', "g\\", "é", "&&", "|", "x=1", "{h}", "[i]", "$J", "k,", "-", "?", ":", "1.5", "a" * 30, "b" * 95, "~", "!", "%", "\t", "🎉", "\u00a0", "\u2028", "\x07", "\ufeff", "\x7f", "\x85"]
    gaps = [" "] * 12 + ["  ", "   ", "\n", "\n\n", " \n", "\n "]
    cases = []
    for n in range(900):
        size = chance.choice([1, 1, 2, 3, 5, 10, 20, 30])
        pick = words if chance.random() < 0.5 else words[:14] + ["word"] * 10
        text = "".join(chance.choice(pick) + chance.choice(gaps if chance.random() < 0.5 else [" "]) for _ in range(size))
        if chance.random() < 0.8:
            text = text.strip()
        cases.append(text)
    numbers = ["0", "01", "-1", "+1", "1_0", "0b1", "0o7", "0x1F", "1.", ".5", "-.5", "1e5", "1E+5", ".5e5", ".5e+5", ".inf", "-.INF", ".nan", "2020-1-1", "2020-01-01", "2020-1-1 1:00:00", "2020-01-01T01:00:00Z", "null", "Null", "nUll", "True", "yes", "off", "y", "=", "<<", "1:20", "1e", "0o8", "0b2", "_1", "-_", "1__", "...", "---", "--- a", "", " ", "\n", "a\n", "12e03", "0.", "1.5.2", "+.5"]
    cases += numbers
    trees = [{"cmd": text} for text in cases]
    trees += [{"a": {"b": [text, text]}} for text in cases[::3]]
    trees += [{text or "k": {"x": text}} for text in cases[::3] if "\n" not in text and len(text) < 110]
    trees += [{"x": [[text], [[text, None]], {"k": text, "l": [text]}]} for text in cases[::9]]
    # Lines that break after an escape: ruamel reads a space too many where no space follows.
    escapes = ["\t", "'", '"', "\\", "\x01", "\x7f", " ", " ", "a", "aA0", "word", "\ufffc", "🌀"]
    trees += [{"cmd": "p" + "".join(chance.choice(escapes) for _ in range(chance.randint(30, 80)))} for _ in range(150)]
    trees += [{"path": "p AAa A a 0 A0aAaaaa\ufffc 🌀AAaa AaaAAa 0A a0Aa\t' E0+-+E\" a00aaaEE-e''\t+ '"}]
    trees += [{"path": "pA\\AA0a Aa   Aa0A0\"AA0aA AA0A a0aAA A a\"aa 0a0\"AA aaaaaaaaaaaa'\ta \""}]
    trees += [{"x": [None, {}, [], {"a": None, "b": []}, [[]], [{}], True, 1.5, -3]}]
    return [{"tree": tree, "yaml": dumps_yaml(tree)} for tree in trees]


def floats():
    chance = random.Random(3)
    values = [chance.uniform(-1, 1) * 10 ** chance.randint(-20, 25) for _ in range(200)]
    values += [0.0, -0.0, 1.0, 1e16, 1e15, 9999999999999998.0, 1e-4, 1e-5, 0.00012, 123456789012345680.0, 5e-324, 1.7976931348623157e308, 100.0]
    return [{"bits": value.hex(), "json": repr(value), "yaml": dumps_yaml({"x": value})} for value in values]


def main():
    OUT.mkdir(exist_ok=True)
    wanted = sys.argv[1:]
    outputs = {**{name: (lambda name=name, spec=spec: run(name, spec)) for name, spec in PROJECTS.items()},
               "verdicts": lambda: {name: verdict(text) for name, text in VERDICTS.items()},
               "scalars": scalars, "floats": floats}
    for name, make in outputs.items():
        if wanted and name not in wanted:
            continue
        text = json.dumps(make(), indent=None if name == "scalars" else 1, ensure_ascii=False, separators=(",", ":") if name == "scalars" else None)
        Path(OUT, f"{name}.json").write_text(text + "\n")
        print(name, len(text))


main()
