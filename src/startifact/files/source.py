"""The file that is staged: hashed once, read once for each region, and checked for changes."""

import contextlib
import functools
import hashlib
import io
import os
import stat
import zlib
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import IO, Self, cast

from startifact.errors import FileChangedError, InputError, LocalFileError
from startifact.files.crc32 import concatenated
from startifact.files.parts import Part, hash_parts
from startifact.files.trouble import local_error
from startifact.hints import ByWayIn, Hint
from startifact.lazy_dataclasses import dataclass
from startifact.limits import BLOCK_BYTES, DEFAULT_LIMITS, MAX_SIZE_BYTES
from startifact.text import quoted


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A local file whose content is known.

    ``parts`` cover the file in order. One part means that it goes in a single request.
    """

    path: Path
    size: int
    sha256: str
    parts: tuple[Part, ...]
    file_stamp: tuple[int, int, int, int]
    archive: str | None = None
    """Of an archive that was made to be staged, its kind; see ``tree``."""

    tree: str | None = None
    """The digest of the files in that archive."""

    @property
    def crc32(self) -> int:
        """The CRC-32 of the whole, worked out of those of its parts."""
        return functools.reduce(
            lambda crc, part: concatenated(crc, part.crc32, part.size), self.parts, 0
        )

    @classmethod
    def scan(
        cls,
        path: Path,
        *,
        beat: Callable[[int], None] = lambda _: None,
        may_be_empty: bool = False,
        max_bytes: int = MAX_SIZE_BYTES,
        part_bytes: int = DEFAULT_LIMITS.part_bytes,
    ) -> Self:
        """Read *path* once, and return what is in it, in parts of *part_bytes* or more.

        *beat* is called with the number of bytes each time some were read. A file that is moved to
        quarantine *may_be_empty*; one that is staged may not.

        Raises:
            InputError: There is no such file, it is a directory, empty or too large.
            LocalFileError: It cannot be read, or changed while it was.
        """
        check = partial(_check_kind, path, may_be_empty=may_be_empty, max_bytes=max_bytes)
        with _opened(path, check) as file:
            before = os.fstat(file.fileno())
            check(before)
            sha256, parts = hash_parts(file, before.st_size, beat, part_bytes)
            size = sum(part.size for part in parts)
        source = cls(
            path=path, size=size, sha256=sha256, parts=parts, file_stamp=_file_stamp(before)
        )
        if size != before.st_size:
            raise source._changed()
        source.check_unchanged()
        return source

    def open(self, part: Part, on_read: Callable[[], None] = lambda: None) -> IO[bytes]:
        """Return a fresh reader of *part*; several may be open at once.

        *on_read* is called at each read, and may raise to stop the reader.
        """
        return cast("IO[bytes]", PartReader(self, part, on_read))

    def blocks(self, beat: Callable[[int], None]) -> Iterator[bytes]:
        """Yield the bytes that were scanned, at most 1 MiB at a time.

        *beat* is called with the size of each block once it was used, and may raise to end this.

        Raises:
            LocalFileError: The file changed meanwhile; what was yielded so far is not the file.
        """
        digest = hashlib.sha256()
        for part in self.parts:
            with self.open(part) as reader:
                while block := reader.read(BLOCK_BYTES):
                    yield block
                    digest.update(block)
                    beat(len(block))
        if digest.hexdigest() != self.sha256:
            raise self._changed()

    def check_unchanged(self) -> None:
        """Return when size, modification time and inode are still those that were scanned.

        Raises:
            LocalFileError: They are not; what was sent so far is not the file.
        """
        try:
            now = _file_stamp(self.path.stat())
        except OSError as e:
            raise self._unreadable(e) from e
        if now != self.file_stamp:
            raise self._changed()

    def check_bytes(self, part: Part) -> None:
        """Return when *part* of the file still has the bytes that were scanned.

        Raises:
            LocalFileError: It has not, or cannot be read.
        """
        crc = 0
        with self.open(part) as reader:
            while block := reader.read(BLOCK_BYTES):
                crc = zlib.crc32(block, crc)
        if crc != part.crc32:
            raise self._changed()

    def _changed(self) -> FileChangedError:
        return FileChangedError(
            f"{quoted(str(self.path))} changed while it was being staged",
            hint="Stage it again once nothing writes to it any more",
        )

    def _unreadable(self, error: OSError) -> LocalFileError:
        """Return what *error* says of the file, which could be read when it was scanned."""
        if isinstance(error, FileNotFoundError | NotADirectoryError):
            return self._changed()
        return local_error("read", self.path, error)


class PartReader(io.RawIOBase):
    """The bytes of one part as a file that can be read, and rewound for a second attempt.

    Reading the last byte first checks that the file is unchanged, so that a request can never be
    completed with bytes of another file.
    """

    def __init__(self, source: Source, part: Part, on_read: Callable[[], None]) -> None:
        super().__init__()
        self._source = source
        self._on_read = on_read
        self._part = part
        self._position = 0
        try:
            self._file = source.path.open("rb", buffering=0)
        except OSError as e:
            raise source._unreadable(e) from e

    def __len__(self) -> int:
        return self._part.size

    def readable(self) -> bool:
        """Say that this can be read."""
        return True

    def seekable(self) -> bool:
        """Say that this can be rewound."""
        return True

    def tell(self) -> int:
        """Return the position within the part."""
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Move to *offset* within the part."""
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._part.size}
        self._position = max(0, min(base[whence] + offset, self._part.size))
        return self._position

    def readinto(self, buffer: object) -> int:
        """Read into *buffer*, and return how many bytes that were."""
        self._on_read()
        view = memoryview(buffer)  # type: ignore[arg-type]  # the io protocol leaves it untyped
        wanted = min(len(view), self._part.size - self._position)
        if wanted == 0:
            return 0
        try:
            self._file.seek(self._part.offset + self._position)
            count = self._file.readinto(view[:wanted])
        except OSError as e:
            # Raised as it is, it would be taken for a connection that broke.
            raise self._source._unreadable(e) from e
        if not count:
            raise self._source._changed()
        self._position += count
        if self._position == self._part.size:
            self._source.check_unchanged()
        return count

    def close(self) -> None:
        """Close the file."""
        if not self.closed:
            self._file.close()
        super().close()


