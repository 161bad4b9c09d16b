"""Runs a command and prints as JSON what it cost: seconds, seconds of CPU, bytes of memory, exit status.

Of children that have ended, the system tells only their parent; Rust's library does not ask it.
"""

import json
import os
import subprocess
import sys
import time

with open(sys.argv[1], "wb") as words:
    start = time.perf_counter()
    process = subprocess.Popen(sys.argv[2:], stdin=subprocess.DEVNULL, stdout=words, stderr=words)
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - start
cpu = usage.ru_utime + usage.ru_stime
print(json.dumps({"wall": wall, "cpu": cpu, "rss": usage.ru_maxrss * 1024, "status": os.waitstatus_to_exitcode(status)}))
