"""How an archive is made: once, in bounded memory, of files that do not change meanwhile."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import startifact
from startifact import Progress, Staging
from startifact.errors import DeadlineError, FileChangedError, LocalFileError
from startifact.files import contents
from startifact.files.archiving import archive
from startifact.files.source import Source
from startifact.limits import MIB
from tests.functional.archives.conftest import Stage, build, read_tar
from tests.support.limits import Session, short_limits

Back = Callable[[Staging], Path]
KINDS = pytest.mark.parametrize("kind", ["tar.gz", "zip"])


@KINDS
@pytest.mark.parametrize(
    ("part_bytes", "size"),
    [
        (2 * MIB + 1, 7 * MIB),
        (MIB, 3 * MIB - 100_000),
        (250_000, MIB),
        (100, 2 * MIB),
    ],
    ids=["more than a piece", "one piece", "less", "too many for an upload"],
)
def test_parts(
    kind: str,
    here: Path,
    directories: list[str],
    monkeypatch: pytest.MonkeyPatch,
    part_bytes: int,
    size: int,
) -> None:
    """What is known of an archive from making it is what a second reading would find."""
    build(here / "d", {"a": os.urandom(size), "b": os.urandom(5), "c": ""})
    made: list[tuple[Source, Source]] = []
    write = archive.write_archive

    def both(tree: Any, path: Path, **options: Any) -> Source:
        source = write(tree, path, **options)
        made.append((source, Source.scan(path, part_bytes=part_bytes)))
        return source

    monkeypatch.setattr(contents, "write_archive", both)
    session = Session(regions=directories, limits=short_limits(part_bytes=part_bytes))
    staging = session.stage("SugarWater", "1.0.0", "d", archive=kind)

    (((first, again)),) = made
    facts = [(s.sha256, s.size, s.parts, s.crc32, s.file_stamp) for s in (first, again)]
    assert facts[0] == facts[1]
    assert len(first.parts) > 2
    assert staging.artifact.sha256 == first.sha256


def test_nothing_is_left(here: Path, stage: Stage, tmp_path: Path, monkeypatch: Any) -> None:
    """The archive is in a folder of its own in the temporary folder, which is gone afterwards."""
    build(here / "d", {"a": "a"})
    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))
    (tmp_path / "tmp" / "startifact-stage-abcdefgh").mkdir()  # a process that was killed left it
    left = tmp_path / "tmp" / "startifact-stage-abcdefgh"
    for name in ("artifact", "lock"):
        (left / name).touch()

    stage("d")

    assert list((tmp_path / "tmp").iterdir()) == []


def test_no_room(here: Path, stage: Stage, region: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where there is no room, the error says how much is needed and where, before it begins."""
    build(here / "d", {"a": "x" * 10_000_000})
    free = SimpleNamespace(free=9_000_000)
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: free)

    with pytest.raises(LocalFileError, match=r"up to 1\d,\d{3},\d{3} bytes are needed in '") as e:
        stage("d")
    assert "9,000,000 are free" in e.value.message
    assert "let TMPDIR name a folder that has it" in str(e.value.hint)
    assert not region.exists()