def check_file(path: Path, *, max_bytes: int = MAX_SIZE_BYTES) -> None:
    """Return when *path* is a file that can be staged, as far as is known without reading it.

    Raises:
        InputError: There is no such file, it is a directory, empty or too large.
        LocalFileError: It cannot be opened.
    """
    with _opened(path, partial(_check_kind, path, may_be_empty=False, max_bytes=max_bytes)):
        pass


@contextlib.contextmanager
def _opened(path: Path, check: Callable[[os.stat_result], None]) -> Iterator[io.BufferedReader]:
    try:
        status = path.stat()
    except OSError as e:
        raise unreadable_error(path, e) from e
    except ValueError as e:
        raise InputError(f"{quoted(str(path))} is not a path") from e
    # Before opening: opening a pipe would wait for a writer.
    check(status)
    try:
        with path.open("rb") as file:
            yield file
    except OSError as e:
        raise unreadable_error(path, e) from e


def unreadable_error(path: Path, error: OSError, like: str = "") -> InputError | LocalFileError:
    """Return what *error* says of *path*, beside which names *like* it are, if any."""
    if not isinstance(error, FileNotFoundError):
        return local_error("read", path, error)
    hint = Hint.of(
        "Check the path; a relative one starts at the ",
        ByWayIn(elsewhere="working directory", workflow="workspace"),
        f". There is {like}" if like else "",
    )
    return InputError(f"there is no file {quoted(str(path))}", hint=hint)


_NO_FILE = Hint.of(
    "Let something write to a file first, and name that",
    ByWayIn(workflow="", elsewhere=", or in a shell pipe it in and name -"),
)


def _check_kind(path: Path, status: os.stat_result, *, may_be_empty: bool, max_bytes: int) -> None:
    if stat.S_ISDIR(status.st_mode):
        raise directory_error(str(path))
    if not stat.S_ISREG(status.st_mode):
        raise InputError(f"{quoted(str(path))} is not a regular file", hint=_NO_FILE)
    if status.st_size == 0 and not may_be_empty:
        raise InputError(
            f"{quoted(str(path))} is empty", hint="Check the step that should have written it"
        )
    if status.st_size > max_bytes:
        raise InputError(
            f"{quoted(str(path))} has {status.st_size:,} bytes, expected at most "
            f"{max_bytes:,}, as S3 allows",
            hint="Stage it in several artifacts",
        )


def directory_error(path: str) -> InputError:
    """Return the error that a directory cannot be staged."""
    return InputError(
        f"{quoted(path)} is a directory",
        hint="Name a file",
    )


def _file_stamp(status: os.stat_result) -> tuple[int, int, int, int]:
    return (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns)
