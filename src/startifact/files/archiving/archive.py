"""Making an archive: written once, hashed while it is, the same bytes of the same files."""

import errno
import hashlib
import os
import struct
import tempfile
import zlib
from array import array
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

from startifact.concurrency.deadline import check_deadline
from startifact.errors import FileChangedError, InputError, StartifactError
from startifact.files.archiving import tar_format, zip_format
from startifact.files.archiving.members import Member, link_target, on_disk, stamp_of
from startifact.files.archiving.selected_members import SelectedTree
from startifact.files.crc32 import concatenated
from startifact.files.destination import local_errors
from startifact.files.parts import Part, part_size, piece_size
from startifact.files.source import Source
from startifact.files.trouble import local_error
from startifact.limits import BLOCK_BYTES, COMPRESSION_LEVEL, MAX_SIZE_BYTES, READ_BACK_BYTES
from startifact.model.tree import ArchiveKind, MemberType, TreeDigest
from startifact.text import quoted

Beat = Callable[[int], None]

_OPEN = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(
    os, "O_BINARY", 0
)  # fmt: skip
_GZIP_HEADER = b"\x1f\x8b\x08\x00\0\0\0\0\x00\xff"
"""Without a name, a time, a level and a system."""


def largest_size(tree: SelectedTree) -> int:
    """Return how many bytes an archive of *tree* has at most."""
    size = tree.members.largest_size
    return size + size // 1000 + BLOCK_BYTES  # of what cannot be compressed, zlib makes more


def write_archive(
    tree: SelectedTree, path: Path, *, time: int, beat: Beat, part_bytes: int
) -> Source:
    """Write an archive of *tree* to *path*, and return what is there; all members have *time*.

    It is sent in parts of *part_bytes* or more. *beat* is called with the number of bytes each time
    some of a member were read.

    Raises:
        InputError: It is too large.
        FileChangedError: A member has changed since it was selected.
        LocalFileError: A member cannot be read, or the archive not be written.
    """
    write = _write_tar if tree.kind is ArchiveKind.TAR_GZ else _write_zip
    with local_errors(path), path.open("xb") as opened:
        file = _HashedFile(opened, path, part_bytes)
        digest = write(tree, file, time, beat)
        file.flush()
        opened.flush()
        status = os.fstat(opened.fileno())
    return file.source(status, tree.kind, digest)


