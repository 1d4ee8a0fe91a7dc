"""Archives that do harm where they are believed: each is refused, and nothing is written."""

import bz2
import gzip
import io
import lzma
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from startifact import Session
from startifact.errors import ArchiveError, InputError, StartifactError
from tests.support.archives import (
    changed,
    tar_file,
    tar_link,
    tar_of,
    with_large_end,
    with_utf8_name,
    zip_entry,
    zip_of,
)

MIB = 1024 * 1024
SUGAR = b"sugar" * 100
GOOD_TAR = tar_of(tar_file("a", SUGAR), tar_file("b", SUGAR), form=tarfile.USTAR_FORMAT)
GOOD_ZIP = zip_of(("a", SUGAR), ("b", SUGAR))
DIRECTORY = {"content": b"", "type": tarfile.DIRTYPE}


def special(kind: bytes) -> bytes:
    """Return a tar with something that is neither a file nor a folder nor a link."""
    return tar_of(tar_file("x", b"", type=kind), form=tarfile.GNU_FORMAT)


def sparse_file() -> tuple[tarfile.TarInfo, bytes]:
    """Return a member of 1 TiB that takes no room in a tar."""
    headers = {
        "GNU.sparse.major": "1",
        "GNU.sparse.minor": "0",
        "GNU.sparse.name": "x",
        "GNU.sparse.realsize": str(2**40),
    }
    return tar_file("x", b"0\n".ljust(512, b"\0"), pax_headers=headers)


def sparse() -> bytes:
    """Return a tar with such a member."""
    return tar_of(sparse_file())


def with_header(**records: str) -> bytes:
    """Return a tar whose extended header says *records* of its member."""
    return tar_of(tar_file("x", SUGAR, pax_headers=records))


def with_records(data: bytes) -> bytes:
    """Return a tar whose extended header has *data* as its records."""
    info, _ = tar_file("x", data, type=tarfile.XHDTYPE)
    return info.tobuf(tarfile.USTAR_FORMAT) + data.ljust(512, b"\0") + GOOD_TAR


def two_headers(*kinds: bytes) -> bytes:
    """Return a tar whose first member has a header of each of *kinds*, of which one calls it y."""
    headers = b""
    for kind, name in zip(kinds, "yz", strict=True):
        data = f"9 path={name}\n" if kind == tarfile.XHDTYPE else f"{name}\0"
        info, content = tar_file("x", data.encode(), type=kind)
        headers += info.tobuf(tarfile.GNU_FORMAT) + content.ljust(512, b"\0")
    return headers + GOOD_TAR


def sized(kind: bytes, size: int, records: dict[str, str]) -> bytes:
    """Return a tar whose first member says that it has *size* bytes, which do not follow."""
    info, _ = tar_file("x", b"", type=kind, size=size, pax_headers=records)
    header = info.tobuf(tarfile.PAX_FORMAT) if records else info.tobuf(tarfile.GNU_FORMAT)
    return header + GOOD_TAR


def lying_tar() -> bytes:
    """Return a tar whose member says that it is larger than the whole tar."""
    info, _ = tar_file("x", SUGAR)
    info.size = 2**20
    return info.tobuf() + SUGAR.ljust(512, b"\0") + bytes(1024)


def with_size(kind: bytes) -> bytes:
    """Return a tar with something that has no content, and says that some follows."""
    info, _ = tar_file("x", b"", type=kind, linkname="y", size=600)
    return info.tobuf() + GOOD_TAR


def negative() -> bytes:
    """Return a tar with a member of a negative size."""
    info, _ = tar_file("x")
    info.size = -512
    return info.tobuf(tarfile.GNU_FORMAT) + bytes(1024)


def endless_header() -> bytes:
    """Return a tar that has 2 MiB to say about the name of one member."""
    return with_header(comment="x" * 2 * MIB)


