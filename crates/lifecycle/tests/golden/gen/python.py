"""Writes ../dvc/python.json: what DVC itself reads in Python files of parameters.

Run with the Python of a virtual environment that has `dvc==3.67.1`:

    python crates/lifecycle/tests/golden/gen/python.py

Tuples are written as lists. Files whose values are no JSON (bytes, complex numbers, sets) are left out.
"""

import json
import random
import warnings
from pathlib import Path

from dvc.utils.serialize import parse_py

OUT = Path(__file__).resolve().parent.parent / "dvc" / "python.json"
warnings.simplefilter("ignore")

ATOMS = [
    "1", "0", "-7", "+3", "1_000", "0x1F", "0o17", "0b101", "1.5", "1e-3", ".5", "5.", "-2E+10", "1_0.5e1_0", "True", "False",
    "None", "'a'", '"b\\n"', "r'\\d'", "'a' 'b'", "'''x\n  y'''", "u'é'", "'\\x41\\u00e9\\101'", "'it\\'s'", '"#"', "''", "00",
    "'\\\n'", "'\\q'", "(1)", "-(2)", "()", "[]", "{}",
]
OTHERS = [
    "y", "f(1)", "1 + 2", "f'{a}'", 'f"{a[\'b\']:>{w}}"', "not True", "-True", "--1", "[i for i in y]", "lambda: 1", "a.b", "a[1:2]",
    "{**y}", "[*y]", "1 if y else 2", "x == 1", "...", "os.environ['A']", "print('a', end='')", "(yield)", "~1", "'%s' % y",
]
NAMES = ["a", "b", "lr", "Epochs", "n_layers", "_x", "match", "type", "é"]


def value(random, depth=0):
    kind = random.random()
    if depth > 3 or kind < 0.6:
        return random.choice(ATOMS)
    if kind < 0.65:
        return random.choice(OTHERS)
    elements = [value(random, depth + 1) for _ in range(random.randrange(4))]
    comma = random.choice([", ", ",", ",\n  ", ", # c ] '\n"])
    last = random.choice(["", ",", ", "]) if elements else ""
    if kind < 0.78:
        return f"[{comma.join(elements)}{last}]"
    if kind < 0.85:
        return f"({comma.join(elements)}{last})"
    keys = [random.choice(["'k'", '"l m"', "1", "2.5", "True", "None", "'é'"]) for _ in elements]
    return "{" + comma.join(f"{key}: {one}" for key, one in zip(keys, elements)) + last + "}"


def simple(random):
    name = random.choice(NAMES)
    kind = random.random()
    if kind < 0.5:
        return f"{name} = {value(random)}"
    if kind < 0.65:
        return f"self.{name} = {value(random)}"
    if kind < 0.75:
        return f"{name}: {random.choice(['int', 'dict[str, int]', 'Optional[float]'])} = {value(random)}"
    return random.choice([
        "pass", f"{name} += 1", f"{name} = b = 1", f"{name}, c = 1, 2", f"{name}.c = 1", "self.a.b = 1", f"{name}: int", "import os",
        f"{name} = 1, 2", f"{name} = 3,", "x = 1; self.y = 2", "print(f\"{x}\")", "del a", "'a text'", f"{name}[0] = 1", "assert a == 1, 'b'",
        f"{name} \\\n  = 1", "# a comment", "", "a = b'1'", f"{name} = {random.choice(OTHERS)}", "global z",
    ])


def block(random, indent, depth=0):
    lines = []
    for _ in range(random.randrange(1, 5)):
        kind = random.random()
        if depth > 3 or kind < 0.65:
            lines.append(indent + simple(random))
            continue
        inner = indent + random.choice(["    ", "  ", "\t"])
        head = random.choice([
            "class A:", "class Train(Base, x=1):", "@dataclass\n" + indent + "class B:", "def __init__(self):", "def __init__(self, a={'b': 1}) -> 'X':",
            "if x:", "for a in [1]:", "def f(a, b=1):", "with x as y:", "async def __init__(self):", "try:", "class C[T]:", "class A: pass #",
            "class D: q = 1; r = 'x'",
        ])
        lines.append(indent + head)
        if head.startswith(("class A: p", "class D")):
            continue
        lines.append(block(random, inner, depth + 1))
        lines.append(inner + "pass")
        if head == "try:":
            lines += [indent + "finally: pass"]
    return "\n".join(lines)


def main():
    chance = random.Random(4)
    cases = []
    while len(cases) < 400:
        text = block(chance, "")
        if chance.random() < 0.1:
            text = text.replace("\n", "\r\n")
        try:
            read = parse_py(text, "p.py")
            shown = json.dumps(read, allow_nan=False)
        except Exception:
            continue
        if not read and chance.random() < 0.9:
            continue
        cases.append({"text": text, "params": json.loads(shown)})
    OUT.write_text(json.dumps(cases, ensure_ascii=False, indent=0) + "\n")
    print(len(cases), "files")


main()
