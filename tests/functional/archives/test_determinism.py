"""The same files give the same archive, whoever packs them, where and when."""

import os
import random
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from startifact import Staging
from startifact.errors import InputError
from tests.functional.archives.conftest import Stage, as_user, build, read_tar, read_zip

Back = Callable[[Staging], Path]

FILES: dict[str, str | bytes | None] = {
    "bin/tool": "#!/bin/sh\n",
    "bin/zażółć": "ü",
    "B": bytes(range(256)) * 5000,
    "a-b": "",
    "a.txt": "a",
    "a/b": "b",
    "a/empty": None,
    "n" * 120: "long",
    f"{'d' * 90}/{'e' * 90}": "long",
}
KINDS = pytest.mark.parametrize("kind", ["tar.gz", "zip"])

SCRIPT = """
import sys
from startifact import Session
staged = Session(regions=sys.argv[1]).stage("P", sys.argv[2], sys.argv[3], archive=sys.argv[4])
print(staged.artifact.sha256, staged.artifact.tree)
"""

# What root has imported, another user need not be able to read.
AS_ANOTHER = """
import os, sys
from startifact import Session
session = Session(regions="memory:x")
session.stage("P", "0.1.0", sys.argv[2])
os.setgroups([])
os.setgid(23456)
os.setuid(23456)
os.chdir(sys.argv[1])
staged = session.stage("P", "1.0.0", ".")
print(staged.artifact.sha256, staged.artifact.tree)
"""


def shuffled(source: Path, target: Path) -> Path:
    """Copy *source*, its files in another order, so that no two inodes are in the same one."""
    paths = sorted(source.rglob("*"), reverse=True)
    random.Random(7).shuffle(paths)
    for path in paths:
        copy = target / path.relative_to(source)
        if path.is_dir():
            copy.mkdir(parents=True, exist_ok=True)
        else:
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, copy)
            copy.chmod(0o700 if os.access(path, os.X_OK) and path.name == "tool" else 0o600)
    return target


