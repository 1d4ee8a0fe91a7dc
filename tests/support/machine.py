"""What of the machine a test run uses: one processor for each worker, and memory for its files.

Python lets one thread of a worker run at a time. Where those that wait may do so on another
processor, handing over takes longer: that was a sixth of the tests' time. What is stored is flushed
to the disk again and again, which was another sixth.
"""

import contextlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

_PROCESSORS = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
"""Those that this process may use, where the system lets it choose some of them."""

_MEMORY = Path("/dev/shm")
_ENOUGH = 8 * 1024**3
"""How many bytes of memory have to be free: tests write a fraction of that at the same time."""


def use_one_processor() -> None:
    """Let a worker of xdist, and what it starts, run on one processor: the next one the next."""
    worker = os.environ.get("PYTEST_XDIST_WORKER", "")
    if worker.startswith("gw") and _PROCESSORS:
        os.sched_setaffinity(0, {_PROCESSORS[int(worker[2:]) % len(_PROCESSORS)]})


@contextlib.contextmanager
def all_processors() -> Iterator[None]:
    """Let what is started in this context run on any processor, so that processes do so at once."""
    if not _PROCESSORS:
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, _PROCESSORS)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def keep_files_in_memory() -> None:
    """Let the folders of tests be in memory, where the system has such a file system with room."""
    if _MEMORY.is_dir() and os.access(_MEMORY, os.W_OK):
        free = min(
            shutil.disk_usage(_MEMORY).free,
            os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"),
        )
        if free >= _ENOUGH:
            os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(_MEMORY))
