"""The folder that an archive is extracted in before anything appears where it was asked for.

It is in the file system of the destination, and only this user can look into it. One that a killed
process has left is removed by the next extraction to the same place.
"""

import contextlib
import os
import re
import secrets
import stat
import sys
from collections.abc import Iterator
from pathlib import Path

from startifact.errors import InputError
from startifact.files.destination import local_errors
from startifact.files.temporary import locked, sweep_in
from startifact.files.tree_removal import remove_tree
from startifact.lazy_dataclasses import dataclass
from startifact.text import quoted

_PREFIX = ".startifact-extract-"
_NAME = re.compile(rf"{re.escape(_PREFIX)}[0-9a-f]{{16}}")
_OURS = re.compile(r"artifact|tree|replaced|undo-\w{8}|lock|lock\.new|\.startifact-[0-9a-f]{16}")


@dataclass(frozen=True, slots=True)
class Destination:
    """The directory to extract into."""

    path: Path
    """Absolute, and no link."""

    has_others: bool
    """Whether there is anything in it that is not of our own."""

    is_replaced: bool
    """Whether one rename puts everything there: nothing is there, or an empty directory."""

    @property
    def base(self) -> Path:
        """The folder for folders of our own: as near to it as there is one."""
        if not self.is_replaced:
            return self.path
        return next(folder for folder in self.path.parents if folder.exists())

    def kept(self) -> "Destination":
        """Return the same directory, to be filled and not replaced."""
        return Destination(self.path, self.has_others, is_replaced=False)


def destination_of(path: Path) -> Destination:
    """Return what there is of the directory *path*; where it is a link, of what it leads to.

    Raises:
        InputError: Something else is there, or it is not a path.
        LocalFileError: It cannot be examined.
    """
    with local_errors(path):
        try:
            real = Path(os.path.realpath(path))
            if real.is_dir():
                with os.scandir(real) as entries:
                    is_empty = next(entries, None) is None
                with os.scandir(real) as entries:
                    has_others = any(not _NAME.fullmatch(entry.name) for entry in entries)
                return Destination(real, has_others, is_empty and _can_be_replaced(real))
            wrong = next((p for p in (real, *real.parents) if os.path.lexists(p)), real)
        except ValueError as e:
            raise InputError(f"{quoted(str(path))} is not a path") from e
    if path.is_symlink() or not wrong.is_dir():
        raise InputError(
            f"{quoted(str(path))} is no directory",
            hint="Name a directory, or one that is not there yet",
        )
    return Destination(real, has_others=False, is_replaced=True)


@contextlib.contextmanager
def extraction_folder(destination: Destination) -> Iterator[Path]:
    """Make a folder in the file system of *destination*, and leave nothing of it behind.

    Raises:
        LocalFileError: It cannot be made.
    """
    base = destination.base
    for above in (destination.path, *destination.path.parents):
        sweep_in(above, _NAME, _OURS)  # there may have been fewer folders then
    folder = base / f"{_PREFIX}{secrets.token_hex(8)}"
    try:
        with local_errors(base):
            folder.mkdir(mode=0o700)
        with locked(folder):
            yield folder
    finally:
        remove_tree(folder)


if sys.platform == "win32":  # pragma: no cover  # runs in the workflow for Windows

    def _can_be_replaced(directory: Path) -> bool:  # noqa: ARG001
        # No directory takes the place of another one there.
        return False

else:

    def _can_be_replaced(directory: Path) -> bool:
        """Say whether another directory may take the place of *directory*, which is empty.

        One that somebody works in, that something is mounted at, that is another user's or group's,
        gives its group to what is made in it, or that its owner may not write to has to stay what
        it is.
        """
        if directory.is_mount() or not os.access(directory, os.W_OK | os.X_OK):
            return False
        with contextlib.suppress(OSError):
            if directory.samefile(Path.cwd()):
                return False
        there, above = directory.stat(), directory.parent.stat()
        is_inherited = above.st_mode & stat.S_ISGID or sys.platform == "darwin"
        group = above.st_gid if is_inherited else os.getegid()
        is_own = (there.st_uid, there.st_gid) == (os.geteuid(), group)
        is_like_others = not there.st_mode & (stat.S_ISGID | stat.S_ISUID)
        return is_own and is_like_others and os.access(directory.parent, os.W_OK | os.X_OK)
