"""What of the machine a test run uses: one processor for each worker, and memory for its files.

Python lets one thread of a worker run at a time. Where those that wait may do so on another
processor, handing over takes longer: that was a sixth of the tests' time. What is stored is flushed
to the disk again and again, which was another sixth.
"""

import contextlib
import ctypes
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

_PROCESSORS = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
"""Those that this process may use, where the system lets it choose some of them."""

_MEMORY = Path("/dev/shm")
_ENOUGH = 8 * 1024**3
"""How many bytes of memory have to be free: tests write a fraction of that at the same time."""

_MIB = 1024 * 1024
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD, _M_ARENA_MAX = -1, -3, -8
_MALLOC_OPTIONS = {_M_ARENA_MAX: 1, _M_MMAP_THRESHOLD: 32 * _MIB, _M_TRIM_THRESHOLD: 512 * _MIB}
"""By the numbers of ``malloc.h``. All threads share what is freed, up to the largest that may."""


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


def keep_freed_memory() -> None:
    """Have this process use freed memory again, where it would go back to the system (in glibc).

    Each part of an artifact is megabytes that are asked for, filled once and freed, here and in the
    server of the tests: what the system does for their pages took tests on parts a tenth of their
    time.
    """
    with contextlib.suppress(OSError, AttributeError, TypeError):  # of other systems
        option = ctypes.CDLL(None).mallopt
        for name, value in _MALLOC_OPTIONS.items():
            option(name, value)


def keep_files_in_memory() -> None:
    """Let the folders of tests be in memory, where the system has such a file system with room."""
    if _MEMORY.is_dir() and os.access(_MEMORY, os.W_OK):
        free = min(
            shutil.disk_usage(_MEMORY).free,
            os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"),
        )
        if free >= _ENOUGH:
            os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(_MEMORY))
            # What moto keeps of objects and parts: above 5 MB each would be a file on the disk.
            os.environ.setdefault("MOTO_S3_DEFAULT_KEY_BUFFER_SIZE", str(_ENOUGH))
