"""A lock that the operating system releases when the process that holds it dies, and the
replacement of a file that others may be reading.
"""

import contextlib
import errno
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from startifact.errors import ConfigurationError, RegionUnavailableError
from startifact.limits import Limits
from startifact.text import quoted


@contextlib.contextmanager
def locked(path: Path, *, limits: Limits) -> Iterator[None]:
    """Hold the lock on *path*, a file that is made where it is missing and stays afterwards.

    Raises:
        RegionUnavailableError: Another process held it for ``lock_wait_seconds``.
        ConfigurationError: The file system has no locks.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0), 0o666)
    try:
        give_up = time.monotonic() + limits.lock_wait_seconds
        while not _try_lock(descriptor, path.parent):
            if time.monotonic() > give_up:
                raise RegionUnavailableError(
                    f"{quoted(str(path))} has been locked for {limits.lock_wait_seconds:.0f} s",
                    hint="Look for a Startifact process that hangs",
                )
            time.sleep(limits.lock_poll_seconds)
        yield
    finally:
        os.close(descriptor)  # which releases the lock


def check_lockable(descriptor: int, folder: Path) -> None:
    """Return when the open file *descriptor*, which nobody else has open, can be locked.

    Raises:
        ConfigurationError: The file system that *folder* is on has no locks.
    """
    _try_lock(descriptor, folder)


def _try_lock(descriptor: int, folder: Path) -> bool:
    """Lock the file, unless another process has; say whether it is locked now."""
    try:
        return _lock(descriptor)
    except OSError as e:
        if e.errno not in _WITHOUT_LOCKS:
            raise
        raise ConfigurationError(
            f"the file system that {quoted(str(folder))} is on has no locks: {e.strerror}",
            hint="Use a directory on a local disk, or mount the share with locks (for NFS without "
            "nolock, and with its lock service running): without them latest could go back",
        ) from e


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


_WITHOUT_LOCKS = frozenset(
    {errno.ENOLCK, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EPERM, errno.EINVAL}
)
"""What locking an open file ends with where the file system has no locks, or no service for it."""

if sys.platform == "win32":  # pragma: no cover  # runs in the workflow for Windows
    import msvcrt

    def _lock(descriptor: int) -> bool:
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except OSError as e:
            if e.errno in _WITHOUT_LOCKS:
                raise
            return False
        return True
else:
    import fcntl

    def _lock(descriptor: int) -> bool:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True