def overlapping_zip() -> bytes:
    """Return a zip whose second member is the first: so a small one holds any amount."""
    archive = zip_of(("a", SUGAR), ("a", SUGAR))
    first = archive.index(b"PK\x01\x02")
    second = archive.index(b"PK\x01\x02", first + 1)
    return archive[: second + 42] + bytes(4) + archive[second + 46 :]


def disagreeing_zip(*, name: bytes) -> bytes:
    """Return a zip whose first member is called otherwise in front of its content."""
    return GOOD_ZIP[:30] + name + GOOD_ZIP[31:]


def field_in_front(name: str, other: str) -> bytes:
    """Return a zip whose member has *other* for its name in the field in front of its content."""
    archive = zip_of((with_utf8_name(zip_entry(name), other, name.encode()), SUGAR))
    directory = archive.index(b"PK\x01\x02")
    return archive[:directory] + archive[directory:].replace(b"up", b"UP")


def lying_zip(size: int, at: int = 22) -> bytes:
    """Return a zip whose one member says everywhere that it has *size* bytes; *at* says of what."""
    archive = zip_of(("a", SUGAR))
    directory = archive.index(b"PK\x01\x02")
    field = size.to_bytes(4, "little")
    archive = archive[:at] + field + archive[at + 4 :]
    return archive[: directory + at + 2] + field + archive[directory + at + 6 :]


def zip_with(method: int = 8, flags: int = 0) -> bytes:
    """Return a zip whose one member is compressed, or encrypted, as these fields say."""
    archive = bytearray(zip_of(("a", SUGAR)))
    directory = archive.index(b"PK\x01\x02")
    for at in (6, directory + 8):
        archive[at : at + 4] = flags.to_bytes(2, "little") + method.to_bytes(2, "little")
    return bytes(archive)


def bad_checksum() -> bytes:
    """Return a zip whose member is not what its checksum says, everywhere."""
    crc = GOOD_ZIP[14:18]
    return changed(GOOD_ZIP, [(crc, bytes(b ^ 255 for b in crc))])


def counting_zip(count: int) -> bytes:
    """Return a zip that says that it has *count* members."""
    field = count.to_bytes(2, "little")
    return GOOD_ZIP[:-14] + field + field + GOOD_ZIP[-10:]


