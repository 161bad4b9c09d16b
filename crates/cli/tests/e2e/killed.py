"""Everloop's commands killed at random moments: `killed.py EVERLOOP SEED N_ROUNDS`, run in an empty directory.

Each round kills every command once. After each kill all that was kept must be whole, the lock be free and DVC be able to
read the repository; then the same command must do all of its work.
"""

import ctypes
import fcntl
import hashlib
import os
import random
import shutil
import subprocess
import sys
import time
from pathlib import Path

BINARY, SEED, N_ROUNDS = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
HERE = Path.cwd()
ROOT, REMOTE = HERE / "r", HERE / "remote"
os.environ["DVC_SITE_CACHE_DIR"] = str(HERE / "site")
os.environ["DVC_GLOBAL_CONFIG_DIR"] = os.environ["DVC_SYSTEM_CONFIG_DIR"] = str(HERE / "none")
os.environ["DVC_NO_ANALYTICS"] = "1"

from dvc.repo import Repo  # noqa: E402

# Commands that outlive Everloop become children of this process, which waits for them: to DVC a process that nobody has
# waited for is one that runs.
ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)
chance = random.Random(SEED)
LINK = ["copy", "hardlink", "symlink", "reflink,copy"][SEED % 4]
N_FILES, N_STAGES = 250, 6
DATA = {"add": ["d"], "commit": [], "push": [], "pull": ["--force"], "checkout": ["--force"], "gc": ["--workspace"]}
PIPELINE = "stages:\n" + "".join(
    f"  s{number}:\n    cmd: mkdir -p o{number} && cat d/{number} > o{number}/a && wc -c < d/{number} > o{number}/b\n    deps: [d/{number}]\n    outs: [o{number}]\n"
    for number in range(N_STAGES)
)
seconds = {}
n_landed = n_killed = 0


def command(verb):
    return [BINARY, "repro"] if verb == "repro" else [BINARY, "data", verb, *DATA[verb]]


