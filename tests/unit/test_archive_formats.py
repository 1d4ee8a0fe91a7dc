"""The formats of archives, where what would show it is too large for a test."""

import io
import struct
import subprocess
import tarfile
import zipfile
import zlib
from pathlib import Path
from shutil import which

import pytest

from startifact.files.archiving import tar_format, zip_format
from startifact.files.archiving.members import Member
from startifact.model.tree import MemberType


def zipped(members: list[Member], content: bytes) -> bytes:
    """Return a zip of *members*, of which each file has *content*."""
    directory, written = zip_format.Directory.at(0, io.BytesIO()), bytearray()
    compressor = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    compressed = compressor.compress(content) + compressor.flush()
    for member in members:
        offset = len(written)
        written += directory.header(member)
        size = len(compressed) if member.size else 0
        written += compressed[:size]
        crc = zlib.crc32(content) if member.size else 0
        written += directory.add(member, offset, crc32=crc, compressed=size)
    return bytes(written) + b"".join(directory.end(len(written)))


def test_more_members_than_16_bits_count() -> None:
    """A zip of more members than its first format counts is read like any other."""
    members = [Member(path=f"{i:05}", type=MemberType.FILE) for i in range(66_000)]

    archive = zipped(members, b"")

    assert len(zipfile.ZipFile(io.BytesIO(archive)).namelist()) == 66_000


def test_room_for_a_zip() -> None:
    """What is looked for beforehand is enough for it, and for its directory in another file."""
    members = [Member(path=f"{i:0200}", type=MemberType.FILE) for i in range(100)]
    archive = zipped(members, b"")
    directory = len(archive) - archive.index(b"PK\1\2")

    needed = zip_format.END_BYTES + sum(map(zip_format.largest_size, members))
    assert len(archive) + directory <= needed


def test_more_bytes_than_32_bits_count(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Sizes of 64 bits are where readers look for them; here they are used far earlier."""
    content = b"sugar and water\n" * 1000
    members = [
        Member(path=name, type=MemberType.FILE, size=len(content)) for name in ("a", "b", "ü")
    ]
    monkeypatch.setattr(zip_format, "_ALMOST_32", 10)
    archive = zipped(members, content)
    path = tmp_path / "archive.zip"
    path.write_bytes(archive)

    with zipfile.ZipFile(path) as opened:
        assert opened.testzip() is None
        assert {opened.read(name) for name in opened.namelist()} == {content}
    if which("unzip"):
        subprocess.run(["unzip", "-tq", path], check=True)


def test_sizes_of_64_bits_in_the_directory() -> None:
    """What needs more than 32 bits stands in the extension, and the field says to look there."""
    size = 5 * 2**32
    member = Member(path="a", type=MemberType.FILE, size=size)
    directory = zip_format.Directory.at(0, io.BytesIO())

    header = directory.header(member)
    behind = directory.add(member, 2**33, crc32=1, compressed=2**32)
    end = io.BytesIO(b"".join(directory.end(2**34)))

    assert struct.unpack_from("<IH", header) == (0x04034B50, 45)
    assert struct.unpack("<IIQQ", behind) == (0x08074B50, 1, 2**32, size)
    entry = end.getvalue()
    assert struct.unpack_from("<III", entry, 16) == (1, 0xFFFFFFFF, 0xFFFFFFFF)
    assert struct.unpack_from("<HHQQQ", entry, 46 + 1) == (1, 24, size, 2**32, 2**33)


@pytest.mark.parametrize("size", [8**11 - 1, 8**11, 2**40 + 5])
def test_tar_of_large_files(size: int) -> None:
    """A size from 8 GiB on stands in an extended header, and smaller ones do not."""
    header = tar_format.header(Member(path="a", type=MemberType.FILE, size=size), 0)

    with tarfile.open(fileobj=io.BytesIO(header)) as opened:
        member = opened.next()

    assert member is not None
    assert (member.name, member.size) == ("a", size)
    assert len(header) == (512 if size < 8**11 else 3 * 512)


@pytest.mark.parametrize("length", [1, 87, 88, 98, 99, 100, 980, 1000])
def test_length_of_a_record(length: int) -> None:
    """The length of a record in an extended header counts its own digits."""
    path = "ä" + "a" * length
    header = tar_format.header(Member(path=path, type=MemberType.DIRECTORY), 0)

    with tarfile.open(fileobj=io.BytesIO(header)) as opened:
        assert opened.getnames() == [path]