UNSAFE: dict[str, tuple[bytes | Callable[[], bytes], str]] = {
    # names
    "tar: outside": (tar_of(tar_file("../x")), r"'\.\./x' has \.\. in it"),
    "tar: outside and back": (tar_of(tar_file("a/../../out/x")), r"has \.\. in it"),
    "tar: absolute": (
        tar_of(tar_file("/tmp/startifact-unsafe")),
        "'/tmp/startifact-unsafe' is absolute",
    ),
    "tar: absolute, two slashes": (tar_of(tar_file("//x")), "'//x' is absolute"),
    "tar: drive": (tar_of(tar_file("C:/x")), "begins with a drive letter"),
    "tar: drive alone": (tar_of(tar_file("c:x")), "begins with a drive letter"),
    "tar: backslash": (tar_of(tar_file("..\\x")), "has .. in it"),
    "tar: control character": (tar_of(tar_file("x\n::error::y")), "control character"),
    "tar: not UTF-8": (
        tar_of(tar_file("\udcff"), form=tarfile.GNU_FORMAT),
        "'.*' is not UTF-8",
    ),
    "tar: NUL": (lambda: with_header(path="x\0y"), "control character"),
    "tar: name in an extended header": (lambda: with_header(path="../x"), r"has \.\. in it"),
    "tar: long name": (tar_of(tar_file("../" * 60 + "x"), form=tarfile.GNU_FORMAT), r"\.\. in it"),
    "tar: part too long": (tar_of(tar_file("x" * 256)), "longer than 255 bytes"),
    "tar: path too long": (tar_of(tar_file("x/" * 2100 + "x")), "longer than 4,096 bytes"),
    "tar: too deep": (tar_of(tar_file("x/" * 300 + "x")), "more than 256 folders deep"),
    "tar: no name": (tar_of(tar_file("./")), "names no file"),
    "tar: the directory as a file": (tar_of(tar_file(".")), "names no file"),
    "zip: outside": (zip_of(("../x", SUGAR)), r"'\.\./x' has \.\. in it"),
    "zip: absolute": (zip_of(("/tmp/startifact-unsafe", SUGAR)), "is absolute"),
    "zip: drive": (zip_of(("C:\\x", SUGAR)), "drive letter"),
    "zip: backslash": (zip_of(("..\\x", SUGAR)), "has .. in it"),
    "zip: NUL": (zip_of(("a\0/../x", SUGAR)), "control character"),
    "zip: no name": (zip_of(("", SUGAR)), "names no file"),
    # links
    "tar: link outside": (tar_of(tar_link("x", "../y")), "leads out of the directory"),
    "tar: link outside and back": (tar_of(tar_link("x", "../out/y")), "leads out"),
    "tar: absolute link": (tar_of(tar_link("x", "/etc/passwd")), "leads to is absolute"),
    "tar: link to nothing": (tar_of(tar_link("x", "")), "is a link to nothing"),
    "tar: link with a backslash": (tar_of(tar_link("x", "..\\y")), "backslash"),
    "tar: link to a drive": (tar_of(tar_link("x", "C:y")), "drive letter"),
    "tar: file below a link": (tar_of(tar_link("x", "."), tar_file("x/y")), "'x', which is a link"),
    "tar: link in the place of a folder": (
        tar_of(tar_file("x/y"), tar_link("x", ".")),
        "'x' is there twice",
    ),
    "tar: link through a link": (
        tar_of(tar_file("d/e/f"), tar_link("x", "d/e"), tar_link("y", "x/../../z")),
        "'y' is a link that leads out",
    ),
    "tar: link through a link that comes later": (
        tar_of(tar_link("y", "x/../f"), tar_link("x", "d/e"), tar_file("d/e/f")),
        "'y' is a link that leads up again behind 'x'",
    ),
    "tar: link through its own folder": (
        tar_of(tar_link("a/y", "../x/../f"), tar_link("x", "d/e"), tar_file("d/e/f")),
        "'a/y' is a link that leads up again behind 'x'",
    ),
    "tar: link through a link, in other letters": (
        tar_of(tar_link("y", "X/../f"), tar_link("x", "d/e"), tar_file("d/e/f")),
        "'y' is a link that leads up again behind 'X'",
    ),
    "tar: hard link outside": (tar_of(tar_link("x", "../y", hard=True)), "leads out"),
    "tar: absolute hard link": (tar_of(tar_link("x", "/etc/passwd", hard=True)), "is absolute"),
    "tar: hard link to a link": (
        tar_of(tar_link("l", "a"), tar_file("a"), tar_link("x", "l", hard=True)),
        "hard link to 'l', which is no file before it",
    ),
    "tar: hard link to what comes later": (
        tar_of(tar_link("x", "a", hard=True), tar_file("a")),
        "hard link to 'a', which is no file before it",
    ),
    "tar: hard link to itself": (tar_of(tar_link("x", "x", hard=True)), "no file before it"),
    "zip: link": (zip_of((zip_entry("x", 0o120777), b"/etc/passwd")), "is a symbolic link"),
    "zip: link as a folder": (zip_of((zip_entry("x/", 0o120777), b"")), "is a symbolic link"),
    "zip: link from another system": (
        zip_of((zip_entry("x", 0o120777, system=0), b"..")),
        "is a symbolic link",
    ),
    # types and modes
    "tar: pipe": (special(tarfile.FIFOTYPE), "'x' is a pipe"),
    "tar: character device": (special(tarfile.CHRTYPE), "'x' is a device"),
    "tar: block device": (special(tarfile.BLKTYPE), "'x' is a device"),
    "tar: socket": (special(b"s"), "'x' is a socket"),
    "tar: unknown type": (special(b"Z"), "of the type 'Z', which is not known"),
    "tar: set-user-id": (tar_of(tar_file("x", mode=0o4755)), "set-user-id or set-group-id"),
    "tar: set-group-id": (tar_of(tar_file("x", mode=0o2755)), "set-user-id or set-group-id"),
    "zip: pipe": (zip_of((zip_entry("x", 0o010644), b"")), "is a pipe"),
    "zip: device": (zip_of((zip_entry("x", 0o060644), b"")), "is a device"),
    "zip: socket": (zip_of((zip_entry("x", 0o140644), b"")), "is a socket"),
    "zip: set-user-id": (zip_of((zip_entry("x", 0o104755), b"")), "set-user-id"),
    # one file twice
    "tar: twice": (tar_of(tar_file("x"), tar_file("x")), "'x' is there twice"),
    "tar: twice, with a dot": (tar_of(tar_file("x"), tar_file("./x")), "'x' is there twice"),
    "tar: other case": (tar_of(tar_file("Readme"), tar_file("README")), "one file on some disks"),
    "tar: folders in other case": (
        tar_of(tar_file("Bin/a"), tar_file("bin/b")),
        "folder that 'Bin' would be on some disks",
    ),
    "tar: other spelling": (
        tar_of(tar_file("caf\u00e9"), tar_file("cafe\u0301")),
        "one file on some disks",
    ),
    "tar: a character that nobody sees": (
        tar_of(tar_file("a/x"), tar_file("a/x\u200d")),
        "one file on some disks",
    ),
    "tar: file and folder": (tar_of(tar_file("x"), tar_file("x/y")), "'x', which is a file"),
    "tar: folder and file": (tar_of(tar_file("x/y"), tar_file("x")), "'x' is there twice"),
    "tar: file and empty folder": (
        tar_of(tar_file("x"), tar_file("x", b"", type=tarfile.DIRTYPE)),
        "'x' is there twice",
    ),
    "zip: twice": (lambda: twice_in_zip(), "'x' is there twice"),
    "zip: other case": (zip_of(("a/X", SUGAR), ("a/x", SUGAR)), "one file on some disks"),
    "zip: file and folder": (zip_of(("x", SUGAR), ("x/y", SUGAR)), "'x', which is a file"),
    # sizes that are not true
    "tar: size": (lying_tar, "damaged tar: it ends too early"),
    "tar: size in an extended header": (lambda: with_header(size="99999"), "ends too early"),
    "tar: size that is no number": (lambda: with_header(size="0x10"), "'0x10' is not a size"),
    "tar: negative size": (negative, "has a negative size"),
    "tar: folder with a size": (lambda: with_size(tarfile.DIRTYPE), "has a size, and is a dir"),
    "tar: link with a size": (lambda: with_size(tarfile.SYMTYPE), "has a size, and is a symb"),
    "tar: hard link with a size": (lambda: with_size(tarfile.LNKTYPE), "has a size, and is a hard"),
    "tar: endless header": (endless_header, "more than 1,048,576 bytes say something"),
    "tar: record without a length": (lambda: with_records(b"x path=a\n"), "extended header is not"),
    "tar: record of no length": (lambda: with_records(b"0 path=a\n"), "extended header is not"),
    "tar: record that is shorter": (lambda: with_records(b"3 path=a\n"), "extended header is not"),
    "tar: record of no length, last": (
        lambda: with_records(b"9 path=a\n0 path=b\n"),
        "extended header is not valid",
    ),
    "tar: header for all members": (
        lambda: tar_header_for_all(path="../x"),
        "gives them one name or size",
    ),
    "tar: long name without an end": (
        changed(
            tar_of(tar_file("y" * 150), form=tarfile.GNU_FORMAT),
            [(b"y" * 150 + b"\0\0", b"y" * 150 + b"zz")],
        ),
        "a long name goes on where it should end",
    ),
    "tar: two extended headers": (
        lambda: two_headers(tarfile.XHDTYPE, tarfile.XHDTYPE),
        "two headers of one member do not agree: path is 'y' and 'z'",
    ),
    "tar: two long names": (
        lambda: two_headers(tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGNAME),
        "path is 'y' and 'z'",
    ),
    "tar: extended header and long name": (
        lambda: two_headers(tarfile.XHDTYPE, tarfile.GNUTYPE_LONGNAME),
        "path is 'y' and 'z'",
    ),
    "zip: smaller than it is": (lambda: lying_zip(10), "is not what it should be"),
    "zip: larger than it is": (lambda: lying_zip(9999), "is not what it should be"),
    "zip: packed smaller": (lambda: lying_zip(3, at=18), "ends too early|cannot be decompressed"),
    "zip: packed larger": (lambda: lying_zip(9999, at=18), "reaches into its directory"),
    "zip: folder with a size": (zip_of(("x/", SUGAR)), "has a size, and is a directory"),
    # damage
    "tar: truncated": (GOOD_TAR[:1200], "ends too early"),
    "tar: truncated between members": (GOOD_TAR[:1024], "ends too early"),
    "tar: header": (GOOD_TAR[:1024] + b"x" * 512 + bytes(1024), "a header is not valid"),
    "tar: something behind its end": (GOOD_TAR + b"x" * 512, "something else follows its end"),
    "tar: another behind its end": (GOOD_TAR * 2, "something else follows its end"),
    "tar: header without a member": (
        lambda: with_header(path="y" * 200)[:1024] + bytes(1024),
        "ends where a member should follow",
    ),
    "gzip: truncated": (gzip.compress(GOOD_TAR)[:-12], "damaged gzip file: it ends too early"),
    "gzip: checksum": (
        gzip.compress(GOOD_TAR)[:-8] + bytes(8),
        "damaged gzip file: it cannot be decompressed",
    ),
    "gzip: something behind its end": (gzip.compress(GOOD_TAR) + b"garbage", "else follows"),
    "bzip2: truncated": (bz2.compress(GOOD_TAR)[:-12], "damaged bzip2 file: it ends too early"),
    "bzip2: something behind its end": (bz2.compress(GOOD_TAR) + b"garbage", "else follows"),
    "xz: truncated": (lzma.compress(GOOD_TAR)[:-12], "damaged xz file: it ends too early"),
    "xz: something behind its end": (lzma.compress(GOOD_TAR) + b"garbage", "else follows"),
    "zip: truncated": (GOOD_ZIP[:-30], "it has no end"),
    "zip: something behind its end": (GOOD_ZIP + b"garbage", "something else follows its end"),
    "zip: something before its directory": (
        changed(GOOD_ZIP, [(b"PK\x05\x06", b"garbagePK\x05\x06")]),
        "its directory is not where its end says",
    ),
    "zip: checksum": (bad_checksum, "is not what it should be: got 500 bytes with the CRC-32"),
    "zip: content": (
        lambda: changed(GOOD_ZIP, [(GOOD_ZIP[31:35], b"\xff" * 4)]),
        "cannot be decompressed",
    ),
    "zip: fewer members than it says": (lambda: counting_zip(3), "says that it has 3 members"),
    "zip: more members than it says": (lambda: counting_zip(1), "says that it has 1 members"),
    "zip: two ends that do not agree": (
        with_large_end(GOOD_ZIP, count=3),
        "its two ends do not agree: got 2, and 3 in that for large numbers",
    ),
    "zip: something before its end for large numbers": (
        with_large_end(GOOD_ZIP, before=b"garbage"),
        "its directory is not where its end says",
    ),
    "zip: something in its end for large numbers": (
        with_large_end(GOOD_ZIP, between=bytes(56)),
        "its end for large numbers is not where it says",
    ),
    "zip: end for large numbers that is missing": (
        changed(with_large_end(GOOD_ZIP), [(b"PK\x06\x06", b"PK\x06\x00")]),
        "its end for large numbers is not where it says",
    ),
    "zip: members that share bytes": (overlapping_zip, "two members share bytes"),
    "zip: two names": (lambda: disagreeing_zip(name=b"z"), "the header of 'a' do not agree"),
    "zip: two names, in a field": (
        zip_of((with_utf8_name(zip_entry("a"), "b", b"a"), SUGAR)),
        "a member has two names, 'a' and 'b'",
    ),
    "zip: two names, in a field beside UTF-8": (
        zip_of((with_utf8_name(zip_entry("ä"), "../b", "ä".encode()), SUGAR)),
        "a member has two names, 'ä' and '../b'",
    ),
    "zip: two names, in a field in front of its content": (
        lambda: field_in_front("a", "b"),
        "a member has two names, 'a' and 'b'",
    ),
}
"""Each with what is said of it."""


