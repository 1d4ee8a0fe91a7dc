"""Putting what was extracted where it was asked for, by renames, all of which can be taken back."""

import contextlib
import errno
import os
import stat
from collections.abc import Iterator
from pathlib import Path

from startifact.concurrency.deadline import check_deadline
from startifact.errors import LocalFileError
from startifact.files.destination import local_errors
from startifact.files.trouble import WITHOUT_MODES
from startifact.text import quoted

_MOUNTED = frozenset({errno.EBUSY, errno.EXDEV})
"""How a rename fails at what is mounted there, also from the same file system."""


def put_whole(tree: Path, destination: Path) -> bool:
    """Put the folder *tree* at *destination*, where nothing is or an empty directory.

    Missing parents are made; on any error there is none that was not there. Return whether it is
    there: something may be mounted at *destination*, which has to stay what it is.

    Raises:
        LocalFileError: It cannot be put there.
    """
    made: list[Path] = []
    try:
        with local_errors(destination):
            for parent in reversed(destination.parents):
                if not parent.exists():
                    parent.mkdir()
                    made.append(parent)
            with contextlib.suppress(FileNotFoundError):
                _keep_mode(tree, destination)
            try:
                tree.rename(destination)
            except OSError as e:
                tree.chmod(stat.S_IRWXU)  # whoever removes it has to be able to
                if e.errno in _MOUNTED and destination.is_dir():
                    return False
                raise
    except BaseException:  # an interruption too: then nothing was made either
        for parent in reversed(made):
            with contextlib.suppress(OSError):
                parent.rmdir()
        raise
    return True


def _keep_mode(tree: Path, destination: Path) -> None:
    """Give *tree* the mode of the directory that it takes the place of."""
    mode = stat.S_IMODE(destination.stat().st_mode)
    try:
        tree.chmod(mode)
    except OSError as e:
        if e.errno not in WITHOUT_MODES:
            raise


class Merge:
    """Moves what is in one folder to a directory that has other things in it.

    What is not there yet is moved whole. A file that is replaced is kept in the folder *replaced*
    until all is done, so that on any error everything is as it was.
    """

    def __init__(self, tree: Path, destination: Path, replaced: Path, *, overwrite: bool) -> None:
        self._tree = tree
        self._destination = destination
        self._replaced = replaced
        self._overwrite = overwrite
        self._undo: list[tuple[Path, Path, bool]] = []
        """What is where, where it was, and whether that has to be free for it."""

    def run(self) -> None:
        """Move everything.

        Raises:
            LocalFileError: Something cannot be moved, or has come there meanwhile.
        """
        try:
            with local_errors(self._destination):
                self._replaced.mkdir()
                self._merge(self._tree, self._destination)
        except BaseException:  # an interruption too: on any error everything is as it was
            self._take_back()
            raise

    def _merge(self, source: Path, target: Path) -> None:
        with os.scandir(source) as entries:
            found = sorted(entries, key=lambda entry: entry.name)
        for entry in found:
            check_deadline()
            there = target / entry.name
            mode = there.lstat().st_mode if os.path.lexists(there) else None
            if entry.is_dir(follow_symlinks=False) and mode is not None and stat.S_ISDIR(mode):
                self._merge(Path(entry.path), there)
            elif mode is None:
                self._undo.append((there, Path(entry.path), True))
                with self._reaching(target):
                    Path(entry.path).rename(there)
            elif self._overwrite and not (
                stat.S_ISDIR(mode) or entry.is_dir(follow_symlinks=False)
            ):
                with self._reaching(target):
                    self._replace(Path(entry.path), there)
            else:
                raise LocalFileError(
                    f"cannot write {quoted(str(there))}: it has come there meanwhile",
                    hint="Let nobody else write there, and extract again",
                )

    @contextlib.contextmanager
    def _reaching(self, folder: Path) -> Iterator[None]:
        """Say so where no rename reaches *folder*, because something is mounted there."""
        try:
            yield
        except OSError as e:
            if e.errno != errno.EXDEV:
                raise
            raise LocalFileError(
                f"cannot write there by a rename: {quoted(str(folder))} is in another file system "
                f"than {quoted(str(self._destination))}, or mounted by itself",
                hint="Extract into another directory, and copy from there",
            ) from e

    def _replace(self, source: Path, there: Path) -> None:
        kept = self._replaced / str(len(self._undo))
        self._undo.append((kept, there, False))
        # Both names at once, where the file system can: the path is never without a file.
        try:
            os.link(there, kept, follow_symlinks=False)
        except (OSError, NotImplementedError):  # no hard links there, or none to links
            there.rename(kept)
        source.replace(there)

    def _take_back(self) -> None:
        """Put everything back, the last first; what was not moved yet is left where it is."""
        for now, before, has_to_be_free in reversed(self._undo):
            with contextlib.suppress(OSError):
                if os.path.lexists(now) and not (has_to_be_free and os.path.lexists(before)):
                    now.replace(before)
