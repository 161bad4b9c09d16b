"""What `everloop data` shows while it works, on a terminal and elsewhere. Arguments: the binary."""

import fcntl
import json
import os
import pathlib
import pty
import struct
import subprocess
import sys
import termios
import threading

BINARY = sys.argv[1]
# Long enough to be shown; no byte of it is stored.
SIZE = 250_000_000


def run(*words, is_terminal):
    """Exit status, standard output, and what a terminal or a file at standard error got."""
    if not is_terminal:
        done = subprocess.run([BINARY, "data", *words], capture_output=True)
        return done.returncode, done.stdout.decode(), done.stderr.decode()
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 132, 0, 0))
    seen = []

    def read():
        try:
            while chunk := os.read(ours, 65536):
                seen.append(chunk)
        except OSError:  # Linux tells so that the other end is closed.
            pass

    reader = threading.Thread(target=read)
    reader.start()
    environment = dict(os.environ, TERM="xterm")
    process = subprocess.Popen(
        [BINARY, "data", *words], stdout=subprocess.PIPE, stderr=theirs, env=environment
    )
    os.close(theirs)
    output = process.communicate()[0]
    reader.join()
    os.close(ours)
    return process.returncode, output.decode(), b"".join(seen).decode()


def begin():
    """A file that has not been read."""
    path = pathlib.Path("big.bin")
    path.unlink(missing_ok=True)
    pathlib.Path("big.bin.dvc").unlink(missing_ok=True)
    subprocess.run(["rm", "-rf", ".dvc/cache", ".dvc/tmp"], check=True)
    with open(path, "wb") as file:
        file.truncate(SIZE)


subprocess.run([BINARY, "data", "init"], check=True, stderr=subprocess.DEVNULL)
pathlib.Path(".dvc/config").write_text("[core]\n    no_scm = True\n[cache]\n    type = hardlink\n")

begin()
status, output, shown = run("add", "big.bin", is_terminal=True)
assert status == 0 and output == "big.bin recorded in big.bin.dvc\n", (status, output, shown)
assert "adding: 0 of 1 files, " in shown and " of 250.00 MB, " in shown, shown
assert "/s, " in shown and " left" in shown, shown
# The line is gone before the words at the end come.
assert shown.rstrip().endswith("1 recorded, 0 as before"), shown

for words, is_terminal in [(["--quiet"], True), ([], False), (["--format", "json"], True)]:
    begin()
    status, output, shown = run("add", "big.bin", *words, is_terminal=is_terminal)
    assert status == 0, shown
    assert "left" not in shown and "\x1b" not in shown, shown
    if words[:1] == ["--format"]:
        assert json.loads(output)[0]["path"] == "big.bin", output

begin()
status, output, shown = run("status", is_terminal=True)
assert status == 0 and "looking" not in shown and "0 of 0 up to date" in shown, shown
print("ok")
