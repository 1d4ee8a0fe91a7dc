"""``download PROJECT -``: the verified bytes on standard output, and nothing else there."""

import errno
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from startifact.regions.directory.region import DirectoryRegion
from tests.ways_in.cli.conftest import Run, tree

MakeFile = Callable[..., Path]

KEY = "SugarWater@1.0.0"
DOWNLOAD = [sys.executable, "-m", "startifact", "download", "SugarWater", "-"]
CONTENT = b"sugar\r\n\x00\xff and water" * 100_000


@pytest.fixture
def scratch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a temporary folder for processes, and work in an empty one."""
    for name in ("scratch", "here"):
        (tmp_path / name).mkdir()
    monkeypatch.setenv("TMPDIR", str(tmp_path / "scratch"))
    monkeypatch.chdir(tmp_path / "here")
    return tmp_path / "scratch"


@pytest.fixture
def staged(run: Run, three: list[Path], make_file: MakeFile, scratch: Path) -> Path:
    """Stage an artifact, and return the directory of the first region."""
    assert run("stage", KEY, make_file(CONTENT)).code == 0
    return three[0]


def download(out: int = subprocess.PIPE, *words: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [*DOWNLOAD, *words], stdout=out, stderr=subprocess.PIPE, timeout=60, check=False
    )


def test_bytes(staged: Path, scratch: Path) -> None:
    """Standard output has exactly the bytes; what people read is on standard error."""
    done = download()

    assert done.returncode == 0
    assert done.stdout == CONTENT
    said = f"{KEY} is on standard output: {len(CONTENT):,} bytes, sha256:"
    assert done.stderr.decode().startswith(said)
    assert tree(scratch) == tree(Path.cwd()) == []


def test_quiet(staged: Path) -> None:
    """With -q there are only the bytes."""
    done = download(subprocess.PIPE, "-q")

    assert (done.returncode, done.stdout, done.stderr) == (0, CONTENT, b"")


def test_only_what_is_verified(three: list[Path], staged: Path, scratch: Path) -> None:
    """Of an artifact that is damaged everywhere not one byte is written."""
    for folder in three:
        (folder / KEY / "artifact").write_bytes(CONTENT[::-1])

    done = download()

    assert (done.returncode, done.stdout) == (7, b"")
    assert tree(scratch) == []


def test_reader_that_has_gone(staged: Path, scratch: Path) -> None:
    """A reader that closes the pipe has what it wanted."""
    reader, writer = os.pipe()
    os.close(reader)

    done = download(writer)
    os.close(writer)

    assert done.returncode == 0
    assert tree(scratch) == []


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")
def test_full_disk(staged: Path) -> None:
    """Standard output that cannot take the bytes is a local file error."""
    with Path("/dev/full").open("w") as full:
        done = download(full.fileno())

    assert done.returncode == 9
    assert b"error: cannot write standard output: No space left on device\n" in done.stderr


def test_no_room_for_the_temporary_file(
    run: Run, staged: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the temporary folder is full, that is where room is needed, and how to have another."""

    def full(*_: object) -> Iterator[bytes]:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(DirectoryRegion, "read", full)

    done = run("download", "SugarWater", "-")

    assert (done.code, done.out) == (9, "")
    assert "No space left on device" in done.err
    assert f"make room in '{tempfile.gettempdir()}', or let TMPDIR name" in done.err
    assert "hint: An artifact is verified in the temporary folder before" in done.err


def test_closed(staged: Path) -> None:
    """So is standard output that is closed."""
    done = subprocess.run(
        ["sh", "-c", '"$@" >&-', "sh", *DOWNLOAD], stderr=subprocess.PIPE, timeout=60, check=False
    )

    assert done.returncode == 9
    assert b"error: cannot write standard output: it is closed\n" in done.stderr


@pytest.mark.parametrize(
    ("option", "reason"),
    [
        ("--json", "--json prints there too"),
        ("--load-filename", "--load-filename needs a folder"),
        ("--extract", "--extract needs a folder"),
    ],
)
def test_options_that_contradict_it(run: Run, staged: Path, option: str, reason: str) -> None:
    """What also needs standard output, or a folder, is refused before anything is asked."""
    done = run("download", "SugarWater", "-", option)

    assert done.code == 2
    assert f"- is standard output, and {reason}" in done.err
    assert "hint: " in done.err


@pytest.mark.skipif(not hasattr(os, "openpty"), reason="there are no terminals")
def test_terminal(staged: Path) -> None:
    """A terminal gets no bytes, which may make it unusable."""
    reader, writer = os.openpty()

    done = download(writer)
    os.set_blocking(reader, False)
    with pytest.raises(BlockingIOError):
        os.read(reader, 100)
    os.close(reader)
    os.close(writer)

    assert done.returncode == 2
    assert b"error: - is standard output, and that is a terminal" in done.stderr
    assert b"hint: Name a file, or pass it on" in done.stderr


def test_file_of_that_name(run: Run, staged: Path) -> None:
    """A file of that name is spelled with its folder."""
    done = run("download", "SugarWater", "./-")

    assert (done.code, done.out) == (0, "-\n")
    assert Path("-").read_bytes() == CONTENT
