"""Run caches through remotes: `runs_shared.py EVERLOOP`, run in an empty directory.

What one tool made and pushed, the other puts back elsewhere without running anything; both ways, and from another commit's inputs.
"""

import os
import subprocess
import sys
from pathlib import Path

BINARY = sys.argv[1]
PLACE = Path.cwd()
DVC = str(Path(sys.executable).with_name("dvc"))
os.environ["DVC_SITE_CACHE_DIR"] = str(PLACE / "site")
os.environ["DVC_GLOBAL_CONFIG_DIR"] = os.environ["DVC_SYSTEM_CONFIG_DIR"] = str(PLACE / "none")
os.environ["DVC_NO_ANALYTICS"] = "1"

PIPELINE = f"""stages:
  make:
    cmd: echo ran >> {PLACE}/ran && mkdir -p d && cp in.txt d/a && cp in.txt d/b
    deps: [in.txt]
    outs: [d]
  score:
    cmd: echo ran >> {PLACE}/ran && (echo -n '{{"n":'; wc -c < d/a; echo '}}') > score.json
    deps: [d]
    metrics:
    - score.json:
        cache: false
"""


def run(*arguments, at, code=0):
    done = subprocess.run([str(one) for one in arguments], cwd=at, capture_output=True, text=True)
    assert done.returncode == code, f"{arguments}: {done.returncode}\n{done.stdout}{done.stderr}"
    return done.stdout + done.stderr


def make(name, remote, text):
    root = PLACE / name
    root.mkdir()
    run("git", "init", "-q", at=root)
    run(BINARY, "data", "init", at=root)
    run(BINARY, "data", "remote", "add", "-d", "main", remote, at=root)
    (root / "dvc.yaml").write_text(PIPELINE)
    (root / "in.txt").write_text(text)
    return root


def runs_below(place):
    return sorted(path.relative_to(place).as_posix() for path in place.rglob("*") if path.is_file())


def n_ran():
    place = PLACE / "ran"
    return len(place.read_text().splitlines()) if place.exists() else 0


def there_and_back(theirs_first):
    which = "dvc" if theirs_first else "everloop"
    remote = PLACE / f"remote_{which}"
    one = make(f"one_{which}", remote, f"first {which}\n")
    before = n_ran()
    for text in [f"first {which}\n", f"second {which}\n"]:
        (one / "in.txt").write_text(text)
        if theirs_first:
            run(DVC, "repro", "-q", at=one)
            run(DVC, "push", "-q", "--run-cache", at=one)
        else:
            run(BINARY, "repro", at=one)
            said = run(BINARY, "data", "push", "--run-cache", at=one)
            assert "2 runs pushed" in said, said
    assert n_ran() == before + 4, n_ran()
    assert runs_below(remote / "runs") == runs_below(one / ".dvc/cache/runs")
    assert len(runs_below(remote / "runs")) == 4
    for index, text in enumerate([f"first {which}\n", f"second {which}\n"]):
        # Nobody has told this repository what the stages make: the runs do.
        two = make(f"two_{which}_{index}", remote, text)
        if theirs_first:
            # DVC does not send metrics that git has; the stage that makes them runs again.
            run(BINARY, "repro", "--pull", at=two)
            allowed = 1
        else:
            run(DVC, "repro", "-q", "--pull", at=two)
            allowed = 0
        assert n_ran() - before - 4 <= allowed, n_ran()
        before = n_ran() - 4
        assert (two / "d/b").read_text() == text
        assert (two / "score.json").exists()
        assert run(DVC, "status", at=two).startswith("Data and pipelines are up to date"), run(DVC, "status", at=two)
        assert len(runs_below(two / ".dvc/cache/runs")) == 4
    three = make(f"three_{which}", remote, f"second {which}\n")
    said = run(BINARY, "data", "fetch", "--run-cache", at=three)
    assert "4 runs fetched" in said, said
    assert runs_below(three / ".dvc/cache/runs") == runs_below(remote / "runs")
    assert "runs fetched" not in run(BINARY, "data", "pull", "--run-cache", at=three)


there_and_back(False)
there_and_back(True)
print("ok")
