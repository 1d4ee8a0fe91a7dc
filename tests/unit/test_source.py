"""The file that is being staged."""

import errno
import hashlib
import io
import os
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from startifact.errors import InputError, LocalFileError
from startifact.files.parts import Part, part_size
from startifact.files.source import Source, check_file
from startifact.limits import DEFAULT_LIMITS, MAX_PARTS, MIB
from tests.support.backends import is_root

MakeFile = Callable[..., Path]

PART_BYTES = DEFAULT_LIMITS.part_bytes


def test_scan_of_a_small_file(make_file: MakeFile) -> None:
    """A small file goes in one request."""
    source = Source.scan(make_file(b"sugar"))

    digest = hashlib.sha256(b"sugar")
    assert (source.size, source.sha256) == (5, digest.hexdigest())
    assert source.parts == (Part(0, 5, zlib.crc32(b"sugar")),)
    assert source.crc32 == zlib.crc32(b"sugar")


@pytest.mark.parametrize(
    ("size", "sizes"),
    [
        (PART_BYTES, [PART_BYTES]),
        (PART_BYTES + 1, [PART_BYTES, 1]),
        (2 * PART_BYTES, [PART_BYTES, PART_BYTES]),
    ],
)
def test_scan_of_a_large_file(make_file: MakeFile, size: int, sizes: list[int]) -> None:
    """A large file goes in parts that cover it in order, each with its own checksum."""
    content = os.urandom(size)
    beats: list[int] = []

    source = Source.scan(make_file(content), beat=beats.append)

    assert source.sha256 == hashlib.sha256(content).hexdigest()
    assert [part.size for part in source.parts] == sizes
    for part in source.parts:
        piece = content[part.offset : part.offset + part.size]
        assert part.crc32 == zlib.crc32(piece)
    assert source.crc32 == zlib.crc32(content)
    assert sum(beats) == size


@pytest.mark.parametrize("part_bytes", [1000, 256 * 1024, MIB, MIB + 1])
def test_scan_in_other_parts(make_file: MakeFile, part_bytes: int) -> None:
    """Parts have the size that is asked for, or some more: above 1 MiB they have whole MiB."""
    each = part_bytes if part_bytes <= MIB else 2 * MIB

    source = Source.scan(make_file(os.urandom(2 * each + 1)), part_bytes=part_bytes)

    assert [(part.offset, part.size) for part in source.parts] == [
        (0, each),
        (each, each),
        (2 * each, 1),
    ]


@given(st.integers(1, 48 * 1024**4))
def test_part_size(size: int) -> None:
    """No artifact that S3 can hold needs more parts than S3 takes, or parts it does not take."""
    each = part_size(size, PART_BYTES)

    assert -(-size // each) <= MAX_PARTS
    assert 5 * MIB <= each <= 5 * 1024 * MIB
    assert each % MIB == 0


@pytest.mark.parametrize(
    ("size", "each"),
    [
        (1, 8 * MIB),
        (MAX_PARTS * 8 * MIB, 8 * MIB),
        (MAX_PARTS * 8 * MIB + 1, 9 * MIB),
        (5 * 1024**4, 525 * MIB),
    ],
)
def test_part_sizes(size: int, each: int) -> None:
    """Parts grow once 10,000 of 8 MiB are not enough."""
    assert part_size(size, PART_BYTES) == each


@pytest.mark.parametrize(
    ("size", "part_bytes", "each"),
    [
        (MAX_PARTS * MIB + 1, MIB, 2 * MIB),
        (MAX_PARTS * 256 * 1024 + 1, 256 * 1024, 512 * 1024),
        (MAX_PARTS * 9 * MIB, 8 * MIB + 1, 9 * MIB),
        (MAX_PARTS * 9 * MIB + 1, 8 * MIB + 1, 10 * MIB),
    ],
)
def test_part_sizes_of_other_parts(size: int, part_bytes: int, each: int) -> None:
    """Others grow likewise, and stay whole pieces."""
    assert part_size(size, part_bytes) == each


# Files that cannot be staged -----------------------------------------------------------------


def test_missing(tmp_path: Path) -> None:
    """A file that is not there is reported with where relative paths start."""
    with pytest.raises(InputError, match=r"there is no file '.*nope'") as caught:
        Source.scan(tmp_path / "nope")

    assert caught.value.hint is not None
    assert "working directory" in caught.value.hint


def test_checked_before_anything_else(make_file: MakeFile, tmp_path: Path) -> None:
    """A file is checked without reading it, and refused as it would be later."""
    check_file(make_file(b"x"))
    for path, problem in (
        (tmp_path, "is a directory"),
        (tmp_path / "nope", "there is no file"),
        (make_file(b"", "empty"), "is empty"),
    ):
        with pytest.raises(InputError, match=problem):
            check_file(path)


def test_below_a_file(make_file: MakeFile) -> None:
    """A path below a file is no file."""
    with pytest.raises(LocalFileError, match="Not a directory"):
        Source.scan(make_file() / "x")


def test_directory(tmp_path: Path) -> None:
    """A directory has no bytes of its own."""
    with pytest.raises(InputError, match="is a directory"):
        Source.scan(tmp_path)


def test_empty(make_file: MakeFile) -> None:
    """An empty file is refused: it is a mistake of the step that should have written it."""
    with pytest.raises(InputError, match="is empty"):
        Source.scan(make_file(b""))


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no named pipes in folders")
def test_too_large(make_file: MakeFile) -> None:
    """What could not be described again is not staged either."""
    assert Source.scan(make_file(b"four"), max_bytes=4).size == 4

    with pytest.raises(InputError, match="has 5 bytes, expected at most 4"):
        check_file(make_file(b"sugar"), max_bytes=4)


def test_pipe(tmp_path: Path) -> None:
    """A pipe is refused, and not waited for."""
    os.mkfifo(tmp_path / "pipe")

    with pytest.raises(InputError, match="is not a regular file"):
        Source.scan(tmp_path / "pipe")


@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="there is no /dev/zero")
def test_device() -> None:
    """A device is refused, and not read for ever."""
    with pytest.raises(InputError, match="is not a regular file"):
        Source.scan(Path("/dev/zero"))


