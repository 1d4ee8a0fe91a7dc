"""Folders in the system's temporary folder for one artifact each, removed also after a kill.

Whoever makes one removes it, and holds a lock in it until then. One whose lock nobody holds was
left by a process that was killed, and the next command that needs one removes it.
"""

import contextlib
import os
import re
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from startifact.errors import LocalFileError
from startifact.files.tree_removal import remove_tree
from startifact.files.trouble import hint_of, is_full
from startifact.limits import SCRATCH_ABANDONED_SECONDS
from startifact.text import quoted

_FETCHED, _TO_STAGE = "startifact-fetch-", "startifact-stage-"
_NAME = re.compile(rf"(?:{_FETCHED}|{_TO_STAGE})\w{{8}}", re.ASCII)
_LOCK = "lock"
_OURS = re.compile(r"artifact|lock|lock\.new|\.startifact-[0-9a-f]{16}")

_NAME_ANOTHER = "Let TMPDIR name a folder that may be written to"


@contextlib.contextmanager
def temporary_folder(*, to_stage: bool = False) -> Iterator[Path]:
    """Make a folder that only this user can look into, and leave nothing of it behind.

    It is for an artifact that was fetched, or one that is *to_stage*; its name says which.

    Raises:
        LocalFileError: There is none that could be written to.
    """
    try:
        folder = tempfile.TemporaryDirectory(
            prefix=_TO_STAGE if to_stage else _FETCHED, ignore_cleanup_errors=True
        )
    except OSError as e:
        raise LocalFileError(
            f"cannot make a temporary folder: {e.strerror}", hint=hint_of(e) or _NAME_ANOTHER
        ) from e
    with folder as name, locked(Path(name)):
        yield Path(name)


_TO_FILL = "brought into the temporary folder before regions are filled with it"


@contextlib.contextmanager
def needs_room(*, why: str = _TO_FILL) -> Iterator[None]:
    """Where the disk is full within, say in the error where room is needed and *why*.

    *why* goes on from "An artifact is".

    Raises:
        LocalFileError: As it was raised within, or with a hint of its own.
    """
    try:
        yield
    except LocalFileError as e:
        if not isinstance(e.__cause__, OSError) or not is_full(e.__cause__):
            raise
        raise LocalFileError(
            e.message,
            hint=f"An artifact is {why}: make room in "
            f"{quoted(tempfile.gettempdir())}, or let TMPDIR name a folder that has it",
        ) from e


def check_room(size: int, *, why: str) -> None:
    """Return when there is room for *size* bytes in the temporary folder, as far as is known.

    *why* goes on from "An artifact is".

    Raises:
        LocalFileError: There is not.
    """
    folder = tempfile.gettempdir()
    try:
        free = shutil.disk_usage(folder).free
    except OSError:
        return  # whoever writes there finds out
    if size > free:
        raise LocalFileError(
            f"up to {size:,} bytes are needed in {quoted(folder)}, and {free:,} are free",
            hint=f"An artifact is {why}: make room there, or let TMPDIR name a folder that has it",
        )


def sweep() -> None:
    """Remove the folders that killed processes of this user have left.

    What this user may not remove stays, and so does what has anything else in it.
    """
    sweep_in(Path(tempfile.gettempdir()), _NAME, _OURS)


def sweep_in(parent: Path, name: re.Pattern[str], ours: re.Pattern[str]) -> None:
    """Do the same in *parent*, with folders called as *name* says that have only *ours* in them."""
    with contextlib.suppress(OSError), os.scandir(parent) as entries:
        for entry in entries:
            if name.fullmatch(entry.name) and entry.is_dir(follow_symlinks=False):
                _remove_abandoned(Path(entry.path), ours)


def _remove_abandoned(folder: Path, ours: re.Pattern[str]) -> None:
    with contextlib.suppress(OSError):
        names = [path.name for path in folder.iterdir()]
        if not all(ours.fullmatch(name) for name in names) or not _is_own(folder):
            return
        if _is_abandoned(folder, has_lock=_LOCK in names):
            remove_tree(folder)


def _is_old(folder: Path) -> bool:
    """Say whether nothing was written in *folder* for a day."""
    times = [path.lstat().st_mtime for path in (folder, *folder.iterdir())]
    return max(times) < time.time() - SCRATCH_ABANDONED_SECONDS


if sys.platform == "win32":  # pragma: no cover  # runs in the workflow for Windows

    @contextlib.contextmanager
    def locked(folder: Path) -> Iterator[None]:  # noqa: ARG001
        """Do nothing."""
        # A file that is open cannot be removed there, so age decides.
        yield

    def _is_own(folder: Path) -> bool:  # noqa: ARG001
        return True

    def _is_abandoned(folder: Path, *, has_lock: bool) -> bool:  # noqa: ARG001
        return _is_old(folder)
else:
    import fcntl

    def _is_own(folder: Path) -> bool:
        return folder.lstat().st_uid == os.geteuid()

    @contextlib.contextmanager
    def locked(folder: Path) -> Iterator[None]:
        """Hold the lock in *folder*; where its file system has no locks, its age decides."""
        descriptor: int | None = None
        with contextlib.suppress(OSError):
            descriptor = os.open(folder / f"{_LOCK}.new", os.O_RDWR | os.O_CREAT, 0o600)
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # Renamed only now, so that nobody finds it unlocked while this process lives.
            (folder / f"{_LOCK}.new").rename(folder / _LOCK)
        try:
            yield
        finally:
            if descriptor is not None:
                os.close(descriptor)

    def _is_abandoned(folder: Path, *, has_lock: bool) -> bool:
        if not has_lock:
            return _is_old(folder)
        descriptor = os.open(folder / _LOCK, os.O_RDWR | os.O_NOFOLLOW)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        finally:
            os.close(descriptor)
        return True
