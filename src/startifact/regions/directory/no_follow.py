"""Access to what is inside a directory region, without following links.

Anybody who can write there may have put anything in place of a file or a folder. Each path is
judged by itself: a link, a pipe or a device is damage of one key, and the region answers for all
others.
"""

import os
import stat
from pathlib import Path
from typing import BinaryIO

from startifact.errors import UnexpectedFileTypeError
from startifact.lazy_dataclasses import dataclass
from startifact.limits import MAX_DIRECTORY_TEXT_BYTES
from startifact.text import quoted

# O_NONBLOCK: opening a pipe must not wait for a writer. Not every system has all of these.
_OPEN = os.O_RDONLY | getattr(os, "O_BINARY", 0)
_OPEN |= getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)


@dataclass(frozen=True, slots=True)
class NoFollowDirectory:
    """What is below *root*, which itself may be reached through links."""

    region: str
    root: Path

    def check_folders(self, folder: Path) -> None:
        """Return when *folder*, and each below the root that it is in, is a folder or absent.

        Raises:
            UnexpectedFileTypeError: One is something else.
        """
        path = self.root
        for part in folder.relative_to(self.root).parts:
            path /= part
            status = _status(path)
            if status is None:
                return
            if not stat.S_ISDIR(status.st_mode):
                raise self._unexpected(path, status, "a folder")

    def status(self, path: Path) -> os.stat_result | None:
        """Return the status of the file at *path*; ``None`` without one.

        Raises:
            UnexpectedFileTypeError: Something else is there.
        """
        status = _status(path)
        if status is not None and not stat.S_ISREG(status.st_mode):
            raise self._unexpected(path, status, "a file")
        return status

    def open(self, path: Path) -> BinaryIO | None:
        """Open the file at *path* to be read; ``None`` without one.

        Raises:
            UnexpectedFileTypeError: Something else is there.
        """
        if self.status(path) is None:  # before it is opened, which has effects on devices
            return None
        try:
            descriptor = os.open(path, _OPEN)
        except FileNotFoundError:
            return None
        status = os.fstat(descriptor)
        if stat.S_ISREG(status.st_mode):
            return os.fdopen(descriptor, "rb")
        os.close(descriptor)
        raise self._unexpected(path, status, "a file")

    def text(self, path: Path) -> str | None:
        """Return the text in the file at *path*, cut where it is too long; ``None`` without one.

        Raises:
            UnexpectedFileTypeError: Something else is there.
        """
        file = self.open(path)
        if file is None:
            return None
        with file:
            return file.read(MAX_DIRECTORY_TEXT_BYTES).decode(errors="replace")

    def _unexpected(
        self, path: Path, status: os.stat_result, expected: str
    ) -> UnexpectedFileTypeError:
        where = quoted(path.relative_to(self.root).as_posix(), 300)[1:-1]
        return UnexpectedFileTypeError(
            f"{where} in {self.region} is {_shape(status.st_mode)}, expected {expected}",
            hint=f"Look at {quoted(str(path))}, and move it away by hand if nothing else does",
        )


def is_empty(folder: Path | str) -> bool:
    """Say whether *folder* is absent or empty, which a rename treats alike."""
    try:
        with os.scandir(folder) as entries:
            return next(entries, None) is None
    except FileNotFoundError:
        return True


def _status(path: Path) -> os.stat_result | None:
    try:
        return path.lstat()
    except FileNotFoundError:
        return None


def _shape(mode: int) -> str:
    if stat.S_ISLNK(mode):
        return "a link"
    if stat.S_ISDIR(mode):
        return "a folder"
    return "a file" if stat.S_ISREG(mode) else "a pipe or a device"
