"""Everloop and DVC in turns on one repository: `versions.py EVERLOOP SEED N_OPERATIONS`, run in an empty directory.

After each operation both must tell the same of each tracked path and each stage; a `.dvc` file or `dvc.lock` that one wrote must
not change when the other records the same data or runs the same stages; what one pushed the other pulls.
"""

import hashlib
import json
import os
import random
import re
import shutil
import subprocess
import sys
from pathlib import Path

BINARY, SEED, N_OPERATIONS = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
ROOT = Path.cwd() / "r"
os.environ["DVC_SITE_CACHE_DIR"] = str(Path.cwd() / "site")
os.environ["DVC_GLOBAL_CONFIG_DIR"] = os.environ["DVC_SYSTEM_CONFIG_DIR"] = str(Path.cwd() / "none")
os.environ["DVC_NO_ANALYTICS"] = "1"

from dvc.repo import Repo  # noqa: E402

NAMES = ["a.txt", "we ird:#name.bin", "it's", "é", "1e5", "- x", "true", "b[1]!*", "0x1f", "sub/c", "sub/deep/d", 'q"t', "~", "n" * 80, "日本 😀"]
TRACKED = ["data", "single.csv", "more/table: 1.csv", "more/dir #2"]
chance = random.Random(SEED)
LINKS = ["reflink,copy", "hardlink", "symlink", "copy"]
LINK = LINKS[SEED % 4]
# Through a link DVC makes the object itself executable, and forgets it when it protects the object next.
CAN_EXECUTE = LINK not in ["hardlink", "symlink"]
PIPELINE = """\
vars:
- word: it's
stages:
  part:
    foreach: ${names}
    do:
      cmd: mkdir -p parts && (wc -c < single.csv; echo "${item} ${word}") > parts/${item}
      deps: [single.csv]
      outs: ['parts/${item}']
  tree:
    cmd: mkdir tree && cp -rL data tree/copy && chmod -R u+w tree && echo ${scale} > tree/scale
    deps: [data]
    params: [scale]
    outs: [tree]
  sizes:
    matrix: {kind: [f, d], level: [1, 2]}
    cmd: find tree -mindepth ${item.level} -type ${item.kind} | wc -l > ${key}.txt
    deps: [tree]
    metrics: ['${key}.txt': {cache: false}]
  whole:
    cmd: cat parts/* | wc -c > whole.txt
    deps: [parts]
    metrics: [whole.txt: {cache: false}]
  log:
    cmd: cat params.yaml more.json | wc -c >> log
    params: [more.json: [deep.rate], params.yaml: null]
    outs: [log: {persist: true}]
"""


