"""The bytes of a file that may be compressed, read forward in bounded memory."""

import bz2
import lzma
import os
import zlib
from pathlib import Path
from typing import Protocol

from startifact.concurrency.deadline import check_deadline
from startifact.errors import ArchiveError
from startifact.files.extraction.damage import damaged
from startifact.limits import BLOCK_BYTES, MAX_XZ_MEMORY_BYTES, READ_BACK_BYTES

MAGIC = {"gzip": b"\x1f\x8b", "bzip2": b"BZh", "xz": b"\xfd7zXZ\x00"}
"""What a compressed file begins with, by what compressed it."""


class Stream(Protocol):
    """Bytes that are read from the first to the last."""

    def read(self, size: int) -> bytes:
        """Return the next *size* bytes; fewer only at the end."""

    def skip(self, size: int) -> None:
        """Pass over the next *size* bytes; the next read says where there are fewer."""

    def close(self) -> None:
        """Free what it has open."""


def open_stream(path: Path, compression: str, name: str) -> Stream:
    """Return the bytes of *path*, which was compressed with *compression*, if with anything.

    *name* stands for it in messages.
    """
    return _Decompressed(path, compression, name) if compression else _Plain(path)


class _Plain:
    def __init__(self, path: Path) -> None:
        self._file = path.open("rb")
        self._end = os.fstat(self._file.fileno()).st_size

    def read(self, size: int) -> bytes:
        return self._file.read(size)

    def skip(self, size: int) -> None:
        # Not behind the end: a file cannot be as large as an archive may say.
        self._file.seek(min(self._file.tell() + size, self._end))

    def close(self) -> None:
        self._file.close()


class _Decompressed:
    """What all parts of a compressed file hold, one behind the other.

    Unlike the classes of the standard library it refuses what follows the last part, zeros aside.
    """

    def __init__(self, path: Path, compression: str, name: str) -> None:
        self._compression = compression
        self._name = name
        self._file = path.open("rb")
        self._decompressor = _decompressor(compression)
        self._input = b""
        self._rest = b""

    def close(self) -> None:
        self._file.close()

    def skip(self, size: int) -> None:
        while size > 0 and (block := self.read(min(size, BLOCK_BYTES))):
            size -= len(block)

    def read(self, size: int) -> bytes:
        blocks = []
        while size > 0:
            if not self._rest and not (block := self._more()):
                break
            if not self._rest:
                self._rest = block
            blocks.append(self._rest[:size])
            self._rest = self._rest[size:]
            size -= len(blocks[-1])
        return b"".join(blocks)

    def _more(self) -> bytes:
        """Return some more bytes; none at the end."""
        while True:
            check_deadline()
            if self._decompressor.eof and not self._begin_next():
                return b""
            try:
                block = self._decompressor.decompress(self._input, READ_BACK_BYTES)
            except (zlib.error, lzma.LZMAError, OSError, ValueError) as e:
                raise self._damaged(f"it cannot be decompressed: {e}") from e
            self._input = getattr(self._decompressor, "unconsumed_tail", b"")
            if block:
                return block
            wants = getattr(self._decompressor, "needs_input", not self._input)
            if not self._decompressor.eof and wants:
                self._input = self._file.read(READ_BACK_BYTES)
                if not self._input:
                    raise self._damaged("it ends too early")

    def _begin_next(self) -> bool:
        """Begin with the next part; return ``False`` where there is none."""
        rest = self._decompressor.unused_data
        magic = MAGIC[self._compression]
        while len(rest := rest.lstrip(b"\0")) < len(magic):
            block = self._file.read(READ_BACK_BYTES)
            check_deadline()
            if not block:
                break
            rest += block
        if not rest:
            return False
        if not rest.startswith(magic):
            raise self._damaged("something else follows its end")
        self._decompressor, self._input = _decompressor(self._compression), rest
        return True

    def _damaged(self, what: str) -> ArchiveError:
        return damaged(self._name, f"{self._compression} file", what)


class _Decompressor(Protocol):
    @property
    def eof(self) -> bool: ...

    @property
    def unused_data(self) -> bytes: ...

    def decompress(self, data: bytes, max_length: int, /) -> bytes: ...


def _decompressor(compression: str) -> _Decompressor:
    if compression == "gzip":
        return zlib.decompressobj(16 + zlib.MAX_WBITS)  # with the header and the checksum of gzip
    if compression == "bzip2":
        return bz2.BZ2Decompressor()
    return lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=MAX_XZ_MEMORY_BYTES)
