"""The zip format, as much of it as an archive of ours has: the same bytes from every Python.

It is written from the beginning to the end, so that it can be hashed meanwhile: the size and the
CRC-32 of a file follow its bytes, as in whatever is written to a pipe. Where a number needs more
than 32 bits, it is in the extension that is there for that (zip64), and nowhere else.
"""

import struct
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import IO

from startifact.files.archiving.members import Member
from startifact.lazy_dataclasses import dataclass
from startifact.limits import READ_BACK_BYTES
from startifact.model.tree import MemberType

_PLAIN, _LARGE = 20, 45  # versions of the format, without zip64 and with it
_UNIX = 3 << 8
_SIZES_FOLLOW, _UTF8 = 1 << 3, 1 << 11
_STORED, _DEFLATED = 0, 8
_MAX_32, _MAX_16 = 0xFFFFFFFF, 0xFFFF
_ALMOST_32 = 0xFF000000
"""From here on a file that cannot be compressed may need more than 32 bits."""

_LATEST = datetime(2107, 12, 31, 23, 59, 58, tzinfo=UTC)
_EARLIEST = datetime(1980, 1, 1, tzinfo=UTC)
_FILE, _FOLDER = 0o100000, 0o040000
_IS_FOLDER = 0x10

_LARGE_END, _LOCATOR, _END = "<IQHHIIQQQQ", "<IIQI", "<IHHHHIIH"
END_BYTES = sum(map(struct.calcsize, (_LARGE_END, _LOCATOR, _END)))
"""What stands behind the last entry of the directory has at most so many."""


@dataclass(slots=True)
class Directory:
    """What stands at the end of the archive: all members again, each with its place."""

    time: int
    _entries: IO[bytes]
    _count: int = 0

    @classmethod
    def at(cls, time: int, entries: IO[bytes]) -> "Directory":
        """Return the directory of an archive whose members all have *time*, in seconds.

        *entries* is an empty file, which has it until the end of the archive.
        """
        return cls(dos_time(time), entries)

    def header(self, member: Member) -> bytes:
        """Return what stands before the bytes of *member*."""
        name, large = _name(member), _is_large(member)
        sizes = _MAX_32 if large else 0
        extra = struct.pack("<HHQQ", 1, 16, 0, 0) if large else b""
        return (
            struct.pack(
                "<IHHHIIIIHH", 0x04034B50, _LARGE if large else _PLAIN, _flags(member),
                _method(member), self.time, 0, sizes, sizes, len(name), len(extra),
            )
            + name
            + extra
        )  # fmt: skip

    def add(self, member: Member, offset: int, *, crc32: int, compressed: int) -> bytes:
        """Add *member*, whose header is at *offset*, and return what stands behind its bytes."""
        name, large = _name(member), _is_large(member)
        numbers = (member.size, compressed, offset)
        extra = b"".join(struct.pack("<Q", n) for n in numbers if n >= _MAX_32)
        if extra:
            extra = struct.pack("<HH", 1, len(extra)) + extra
        size, packed, start = (min(n, _MAX_32) for n in numbers)
        version = _LARGE if large or extra else _PLAIN
        is_folder = member.type is MemberType.DIRECTORY
        attributes = ((_FOLDER if is_folder else _FILE) | member.mode) << 16
        entry = struct.pack(
            "<IHHHHIIIIHHHHHII", 0x02014B50, _UNIX | version, version, _flags(member),
            _method(member), self.time, crc32, packed, size, len(name), len(extra), 0, 0, 0,
            attributes | (_IS_FOLDER if is_folder else 0), start,
        )  # fmt: skip
        self._entries.write(entry + name + extra)
        self._count += 1
        if _method(member) == _STORED:
            return b""
        layout = "<IIQQ" if large else "<IIII"
        return struct.pack(layout, 0x08074B50, crc32, compressed, member.size)

    def end(self, offset: int) -> Iterator[bytes]:
        """Yield the directory, which stands at *offset*, and what is behind it."""
        count, size = self._count, self._entries.tell()
        large = b""
        if count >= _MAX_16 or size >= _MAX_32 or offset >= _MAX_32:
            large = struct.pack(
                _LARGE_END, 0x06064B50, 44, _UNIX | _LARGE, _LARGE, 0, 0,
                count, count, size, offset,
            )  # fmt: skip
            large += struct.pack(_LOCATOR, 0x07064B50, 0, offset + size, 1)
        few = min(count, _MAX_16)
        last = struct.pack(
            _END, 0x06054B50, 0, 0, few, few, min(size, _MAX_32), min(offset, _MAX_32), 0
        )
        self._entries.seek(0)
        while block := self._entries.read(READ_BACK_BYTES):
            yield block
        yield large + last


def dos_time(time: int) -> int:
    """Return *time*, in seconds since 1970, as zip has it: date and time, to two seconds.

    What is before 1980 or after 2107 becomes the first or the last that there is.
    """
    seconds = min(max(time, int(_EARLIEST.timestamp())), int(_LATEST.timestamp()))
    at = datetime.fromtimestamp(seconds, UTC)
    date = (at.year - _EARLIEST.year) << 9 | at.month << 5 | at.day
    return date << 16 | at.hour << 11 | at.minute << 5 | at.second // 2


def largest_size(member: Member) -> int:
    """Return what an archive needs for *member* at most, where nothing of it is compressed."""
    # The name is there twice, and in the file with the directory; beside it at most 300 bytes.
    return member.size + 300 + 3 * len(_name(member))


def _name(member: Member) -> bytes:
    return (member.path + ("/" if member.type is MemberType.DIRECTORY else "")).encode()


def _is_large(member: Member) -> bool:
    return member.size >= _ALMOST_32


def _method(member: Member) -> int:
    return _DEFLATED if member.size else _STORED


def _flags(member: Member) -> int:
    return _UTF8 | (_SIZES_FOLLOW if member.size else 0)