@KINDS
def test_room_is_enough(
    kind: str, here: Path, stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As much as is asked for is enough for bytes that cannot be compressed, and long names."""
    files: dict[str, str | bytes | None] = {f"{'ä' * 100}{i}": os.urandom(600) for i in range(500)}
    build(here / "d", {**files, "large": os.urandom(4 * MIB), "e": None})
    asked: list[int] = []
    monkeypatch.setattr(contents, "check_room", lambda size, **_: asked.append(size))

    assert stage("d", archive=kind).artifact.size < asked[0] - MIB + 100_000


def test_room_for_small_files(here: Path, stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """No more is asked for than is needed: of a small file a header and its bytes."""
    build(here / "d", {f"{i}": "x" for i in range(1000)})
    asked: list[int] = []
    monkeypatch.setattr(contents, "check_room", lambda size, **_: asked.append(size))

    stage("d")

    assert asked[0] < 1000 * 1024 + 1.1 * MIB


def grow(path: Path) -> None:
    with path.open("ab") as file:
        file.write(b"more")


def shrink(path: Path) -> None:
    os.truncate(path, 2 * MIB)


def rewrite(path: Path) -> None:
    path.write_text("c" * 3 * MIB)
    os.utime(path, (1, 1))


def replace(path: Path) -> None:
    path.unlink()
    path.write_text("b" * 3 * MIB)


def vanish(path: Path) -> None:
    path.unlink()


def become_link(path: Path) -> None:
    path.unlink()
    path.symlink_to("a")


@pytest.mark.parametrize(
    ("act", "after"),
    [(grow, 4), (shrink, 4), (rewrite, 4), (replace, 0), (vanish, 0), (become_link, 0)],
)
@KINDS
def test_member_that_changes(
    act: Callable[[Path], None], after: int, kind: str, here: Path, region: Path
) -> None:
    """A member that changes before it is read, or meanwhile, is named, and nothing is staged."""
    build(here / "d", {"a": "a" * 3 * MIB, "b": "b" * 3 * MIB})
    path, acted = here / "d" / "b", False

    def change(progress: Progress) -> None:
        nonlocal acted
        if progress.verb == "hash" and not acted and progress.done >= after * MIB:
            acted = True
            act(path)

    session = Session(regions=f"file://{region}", progress=change)

    with pytest.raises(FileChangedError, match=rf"'{path}' changed while the archive was made"):
        session.stage("P", "1.0.0", "d", archive=kind)
    assert not list(region.glob("P@*"))


def test_deadline(here: Path, region: Path) -> None:
    """A deadline ends it between two blocks."""
    build(here / "d", {"a": "a" * 3 * MIB, "b": "b" * 3 * MIB})

    with pytest.raises(DeadlineError), startifact.deadline(0.000_001):
        Session(regions=f"file://{region}").stage("P", "1.0.0", "d")


PROGRAM = """
import os, re, sys
import startifact
session = startifact.Session(regions=sys.argv[1])
staging = session.stage("P", os.path.basename(sys.argv[2]), sys.argv[2], archive=sys.argv[3])
print(staging.archive_counts.members)
print(re.search(r"VmHWM:\\s+(\\d+) kB", open("/proc/self/status").read())[1])
"""


def peak(region: Path, folder: Path, kind: str) -> tuple[int, int]:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, f"file://{region}", folder, kind],
        capture_output=True, text=True, timeout=100, check=True,
    )  # fmt: skip
    count, peak = map(int, done.stdout.split())
    return count, peak * 1024


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@KINDS
def test_memory(kind: str, here: Path, region: Path) -> None:
    """Memory grows neither with what is in the archive nor with how many members that is."""
    small, large, many = (here / f"1.0.{number}" for number in range(3))
    build(small, {"a": "a"})
    build(large, {"a": b"a" * 32 * MIB})
    build(many, {f"{i % 100:02}/a-file-with-a-name-{i}": b"" for i in range(10_000)})
    (many / "some").write_text("bytes")

    _, least = peak(region, small, kind)
    _, of_large = peak(region, large, kind)
    count, of_many = peak(region, many, kind)

    assert of_large < least + 16 * MIB
    assert count == 10_101
    # The pages of a table on disk that SQLite keeps; half a KiB for each would be more.
    assert of_many < least + 4 * MIB


def test_digest_of_the_tree(here: Path, stage: Stage, back: Back) -> None:
    """The tree can be worked out from the archive by what docs/storage.md says."""
    build(here / "d", {"bin/tool": "#!/bin/sh\n", "zażółć": "ü", "empty": None, "l": "-> bin/tool"})
    (here / "d" / "bin" / "tool").chmod(0o755)
    staging = stage("d")

    lines = []
    for name, (type_, mode, *_, target, content) in sorted(read_tar(back(staging)).items()):
        what = {"path": name, "type": {b"0": "file", b"5": "directory", b"2": "link"}[type_]}
        if type_ == b"2":
            what |= {"target": target}
        else:
            what |= {"mode": f"{mode:04o}"}
        sizes = {}
        if type_ == b"0":
            sizes = {"size": len(content), "sha256": hashlib.sha256(content).hexdigest()}
        lines.append(json.dumps(what | sizes, sort_keys=True, separators=(",", ":")) + "\n")
    assert staging.artifact.tree == hashlib.sha256("".join(lines).encode()).hexdigest()
