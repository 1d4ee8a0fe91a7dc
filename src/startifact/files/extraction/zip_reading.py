"""The members of a zip, one after the other, in bounded memory.

`zipfile` is not used: it reads the whole directory into memory whatever its size is, believes it
where the headers beside the content say something else, and lets members share their content.
"""

import stat
import zlib
from collections.abc import Iterator
from pathlib import Path
from struct import Struct
from typing import BinaryIO

from startifact.concurrency.deadline import check_deadline
from startifact.errors import ArchiveError
from startifact.files.extraction.damage import damaged
from startifact.files.extraction.stored_members import StoredMember, StoredMemberType
from startifact.files.extraction.zip_entries import ZipEntry, large_values, utf8_name
from startifact.files.member_tables import MemberTable, MemberTables
from startifact.lazy_dataclasses import dataclass
from startifact.limits import READ_BACK_BYTES
from startifact.text import quoted

_LOCAL = Struct("<4s5H3L2H")
_CENTRAL = Struct("<4s6H3L5H2L")
_END = Struct("<4s4H2LH")
_LOCATOR = Struct("<4sLQL")
_END_64 = Struct("<4sQ2H2L4Q")
_METHODS = {
    1: "shrink", 6: "implode", 9: "deflate64", 12: "bzip2", 14: "lzma", 93: "zstd", 95: "xz",
    98: "ppmd", 99: "encryption",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Directory:
    """Where the directory of a zip is, and how many members it has."""

    start: int
    end: int
    count: int


def zip_members(path: Path, name: str) -> Iterator[StoredMember]:
    """Yield the members of the zip at *path*; *name* stands for it in messages.

    Raises:
        ArchiveError: It is damaged.
    """
    with path.open("rb") as directory, path.open("rb") as content, MemberTables() as tables:
        yield from _Zip(directory, content, name, tables.table()).members()


class _Zip:
    def __init__(
        self, directory: BinaryIO, content: BinaryIO, name: str, ends: MemberTable
    ) -> None:
        self._file = directory
        self._content = content
        self._name = name
        self._ends = ends
        """Where members that follow each other end, by where they start."""
        self._start = self._end = 0
        """Where those that were read last do."""

    def members(self) -> Iterator[StoredMember]:
        directory = self._find_directory()
        self._file.seek(directory.start)
        left, count = directory.end - directory.start, 0
        while left:
            check_deadline()
            entry, taken = self._entry(left)
            left, count = left - taken, count + 1
            if count > directory.count:
                break
            yield self._member(entry, directory)
        if count != directory.count:
            raise self._damaged(f"its end says that it has {directory.count:,} members, not so")
        self._check_overlaps()

    def _find_directory(self) -> _Directory:
        """Return where the directory is, as the end of the file says."""
        size = self._file.seek(0, 2)
        tail_size = min(size, _END.size + 0xFFFF)
        self._file.seek(size - tail_size)
        tail = self._file.read(tail_size)
        at = tail.rfind(b"PK\x05\x06")
        if at < 0 or at + _END.size > len(tail):
            raise self._damaged("it has no end: it may be incomplete")
        _, disk, first, here, count, length, start, comment = _END.unpack_from(tail, at)
        if at + _END.size + comment != len(tail):
            raise self._damaged("something else follows its end")
        end = size - tail_size + at
        if disk or first or here != count:
            raise self._damaged("it is one part of several, which is not supported")
        if (large := self._large_end(end)) is not None:
            end, *numbers = large
            # Some tools write it where no number needs it, and not all would read it then.
            for given, largest, number in zip(
                (count, length, start), (0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF), numbers, strict=True
            ):
                if given not in {number, largest}:
                    what = f"got {given:,}, and {number:,} in that for large numbers"
                    raise self._damaged(f"its two ends do not agree: {what}")
            count, length, start = numbers
        if start + length != end:
            raise self._damaged("its directory is not where its end says")
        return _Directory(start, end, count)

    def _large_end(self, end: int) -> tuple[int, int, int, int] | None:
        """Return where the end for large numbers begins, and what it says: count, length, start.

        ``None`` where there is none in front of *end*.
        """
        at = end - _LOCATOR.size - _END_64.size
        self._file.seek(max(0, end - _LOCATOR.size))
        locator = self._file.read(_LOCATOR.size)
        if len(locator) < _LOCATOR.size or not locator.startswith(b"PK\x06\x07"):
            return None
        self._file.seek(max(0, at))
        record = self._file.read(_END_64.size)
        # Some tools read it where its place is said, and others in front of that.
        if _LOCATOR.unpack(locator)[2] != at or not record.startswith(b"PK\x06\x06"):
            raise self._damaged("its end for large numbers is not where it says")
        *_, count, length, start = _END_64.unpack(record)
        return at, count, length, start

    def _entry(self, left: int) -> tuple[ZipEntry, int]:
        """Return the next entry of the directory, and how many bytes it took of *left*."""
        head = self._file.read(_CENTRAL.size)
        if len(head) < _CENTRAL.size or not head.startswith(b"PK\x01\x02"):
            raise self._damaged("its directory is not valid")
        (_, made_by, _, flags, method, _, _, crc, packed, size, *lengths, disk, _, attributes,
         offset) = _CENTRAL.unpack(head)  # fmt: skip
        taken = _CENTRAL.size + sum(lengths)
        rest = self._file.read(sum(lengths))
        if taken > left or len(rest) < sum(lengths) or disk not in {0, 0xFFFF}:
            raise self._damaged("its directory is not valid")
        name, extra = rest[: lengths[0]], rest[lengths[0] : lengths[0] + lengths[1]]
        size, packed, offset = large_values(extra, size, packed, offset)
        return ZipEntry(
            name,
            utf8_name(extra, name),
            made_by >> 8,
            flags,
            method,
            crc,
            packed,
            size,
            attributes,
            offset,
        ), taken

    def _member(self, entry: ZipEntry, directory: _Directory) -> StoredMember:
        name = entry.text
        start = self._check_local(entry, name, directory)
        mode = entry.attributes >> 16
        kind = stat.S_IFMT(mode)
        is_directory = name.endswith("/") or kind == stat.S_IFDIR
        type_ = StoredMemberType.DIRECTORY if is_directory else StoredMemberType.FILE
        trouble = _type_trouble(kind, mode, is_directory=is_directory)
        unsupported = None
        if entry.flags & 0x2041:
            unsupported = "is encrypted, which is not supported"
        elif entry.method not in {0, 8} or entry.flags & 0x20:
            method = _METHODS.get(entry.method, f"method {entry.method}")
            unsupported = f"is compressed by {method}, which is not supported: only deflate is"
        if is_directory and entry.size:
            raise self._damaged(f"{quoted(name)} has a size, and is a directory")
        return StoredMember(
            name=name,
            type=StoredMemberType.OTHER if trouble else type_,
            size=entry.size,
            # Only some systems write modes of Unix.
            mode=mode if kind or entry.host == 3 else 0,
            trouble=trouble or unsupported,
            is_unsafe=trouble is not None,
            read=lambda: self._read(entry, name, start),
        )

    def _check_local(self, entry: ZipEntry, name: str, directory: _Directory) -> int:
        """Return where the content begins, by a header that says the same as *entry*."""
        self._content.seek(min(entry.offset, directory.start))
        head = self._content.read(_LOCAL.size)
        if len(head) < _LOCAL.size or not head.startswith(b"PK\x03\x04"):
            raise self._damaged(f"{quoted(name)} is not where its directory says")
        (_, _, flags, method, _, _, crc, packed, size, name_size, extra_size) = _LOCAL.unpack(head)
        rest = self._content.read(name_size + extra_size)
        size, packed = large_values(rest[name_size:], size, packed)
        same = rest[:name_size] == entry.name and method == entry.method
        same = same and not (flags ^ entry.flags) & 0x801
        if not flags & 8:  # else they follow the content
            same = same and (crc, packed, size) == (entry.crc, entry.packed, entry.size)
        if not same:
            raise self._damaged(f"its directory and the header of {quoted(name)} do not agree")
        # Which of two names counts, tools do not agree on.
        for other in (entry.utf8_name, utf8_name(rest[name_size:], entry.name)):
            if other not in (None, name.encode("utf-8", "surrogateescape")):
                text = other.decode("utf-8", "surrogateescape")
                raise self._damaged(f"a member has two names, {quoted(name)} and {quoted(text)}")
        start: int = entry.offset + _LOCAL.size + name_size + extra_size
        if start + entry.packed > directory.start:
            raise self._damaged(f"the content of {quoted(name)} reaches into its directory")
        # Nearly always the next one, with no room for a header between them.
        if not self._end <= entry.offset < self._end + _LOCAL.size:
            self._keep_last()
            self._start = entry.offset
        self._end = start + entry.packed
        return start

    def _keep_last(self) -> None:
        if self._start < self._end and not self._ends.add(f"{self._start:020}", self._end):
            raise self._overlap()

    def _check_overlaps(self) -> None:
        self._keep_last()
        end = 0
        for start, stop in self._ends.items():
            if int(start) < end:
                raise self._overlap()
            end = stop

    def _overlap(self) -> ArchiveError:
        return self._damaged("two members share bytes, as no tool writes them")

    def _read(self, entry: ZipEntry, name: str, start: int) -> Iterator[bytes]:
        self._content.seek(start)
        size = crc = 0
        packed = self._packed(entry)
        for block in self._inflated(packed, name) if entry.method == 8 else packed:
            size, crc = size + len(block), zlib.crc32(block, crc)
            if size > entry.size:
                break
            yield block
        if (size, crc) != (entry.size, entry.crc):
            raise self._damaged(
                f"the content of {quoted(name)} is not what it should be: got {size:,} bytes with "
                f"the CRC-32 {crc:08x}, expected {entry.size:,} with {entry.crc:08x}"
            )

    def _packed(self, entry: ZipEntry) -> Iterator[bytes]:
        left = entry.packed
        while left and (block := self._content.read(min(left, READ_BACK_BYTES))):
            left -= len(block)
            yield block

    def _inflated(self, packed: Iterator[bytes], name: str) -> Iterator[bytes]:
        inflate = zlib.decompressobj(-zlib.MAX_WBITS)
        trouble = f"the content of {quoted(name)}"
        try:
            for given in packed:
                rest = given
                while rest:
                    if inflate.eof:
                        raise self._damaged(f"{trouble} ends before its size says")
                    block = inflate.decompress(rest, READ_BACK_BYTES)
                    rest = inflate.unconsumed_tail or inflate.unused_data
                    if block:
                        yield block
            while not inflate.eof:
                if not (block := inflate.decompress(b"", READ_BACK_BYTES)):
                    raise self._damaged(f"{trouble} ends too early")
                yield block
        except zlib.error as e:
            raise self._damaged(f"{trouble} cannot be decompressed: {e}") from e

    def _damaged(self, what: str) -> ArchiveError:
        return damaged(self._name, "zip", what)


def _type_trouble(kind: int, mode: int, *, is_directory: bool) -> str | None:
    if kind == stat.S_IFLNK:
        return "is a symbolic link, which only a tar may have"
    if kind == stat.S_IFIFO:
        return "is a pipe"
    if kind in {stat.S_IFCHR, stat.S_IFBLK}:
        return "is a device"
    if kind == stat.S_IFSOCK:
        return "is a socket"
    if kind not in {0, stat.S_IFREG, stat.S_IFDIR}:
        return "is of a type that is not known"
    if mode & 0o6000 and not is_directory:
        return "has a set-user-id or set-group-id bit"
    return None
