"""What is in a directory already that an archive is extracted into."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from startifact.errors import RefusedMember
from startifact.files.member_tables import MemberTable

IS_THERE = "is there already"
"""Why a member is refused that would replace a file."""


class ExistingDirectory:
    """Says what is in the way of members in *directory*, whose files *overwrite* replaces.

    No link in it is followed. *absent* is an empty table.
    """

    def __init__(self, directory: Path, overwrite: bool, absent: MemberTable) -> None:
        self._directory = str(directory)
        self._overwrite = overwrite
        self._absent = absent
        """Folders that are not there, so that nothing is in them."""

    def has_link(self, path: str) -> bool:
        """Say whether *path* in it is a link."""
        mode = self._mode(path)
        return mode is not None and stat.S_ISLNK(mode)

    def trouble(self, path: str, *, is_directory: bool) -> RefusedMember | None:
        """Return what is in the way of a member at *path*, and why; ``None`` where nothing is."""
        for folder in _folders(path):
            if folder in self._absent:
                return None
            mode = self._mode(folder)
            if mode is None:
                self._absent.add(folder, value=True)
                return None
            if not stat.S_ISDIR(mode):
                return _no_directory(folder, mode)
        mode = self._mode(path)
        if is_directory:
            if mode is None:
                self._absent.add(path, value=True)
            return None if mode is None or stat.S_ISDIR(mode) else _no_directory(path, mode)
        return None if mode is None else self._file_trouble(path, mode)

    def _file_trouble(self, path: str, mode: int) -> RefusedMember | None:
        if stat.S_ISDIR(mode):
            return RefusedMember(path, "is a directory there, and none in the archive")
        if not (stat.S_ISREG(mode) or stat.S_ISLNK(mode)):
            return RefusedMember(path, "is no regular file there")
        return None if self._overwrite else RefusedMember(path, IS_THERE)

    def _mode(self, path: str) -> int | None:
        """Return the type and mode of what is at *path* itself; ``None`` where nothing is."""
        try:
            return os.lstat(f"{self._directory}/{path}").st_mode
        except (FileNotFoundError, NotADirectoryError):
            return None


def _no_directory(path: str, mode: int) -> RefusedMember:
    what = "a link" if stat.S_ISLNK(mode) else "no directory"
    return RefusedMember(path, f"is {what} there, and a directory in the archive")


def _folders(path: str) -> Iterator[str]:
    """Yield the folders that *path* is in, the outermost first."""
    end = path.find("/")
    while end >= 0:
        yield path[:end]
        end = path.find("/", end + 1)
