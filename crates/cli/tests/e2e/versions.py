"""Everloop and DVC in turns on one repository: `versions.py EVERLOOP SEED N_OPERATIONS`, run in an empty directory.

After each operation both must tell the same of each tracked path; a `.dvc` file that one wrote must not change when the
other records the same data; what one pushed the other pulls.
"""

import hashlib
import json
import os
import random
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
LINK = chance.choice(["reflink,copy", "hardlink", "symlink", "copy"])


def everloop(*arguments, code=0):
    done = subprocess.run([BINARY, "data", *arguments], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == code, f"everloop data {arguments}: {done.returncode}\n{done.stdout}{done.stderr}"
    return done.stdout


def dvc(verb, *arguments, **options):
    with Repo(str(ROOT)) as repo:
        return getattr(repo, verb)(*arguments, **options)


def git(*arguments):
    subprocess.run(["git", *arguments], cwd=ROOT, check=True, capture_output=True)


class Everloop:
    name = "everloop"
    add = staticmethod(lambda path: everloop("add", path))
    commit = staticmethod(lambda: everloop("commit"))
    checkout = staticmethod(lambda: everloop("checkout", "--force"))
    push = staticmethod(lambda: everloop("push"))
    pull = staticmethod(lambda: everloop("pull", "--force"))
    gc = staticmethod(lambda: everloop("gc", "--workspace"))


class Dvc:
    name = "dvc"
    add = staticmethod(lambda path: dvc("add", path))
    commit = staticmethod(lambda: dvc("commit", force=True))
    checkout = staticmethod(lambda: dvc("checkout", force=True))
    push = staticmethod(lambda: dvc("push"))
    pull = staticmethod(lambda: dvc("pull", force=True))
    gc = staticmethod(lambda: dvc("gc", workspace=True))


def states():
    """What both say, which must be the same."""
    theirs = {}
    for stage in dvc("status").values():
        for change in stage:
            theirs.update(change["changed outs"])
    rows = json.loads(everloop("status", "--format", "json"))
    word = lambda row: row["state"] if row["in_cache"] else "not in cache"
    ours = {row["path"]: word(row) for row in rows if word(row) != "unchanged"}
    assert ours == theirs, f"everloop says {ours}, dvc says {theirs}"
    return ours


def write(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.is_symlink() or path.exists():
        path.unlink()
    path.write_bytes(chance.randbytes(chance.choice([0, 1, 100, 200_000])))
    # Through a link DVC makes the object itself executable, and forgets it when it protects the object next.
    if chance.random() < 0.2 and LINK not in ["hardlink", "symlink"]:
        path.chmod(0o755)


def change(name):
    """Changes data in some way."""
    place = ROOT / name
    if "." in name.rsplit("/")[-1]:
        return write(place)
    for file in chance.sample(NAMES, chance.randint(1, 4)):
        write(place / file)
    files = [path for path in place.rglob("*") if path.is_file()]
    if len(files) > 3:
        chance.choice(files).unlink()


def files():
    """All data of the workspace."""
    found = {}
    for name in TRACKED:
        place = ROOT / name
        for path in [place, *place.rglob("*")] if place.is_dir() else [place]:
            if path.is_file():
                found[str(path.relative_to(ROOT))] = path.read_bytes()
    return found


def dvc_files():
    return {path.relative_to(ROOT): path.read_bytes() for path in ROOT.rglob("*.dvc") if path.is_file()}


def agree(other):
    """The other records the same data: nothing changes."""
    assert states() == {}
    before, ignores = dvc_files(), {path: path.read_bytes() for path in ROOT.rglob(".gitignore")}
    other.commit()
    assert dvc_files() == before, f"{other.name} changed\n{before}\nto\n{dvc_files()}"
    assert {path: path.read_bytes() for path in ROOT.rglob(".gitignore")} == ignores


def operate(history):
    tool, other = chance.sample([Everloop, Dvc], 2)
    kind = chance.choice(["record", "record", "add", "restore", "revert", "revert", "remote", "gc"])
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
        states()
        other.pull()
        assert files() == before
        del history[:]
    elif kind == "gc":
        tool.gc()
        del history[:]
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
    agree(Everloop)
    agree(Dvc)
    history.append((dvc_files(), files()))
    for _ in range(N_OPERATIONS):
        operate(history)
    print("ok")


main()