def test_nul() -> None:
    """A path that no system takes is refused like one that is not there."""
    with pytest.raises(InputError, match=r"'a\\x00b' is not a path"):
        Source.scan(Path("a\x00b"))


@pytest.mark.skipif(is_root() or os.name == "nt", reason="every file may be read")
def test_unreadable(make_file: MakeFile) -> None:
    """A file that must not be read is local trouble."""
    path = make_file()
    path.chmod(0)

    with pytest.raises(LocalFileError, match="Permission denied"):
        Source.scan(path)


def test_file_that_cannot_be_read() -> None:
    """A file whose reading fails is local trouble, with what the system says."""
    if not Path("/proc/self/mem").exists():
        pytest.skip("no file that fails on reading")
    with pytest.raises((LocalFileError, InputError), match="/proc/self/mem"):
        Source.scan(Path("/proc/self/mem"))


def test_link(make_file: MakeFile, tmp_path: Path) -> None:
    """A link stands for the file it leads to."""
    (tmp_path / "link").symlink_to(make_file(b"sugar"))

    assert Source.scan(tmp_path / "link").size == 5


# Files that change ---------------------------------------------------------------------------


def test_file_that_grows_while_it_is_scanned(make_file: MakeFile) -> None:
    """A file that grows as fast as it is read is refused, and not read without end."""
    path = make_file(b"x" * 3 * MIB)
    read = 0

    def grow(count: int) -> None:
        nonlocal read
        read += count
        assert read < 10 * MIB
        with path.open("ab") as file:
            file.write(b"x" * MIB)

    with pytest.raises(LocalFileError, match="changed while it was being staged") as caught:
        Source.scan(path, beat=grow)

    assert caught.value.exit_code == 9
    assert caught.value.hint is not None
    assert "once nothing writes to it" in caught.value.hint


@pytest.mark.parametrize("content", [b"y" * 3 * MIB, b"y" * 2 * MIB])
def test_file_that_is_rewritten_while_it_is_scanned(make_file: MakeFile, content: bytes) -> None:
    """A file that is written over while it is read is refused, even where its size stays."""
    path = make_file(b"x" * 3 * MIB)

    def rewrite(count: int) -> None:
        path.write_bytes(content)

    with pytest.raises(LocalFileError, match="changed while it was being staged"):
        Source.scan(path, beat=rewrite)


def test_file_that_is_emptied_in_between(make_file: MakeFile) -> None:
    """A file that is emptied just before it is opened is as empty as one that always was."""

    class Emptied(type(make_file())):  # type: ignore[misc]
        def open(self, *args: Any, **kwargs: Any) -> Any:
            Path(self).write_bytes(b"")
            return super().open(*args, **kwargs)

    with pytest.raises(InputError, match="is empty"):
        Source.scan(Emptied(make_file(b"x")))


@pytest.mark.parametrize("how", ["rewritten", "replaced", "touched", "longer", "removed"])
def test_change_after_the_scan(make_file: MakeFile, tmp_path: Path, how: str) -> None:
    """Whatever has happened to the file since it was scanned is noticed."""
    path = make_file(b"sugar")
    source = Source.scan(path)
    source.check_unchanged()
    match how:
        case "rewritten":
            path.write_bytes(b"water")
        case "replaced":
            os.utime(make_file(b"sugar", "other"), ns=(0, path.stat().st_mtime_ns))
            (tmp_path / "other").replace(path)
        case "touched":
            os.utime(path, ns=(0, 0))
        case "longer":
            path.write_bytes(b"sugar!")
        case "removed":
            path.unlink()

    with pytest.raises(LocalFileError, match="changed while it was being staged"):
        source.check_unchanged()


