"""Folders beside a target, in which a directory region makes what then appears by one rename.

Whoever makes one removes it. Two things can prevent that: the process ends while a thread is still
busy in one, or it is killed. The first is taken care of when the process ends, the second by
whoever writes to the region a day later.
"""

import atexit
import contextlib
import os
import re
import secrets
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

ABANDONED_SECONDS = 24 * 60 * 60
"""After this time without a write to it, nobody is still at work in a scratch folder."""

_PREFIX = ".startifact-"
_NAME = re.compile(rf"{re.escape(_PREFIX)}[0-9a-f]{{16}}")

_live: dict[Path, int] = {}
"""The scratch folders of this process, and the process that made them: a fork has this too."""


@contextlib.contextmanager
def scratch_in(parent: Path) -> Iterator[Path]:
    """Make a folder in *parent*, which is made too, and leave no such folder behind."""
    parent.mkdir(parents=True, exist_ok=True)
    # Not by tempfile, which makes it private, on Windows by more than a mode: it is to be seen.
    scratch = parent / _name()
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

    What cannot be removed stays, for somebody who may.
    """
    before = time.time() - ABANDONED_SECONDS
    with contextlib.suppress(OSError), os.scandir(parent) as entries:
        for entry in entries:
            ours = _NAME.fullmatch(entry.name) and entry.is_dir(follow_symlinks=False)
            if ours and _last_write(Path(entry.path)) < before:
                _remove(Path(entry.path))


def _last_write(scratch: Path) -> float:
    """Return when something was last written in *scratch*; never, where that cannot be told."""
    try:
        with os.scandir(scratch) as entries:
            times = [entry.stat(follow_symlinks=False).st_mtime for entry in entries]
        return max([scratch.stat(follow_symlinks=False).st_mtime, *times])
    except OSError:
        return float("inf")


def _remove(scratch: Path) -> None:
    """Remove *scratch*, at once for everybody: who is at work in it cannot publish a part of it."""
    doomed = scratch.with_name(_name())
    with contextlib.suppress(OSError):
        scratch.rename(doomed)
        shutil.rmtree(doomed, ignore_errors=True)


def _name() -> str:
    return _PREFIX + secrets.token_hex(8)


@atexit.register
def _remove_what_is_left() -> None:
    for scratch in [path for path, process in _live.items() if process == os.getpid()]:
        _remove(scratch)
