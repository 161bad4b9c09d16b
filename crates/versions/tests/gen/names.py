"""Writes `golden/names.json`: how DVC (ruamel.yaml) and pathspec write names. Run with dvc 3.67.1 installed."""

import json
import random
from pathlib import Path

from dvc.utils.serialize import dumps_yaml
from pathspec.patterns.gitwildmatch import GitWildMatchPattern

ODD = [
    "a.txt", "we ird:#name.bin", "a: b", "a #b", "#a", "- a", "-a", "-", "--- a", "---", "...", "?", "? a", "?a", ":a", ": a", ":", "a:",
    "1", "-1", "+1", "1.5", "1e5", "1e", ".5", ".", ".inf", ".nan", "0x1f", "0o17", "0b1", "1_000", "_1", "true", "True", "yes", "no",
    "null", "Null", "~", "~a", "=", "<<", "2024-01-02", "2024-01-02x", "2024-1-2", "it's", "'a", 'a"b', '"a', "a'b: c", "é", "日本", "😀",
    "a\tb", "a\nb", "\x07", "\x7f", "\xa0", "a\u2028b", "\ufeffa", " a", "a ", "a  b", "{a}", "[a]", "a,b", "&a", "*a", "!a", "!", "%a",
    "@a", "`a", "|a", ">a", "a\\b", "a*b", "a?b", "a[b]c", "a!b", "\x85a", "12:30", "1:2", "0e462097431906509019562988736854",
    "12345678901234567890123456789012", "dir/sub dir/x", "n" * 79, "n" * 72, "n" * 73, "n" * 90, "w " * 30 + "end", "word " * 40 + "x",
    "word  " * 30 + "x", "it: " * 30 + "x", "- " + "word " * 30 + "x", "x" * 40 + " " + "y" * 50, "a\r", "\U0010fffd", "é: ü", "a:b", "a#b",
]
random.seed(4)
ALPHABET = list("ab01 -:#?'\"[]{},&*!|>%@`~=.\\_eE+é")
for _ in range(150):
    ODD.append("".join(random.choice(ALPHABET) for _ in range(random.randint(1, 8))))
for _ in range(60):
    ODD.append(" ".join("".join(random.choice("abc'-") for _ in range(random.randint(1, 14))) for _ in range(random.randint(4, 20))))

rows = []
for name in dict.fromkeys(ODD):
    text = dumps_yaml({"outs": [{"hash": "md5", "path": name}]})
    rows.append({"name": name, "yaml": text, "gitignore": GitWildMatchPattern.escape("/" + name)})
Path(__file__).parent.parent.joinpath("golden/names.json").write_text(json.dumps(rows, indent=0) + "\n")
