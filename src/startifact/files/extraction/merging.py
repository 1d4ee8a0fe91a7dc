"""Putting what was extracted where it was asked for, by renames, all of which can be taken back."""

import contextlib
import errno
import marshal
import os
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Self

from startifact.concurrency.deadline import check_deadline
from startifact.errors import LocalFileError
from startifact.files.destination import local_errors
from startifact.files.member_tables import MemberTable, MemberTables
from startifact.files.trouble import WITHOUT_MODES
from startifact.lazy_dataclasses import dataclass
from startifact.limits import FOLDER_ENTRIES
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


def merge(tree: Path, destination: Path, replaced: Path, *, overwrite: bool) -> None:
    """Move what is in the folder *tree* to *destination*, which has other things in it.

    What is not there yet is moved whole. Files that are replaced, where *overwrite* says so, are in
    the new folder *replaced* until all is done, so that on any error everything is as it was.

    Raises:
        LocalFileError: Something cannot be moved, or has come there meanwhile.
    """
    with local_errors(destination):
        replaced.mkdir()
        undo = _Undo(replaced.parent)
    with undo, MemberTables() as tables:
        merging = _Merging(
            destination=destination,
            replaced=replaced,
            undo=undo,
            folders=tables.table(),
            emptied=tables.table(),
            overwrite=overwrite,
        )
        try:
            with local_errors(destination):
                merging.merge(tree)
        except BaseException:  # an interruption too
            undo.run()
            raise
        merging.remove_emptied()


class _Undo:
    """What takes every move back; in a file in *folder*, which needs no room to be read."""

    def __init__(self, folder: Path) -> None:
        self._file = tempfile.TemporaryFile(prefix="undo-", dir=folder, buffering=0)  # noqa: SIM115  # see __exit__
        self._count = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def __len__(self) -> int:
        return self._count

    def add(self, now: Path, before: Path, *, has_to_be_free: bool) -> None:
        """Note, before it is, what will be where, and where it was and whether that is free then.

        Raises:
            OSError: There is no room for it.
        """
        step = marshal.dumps((str(now), str(before), has_to_be_free))
        if self._file.write(step) != len(step):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        self._count += 1

    def run(self) -> None:
        """Put everything back; what was not moved yet is left where it is."""
        self._file.seek(0)
        for _ in range(self._count):
            now, before, has_to_be_free = marshal.load(self._file)  # noqa: S302  # nobody else has it
            with contextlib.suppress(OSError):
                if os.path.lexists(now) and not (has_to_be_free and os.path.lexists(before)):
                    Path(now).replace(Path(before))


@dataclass(slots=True, kw_only=True)
class _Merging:
    destination: Path
    replaced: Path
    undo: _Undo
    folders: MemberTable
    """Those that are there already, each with what goes to it."""
    emptied: MemberTable
    """Those whose content has gone there."""
    overwrite: bool

    def merge(self, tree: Path) -> None:
        self.folders.append((str(tree), str(self.destination)))
        while (both := self.folders.pop()) is not None:
            folder, there = both
            self._move_files(folder, Path(there), are_folders_due=False)
            # Some systems, such as macOS, leave out entries while others go from the folder.
            while self._move_files(folder, Path(there), are_folders_due=True):
                pass
            self.emptied.append(folder)

    def remove_emptied(self) -> None:
        """Remove the folders that nothing is in any more.

        Whoever removes *tree* would list all of them, and keep that in memory.
        """
        with contextlib.suppress(LocalFileError):  # everything is where it was asked for by now
            while (folder := self.emptied.pop()) is not None:  # the innermost first
                with contextlib.suppress(OSError):
                    Path(folder).rmdir()

    def _move_files(self, folder: str, there: Path, *, are_folders_due: bool) -> int:
        """Move what is found in *folder*; return how much was.

        Folders that are in both stay, and are noted where they *are_folders_due*.
        """
        count = 0
        with self._reaching(there), os.scandir(folder) as entries:
            for entry in entries:
                check_deadline()
                if self._move(entry, there / entry.name):
                    count += 1
                elif are_folders_due:
                    self.folders.append((entry.path, str(there / entry.name)))
        return count

    def _move(self, entry: "os.DirEntry[str]", there: Path) -> bool:
        """Do it, unless both are folders; return whether it was done."""
        mode = there.lstat().st_mode if os.path.lexists(there) else None
        is_directory = entry.is_dir(follow_symlinks=False)
        if mode is None:
            self.undo.add(there, Path(entry.path), has_to_be_free=True)
            Path(entry.path).rename(there)
        elif is_directory and stat.S_ISDIR(mode):
            return False
        elif self.overwrite and not (is_directory or stat.S_ISDIR(mode)):
            self._replace(Path(entry.path), there)
        else:
            raise LocalFileError(
                f"cannot write {quoted(str(there))}: it has come there meanwhile",
                hint="Let nobody else write there, and extract again",
            )
        return True

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
                f"than {quoted(str(self.destination))}, or mounted by itself",
                hint="Extract into another directory, and copy from there",
            ) from e

    def _replace(self, source: Path, there: Path) -> None:
        folder, number = divmod(len(self.undo), FOLDER_ENTRIES)
        kept = self.replaced / str(folder) / str(number)
        kept.parent.mkdir(exist_ok=True)
        self.undo.add(kept, there, has_to_be_free=False)
        # Both names at once, where the file system can: the path is never without a file.
        try:
            os.link(there, kept, follow_symlinks=False)
        except (OSError, NotImplementedError):  # no hard links there, or none to links
            there.rename(kept)
        source.replace(there)
