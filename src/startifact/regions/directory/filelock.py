"""A lock that the operating system releases when the process that holds it dies, and the
replacement of a file that others may be reading.
"""

import contextlib
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from startifact.errors import RegionUnavailableError
from startifact.limits import Limits
from startifact.text import quoted


@contextlib.contextmanager
def locked(path: Path, *, limits: Limits) -> Iterator[None]:
    """Hold the lock on *path*, a file that is made where it is missing and stays afterwards.

    Raises:
        RegionUnavailableError: Another process held it for ``lock_wait_seconds``.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0), 0o666)
    try:
        give_up = time.monotonic() + limits.lock_wait_seconds
        while not _try_lock(descriptor):
            if time.monotonic() > give_up:
                raise RegionUnavailableError(
                    f"{quoted(str(path))} has been locked for {limits.lock_wait_seconds:.0f} s",
                    hint="Look for a Startifact process that hangs",
                )
            time.sleep(limits.lock_poll_seconds)
        yield
    finally:
        os.close(descriptor)  # which releases the lock


def replace(file: Path, target: Path, *, limits: Limits) -> None:
    """Replace *target* by *file*, in one step, even while others read *target*.

    Raises:
        OSError: It could not be done within ``replace_wait_seconds``.
    """
    give_up = time.monotonic() + limits.replace_wait_seconds
    while True:
        try:
            file.replace(target)
        except PermissionError:
            # Windows raises this as long as another process has the target open.
            if os.name != "nt" or time.monotonic() > give_up:
                raise
            time.sleep(limits.lock_poll_seconds)
        else:
            return


if sys.platform == "win32":  # pragma: no cover  # runs in the workflow for Windows
    import msvcrt

    def _try_lock(descriptor: int) -> bool:
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True
else:
    import fcntl

    def _try_lock(descriptor: int) -> bool:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True
