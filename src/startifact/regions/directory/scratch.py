"""Folders beside a target, in which a directory region writes what then appears by one rename.

The thread that makes one removes it. Two things can prevent that: the process ends while the thread
is still busy, or it is killed. In the first case the folder is removed when the process ends, in
the second by a staging a day later.
"""

import atexit
import contextlib
import functools
import os
import re
import secrets
import shutil
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from startifact.limits import SCRATCH_ABANDONED_SECONDS, SCRATCH_CLEANUP_SECONDS

_PREFIX = ".startifact-"
_NAME = re.compile(rf"{re.escape(_PREFIX)}[0-9a-f]{{16}}")

_live: dict[Path, int] = {}
"""The scratch folders in use, each with its process: a fork inherits this dictionary."""


@contextlib.contextmanager
def scratch_in(parent: Path) -> Iterator[Path]:
    """Make a folder in *parent*, which is made too, and remove it afterwards."""
    parent.mkdir(parents=True, exist_ok=True)
    # Not by tempfile, whose folders are private, on Windows by more than their mode: others have to
    # read what is renamed out of it.
    scratch = parent / _name()
    _start_remover(os.getpid())
    _live[scratch] = os.getpid()
    try:
        scratch.mkdir()
        yield scratch
    finally:
        # After a successful rename nothing is there any more.
        shutil.rmtree(scratch, ignore_errors=True)
        _live.pop(scratch, None)


def sweep(parent: Path) -> None:
    """Remove the scratch folders in *parent* that killed processes left a day ago or earlier.

    What this user may not remove stays.
    """
    before = time.time() - SCRATCH_ABANDONED_SECONDS
    with contextlib.suppress(OSError), os.scandir(parent) as entries:
        for entry in entries:
            ours = _NAME.fullmatch(entry.name) and entry.is_dir(follow_symlinks=False)
            if ours and _last_write(Path(entry.path)) < before:
                _remove(Path(entry.path))


def _last_write(scratch: Path) -> float:
    """Return when something was last written in *scratch*; infinity where that cannot be read."""
    try:
        with os.scandir(scratch) as entries:
            times = [entry.stat(follow_symlinks=False).st_mtime for entry in entries]
        return max([scratch.stat(follow_symlinks=False).st_mtime, *times])
    except OSError:
        return float("inf")


def _remove(scratch: Path) -> None:
    """Remove *scratch*; it is renamed first, so that a thread still busy in it has no effect."""
    doomed = scratch.with_name(_name())
    with contextlib.suppress(OSError):
        scratch.rename(doomed)
        shutil.rmtree(doomed, ignore_errors=True)


def _name() -> str:
    return _PREFIX + secrets.token_hex(8)


_ending, _ended, _removing = threading.Event(), threading.Event(), threading.Lock()


@functools.cache
def _start_remover(process: int) -> None:
    """Start the thread that removes folders when *process* ends: none can be started by then."""

    def remove() -> None:
        _ending.wait()
        # Threads that make their first folders at the same moment start one remover each.
        with _removing:
            for scratch in _left():
                _remove(scratch)
        _ended.set()

    threading.Thread(target=remove, name=f"startifact end of {process}", daemon=True).start()


def _left() -> list[Path]:
    return [path for path, process in list(_live.items()) if process == os.getpid()]


@atexit.register
def _remove_what_is_left() -> None:
    if _left():
        _ending.set()
        _ended.wait(SCRATCH_CLEANUP_SECONDS)