@KINDS
def test_everywhere(kind: str, here: Path, tmp_path: Path, stage: Stage) -> None:
    """Inode order, umask, folder, time and locale do not matter, in a process of its own."""
    build(here / "dist", FILES)
    (here / "dist" / "bin" / "tool").chmod(0o777)
    copy = shuffled(here / "dist", tmp_path / "elsewhere" / "a b")
    os.utime(copy / "a.txt", (1, 1))
    first = stage("dist", archive=kind).artifact

    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, f"file://{tmp_path}/other", "1.0.0", copy, kind],
        cwd="/",
        env={**os.environ, "LC_ALL": "C", "TZ": "Asia/Tokyo", "LANG": "", "PYTHONUTF8": "0"},
        umask=0o077,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )

    assert done.stdout.split() == [first.sha256, first.tree]


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """Return a folder that everybody may look into, unlike those of pytest."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


@as_user
def test_another_user(here: Path, stage: Stage, open_folder: Path) -> None:
    """Nor does the user; what that one may not read is named."""
    build(here / "dist", FILES)
    copy = shuffled(here / "dist", open_folder / "copy")
    for path in (copy, *copy.rglob("*")):
        path.chmod(0o755 if path.is_dir() or path.name == "tool" else 0o644)
        os.chown(path, 12345, 12345)
    (here / "dist" / "bin" / "tool").chmod(0o755)
    first = stage("dist").artifact

    command = [sys.executable, "-c", AS_ANOTHER, str(copy), str(here / "dist")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    (copy / "a.txt").chmod(0o600)
    (copy / "bin").chmod(0o700)
    refused = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)

    assert done.stdout.split() == [first.sha256, first.tree], done.stderr
    assert "LocalFileError: '.' has 2 things that cannot be archived:" in refused.stderr
    assert f"\n  '{copy}/a.txt' cannot be read: Permission denied\n" in refused.stderr
    assert f"\n  '{copy}/bin' cannot be read: Permission denied\n" in refused.stderr


def test_what_a_tar_has(here: Path, stage: Stage, back: Back) -> None:
    """Each member has one of two modes, no owner, one time, and its name as it is on the disk."""
    build(here / "dist", {**FILES, "link": "-> a/b"})
    (here / "dist" / "bin" / "tool").chmod(0o4711)

    read = read_tar(back(stage("dist")))

    assert list(read) == sorted(read, key=os.fsencode)
    assert {facts[2:7] for facts in read.values()} == {(0, 0, "", "", 315_532_800)}
    assert {n for n, facts in read.items() if facts[1] == 0o755} == {
        "a", "a/empty", "bin", "bin/tool", "d" * 90,
    }  # fmt: skip
    assert read["link"][7] == "a/b"
    for name, content in FILES.items():
        expected = content.encode() if isinstance(content, str) else content
        assert read[name][8] == expected


def test_what_a_zip_has(here: Path, stage: Stage, back: Back) -> None:
    """The same of a zip, which has the modes of Unix, names in UTF-8 and no extra fields."""
    build(here / "dist", FILES)
    (here / "dist" / "bin" / "tool").chmod(0o755)

    read = read_zip(back(stage("dist", archive="zip")))

    assert list(read) == sorted(read, key=lambda name: os.fsencode(name.rstrip("/")))
    assert {facts[1:3] for facts in read.values()} == {((1980, 1, 1, 0, 0, 0), b"")}
    assert all(facts[3] & 0x800 for facts in read.values())
    assert read["bin/tool"][0] == "0o100755"
    assert read["a.txt"][0] == "0o100644"
    assert read["a/empty/"][0] == "0o40755"
    assert read["bin/zażółć"][4] == "ü".encode()


@pytest.mark.parametrize(
    ("text", "tar", "zipped"),
    [
        ("1700000001", 1_700_000_001, (2023, 11, 14, 22, 13, 20)),
        ("0", 0, (1980, 1, 1, 0, 0, 0)),
        ("8589934591", 8_589_934_591, (2107, 12, 31, 23, 59, 58)),
    ],
)
def test_source_date_epoch(
    text: str, tar: int, zipped: tuple[int, ...], here: Path, region: Path, back: Back,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """The time of everything is that of SOURCE_DATE_EPOCH; zip has the nearest that it knows."""
    from tests.support.limits import Session

    build(here / "dist", {"a": "a"})
    monkeypatch.setenv("SOURCE_DATE_EPOCH", text)
    session = Session(regions=f"file://{region}")

    one = session.stage("P", "1.0.0", "dist")
    other = session.stage("P", "2.0.0", "dist", archive="zip")

    assert read_tar(back(one))["a"][6] == tar
    assert read_zip(back(other))["a"][1] == zipped
    assert one.artifact.tree == other.artifact.tree


@pytest.mark.parametrize("text", ["yesterday", "-1", "8589934592", "1e9", "٣"])
def test_no_time(text: str, here: Path, region: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is no time is refused by the name of the variable."""
    from tests.support.limits import Session

    build(here / "dist", {"a": "a"})
    monkeypatch.setenv("SOURCE_DATE_EPOCH", text)

    with pytest.raises(InputError, match=r"SOURCE_DATE_EPOCH is '.*', expected a number of sec"):
        Session(regions=f"file://{region}").stage("P", "1.0.0", "dist")


def test_what_the_tree_is_of(here: Path, stage: Stage) -> None:
    """The tree changes with a name, a byte, a mode, a target or an empty directory."""
    build(here / "d", {"a": "a", "l": "-> a", "f/x": "x"})
    another = here / "another"
    another.symlink_to("b")
    trees = [stage("d").artifact.tree]
    steps: Mapping[str, Callable[[], object]] = {
        "name": lambda: (here / "d/a").rename(here / "d/b"),
        "byte": lambda: (here / "d/b").write_text("b"),
        "mode": lambda: (here / "d/b").chmod(0o700),
        "target": lambda: another.replace(here / "d/l"),
        "directory": lambda: (here / "d/e").mkdir(),
    }

    for change in steps.values():
        change()
        trees.append(stage("d").artifact.tree)

    assert len(set(trees)) == len(trees)
