"""`everloop repro` with one job and with several beside `dvc repro`: `repro_parallel.py EVERLOOP DVC`, run in an empty directory."""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

BINARY, DVC = sys.argv[1:]
HERE = Path.cwd()
os.environ["DVC_SITE_CACHE_DIR"] = str(HERE / "site")
os.environ["DVC_GLOBAL_CONFIG_DIR"] = os.environ["DVC_SYSTEM_CONFIG_DIR"] = str(HERE / "none")
os.environ["DVC_NO_ANALYTICS"] = "1"


def run(dir, *arguments, code=0):
    done = subprocess.run(arguments, cwd=dir, capture_output=True, text=True)
    assert done.returncode == code, f"{arguments} in {dir}: {done.returncode}\n{done.stdout}{done.stderr}"
    return done


def repro(dir, *arguments, code=0):
    report = json.loads(run(dir, BINARY, "repro", *arguments, "--format", "json", code=code).stdout)
    return {row["stage"]: row["outcome"] for row in report}


def stages(dir, text):
    (dir / "dvc.yaml").write_text("stages:\n" + text)


def make(dir):
    dir.mkdir()
    run(dir, "git", "init", "-q")
    run(dir, DVC, "init", "-q")


def graph(seed, n_stages):
    """Stages in a random order of the file, each with up to three of those before it; outputs in several directories."""
    chance = random.Random(seed)
    made, texts = [], []
    for at in range(n_stages):
        deps = chance.sample(made, min(len(made), chance.choice([0, 1, 1, 2, 3])))
        place = chance.choice(["", "sub/", "other dir/"])
        out = f"{place}o{at}"
        texts.append(
            f"  s{at}:\n    cmd: sleep 0.0{chance.randrange(9)}; mkdir -p '{out}'; cat src {' '.join(repr(dep + '/x') for dep in deps)} > '{out}/x'; echo {at} >> '{out}/x'\n"
            f"    deps: {json.dumps(['src', *deps])}\n    params: [p{at % 3}]\n    outs: ['{out}']\n"
            f"    metrics: [{{'m{at}.json': {{cache: {'true' if at % 2 else 'false'}}}}}]\n".replace("; echo", f"; echo {at} > m{at}.json; echo", 1)
        )
        made.append(out)
    chance.shuffle(texts)
    return "".join(texts)


def tree(dir, *names):
    files = {}
    for name in names:
        for path in sorted((dir / name).rglob("*")) if (dir / name).is_dir() else [dir / name]:
            if path.is_file():
                files[str(path.relative_to(dir))] = path.read_bytes()
    return files


def same(*dirs, has_runs=True):
    names = ["dvc.lock", ".gitignore", "sub/.gitignore", "other dir/.gitignore", ".dvc/cache/files"]
    names += [".dvc/cache/runs"] * has_runs
    first = tree(dirs[0], *[name for name in names if (dirs[0] / name).exists()])
    for dir in dirs[1:]:
        other = tree(dir, *[name for name in names if (dir / name).exists()])
        assert first.keys() == other.keys(), (dir, first.keys() ^ other.keys())
        for name, data in first.items():
            assert data == other[name], f"{dir} {name}:\n{data.decode()}\n--\n{other[name].decode()}"


# The bytes are those of DVC, with one job and with many.
for seed in [1, 2]:
    dirs = [HERE / f"{name}{seed}" for name in ["one", "four", "dvc"]]
    for dir in dirs:
        make(dir)
        (dir / "src").write_text("1\n")
        (dir / "params.yaml").write_text("p0: 1\np1: [1, 2.5, null]\np2: {size: 1, \u00e9: 1.0e-7}\n")
        stages(dir, graph(seed, 11))
    one, four, dvc = dirs
    repro(one, "-j1"), repro(four, "-j4"), run(dvc, DVC, "repro")
    same(dvc, one, four)
    for dir in dirs:
        (dir / "params.yaml").write_text("p0: 2\np1: [1, 2.5, null]\np2: {size: 1, \u00e9: 1.0e-7}\n")
    assert repro(one, "-j1") == repro(four, "-j4")
    run(dvc, DVC, "repro")
    same(dvc, one, four)
    # What was once made of the same comes from the run cache of either tool.
    for dir in dirs:
        (dir / "params.yaml").write_text("p0: 1\np1: [1, 2.5, null]\np2: {size: 1, \u00e9: 1.0e-7}\n")
    assert set(repro(dvc).values()) == {"restored", "up to date"}
    assert "Running" not in run(four, DVC, "repro").stdout
    assert "run" in repro(one, "--no-run-cache").values()
    same(dvc, four, one)
    for dir in dirs:
        assert "up to date" in run(dir, DVC, "status").stdout

# Side by side, and told apart.
dir = HERE / "wide"
make(dir)
stages(dir, "".join(f"  s{at}:\n    cmd: echo begin; sleep 1; echo {at} > o{at}; echo end\n    outs: [o{at}]\n" for at in range(4)))
began = time.monotonic()
told = run(dir, BINARY, "repro", "-j4").stderr
assert time.monotonic() - began < 3.5, told
assert all(f"s{at} | begin\n" in told and f"s{at} | end\n" in told for at in range(4)), told

