"""Which kind of archive a file is, by what is in it, and the members of any kind."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from tarfile import BLOCKSIZE

from startifact.errors import InputError
from startifact.files.extraction.decompressing import MAGIC, open_stream
from startifact.files.extraction.stored_members import StoredMember
from startifact.files.extraction.tar_reading import is_tar, tar_members
from startifact.files.extraction.zip_reading import zip_members
from startifact.lazy_dataclasses import dataclass

_ZIP = (b"PK\x03\x04", b"PK\x05\x06")
"""What a zip begins with, and one without members."""

_NOT_EXTRACTED = {
    b"\x28\xb5\x2f\xfd": "a zstd file",
    b"7z\xbc\xaf\x27\x1c": "a 7z file",
    b"Rar!\x1a\x07": "a rar file",
    b"PK\x07\x08": "a part of a zip",
}
_WITHOUT = (
    "What can be extracted is a zip, or a tar that is compressed by gzip, bzip2, xz or not at all; "
    "download it without extracting it to have the file as it is"
)


@dataclass(frozen=True, slots=True)
class Archive:
    """A file that is an archive."""

    path: Path
    name: str
    """What stands for it in messages."""

    compression: str
    """Of a tar: gzip, bzip2, xz or none."""

    is_zip: bool

    def members(self) -> Iterator[StoredMember]:
        """Yield the members, each while it can be read.

        Raises:
            ArchiveError: It is damaged.
            OSError: It cannot be read.
        """
        if self.is_zip:
            yield from zip_members(self.path, self.name)
            return
        stream = open_stream(self.path, self.compression, self.name)
        with contextlib.closing(stream):
            yield from tar_members(stream, self.name)


def open_archive(path: Path, name: str) -> Archive:
    """Return the archive that the file at *path* is; *name* stands for it in messages.

    Raises:
        InputError: It is none that can be extracted.
        ArchiveError: It is damaged at its very beginning.
        OSError: It cannot be read.
    """
    with path.open("rb") as file:
        first = file.read(BLOCKSIZE)
    if first.startswith(_ZIP):
        return Archive(path, name, "", is_zip=True)
    compression = next((c for c, magic in MAGIC.items() if first.startswith(magic)), "")
    with contextlib.closing(open_stream(path, compression, name)) as stream:
        is_archive = is_tar(stream.read(BLOCKSIZE))
    if is_archive:
        return Archive(path, name, compression, is_zip=False)
    raise InputError(
        f"{name} is no archive that can be extracted: {_described(first, compression)}",
        hint=_WITHOUT,
    )


def _described(first: bytes, compression: str) -> str:
    if compression:
        article = "an" if compression == "xz" else "a"
        return f"it is {article} {compression} file that holds no tar"
    found = (what for magic, what in _NOT_EXTRACTED.items() if first.startswith(magic))
    return f"it is {next(found, 'neither a tar nor a zip')}"
