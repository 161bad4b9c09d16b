"""`everloop data diff` beside `dvc diff` on a random history: `history.py EVERLOOP SEED N_COMMITS`, run in an empty directory.

Every two versions that are compared must differ alike for both, in the same shape of JSON.
"""

import json
import os
import random
import shutil
import subprocess
import sys
from pathlib import Path

BINARY, SEED, N_COMMITS = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
ROOT = Path.cwd() / "r"
os.environ["DVC_SITE_CACHE_DIR"] = str(Path.cwd() / "site")
os.environ["DVC_GLOBAL_CONFIG_DIR"] = os.environ["DVC_SYSTEM_CONFIG_DIR"] = str(Path.cwd() / "none")
os.environ["DVC_NO_ANALYTICS"] = "1"

from dvc.repo import Repo  # noqa: E402

chance = random.Random(SEED)
DATA = ["data", "one.csv", "more/two.csv", "more/dir #2"]
NAMES = ["a", "b.txt", "sub/c", "sub/deep/d", "é", "z z"]
STAGE = """stages:
  make:
    cmd: mkdir -p ${out} && cp one.csv ${out}/copy && cp one.csv plain
    deps: [one.csv]
    outs:
    - ${out}
    - plain: {cache: false}
"""


def git(*arguments):
    subprocess.run(["git", "-c", "user.name=t", "-c", "user.email=t@t", *arguments], cwd=ROOT, check=True, capture_output=True)


def everloop(*arguments, code=0):
    done = subprocess.run([BINARY, *arguments], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == code, f"everloop {arguments}: {done.returncode}\n{done.stdout}{done.stderr}"
    return done.stdout


def write(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    # Few contents, so that some come again in other places.
    path.write_text(f"x\n{chance.randint(0, 6)}\n")


def change():
    """Changes the data of the workspace."""
    for name in chance.sample(DATA, chance.randint(1, 3)):
        place = ROOT / name
        if "." in name.rsplit("/")[-1]:
            write(place)
            continue
        for file in chance.sample(NAMES, chance.randint(1, 3)):
            write(place / file)
        files = sorted(path for path in place.rglob("*") if path.is_file())
        if len(files) > 2:
            chance.choice(files).rename(place / f"moved{chance.randint(0, 9)}")


def commit(number):
    tracked = [name for name in DATA if (ROOT / name).exists()]
    kind = chance.choice(["record", "record", "record", "stage", "untrack"])
    with Repo(str(ROOT)) as repo:
        if kind == "untrack" and number > 2:
            name = chance.choice([name for name in tracked if name != "one.csv"] or ["none"])
            if (ROOT / f"{name}.dvc").exists():
                repo.remove(f"{name}.dvc", outs=True)
                tracked.remove(name)
        repo.add(tracked)
        if kind == "stage" and (ROOT / "one.csv").exists():
            (ROOT / "params.yaml").write_text(f"out: {chance.choice(['made', 'made2'])}\n")
            (ROOT / "dvc.yaml").write_text(STAGE)
            repo.reproduce()
    git("add", "-A")
    git("commit", "--quiet", "--allow-empty", "-m", f"commit {number}")
    git("tag", f"v{number}")


def theirs(*revisions, targets=None):
    with Repo(str(ROOT)) as repo:
        found = repo.diff(*revisions, targets=targets)
    if len(revisions) > 1:
        found.pop("not in cache", None)
    path = lambda row: row["path"]["old"] if isinstance(row["path"], dict) else row["path"]
    return {kind: sorted(rows, key=path) for kind, rows in found.items()}


def ours(*revisions, targets=None):
    arguments = ["--targets", *targets] if targets else []
    found = json.loads(everloop("data", "diff", *revisions, "--format", "json", *arguments))
    for row in (row for rows in found.values() for row in rows):
        size = row.pop("size")
        assert not isinstance(size, str)
    return found


def agree(*revisions, targets=None):
    us, them = ours(*revisions, targets=targets), theirs(*revisions, targets=targets)
    assert us == them, f"{revisions} {targets}:\neverloop {json.dumps(us, indent=1)}\ndvc {json.dumps(them, indent=1)}"
    return sum(len(rows) for rows in us.values())


def main():
    ROOT.mkdir()
    os.chdir(ROOT)
    git("init", "--quiet")
    Repo.init(str(ROOT)).close()
    n_differences = 0
    for number in range(N_COMMITS):
        change()
        if number == 0:
            write(ROOT / "one.csv")
        elif chance.random() < 0.5:
            n_differences += agree("HEAD")
        commit(number)
        if number:
            n_differences += agree(f"v{chance.randrange(number)}", "HEAD")
            n_differences += agree("HEAD", f"v{chance.randrange(number)}")
    change()
    for target in ["one.csv", "more/two.csv"]:
        if (ROOT / f"{target}.dvc").exists():
            n_differences += agree("HEAD~1", "HEAD", targets=[target])
    # Objects that are not there: of files, and of whole directories.
    objects = sorted((ROOT / ".dvc/cache/files/md5").glob("*/*"))
    for path in chance.sample(objects, len(objects) // 3):
        path.unlink()
    shutil.rmtree(ROOT.parent / "site", ignore_errors=True)
    for number in range(N_COMMITS):
        n_differences += agree(f"v{number}")
    print(n_differences, "differences")
    print("ok")


main()
