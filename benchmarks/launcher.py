"""Starts commands for `benchmarks.process`, one for each line of JSON on its standard input.

A process that is small itself: what a command had most of memory counts from when it was forked.
"""

import json
import os
import subprocess
import sys
import threading
import time

BLOCK = 1 << 16

for line in sys.stdin:
    ask = json.loads(line)
    with open(ask["said"], "wb") as file:
        # By the clock of the proxy, which is that of the whole machine.
        began = time.monotonic()
        process = subprocess.Popen(
            ask["command"],
            env=ask["environment"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        limit = threading.Timer(ask["limit"], process.kill)
        limit.start()
        assert process.stdout is not None
        first_output = None
        while block := os.read(process.stdout.fileno(), BLOCK):
            first_output = first_output or time.monotonic() - began
            file.write(block)
        process.stdout.close()
        _, status, used = os.wait4(process.pid, 0)
        wall = time.monotonic() - began
        limit.cancel()
    process.returncode = os.waitstatus_to_exitcode(status)
    print(
        json.dumps(
            {
                "code": process.returncode,
                "began": began,
                "wall_seconds": wall,
                "first_output_seconds": first_output or wall,
                "cpu_seconds": used.ru_utime + used.ru_stime,
                "peak_mib": used.ru_maxrss / 1024,
            }
        ),
        flush=True,
    )