class _HashedFile:
    """A file that is written once, whose SHA-256 and CRC-32 are known at the end.

    The CRC-32 is kept of each piece: of how many a part consists depends on the size of the whole.
    """

    def __init__(self, file: BinaryIO, path: Path, part_bytes: int) -> None:
        self.size = 0
        self._part_bytes = part_bytes
        self._piece = piece_size(part_bytes)
        self._file = file
        self._path = path
        self._sha256 = hashlib.sha256()
        self._crcs = array("I")
        self._crc = 0
        self._hashed = 0
        self._pending = bytearray()
        """What is not written yet: of small files there are many pieces."""

    def write(self, data: bytes) -> None:
        self.size += len(data)
        self._pending += data
        if len(self._pending) >= READ_BACK_BYTES:
            self.flush()

    def flush(self) -> None:
        data, self._pending = self._pending, bytearray()
        with local_errors(self._path):
            self._file.write(data)
        self._sha256.update(data)
        view = memoryview(data)
        while view:
            piece = view[: self._piece - self._hashed % self._piece]
            self._crc = zlib.crc32(piece, self._crc)
            self._hashed += len(piece)
            if self._hashed % self._piece == 0:
                self._crcs.append(self._crc)
                self._crc = 0
            view = view[len(piece) :]

    def source(self, status: os.stat_result, kind: ArchiveKind, tree: str) -> Source:
        if self.size > MAX_SIZE_BYTES:
            raise InputError(
                f"the archive has {self.size:,} bytes, expected at most {MAX_SIZE_BYTES:,}, as S3 "
                "allows",
                hint="Stage it in several artifacts",
            )
        return Source(
            path=self._path,
            size=self.size,
            sha256=self._sha256.hexdigest(),
            parts=tuple(self._parts()),
            file_stamp=stamp_of(status),
            archive=kind.value,
            tree=tree,
        )

    def _parts(self) -> Iterator[Part]:
        limit, piece = part_size(self.size, self._part_bytes), self._piece
        crcs = [*self._crcs, self._crc]
        each = limit // piece
        for offset in range(0, self.size, limit):
            end, crc = min(offset + limit, self.size), 0
            first = offset // piece
            for index in range(first, min(first + each, -(-end // piece))):
                crc = concatenated(crc, crcs[index], min(piece, end - index * piece))
            yield Part(offset, end - offset, crc)


def _write_tar(tree: SelectedTree, file: _HashedFile, time: int, beat: Beat) -> str:
    digest, compressor = TreeDigest(), zlib.compressobj(COMPRESSION_LEVEL, wbits=-zlib.MAX_WBITS)
    crc, size = 0, 0

    def write(data: bytes) -> None:
        nonlocal crc, size
        crc, size = zlib.crc32(data, crc), size + len(data)
        if compressed := compressor.compress(data):
            file.write(compressed)

    file.write(_GZIP_HEADER)
    for member in tree.members:
        write(tar_format.header(member, time))
        for block in _content(tree, member, digest, beat):
            write(block)
        write(tar_format.padding(member.size))
    write(tar_format.END)
    file.write(compressor.flush() + struct.pack("<II", crc, size % 2**32))
    return digest.hexdigest()


def _write_zip(tree: SelectedTree, file: _HashedFile, time: int, beat: Beat) -> str:
    digest = TreeDigest()
    with tempfile.SpooledTemporaryFile(READ_BACK_BYTES) as entries:
        directory = zip_format.Directory.at(time, entries)
        for member in tree.members:
            _add_to_zip(tree, member, file, directory, digest, beat)
        for block in directory.end(file.size):
            file.write(block)
    return digest.hexdigest()


def _add_to_zip(
    tree: SelectedTree,
    member: Member,
    file: _HashedFile,
    directory: zip_format.Directory,
    digest: TreeDigest,
    beat: Beat,
) -> None:
    offset = file.size
    file.write(directory.header(member))
    crc, start = 0, file.size
    compressor = zlib.compressobj(COMPRESSION_LEVEL, wbits=-zlib.MAX_WBITS)
    for block in _content(tree, member, digest, beat):
        crc = zlib.crc32(block, crc)
        file.write(compressor.compress(block))
    if member.size:
        file.write(compressor.flush())
    file.write(directory.add(member, offset, crc32=crc, compressed=file.size - start))


def _content(tree: SelectedTree, member: Member, digest: TreeDigest, beat: Beat) -> Iterator[bytes]:
    """Yield the bytes of *member*, and add it to *digest*."""
    check_deadline()
    if member.type is MemberType.DIRECTORY:
        digest.add_directory(member.path)
        return
    location = os.path.join(tree.root, on_disk(member.path))
    if member.target is not None:
        try:
            target = link_target(location)
        except OSError as e:
            raise _unreadable(location, e) from e
        if target != on_disk(member.target):
            raise _changed(location)
        digest.add_link(member.path, target=member.target)
        return
    sha256 = hashlib.sha256()
    for block in _blocks(location, member, beat):
        sha256.update(block)
        yield block
    digest.add_file(member.path, mode=member.mode, size=member.size, sha256=sha256.hexdigest())


def _blocks(location: str, member: Member, beat: Beat) -> Iterator[bytes]:
    try:
        descriptor = os.open(location, _OPEN)
    except OSError as e:
        raise _unreadable(location, e) from e
    try:
        _check_same(descriptor, location, member)
        left = member.size
        while left:
            block = _read(descriptor, location, min(BLOCK_BYTES, left))
            left -= len(block)
            yield block
            beat(len(block))
            check_deadline()
        _check_same(descriptor, location, member)
    finally:
        os.close(descriptor)


def _check_same(descriptor: int, location: str, member: Member) -> None:
    try:
        stamp = stamp_of(os.fstat(descriptor))
    except OSError as e:
        raise _unreadable(location, e) from e
    if stamp != member.file_stamp:
        raise _changed(location)


def _read(descriptor: int, location: str, size: int) -> bytes:
    try:
        block = os.read(descriptor, size)
    except OSError as e:
        raise _unreadable(location, e) from e
    if not block:
        raise _changed(location)
    return block


def _unreadable(location: str, error: OSError) -> StartifactError:
    if isinstance(error, FileNotFoundError | NotADirectoryError) or error.errno == errno.ELOOP:
        return _changed(location)  # gone, or a link by now
    return local_error("read", location, error)


def _changed(location: str) -> FileChangedError:
    return FileChangedError(
        f"{quoted(location, 300)} changed while the archive was made",
        hint="Stage it again once nothing writes to it any more",
    )