# Reading parts -------------------------------------------------------------------------------


def test_parts_are_read(make_file: MakeFile) -> None:
    """Each part is read on its own, and together they are the file."""
    content = os.urandom(PART_BYTES + 1000)
    source = Source.scan(make_file(content))

    pieces = []
    for part in source.parts:
        with source.open(part) as reader:
            pieces.append(reader.read())

    assert b"".join(pieces) == content


@given(
    st.integers(0, 12), st.integers(0, 12), st.sampled_from([io.SEEK_SET, io.SEEK_CUR, io.SEEK_END])
)
def test_part_is_a_file(offset: int, first: int, whence: int) -> None:
    """A part can be rewound and read like a file with the same bytes."""
    content = b"0123456789"
    path = Path(__file__)
    whole = path.read_bytes()
    status = path.stat()
    source = Source(
        path=path,
        size=len(whole),
        sha256="",
        parts=(),
        file_stamp=(status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns),
    )
    content = whole[5:15]
    like = io.BytesIO(content)
    with source.open(Part(5, 10, 0)) as reader:
        assert reader.read(first) == like.read(first)
        sign = -1 if whence == io.SEEK_END else 1
        wanted = min(like.seek(sign * min(offset, 10), whence), 10)
        assert reader.seek(sign * min(offset, 10), whence) == wanted
        assert reader.tell() == wanted
        assert reader.read() == content[wanted:]
        assert reader.read() == b""
        assert len(reader) == 10  # type: ignore[arg-type]
        assert reader.readable()
        assert reader.seekable()


def test_second_attempt(make_file: MakeFile) -> None:
    """After a request that failed halfway the part can be sent again from its start."""
    source = Source.scan(make_file(b"0123456789"))

    with source.open(source.parts[0]) as reader:
        reader.read(7)
        reader.seek(0)
        again = reader.read()

    assert again == b"0123456789"


def test_touched_at_each_read(make_file: MakeFile) -> None:
    """Each read is reported, and may be stopped."""
    source = Source.scan(make_file(b"0123456789"))
    reads = 0

    def on_read() -> None:
        nonlocal reads
        reads += 1
        if reads == 3:
            raise InterruptedError

    with source.open(source.parts[0], on_read) as reader:
        reader.read(2)
        reader.read(2)
        with pytest.raises(InterruptedError):
            reader.read(2)


def test_last_byte_of_a_changed_file(make_file: MakeFile) -> None:
    """The last byte of a part is not given out once the file has changed."""
    path = make_file(b"0123456789")
    source = Source.scan(path)
    with source.open(source.parts[0]) as reader:
        reader.read(5)
        path.write_bytes(b"9876543210")

        with pytest.raises(LocalFileError, match="changed while it was being staged"):
            reader.read(5)


def test_file_that_is_cut_short(make_file: MakeFile) -> None:
    """A file that has become shorter than it was is noticed at its new end."""
    path = make_file(b"0123456789")
    source = Source.scan(path)
    path.write_bytes(b"012")

    with source.open(source.parts[0]) as reader:
        reader.read(3)
        with pytest.raises(LocalFileError, match="changed while it was being staged"):
            reader.read(5)


def test_closed_twice(make_file: MakeFile) -> None:
    """Closing a part again does no harm."""
    source = Source.scan(make_file())
    reader = source.open(source.parts[0])

    reader.close()
    reader.close()

    assert reader.closed


@pytest.mark.parametrize("number", [errno.EMFILE, errno.ENFILE, errno.EIO])
@pytest.mark.parametrize("call", ["open", "stat"])
def test_trouble_that_is_no_change(
    make_file: MakeFile, monkeypatch: pytest.MonkeyPatch, number: int, call: str
) -> None:
    """A file that cannot be opened or looked at a second time has not changed for all that."""
    source = Source.scan(make_file())

    def refuse(*_: object, **__: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(Path, call, refuse)
    with pytest.raises(LocalFileError) as caught:
        source.open(source.parts[0]) if call == "open" else source.check_unchanged()

    assert caught.value.exit_code == 9
    assert f"cannot read {str(source.path)!r}: {os.strerror(number)}" in caught.value.message
    assert "changed" not in str(caught.value)
    assert (caught.value.hint is None) == (number == errno.EIO)


def test_trouble_while_a_part_is_read(make_file: MakeFile, monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk that fails is local trouble, so that nobody takes it for that of a connection."""
    source = Source.scan(make_file())
    reader = source.open(source.parts[0])

    class Broken:
        def seek(self, _: int) -> None:
            raise OSError(errno.EIO, os.strerror(errno.EIO))

        def close(self) -> None:
            pass

    monkeypatch.setattr(reader, "_file", Broken())

    with pytest.raises(LocalFileError, match=r"cannot read .*Input/output error"):
        reader.read(1)
