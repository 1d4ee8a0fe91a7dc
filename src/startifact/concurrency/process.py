"""A process that does one thing and ends: the time it saves because of that.

Only for processes of our own. A program that uses a session keeps its collector and its end.
"""

import gc
import os
import sys
from typing import NoReturn


def collect_rarely() -> None:
    """Look for reference cycles only when many objects have been made since the last time.

    A small command makes fewer than that, nearly all of them modules and the SDK's models: to go
    over them again and again finds nothing, and takes a tenth of its time. A long one still frees
    what it leaves behind.
    """
    from startifact.limits import OBJECTS_PER_COLLECTION  # signals come before everything else

    gc.set_threshold(OBJECTS_PER_COLLECTION)


def end(code: int) -> NoReturn:
    """End the process with *code*, as the interpreter ends it, without freeing every object first.

    That takes a fifth of the time of a small command, and the system does it anyway. Threads are
    waited for, exit handlers are called and streams are flushed, in the interpreter's order.

    Raises:
        SystemExit: What was written cannot be flushed, which the interpreter reports.
    """
    import atexit
    import threading

    # The interpreter calls both by these names; tests/unit/test_process.py holds that they work.
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    try:
        for stream in (sys.stdout, sys.stderr):
            if stream is not None and not stream.closed:
                stream.flush()
    except (OSError, ValueError):
        sys.exit(code)
    os._exit(code)
