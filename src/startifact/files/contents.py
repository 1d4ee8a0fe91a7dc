"""What is staged: a file as it is, or an archive that is made first, in a temporary folder."""

import contextlib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Protocol

from startifact.files.archiving.archive import largest_size, write_archive
from startifact.files.archiving.members import Member
from startifact.files.archiving.selected_members import ArchiveCounts, SelectedFile, SelectedTree
from startifact.files.source import Source, check_file
from startifact.files.temporary import check_room, needs_room, sweep, temporary_folder
from startifact.lazy_dataclasses import dataclass
from startifact.model.clock import archive_time

_WHY = "made in the temporary folder before it is staged"


class Contents(Protocol):
    """Bytes that are to be staged, before they are known."""

    @property
    def members(self) -> Iterable[Member]:
        """What the archive consists of that is made; nothing for a file."""

    @property
    def counts(self) -> ArchiveCounts | None:
        """How much that is; ``None`` for a file."""

    def size(self) -> int:
        """Return how many bytes `scan` reads, for progress; 0 where that cannot be known."""

    def scan(self, beat: Callable[[int], None], *, part_bytes: int) -> Source:
        """Read everything once, and return the file that is sent, in parts of *part_bytes* or more.

        *beat* is called with the number of bytes each time some were read.

        Raises:
            StartifactError: It cannot be read, or has changed.
        """


@dataclass(frozen=True, slots=True)
class PlainFile:
    """A file, byte for byte."""

    path: Path
    members: Iterable[Member] = ()
    counts: ArchiveCounts | None = None

    def size(self) -> int:
        """Return the size of the file."""
        try:
            return self.path.stat().st_size
        except (OSError, ValueError):
            return 0  # the scan says what is wrong

    def scan(self, beat: Callable[[int], None], *, part_bytes: int) -> Source:
        """Read the file; see `Source.scan`."""
        return Source.scan(self.path, beat=beat, part_bytes=part_bytes)


@dataclass(frozen=True, slots=True)
class NewArchive:
    """An archive that is made at *path*, which is in a temporary folder."""

    tree: SelectedTree
    path: Path
    time: int

    @property
    def members(self) -> Iterable[Member]:
        """All of them, sorted by their paths."""
        return self.tree.members

    @property
    def counts(self) -> ArchiveCounts:
        """How many they are, and how large."""
        return self.tree.members.counts

    def size(self) -> int:
        """Return the size of all members."""
        return self.counts.size

    def scan(self, beat: Callable[[int], None], *, part_bytes: int) -> Source:
        """Make the archive; see `write_archive`."""
        with needs_room(why=_WHY):
            return write_archive(
                self.tree, self.path, time=self.time, beat=beat, part_bytes=part_bytes
            )


def file_name_of(selected: SelectedFile | SelectedTree, project: str) -> str:
    """Return the name that is saved with what was selected, for *project*.

    An archive is called as the one directory it is made of. Where there is none, or the directory
    is only a dot, whose name is another one on another machine, it is called as the project.
    """
    if isinstance(selected, SelectedFile):
        return selected.path.name
    return f"{selected.name or project}.{selected.kind}"


@contextlib.contextmanager
def contents_of(
    selected: SelectedFile | SelectedTree, *, time: str | None
) -> Iterator[PlainFile | NewArchive]:
    """Yield what was selected, so that it can be read; what is made of it is gone afterwards.

    Everything in an archive has *time*, the text of ``SOURCE_DATE_EPOCH``.

    Raises:
        InputError: It is not a file that can be staged, or *time* is none.
        LocalFileError: It cannot be opened, or there is no room for an archive.
    """
    if isinstance(selected, SelectedFile):
        check_file(selected.path)
        yield PlainFile(selected.path)
        return
    seconds = archive_time(time)
    sweep()
    check_room(largest_size(selected), why=_WHY)
    with temporary_folder(to_stage=True) as folder:
        yield NewArchive(selected, folder / "artifact", seconds)