def twice_in_zip() -> bytes:
    """Return a zip with one name twice, which `zipfile` warns of."""
    return changed(zip_of(("x", SUGAR), ("y", SUGAR)), [(b"y", b"x")])


def tar_header_for_all(**records: str) -> bytes:
    """Return a tar that says *records* of all its members."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", pax_headers=records) as tar:
        tar.addfile(*_opened(tar_file("x")))
    return out.getvalue()


def _opened(member: tuple[tarfile.TarInfo, bytes]) -> tuple[tarfile.TarInfo, io.BytesIO]:
    return member[0], io.BytesIO(member[1])


def zeros(size: int) -> Iterator[bytes]:
    for _ in range(size // MIB):
        yield bytes(MIB)


def bomb(compress: Callable[[bytes], bytes] = gzip.compress) -> bytes:
    """Return a tar with a file of 65 MiB that takes next to nothing."""
    return compress(tar_of(tar_file("x", bytes(65 * MIB))))


def zip_bomb() -> bytes:
    """Return a zip with two files of 33 MiB that take next to nothing."""
    return zip_of(("x", bytes(33 * MIB)), ("y", bytes(33 * MIB)))


def padded() -> bytes:
    """Return a tar behind whose end there are 17 MiB of zeros."""
    return gzip.compress(GOOD_TAR + bytes(17 * MIB))


NOT_EXTRACTED: dict[str, tuple[bytes | Callable[[], bytes], str]] = {
    "text": (b"sugar", "it is neither a tar nor a zip"),
    "long text": (b"sugar and water\n" * 1000, "it is neither a tar nor a zip"),
    "gzip": (gzip.compress(b"sugar"), "it is a gzip file that holds no tar"),
    "bzip2": (bz2.compress(b"sugar"), "it is a bzip2 file that holds no tar"),
    "xz": (lzma.compress(b"sugar"), "it is an xz file that holds no tar"),
    "zip in gzip": (gzip.compress(GOOD_ZIP), "it is a gzip file that holds no tar"),
    "zstd": (b"\x28\xb5\x2f\xfd\x00\x00", "it is a zstd file"),
    "7z": (b"7z\xbc\xaf\x27\x1c\x00\x00", "it is a 7z file"),
    "zip behind something else": (b"#!/bin/sh\n" + GOOD_ZIP, "neither a tar nor a zip"),
    "tar: sparse file": (sparse, "is a sparse file, which is not supported"),
    "tar: sparse file of GNU": (special(tarfile.GNUTYPE_SPARSE), "is a sparse file"),
    "zip: encrypted": (lambda: zip_with(flags=1), "'a' is encrypted, which is not supported"),
    "zip: lzma": (lambda: zip_with(14), "'a' is compressed by lzma, which is not supported"),
    "zip: unknown method": (lambda: zip_with(77), "'a' is compressed by method 77"),
    "gzip bomb": (bomb, r"members that are more than 200 times as large as its \d+"),
    "bzip2 bomb": (lambda: bomb(bz2.compress), "more than 200 times as large"),
    "xz bomb": (lambda: bomb(lzma.compress), "more than 200 times as large"),
    "zip bomb": (zip_bomb, "more than 200 times as large"),
}


@pytest.fixture
def extract(tmp_path: Path) -> Callable[..., Path]:
    """Return a function that stages an archive and extracts it into a folder beside others."""
    (tmp_path / "beside").mkdir()
    (tmp_path / "beside" / "other").write_text("other")

    def run(archive: bytes | Callable[[], bytes], into: str = "out", **given: Any) -> Path:
        file = tmp_path / "archive"
        file.write_bytes(archive if isinstance(archive, bytes) else archive())
        with Session(regions=f"memory:{uuid4().hex}") as session:
            artifact = session.stage("SugarWater", "1.0.0", file).artifact
            return artifact.downloader.extract(tmp_path / "beside" / into, **given)

    return run


def refused(
    extract: Callable[..., Path],
    tmp_path: Path,
    archive: bytes | Callable[[], bytes],
    **given: object,
) -> StartifactError:
    """Extract *archive*, and return why nothing of it was written, anywhere."""
    with pytest.raises(StartifactError) as caught:
        extract(archive, **given)
    found = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*")}
    assert found == {"archive", "beside", "beside/other"}
    assert not Path("/tmp/startifact-unsafe").exists()
    return caught.value


@pytest.mark.sweep
@pytest.mark.parametrize(
    "given", [{}, {"into": ".", "overwrite": True}], ids=["new", "with other things"]
)
@pytest.mark.parametrize("what", UNSAFE)
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_unsafe(
    what: str, given: dict[str, object], extract: Callable[..., Path], tmp_path: Path
) -> None:
    """What is not safe, or damaged, is refused by name, and nothing is written anywhere.

    So it is where the directory has other things in it, which stay as they are.
    """
    archive, said = UNSAFE[what]

    error = refused(extract, tmp_path, archive, **given)

    assert error.exit_code == 7
    assert error.message.startswith("SugarWater@1.0.0 ")
    assert error.hint is not None
    assert "stage that as another version" in error.hint
    with pytest.raises(ArchiveError, match=said):
        raise error
    assert (tmp_path / "beside" / "other").read_text() == "other"


@pytest.mark.parametrize("what", NOT_EXTRACTED)
def test_not_extracted(what: str, extract: Callable[..., Path], tmp_path: Path) -> None:
    """What is no archive, too large or not supported is bad input, with what to do about it."""
    archive, said = NOT_EXTRACTED[what]

    error = refused(extract, tmp_path, archive)

    assert error.exit_code == 2
    assert error.hint
    with pytest.raises(InputError, match=said):
        raise error


@pytest.mark.sweep(2)
@pytest.mark.parametrize("kind", [tarfile.FIFOTYPE, tarfile.CHRTYPE, b"Z", tarfile.GNUTYPE_SPARSE])
@pytest.mark.parametrize("compress", [gzip.compress, bytes])
@pytest.mark.parametrize(
    ("size", "records"), [(65 * MIB, {}), (2**62, {}), (2**80, {}), (0, {"size": "9" * 19})]
)
def test_size_of_what_is_refused(
    kind: bytes,
    compress: Callable[[bytes], bytes],
    size: int,
    records: dict[str, str],
    extract: Callable[..., Path],
    tmp_path: Path,
) -> None:
    """What is in members that are refused anyway counts, before anything of it is read."""
    archive = compress(sized(kind, size, records))

    for given in ({}, {"max_bytes": 2**90, "max_ratio": 2**90}):
        message = refused(extract, tmp_path, archive, **given).message

        assert ("it ends too early" if given else "bytes") in message


def test_padding(extract: Callable[..., Path], tmp_path: Path) -> None:
    """Zeros behind the end of a tar are no way around the bounds either."""
    error = refused(extract, tmp_path, padded)

    assert "something else follows its end" in error.message


@pytest.mark.parametrize(
    ("bounds", "said", "option"),
    [
        ({"max_members": 3}, "has more than 3 members", "max_members"),
        ({"max_bytes": 999}, "has more than 999 bytes in its members", "max_bytes"),
    ],
)
@pytest.mark.parametrize("form", ["tar", "zip"])
def test_bounds(
    form: str,
    bounds: dict[str, int],
    said: str,
    option: str,
    extract: Callable[..., Path],
    tmp_path: Path,
) -> None:
    """Each bound can be set, folders are members, and the error names the option."""
    tar = tar_of(tar_file("d/e/a", SUGAR), tar_file("b", SUGAR))
    archive = tar if form == "tar" else zip_of(("d/e/a", SUGAR), ("b", SUGAR))

    error = refused(extract, tmp_path, archive, **bounds)

    assert error.exit_code == 2
    assert said in error.message
    assert error.hint == f"Where you trust it, allow more with {option}"
    extract(archive, max_members=4, max_bytes=1000)


def test_ratio(extract: Callable[..., Path], tmp_path: Path) -> None:
    """Who trusts an archive can allow what is much larger than it."""
    assert "max_ratio" in str(refused(extract, tmp_path, bomb).hint)

    assert (extract(bomb, max_ratio=100_000) / "x").stat().st_size == 65 * MIB


def test_folders_again_and_again(extract: Callable[..., Path], tmp_path: Path) -> None:
    """One folder a thousand times is a thousand members."""
    folders = [tar_file(name, b"", type=tarfile.DIRTYPE) for name in (".", "d") * 6]

    error = refused(extract, tmp_path, tar_of(*folders), max_members=10)

    assert "more than 10 members" in error.message


def test_links_are_counted_as_what_they_lead_to(
    extract: Callable[..., Path], tmp_path: Path
) -> None:
    """Hard links may have to be copies."""
    members = [tar_file("a", bytes(400)), *(tar_link(f"l{n}", "a", hard=True) for n in range(5))]

    error = refused(extract, tmp_path, tar_of(*members), max_bytes=1000)

    assert "more than 1,000 bytes" in error.message


def test_names_take_bounded_memory(extract: Callable[..., Path], tmp_path: Path) -> None:
    """Names and links of thousands of bytes each are refused before they fill the memory."""
    long = "x/" * 100 + "x" * 200
    members = [tar_link(f"{n}/{long}", "y" * 4000) for n in range(50)]

    error = refused(extract, tmp_path, gzip.compress(tar_of(*members)), max_members=200)

    assert "members" in error.message


def test_all_problems_at_once(extract: Callable[..., Path], tmp_path: Path) -> None:
    """Everything that is wrong is in one message, however much it is."""
    names = [f"../{n}/{'x' * 200}" for n in range(3000)]
    members = [tar_link("l", "/etc"), *map(tar_file, names), sparse_file()]

    error = refused(extract, tmp_path, tar_of(*members))

    lines = error.message.splitlines()
    assert lines[1].strip() == "'l' is a link, and what it leads to is absolute"
    assert [line.split("'")[1] for line in lines[2:3002]] == names
    assert [member.path for member in error.refused_members] == ["l", *names, "x"]
    assert lines[3002:] == [
        "SugarWater@1.0.0 has members that cannot be extracted:",
        "  'x' is a sparse file, which is not supported",
    ]
    assert str(error).count("Download it without extracting it") == 1


def test_names_of_what_is_refused_take_bounded_memory(
    extract: Callable[..., Path], tmp_path: Path
) -> None:
    """Names that were made to fill the memory are counted once there are enough of them."""
    names = [f"../{n:03}" + "\u200b" * 300 for n in range(900)]

    error = refused(extract, tmp_path, tar_of(*map(tar_file, names)), max_members=1000)

    *lines, last = error.message.splitlines()[1:]
    assert MIB < len(error.message) < MIB + 4000
    assert (len(lines), last) == (len(error.refused_members), f"  and {900 - len(lines)} more")


@pytest.mark.parametrize(
    "bounds", [{"max_members": 0}, {"max_bytes": 0}, {"max_bytes": "2 GB"}, {"max_ratio": -1}]
)
def test_bounds_that_are_none(
    bounds: dict[str, int], extract: Callable[..., Path], tmp_path: Path
) -> None:
    """What is no bound is refused before anything is fetched."""
    assert refused(extract, tmp_path, GOOD_TAR, **bounds).exit_code == 2
