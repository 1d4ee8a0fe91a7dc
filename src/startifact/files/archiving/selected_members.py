"""What a staging is given: one file, or the members of an archive, however many."""

from collections.abc import Iterator
from pathlib import Path

from startifact.files.archiving import tar_format, zip_format
from startifact.files.archiving.members import Member
from startifact.files.member_tables import MemberTables
from startifact.lazy_dataclasses import dataclass
from startifact.model.member_names import folded
from startifact.model.tree import ArchiveKind, MemberType

_TYPES = {type_.value: type_ for type_ in MemberType}


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchiveCounts:
    """How much an archive consists of."""

    members: int
    """Files, folders and links."""

    files: int
    size: int
    """Of all files together, in bytes."""


class SelectedMembers:
    """Members, sorted by the bytes of their paths. They are in *tables* and not in memory."""

    def __init__(self, tables: MemberTables, kind: ArchiveKind) -> None:
        of_kind = tar_format if kind is ArchiveKind.TAR_GZ else zip_format
        self.largest_size: int = of_kind.END_BYTES
        """What an archive of them has at most, before it is compressed."""
        self._largest_size_of = of_kind.largest_size
        self._table = tables.table()
        self.links = tables.table()
        """What the paths of links and all that could be the same file have in common."""
        self._files = 0
        self._size = 0

    def add(self, member: Member) -> None:
        """Add *member*, unless it is there."""
        facts = (member.type.value, member.size, member.is_executable, member.target)
        if self._table.add(member.path, (*facts, member.file_stamp)):
            if member.type is MemberType.LINK:
                self.links.add(folded(member.path), value=True)
            self._files += member.type is MemberType.FILE
            self._size += member.size
            self.largest_size += self._largest_size_of(member)

    def __len__(self) -> int:
        return len(self._table)

    def __iter__(self) -> Iterator[Member]:
        for path, (type_, size, is_executable, target, file_stamp) in self._table.items():
            yield Member(
                path=path,
                type=_TYPES[type_],
                size=size,
                is_executable=is_executable,
                target=target,
                file_stamp=file_stamp,
            )

    @property
    def counts(self) -> ArchiveCounts:
        """How much they are."""
        return ArchiveCounts(members=len(self), files=self._files, size=self._size)


@dataclass(frozen=True, slots=True, kw_only=True)
class SelectedFile:
    """One file, which is staged byte for byte."""

    path: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class SelectedTree:
    """The members of an archive, sorted by their paths, which begin in *root*."""

    root: str
    members: SelectedMembers
    kind: ArchiveKind
    name: str | None
    """What the one directory is called that was named; ``None`` for anything else."""
