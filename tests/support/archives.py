"""Archives for tests: ordinary ones, and those that no tool should make."""

import io
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Sequence

Change = Callable[[tarfile.TarInfo], object]


def tar_file(
    name: str, content: bytes = b"sugar", **fields: object
) -> tuple[tarfile.TarInfo, bytes]:
    """Return a member of a tar, of which *fields* are as they are given."""
    info = tarfile.TarInfo(name)
    info.size = len(content)
    for field, value in fields.items():
        setattr(info, field, value)
    return info, content


def tar_link(name: str, target: str, *, hard: bool = False) -> tuple[tarfile.TarInfo, bytes]:
    """Return a link in a tar."""
    kind = tarfile.LNKTYPE if hard else tarfile.SYMTYPE
    return tar_file(name, b"", type=kind, linkname=target)


def tar_of(
    *members: tuple[tarfile.TarInfo, bytes], mode: str = "w", form: int = tarfile.PAX_FORMAT
) -> bytes:
    """Return a tar with *members*; *mode* says how it is compressed."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode=mode, format=form) as tar:  # type: ignore[call-overload]
        for info, content in members:
            tar.addfile(info, io.BytesIO(content))
    return out.getvalue()


def zip_entry(name: str, mode: int = 0o100644, system: int = 3) -> zipfile.ZipInfo:
    """Return what a zip says of one member."""
    # Its constructor would correct the name.
    info = zipfile.ZipInfo("x", (1980, 1, 1, 0, 0, 0))
    info.filename = info.orig_filename = name
    info.create_system = system
    info.external_attr = mode << 16
    info.compress_type = zipfile.ZIP_DEFLATED
    return info


def with_utf8_name(entry: zipfile.ZipInfo, name: str, stands_for: bytes) -> zipfile.ZipInfo:
    """Return *entry* with Info-ZIP's field for a *name*, made when the name was *stands_for*."""
    body = b"\x01" + zlib.crc32(stands_for).to_bytes(4, "little") + name.encode()
    entry.extra = b"up" + len(body).to_bytes(2, "little") + body
    return entry


def zip_of(*members: tuple[zipfile.ZipInfo | str, bytes]) -> bytes:
    """Return a zip with *members*."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for info, content in members:
            archive.writestr(zip_entry(info) if isinstance(info, str) else info, content)
    return out.getvalue()


def with_large_end(
    archive: bytes, *, count: int | None = None, before: bytes = b"", between: bytes = b""
) -> bytes:
    """Return the zip *archive* with the end for large numbers too, which Info-ZIP writes early.

    It says that there are *count* members; *before* and *between* stand beside its two parts.
    """
    end = archive.rindex(b"PK\x05\x06")
    members, length, start = struct.unpack_from("<H2L", archive, end + 10)
    counts = [members if count is None else count] * 2
    record = struct.pack("<4sQ2H2L4Q", b"PK\x06\x06", 44, 45, 45, 0, 0, *counts, length, start)
    locator = struct.pack("<4sLQL", b"PK\x06\x07", 0, end + len(before), 1)
    return archive[:end] + before + record + between + locator + archive[end:]


def changed(archive: bytes, changes: Sequence[tuple[bytes, bytes]]) -> bytes:
    """Return *archive* with the first of each pair, which it has, replaced by the second."""
    for before, after in changes:
        assert before in archive
        archive = archive.replace(before, after)
    return archive