# What fails takes nothing from what runs beside it, and skips only what needs it.
more = "  a:\n    cmd: sleep 0.5; echo 1 > a\n    outs: [a]\n  b:\n    cmd: sleep 0.1; exit 1\n    outs: [b]\n  c:\n    cmd: echo 1 > c\n    deps: [b]\n    outs: [c]\n  d:\n    cmd: cp a d; sleep 0.05; echo 2 > o0\n    deps: [a]\n    outs: [d]\n"
stages(dir, more + (dir / "dvc.yaml").read_text().split("stages:\n")[1])
assert repro(dir, "a", "b", "c", "d", "-j2", code=20) == {"a": "run", "b": "failed"}
assert "/a\n" in (dir / ".gitignore").read_text() and "  a:" in (dir / "dvc.lock").read_text()
assert repro(dir, "a", "b", "c", "-k", "-j2", code=20) == {"a": "up to date", "b": "failed", "c": "skipped"}
assert repro(dir, "c", "--ignore-errors") == {"b": "failed", "c": "failed"}
# A stage that writes to the output of another is named.
told = run(dir, BINARY, "repro", "d", "s0", "-j1").stderr
assert "note: `o0`, which stage `s0` makes, changed while `d` ran" not in told, told
stages(dir, (dir / "dvc.yaml").read_text().split("stages:\n")[1].replace("cp a d;", "cp a d; :;"))
told = run(dir, BINARY, "repro", "s0", "d", "-s", "-j1").stderr
assert "note: `o0`, which stage `s0` makes, changed while `d` ran" in told, told

# A command that hangs is ended.
stages(dir, "  slow:\n    cmd: echo 1 > slow; sleep 100\n    outs: [slow]\n  quick:\n    cmd: echo 1 > quick\n    outs: [quick]\n")
began = time.monotonic()
told = run(dir, BINARY, "repro", "--timeout", "1s", "-k", code=20).stderr
assert "did not end within 1 s" in told and "quick: run" in told and time.monotonic() - began < 20, told

# Killed at any moment with several jobs, it goes on, and the lock names only what was kept.
dir = HERE / "killed"
make(dir)
stages(dir, "".join(f"  s{at}:\n    cmd: sleep 0.03; echo {at} > o{at}\n    deps: [{f'o{at - 3}' if at > 2 else 'src'}]\n    outs: [o{at}]\n" for at in range(12)))
(dir / "src").write_text("1")
chance = random.Random(5)
for turn in range(6):
    child = subprocess.Popen([BINARY, "repro", "-j3"], cwd=dir, stderr=subprocess.DEVNULL)
    time.sleep(chance.random() * 0.25)
    child.send_signal(signal.SIGKILL)
    child.wait()
    time.sleep(0.3)
    if (dir / "dvc.lock").exists():
        for line in (dir / "dvc.lock").read_text().splitlines():
            if line.strip().startswith("md5:") and not line.endswith("c4ca4238a0b923820dcc509a6f75849b"):
                digest = line.split()[1]
                assert (dir / f".dvc/cache/files/md5/{digest[:2]}/{digest[2:]}").exists(), line
assert set(repro(dir, "-j3").values()) <= {"run", "restored", "up to date"}
assert "up to date" in run(dir, DVC, "status").stdout

# Flags of DVC mean the same.
def reset(text):
    shutil.rmtree(HERE / "ours", ignore_errors=True), shutil.rmtree(HERE / "theirs", ignore_errors=True)
    for dir in [HERE / "ours", HERE / "theirs"]:
        make(dir)
        (dir / "src").write_text("1\n")
        (dir / "dir").mkdir()
        (dir / "dir/dvc.yaml").write_text("stages:\n  inner:\n    cmd: echo 1 > inner\n    outs: [inner]\n")
        stages(dir, text)


def both(*arguments, code=0):
    run(HERE / "ours", BINARY, "repro", *arguments, code=code), run(HERE / "theirs", DVC, "repro", *arguments, code=1 if code else 0)
    ours, theirs = ({name: data for name, data in tree(HERE / dir, ".").items() if not name.startswith((".git/", ".dvc/tmp"))} for dir in ["ours", "theirs"])
    assert ours.keys() == theirs.keys(), (arguments, ours.keys() ^ theirs.keys())
    for name, data in ours.items():
        assert data == theirs[name], (arguments, name, data, theirs[name])


CHAIN = "  one:\n    cmd: cp src one\n    deps: [src]\n    outs: [one]\n  two:\n    cmd: date +%s%N > when; echo same > two\n    deps: [one]\n    outs: [two]\n  lone:\n    cmd: echo 1 > lone\n    outs: [lone]\n".replace("date +%s%N > when; ", "")
reset(CHAIN)
both("-R", "dir")
both("--glob", "t*")
both("--no-commit", "lone")
both("-p", "one")
both("-P")
(HERE / "ours/src").write_text("2\n"), (HERE / "theirs/src").write_text("2\n")
both("--force-downstream", "two")
for dir in ["ours", "theirs"]:
    shutil.rmtree(HERE / dir / ".dvc/cache")
    os.remove(HERE / dir / "one")
both("--allow-missing", "two")

# Data that is not here comes from the remote.
reset("  copy:\n    cmd: cp data copy\n    deps: [data]\n    outs: [copy]\n")
for dir in [HERE / "ours", HERE / "theirs"]:
    (dir / "data").write_text("1\n")
    run(dir, DVC, "add", "-q", "data"), run(dir, DVC, "remote", "add", "-q", "-d", "here", str(dir) + ".remote"), run(dir, DVC, "push", "-q")
    shutil.rmtree(dir / ".dvc/cache"), os.remove(dir / "data"), os.remove(dir / ".dvc/config")
    (dir / ".dvc/config").write_text(f"[core]\n    remote = here\n['remote \"here\"']\n    url = {HERE}/ours.remote\n")
both("--pull")
print("ok")