def run(verb):
    began = time.monotonic()
    done = subprocess.run(command(verb), cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, f"{verb}: {done.returncode}\n{done.stdout}{done.stderr}"
    return time.monotonic() - began


def kill(verb):
    """Starts a command and kills it at some moment of the time that it took before."""
    global n_landed, n_killed
    child = subprocess.Popen(command(verb), cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    time.sleep(chance.random() * seconds[verb])
    child.kill()
    n_killed += 1
    n_landed += child.wait() == -9


def write(number):
    path = ROOT / "d" / str(number)
    path.parent.mkdir(exist_ok=True)
    if path.is_symlink() or path.exists():
        path.unlink()
    path.write_bytes(chance.randbytes(chance.choice([0, 10, 3_000, 60_000])))


def change():
    for number in chance.sample(range(N_FILES), N_FILES // 2):
        write(number)
    big = ROOT / "big.bin"
    big.unlink(missing_ok=True)
    big.write_bytes(chance.randbytes(4_000_000))


def files():
    """All data of the workspace that can be read."""
    found = {}
    for path in [ROOT / "big.bin", *(ROOT / "d").rglob("*")]:
        if path.is_file():
            found[str(path.relative_to(ROOT))] = path.read_bytes()
    return found


def metafiles():
    paths = [*ROOT.glob("*.dvc"), ROOT / "dvc.lock", ROOT / ".gitignore"]
    return {path.name: path.read_bytes() for path in paths if path.is_file()}


def whole(place):
    """All objects of a place hold what their names say, and nobody can write to them."""
    for path in place.glob("files/md5/??/*"):
        name = path.parent.name + path.name.removesuffix(".dir")
        assert path.stat().st_mode & 0o777 == 0o444, f"{path} has the mode {path.stat().st_mode:o}"
        assert hashlib.md5(path.read_bytes()).hexdigest() == name, f"{path} is torn"


def state():
    with Repo(str(ROOT)) as repo:
        return repo.status()


def wait_for_commands():
    """A stage's command that outlives Everloop keeps its outputs until it ends."""
    try:
        while True:
            os.wait()
    except ChildProcessError:
        pass


def check(verb, befores, afters, metas):
    """What must hold after a kill: `befores` and `afters` are all data, `metas` all `.dvc` files before."""
    whole(ROOT / ".dvc/cache")
    whole(REMOTE)
    for path, content in files().items():
        allowed = [data.get(path) for data in (befores, afters)]
        assert content in allowed, f"{path} is torn by {verb}"
    if verb in ("add", "commit", "push", "gc", "repro"):
        assert files() == befores, f"{verb} touched data"
    for name, text in metafiles().items():
        assert verb in ("add", "commit", "repro") or text == metas[name], f"{verb} changed {name}"
        assert text.endswith(b"\n") and b"\0" not in text, f"{name} is torn"
    with (ROOT / ".dvc/tmp/lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    wait_for_commands()
    state()


def left():
    """What lies about in the workspace and is nobody's."""
    inner = ROOT / ".dvc"
    known = {"d", "big.bin", "d.dvc", "big.bin.dvc", "dvc.yaml", "dvc.lock", ".gitignore", ".dvcignore", ".git", ".dvc"}
    odd = [path.name for path in ROOT.iterdir() if path.name not in known | {f"o{number}" for number in range(N_STAGES)}]
    return odd + [path.name for path in (inner / "tmp/everloop").glob("*.tmp")]


def prepare(verb):
    """Makes work for a command. What must be there afterwards comes back."""
    data = files()
    if verb in ("add", "commit", "repro"):
        change()
        if verb == "repro":
            run("commit")
        data = files()
    elif verb == "push":
        shutil.rmtree(REMOTE / "files", ignore_errors=True)
    elif verb == "pull":
        shutil.rmtree(ROOT / ".dvc/cache")
        shutil.rmtree(ROOT / "d")
    elif verb == "checkout":
        lost = chance.choice(["d", "big.bin", "half"])
        if lost == "half":
            for path in list((ROOT / "d").iterdir())[::2]:
                path.unlink()
        elif lost == "d":
            shutil.rmtree(ROOT / "d")
        else:
            (ROOT / lost).unlink()
    return data


def one(verb):
    afters = prepare(verb)
    befores, metas = files(), metafiles()
    for _ in range(chance.randint(1, 2)):
        kill(verb)
        check(verb, befores, afters, metas)
    run(verb)
    whole(ROOT / ".dvc/cache")
    assert files() == afters, f"{verb} lost data"
    if verb == "add":
        run("commit")
    run("repro")
    assert state() == {}, f"after {verb}: {state()}"
    assert left() == [], f"after {verb}: {left()}"
    run("push")
    whole(REMOTE)


def main():
    ROOT.mkdir()
    subprocess.run(["git", "init", "-q"], cwd=ROOT, check=True)
    subprocess.run([BINARY, "data", "init"], cwd=ROOT, check=True, capture_output=True)
    subprocess.run([BINARY, "data", "remote", "add", "--default", "main", str(REMOTE)], cwd=ROOT, check=True)
    with (ROOT / ".dvc/config").open("a") as config:
        config.write(f"[cache]\n    type = \"{LINK}\"\n")
    (ROOT / "dvc.yaml").write_text(PIPELINE)
    for number in range(N_FILES):
        write(number)
    change()
    subprocess.run([BINARY, "data", "add", "big.bin"], cwd=ROOT, check=True, capture_output=True)
    run("add"), run("repro"), run("push")
    verbs = ["add", "commit", "push", "pull", "checkout", "repro", "gc"]
    for verb in verbs:
        prepare(verb)
        seconds[verb] = run(verb)
        run("commit"), run("repro"), run("push")
    print(LINK, {verb: round(time, 3) for verb, time in seconds.items()}, flush=True)
    for _ in range(N_ROUNDS):
        for verb in chance.sample(verbs, len(verbs)):
            one(verb)
    # How long a command takes changes with the machine's other work: not every kill finds it still running.
    assert n_landed * 3 > n_killed, f"{n_landed} of {n_killed} kills hit"
    left_in_cache = [path for path in (ROOT / ".dvc/cache/files/md5").glob("everloop-*")]
    run("gc")
    assert not any(path.exists() for path in left_in_cache), "gc leaves temporary files"
    with Repo(str(ROOT)) as repo:
        repo.gc(workspace=True)
        repo.push()
    print(f"{n_landed} of {n_killed} kills hit")
    print("ok")


main()
