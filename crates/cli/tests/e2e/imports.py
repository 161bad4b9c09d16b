"""Data of other repositories with Everloop and DVC: `imports.py EVERLOOP`, run in an empty directory.

Both do the same in two repositories, and what they leave must be the same, byte by byte; what one imported the other
pulls, updates and lists.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

BINARY = sys.argv[1]
PLACE = Path.cwd()
os.environ["DVC_SITE_CACHE_DIR"] = str(PLACE / "site")
os.environ["DVC_GLOBAL_CONFIG_DIR"] = os.environ["DVC_SYSTEM_CONFIG_DIR"] = str(PLACE / "none")
os.environ["DVC_NO_ANALYTICS"] = "1"
for who in ["AUTHOR", "COMMITTER"]:
    os.environ[f"GIT_{who}_NAME"], os.environ[f"GIT_{who}_EMAIL"] = "t", "t@t"

from dvc.repo import Repo  # noqa: E402

SOURCE, OURS, THEIRS = PLACE / "source", PLACE / "ours", PLACE / "theirs"


def everloop(*arguments, at=OURS, code=0):
    done = subprocess.run([BINARY, "data", *map(str, arguments)], cwd=at, capture_output=True, text=True)
    assert done.returncode == code, f"everloop data {arguments}: {done.returncode}\n{done.stdout}{done.stderr}"
    return done.stdout + (done.stderr if code else "")


def dvc(verb, *arguments, at=THEIRS, **options):
    os.chdir(at)
    with Repo(str(at)) as repo:
        return getattr(repo, verb)(*arguments, **options)


def git(*arguments, at=SOURCE):
    return subprocess.run(["git", *arguments], cwd=at, check=True, capture_output=True, text=True).stdout.strip()


def files(root):
    """All files of a repository but those of git, with what is in the cache."""
    found = {}
    for path in sorted(root.rglob("*")):
        name = path.relative_to(root).as_posix()
        if path.is_file() and not name.startswith((".git/", ".dvc/tmp/")):
            found[name] = path.read_bytes()
    return found


def same():
    ours, theirs = files(OURS), files(THEIRS)
    # DVC puts the keys of a download that comes later behind the others.
    for root in [ours, theirs]:
        root["later.csv.dvc"] = sorted(line.strip(b"- ") for line in root["later.csv.dvc"].splitlines())
    for name in sorted({*ours, *theirs}):
        assert ours.get(name) == theirs.get(name), f"{name}: everloop {ours.get(name)}, dvc {theirs.get(name)}"
    return len(ours)


def make_source():
    for root in [SOURCE, OURS, THEIRS]:
        root.mkdir()
        git("init", "-q", "-b", "main", at=root)
        os.chdir(root)
        Repo.init(str(root)).close()
    for name, text in {"data/a": "1\n", "data/sub/b": "2\n", "table.csv": "a\n1\n", "dir/é.csv": "x\n"}.items():
        (SOURCE / name).parent.mkdir(parents=True, exist_ok=True)
        (SOURCE / name).write_text(text)
    (SOURCE / "dir/plain: 1").write_text("git's\n")
    (SOURCE / "dvc.yaml").write_text("stages:\n  make:\n    cmd: cp table.csv made\n    deps: [table.csv]\n    outs: [made]\n")
    dvc("add", ["data", "table.csv", "dir/é.csv"], at=SOURCE)
    dvc("reproduce", at=SOURCE)
    git("add", "-A")
    git("commit", "-qm", "one")
    git("tag", "table@v1.0.0")


IMPORTS = [
    ("data", None, None),
    ("table.csv", "table@v1.0.0", "renamed.csv"),
    ("made", None, None),
    ("dir", None, None),
    ("data/sub", None, "s/sub"),
    ("dir/plain: 1", "main", "it's # plain"),
]


def imports():
    url = "../source"
    for path, rev, out in IMPORTS:
        for root in [OURS, THEIRS]:
            (root / "s").mkdir(exist_ok=True)
        everloop("import", url, path, *(["--rev", rev] if rev else []), *(["--out", out] if out else []))
        dvc("imp", url, path, rev=rev, out=out)
    for place, out in [("../source/data", "places"), (str(SOURCE / "table.csv"), "place.csv")]:
        everloop("import-url", place, out)
        dvc("imp_url", place, out=out)
    everloop("import", url, "table.csv", "--no-download", "--out", "later.csv")
    dvc("imp", url, "table.csv", out="later.csv", no_download=True)
    print(same(), "files after imports")
    everloop("import", url, "absent", code=30)
    everloop("import", url, "data", code=31)
    everloop("import", "../none", "data", "--out", "none", code=30)
    # What each wrote is no change for the other.
    assert not dvc("status", at=OURS, targets=["data.dvc", "dir.dvc", "places.dvc", "made.dvc"])
    for row in json.loads(everloop("status", "--format", "json", at=THEIRS)):
        assert row["state"] == "unchanged" or row["path"] == "later.csv", row


def pull():
    names = ["data", "made", "dir", "s/sub", "renamed.csv"]
    for root in [OURS, THEIRS]:
        before = files(root)
        shutil.rmtree(root / ".dvc/cache")
        for name in names:
            shutil.rmtree(root / name, ignore_errors=True)
            (root / name).unlink(missing_ok=True)
        if root == OURS:
            dvc("pull", targets=[f"{name}.dvc" for name in names], at=root)
        else:
            everloop("pull", *(f"{name}.dvc" for name in names), at=root)
        after = files(root)
        lost = {name for name in before if before[name] != after.get(name)}
        assert all(name.startswith(".dvc/cache") for name in lost), lost
        # Without a remote, the source still has what was imported from a place.
        everloop("fetch", "places.dvc", at=root)
        shutil.rmtree(PLACE / "site", ignore_errors=True)


def update():
    (SOURCE / "table.csv").write_text("a\n2\n")
    (SOURCE / "data/new").write_text("3\n")
    dvc("add", ["data", "table.csv"], at=SOURCE)
    dvc("reproduce", at=SOURCE)
    git("commit", "-qam", "two")
    for name in ["data.dvc", "made.dvc", "places.dvc", "s/sub.dvc", "later.csv.dvc"]:
        everloop("update", name)
        dvc("update", targets=[name])
    everloop("update", "renamed.csv", "--rev", "main")
    dvc("update", targets=["renamed.csv.dvc"], rev="main")
    for root in [OURS, THEIRS]:
        # Which objects of before are left is nobody's business.
        shutil.rmtree(root / ".dvc/cache")
    print(same(), "files after updates")
    everloop("update", "nothing", code=30)


def get():
    here = PLACE / "got"
    here.mkdir()
    everloop("get", SOURCE, "data", at=here)
    assert files(here) == {"data/a": b"1\n", "data/new": b"3\n", "data/sub/b": b"2\n"}
    everloop("get", SOURCE, "data", at=here, code=31)
    everloop("get", SOURCE, "data/sub/b", "--force", "--out", "data/a", at=here)
    assert (here / "data/a").read_bytes() == b"2\n"
    everloop("get", SOURCE, "table.csv", "--rev", "table@v1.0.0", at=here)
    assert (here / "table.csv").read_bytes() == b"a\n1\n"
    everloop("get", SOURCE, "dir/plain: 1", "--rev", "main", "--out", "p", at=here)
    assert (here / "p").read_bytes() == b"git's\n"
    assert sorted(path.name for path in here.iterdir()) == ["data", "p", "table.csv"]
    # From a URL, where the data lies in a remote alone, and the branch is not the default one.
    everloop("remote", "add", "--default", "r", PLACE / "remote", at=SOURCE)
    git("commit", "-qam", "remote")
    dvc("push", at=SOURCE)
    git("branch", "other")
    git("clone", "-q", "--bare", SOURCE, PLACE / "bare.git", at=PLACE)
    shutil.rmtree(SOURCE / ".dvc/cache")
    everloop("get", f"file://{PLACE}/bare.git", "data", "--rev", "other", "--out", "of-url", at=here)
    assert (here / "of-url/sub/b").read_bytes() == b"2\n"
    everloop("get", PLACE / "bare.git", "made", at=here)
    assert (here / "made").read_bytes() == b"a\n2\n"
    everloop("get", SOURCE, "nothing", at=here, code=30)
    everloop("get", SOURCE, "../x", at=here, code=2)


def lists():
    for arguments, options in [
        ([], {}),
        (["--recursive"], {"recursive": True}),
        (["dir"], {"path": "dir"}),
        (["data/sub"], {"path": "data/sub"}),
        (["--recursive", "--dvc-only"], {"recursive": True, "dvc_only": True}),
        (["--rev", "table@v1.0.0"], {"rev": "table@v1.0.0"}),
    ]:
        ours = json.loads(everloop("list", "../source", *arguments, "--format", "json"))
        theirs = Repo.ls(str(SOURCE), **options)
        # Directories have the size that the file system gives their entry, in DVC.
        plain = lambda rows: [{key: row[key] for key in ["path", "isout", "isdir", "md5"]} for row in rows]
        assert plain(ours) == plain(theirs), f"{arguments}: {plain(ours)}\n{plain(theirs)}"
        sizes = {row["path"]: row["size"] for row in ours if not row["isdir"]}
        # DVC does not know all of them.
        known = {row["path"]: row["size"] for row in theirs if not row["isdir"] and row["size"] is not None}
        assert {path: sizes[path] for path in known} == known, f"{arguments}: {sizes}\n{known}"


make_source()
imports()
pull()
update()
lists()
get()
print("ok")
