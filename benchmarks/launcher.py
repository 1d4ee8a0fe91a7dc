"""Starts commands for `benchmarks.process`, one for each line of JSON on its standard input.

A process that is small itself: what a command had most of memory counts from when it was forked.
"""

import json
import os
import subprocess
import sys
import threading
import time

for line in sys.stdin:
    ask = json.loads(line)
    with open(ask["said"], "wb") as file:
        began = time.perf_counter()
        process = subprocess.Popen(
            ask["command"],
            env=ask["environment"],
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=file,
        )
        limit = threading.Timer(ask["limit"], process.kill)
        limit.start()
        _, status, used = os.wait4(process.pid, 0)
        wall = time.perf_counter() - began
        limit.cancel()
    process.returncode = os.waitstatus_to_exitcode(status)
    print(
        json.dumps(
            {
                "code": process.returncode,
                "wall_seconds": wall,
                "cpu_seconds": used.ru_utime + used.ru_stime,
                "peak_mib": used.ru_maxrss / 1024,
            }
        ),
        flush=True,
    )
