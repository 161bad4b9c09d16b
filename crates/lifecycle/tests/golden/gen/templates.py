"""Writes ../dvc/random.json: what DVC itself makes of random pipelines with templates, `foreach` and `matrix`.

Run with the Python of a virtual environment that has `dvc==3.67.1`:

    PYTHONHASHSEED=0 python crates/lifecycle/tests/golden/gen/templates.py
"""

import json
import os
import random
import subprocess
import tempfile
from pathlib import Path

from dvc.repo import Repo
from ruamel.yaml import YAML

OUT = Path(__file__).resolve().parent.parent / "dvc" / "random.json"
N_CASES = 500
SCALARS = [1, 0, -3, 2.5, 1e-7, 1e20, 1.0, True, False, None, "x", "a b", "it's", "1", "", "true", "é", "1e3", "a-b", "$HOME", "{x}", "0x10"]
KEYS = ["a", "b", "lr", "n_1", "deep", "l", "Mixed", "x-y"]


def value(chance, depth=0):
    kind = chance.random()
    if depth > 2 or kind < 0.55:
        return chance.choice(SCALARS)
    if kind < 0.75:
        return [value(chance, depth + 1) for _ in range(chance.randrange(4))]
    return {chance.choice(KEYS): value(chance, depth + 1) for _ in range(chance.randrange(1, 4))}


def paths(data, above=""):
    for key, inner in data.items() if isinstance(data, dict) else enumerate(data):
        path = f"{above}[{key}]" if isinstance(data, list) else f"{above}.{key}".lstrip(".")
        if isinstance(inner, (dict, list)):
            yield from paths(inner, path)
        else:
            yield path


def composites(data, above=""):
    for key, inner in data.items():
        path = f"{above}.{key}".lstrip(".")
        if isinstance(inner, (dict, list)):
            yield path
        if isinstance(inner, dict):
            yield from composites(inner, path)


def text(chance, known, simple=False):
    word = lambda: chance.choice(["echo", "w", "-x", "\\${no}", "$HOME", "{}", "'q'", "1"]) if not simple else chance.choice(["p", "q1", "r_"])
    variable = lambda: "${" + chance.choice(["", " "]) + (chance.choice(known) if known else "nothing") + chance.choice(["", " "]) + "}"
    parts = [variable() if chance.random() < 0.5 else word() for _ in range(chance.randrange(1, 4))]
    return ("" if simple else chance.choice([" ", ""])).join(parts)


def stage(chance, known, name):
    body = {"cmd": "run " + text(chance, known) if chance.random() < 0.8 else ["one " + text(chance, known), "two"]}
    if chance.random() < 0.3:
        body["wdir"] = "w" + text(chance, known, simple=True)
    if chance.random() < 0.5:
        body["deps"] = ["d" + text(chance, known, simple=True)]
    if chance.random() < 0.5:
        body["outs"] = [f"{name}${{key}}" if "key" in known else f"{name}-{text(chance, known, simple=True)}"]
    if chance.random() < 0.3:
        body["params"] = ["p" + text(chance, known, simple=True), {"other.yaml": ["k"]}]
    if chance.random() < 0.2:
        body["vars"] = [{"own": value(chance)}]
        body["cmd"] = ["echo ${own}"] if chance.random() < 0.5 else "x ${own}"
    if chance.random() < 0.15:
        body["frozen"] = chance.random() < 0.5
    return body


def project(chance):
    params = {chance.choice(KEYS): value(chance) for _ in range(4)}
    own = {chance.choice(["v", "w", "u"]): value(chance) for _ in range(2)}
    known = list(paths({**params, **own}))
    lists = list(composites({**params, **own})) or known
    if chance.random() < 0.1:
        known += lists
    stages = {}
    for index in range(chance.randrange(1, 4)):
        name, kind = f"s{index}", chance.random()
        if kind < 0.35:
            stages[name] = stage(chance, known, name)
        elif kind < 0.7:
            data = chance.choice([
                [value(chance, 2) for _ in range(chance.randrange(1, 4))],
                {chance.choice(KEYS): value(chance, 1) for _ in range(3)},
                "${" + chance.choice(lists) + "}",
                ["${" + chance.choice(known) + "}", 1, "x"],
            ])
            elements = data.values() if isinstance(data, dict) else data
            inner = known + ["item"] * 2 * all(not isinstance(one, (dict, list)) for one in elements) + ["key"] * isinstance(data, dict)
            if isinstance(data, dict):
                inner += [f"item.{path}" for one in data.values() if isinstance(one, dict) for path in paths(one)]
            stages[name] = {"foreach": data, "do": stage(chance, inner, name)}
        else:
            axes = {axis: [value(chance, 1) for _ in range(chance.randrange(1, 3))] if chance.random() < 0.8 else "${" + chance.choice(lists) + "}" for axis in ["m", "n"][: chance.randrange(1, 3)]}
            inner = known + [f"item.{axis}" for axis in axes if all(not isinstance(one, (dict, list)) for one in axes[axis])] * 2 + ["key"]
            stages[name] = {"matrix": axes, **stage(chance, inner, name)}
    return params, {"vars": [own], "stages": stages}


def theirs():
    """The stages by name with all that templates make of them, or why DVC refuses the file."""
    try:
        with Repo(".") as repo:
            found = {}
            for one in repo.index.stages:
                found[one.addressing] = {
                    "cmd": one.cmd,
                    "deps": [dep.def_path for dep in one.deps if type(dep).__name__ != "ParamsDependency"],
                    "params": {dep.def_path: list(dep.params) for dep in one.params},
                    "outs": [out.def_path for out in one.outs],
                    "wdir": os.path.relpath(one.wdir),
                    "frozen": one.frozen,
                }
            repo.index.check_graph()
            return found, None
    except Exception as error:  # noqa: BLE001, it fails in many ways
        return None, f"{type(error).__name__}: {error}"


def main():
    yaml = YAML(typ="safe")
    yaml.default_flow_style = False
    cases, dir = [], tempfile.mkdtemp()
    os.chdir(dir)
    subprocess.run(["git", "init", "-q"], check=True)
    Repo.init(".").close()
    for seed in range(N_CASES):
        params, pipeline = project(random.Random(seed))
        with open("params.yaml", "w") as file:
            yaml.dump(params, file)
        with open("dvc.yaml", "w") as file:
            yaml.dump(pipeline, file)
        stages, error = theirs()
        case = {"seed": seed, "params.yaml": Path("params.yaml").read_text(), "dvc.yaml": Path("dvc.yaml").read_text()}
        cases.append({**case, "stages": stages, "error": error})
    OUT.write_text(json.dumps(cases, ensure_ascii=False, indent=0) + "\n")
    print(len(cases), "pipelines,", sum(case["stages"] is not None for case in cases), "accepted")


main()
