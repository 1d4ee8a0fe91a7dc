"""What a zip says of a member, in its directory and in front of the content."""

import contextlib
import zlib
from collections.abc import Iterator
from struct import Struct

from startifact.lazy_dataclasses import dataclass

_LARGE = Struct("<Q")
_FIELD = Struct("<2sH")

_LARGE_FIELD, _NAME_FIELD = b"\x01\x00", b"up"
"""The extra fields that are read: sizes above 4 GiB, and Info-ZIP's name in UTF-8."""

_HOSTS_WITH_UTF8 = frozenset({3, 19})


@dataclass(slots=True)
class ZipEntry:
    """What the directory says of one member."""

    name: bytes
    utf8_name: bytes | None
    host: int
    flags: int
    method: int
    crc: int
    packed: int
    size: int
    attributes: int
    offset: int

    @property
    def text(self) -> str:
        """The name: UTF-8 where it says so, else that of the extra field, else as DOS had it.

        Tools of Unix and of macOS write UTF-8 without saying so.
        """
        if self.flags & 0x800 or self.name.isascii():
            return self.name.decode("utf-8", "surrogateescape")
        if self.utf8_name is not None:
            return self.utf8_name.decode("utf-8", "surrogateescape")
        if self.host in _HOSTS_WITH_UTF8:
            with contextlib.suppress(UnicodeDecodeError):
                return self.name.decode()
        return self.name.decode("cp437")


def large_values(extra: bytes, *values: int) -> list[int]:
    """Return *values*, those of them that are too large for their field from *extra*."""
    large = next((body for kind, body in _extra_fields(extra) if kind == _LARGE_FIELD), b"")
    found: list[int] = []
    for value in values:
        if value == 0xFFFFFFFF and len(large) >= _LARGE.size:
            found += _LARGE.unpack_from(large)
            large = large[_LARGE.size :]
        else:
            found.append(value)
    return found


def _extra_fields(extra: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield the kinds of the fields in *extra*, each with what is in it."""
    while len(extra) >= 4:
        kind, length = _FIELD.unpack_from(extra)
        yield kind, extra[4 : 4 + length]
        extra = extra[4 + length :]


def utf8_name(extra: bytes, name: bytes) -> bytes | None:
    """Return the name in the field of *extra* for that, if it stands for *name*.

    Its checksum says so: a tool that knows no such fields may have changed the name beside it.
    """
    version_and_checksum = b"\x01" + zlib.crc32(name).to_bytes(4, "little")
    for kind, body in _extra_fields(extra):
        if kind == _NAME_FIELD and body.startswith(version_and_checksum):
            return body.removeprefix(version_and_checksum)
    return None