def run(*arguments):
    done = subprocess.run([BINARY, *arguments], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, f"everloop {arguments}: {done.returncode}\n{done.stdout}{done.stderr}"
    return done.stdout


def everloop(*arguments):
    return run("data", *arguments)


def dvc(verb, *arguments, **options):
    with Repo(str(ROOT)) as repo:
        return getattr(repo, verb)(*arguments, **options)


def git(*arguments):
    subprocess.run(["git", *arguments], cwd=ROOT, check=True, capture_output=True)


class Everloop:
    name = "everloop"
    add = staticmethod(lambda path: everloop("add", path))
    commit = staticmethod(lambda: everloop("commit", *targets()))
    checkout = staticmethod(lambda: everloop("checkout", "--force", *targets()))
    push = staticmethod(lambda: everloop("push", *targets()))
    pull = staticmethod(lambda: everloop("pull", "--force", *targets()))
    gc = staticmethod(lambda: everloop("gc", "--workspace"))
    repro = staticmethod(lambda: run("repro", "-j", str(chance.randint(1, 4))))


class Dvc:
    name = "dvc"
    add = staticmethod(lambda path: dvc("add", path))
    commit = staticmethod(lambda: [dvc("commit", target, force=True, recursive=True) for target in targets()])
    checkout = staticmethod(lambda: dvc("checkout", targets(), force=True, recursive=True))
    push = staticmethod(lambda: dvc("push", targets(), recursive=True))
    pull = staticmethod(lambda: dvc("pull", targets(), force=True, recursive=True))
    gc = staticmethod(lambda: dvc("gc", workspace=True))
    repro = staticmethod(lambda: dvc("reproduce"))


def targets():
    """All that `.dvc` files track; DVC takes what stands behind a colon for the name of a stage."""
    return [*sorted(path.name for path in ROOT.glob("*.dvc") if path.is_file()), "more"]


def states():
    """What both say, which must be the same."""
    theirs, stages = {}, set()
    for name, changes in dvc("status").items():
        if not name.endswith(".dvc"):
            stages.add(name)
            continue
        for change in changes:
            theirs.update(change["changed outs"])
    if (ROOT / "dvc.yaml").exists():
        told = json.loads(run("repro", "--why", "dvc.yaml", "--format", "json"))
        changed = {row["stage"] for row in told if row["reasons"]}
        assert changed == stages, f"stages: everloop says {changed}, dvc says {stages}"
    rows = [row for row in json.loads(everloop("status", "--format", "json")) if row["file"].endswith(".dvc")]
    word = lambda row: row["state"] if row["in_cache"] else "not in cache"
    ours = {row["path"]: word(row) for row in rows if word(row) != "unchanged"}
    assert ours == theirs, f"everloop says {ours}, dvc says {theirs}"
    return ours


def write(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.is_symlink() or path.exists():
        path.unlink()
    path.write_bytes(chance.randbytes(chance.choice([0, 1, 100, 200_000])))
    if chance.random() < 0.2 and CAN_EXECUTE:
        path.chmod(0o755)


def change(name):
    """Changes data in some way."""
    place = ROOT / name
    if "." in name.rsplit("/")[-1]:
        return write(place)
    for file in chance.sample(NAMES, chance.randint(1, 4)):
        write(place / file)
    files = sorted(path for path in place.rglob("*") if path.is_file())
    if len(files) > 3:
        chance.choice(files).unlink()
        chance.choice(files[:-1]).replace(place / f"renamed {chance.randrange(9)}") if chance.random() < 0.3 and all(path.is_file() for path in files) else None


def files():
    """All data of the workspace."""
    found = {}
    for name in TRACKED:
        place = ROOT / name
        for path in [place, *place.rglob("*")] if place.is_dir() else [place]:
            if path.is_file() and "skip" not in path.name:
                found[str(path.relative_to(ROOT))] = path.read_bytes()
    return found


def dvc_files():
    paths = [*ROOT.glob("*.dvc"), *ROOT.glob("more/*.dvc")]
    return {path.relative_to(ROOT): path.read_bytes() for path in paths if path.is_file()}


def agree(other):
    """The other records the same data: nothing changes."""
    assert states() == {}
    before, ignores = dvc_files(), {path: path.read_bytes() for path in ROOT.rglob(".gitignore")}
    other.commit()
    assert dvc_files() == before, f"{other.name} changed\n{before}\nto\n{dvc_files()}"
    assert {path: path.read_bytes() for path in ROOT.rglob(".gitignore")} == ignores


def repeated(other):
    """The other has nothing to run: nothing changes."""
    before = (ROOT / "dvc.lock").read_bytes()
    other.repro()
    assert (ROOT / "dvc.lock").read_bytes() == before, f"{before.decode()}\n--\n{(ROOT / 'dvc.lock').read_text()}"
    with Repo(str(ROOT)) as repo:
        assert repo.status() == {}, repo.status()


def operate(history):
    tool, other = chance.sample([Everloop, Dvc], 2)
    kinds = ["record", "record", "add", "restore", "revert", "revert", "remote", "gc", "rename", "ignore", "links", "params", "repro", "repro"]
    kind = chance.choice(kinds)
    tracked = [name for name in TRACKED if (ROOT / f"{name}.dvc").exists()]
    print(kind, tool.name, flush=True)
    if kind == "add" or not tracked:
        name = chance.choice(TRACKED)
        change(name)
        states()
        tool.add(name)
    elif kind == "record":
        for name in chance.sample(tracked, chance.randint(1, len(tracked))):
            change(name)
        states()
        tool.commit()
    elif kind == "restore":
        before = files()
        gone = ROOT / chance.choice(tracked)
        shutil.rmtree(gone) if gone.is_dir() else gone.unlink()
        assert "deleted" in states().values()
        tool.checkout()
        assert files() == before
    elif kind == "revert":
        dvc_texts, contents = chance.choice(history)
        for path, text in dvc_texts.items():
            (ROOT / path).write_bytes(text)
        tool.checkout()
        now = files()
        assert all(now[path] == content for path, content in contents.items())
    elif kind == "remote":
        before = files()
        tool.push()
        shutil.rmtree(ROOT / ".dvc/cache")
        # DVC cannot tell the state of a stage that reads a link to nothing.
        if all(path.exists() for path in ROOT.rglob("*")):
            states()
        other.pull()
        assert files() == before
        if (ROOT / "dvc.lock").exists():
            # DVC gives up at an output that is a link to nothing.
            Everloop.repro()
        del history[:]
    elif kind == "gc":
        tool.gc()
        del history[:]
    elif kind == "rename":
        old = chance.choice([name for name in tracked if name.startswith("more/")] or ["data"])
        if old != "data":
            number = chance.randrange(1000)
            new = f"more/renamed {number}.csv" if "csv" in old else f"more/renamed {number}"
            (ROOT / f"{old}.dvc").unlink()
            (ROOT / old).rename(ROOT / new)
            TRACKED[TRACKED.index(old)] = new
            states()
            tool.add(new)
            del history[:]
    elif kind == "ignore":
        ignore = ROOT / ".dvcignore"
        patterns = ["*.skip", "skip*", "/data/**/x.skip", "more/*/skip[0-9]", "!b.skip"]
        ignore.write_text("".join(f"{pattern}\n" for pattern in patterns if chance.random() < 0.6))
        for name in ["a.skip", "b.skip", "skip7", "deep/x.skip"]:
            (ROOT / "data" / name).parent.mkdir(exist_ok=True)
            (ROOT / "data" / name).write_text(name)
        states()
        tool.commit()
        # What is ignored now is in older versions.
        del history[:]
    elif kind == "links":
        link = chance.choice(["reflink,copy", "copy"] if CAN_EXECUTE else LINKS)
        config = ROOT / ".dvc/config"
        config.write_text(re.sub(r"type = .*", f'type = "{link}"', config.read_text()))
        shutil.rmtree(ROOT / "data")
        tool.checkout()
        other.checkout()
    elif kind == "params":
        names = chance.sample(["u", "v", "w", "1e3", "true"], chance.randint(1, 4))
        (ROOT / "params.yaml").write_text(json.dumps({"scale": chance.choice([1, 1.5, "x", None]), "names": names}))
        (ROOT / "more.json").write_text(json.dumps({"deep": {"rate": chance.random()}}))
    if kind == "repro":
        tool.repro()
        repeated(other)
    agree(other)
    history.append((dvc_files(), {path: content for path, content in files().items()}))


def legacy():
    """What DVC 2 left: Windows line ends counted as others, objects at the root of the cache, no `hash` in the file."""
    (ROOT / "old.csv").write_bytes(b"a,b\r\n1,2\r\n")
    md5 = hashlib.md5(b"a,b\n1,2\n").hexdigest()
    place = ROOT / ".dvc/cache" / md5[:2] / md5[2:]
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes((ROOT / "old.csv").read_bytes())
    place.chmod(0o444)
    # DVC 3 counts the bytes that it hashes, and would write that size.
    (ROOT / "old.csv.dvc").write_text(f"outs:\n- md5: {md5}\n  size: 10\n  path: old.csv\n")
    with (ROOT / ".gitignore").open("a") as ignore:
        ignore.write("/old.csv\n")


def main():
    ROOT.mkdir()
    os.chdir(ROOT)
    git("init", "-q")
    if chance.random() < 0.5:
        everloop("init")
    else:
        Repo.init(str(ROOT)).close()
    with (ROOT / ".dvc/config").open("a") as config:
        config.write(f"[cache]\n    type = \"{LINK}\"\n")
    print("links:", LINK)
    everloop("remote", "add", "--default", "main", "../remote")
    with Repo(str(ROOT)) as repo:
        assert repo.config["remote"]["main"]["url"].endswith("/remote")
    history = []
    for name in TRACKED:
        change(name)
    for index, name in enumerate(TRACKED):
        [Everloop, Dvc][index % 2].add(name)
    legacy()
    (ROOT / "log").write_text("")
    (ROOT / "params.yaml").write_text("scale: 1\nnames: [u, v]\n")
    (ROOT / "more.json").write_text('{"deep": {"rate": 1e-05}}')
    (ROOT / "dvc.yaml").write_text(PIPELINE)
    agree(Everloop)
    agree(Dvc)
    history.append((dvc_files(), files()))
    for _ in range(N_OPERATIONS):
        operate(history)
    print("ok")


main()
