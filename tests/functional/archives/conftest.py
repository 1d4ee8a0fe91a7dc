"""A folder with files in it, and a session that stages what is there."""

import os
import tarfile
import zipfile
from collections.abc import Callable, Sequence
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from startifact import Staging
from tests.support.limits import Session

Stage = Callable[..., Staging]


def build(root: Path, files: dict[str, str | bytes | None]) -> Path:
    """Make *files* in *root*: text or bytes, with ``None`` a folder; ``-> x`` a link to x."""
    for name, content in files.items():
        path = root / name
        (path if content is None else path.parent).mkdir(parents=True, exist_ok=True)
        if isinstance(content, str) and content.startswith("-> "):
            path.symlink_to(content.removeprefix("-> "))
        elif content is not None:
            path.write_bytes(content.encode() if isinstance(content, str) else content)
    return root


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the working directory, which is empty."""
    folder = tmp_path / "work"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def region(tmp_path: Path) -> Path:
    """Return the directory of the one region."""
    return tmp_path / "region"


@pytest.fixture
def stage(region: Path) -> Stage:
    """Return a function that stages paths, each time as a new version."""
    session, numbers = Session(regions=f"file://{region}"), count(1)

    def staged(path: str | Path | Sequence[str | Path], **options: Any) -> Staging:
        return session.stage("SugarWater", f"1.0.{next(numbers)}", path, **options)

    return staged


@pytest.fixture
def back(tmp_path: Path) -> Callable[[Staging], Path]:
    """Return a function that downloads what was staged, and returns the file."""

    def downloaded(staging: Staging) -> Path:
        return staging.artifact.downloader.download(tmp_path / f"{staging.artifact.version}.back")

    return downloaded


def members_of(staging: Staging) -> list[str]:
    """Return the paths in the archive that was staged, in its order."""
    with TemporaryDirectory() as folder:
        path = staging.artifact.downloader.download(f"{folder}/archive")
        if staging.artifact.archive == "zip":
            return [name.rstrip("/") for name in zipfile.ZipFile(path).namelist()]
        with tarfile.open(path) as archive:
            return archive.getnames()


def read_tar(path: Path) -> dict[str, tuple[Any, ...]]:
    """Return what Python's tarfile says of each member, and its bytes."""
    with tarfile.open(path, "r:gz") as archive:
        return {
            member.name: (
                member.type, member.mode, member.uid, member.gid, member.uname, member.gname,
                member.mtime, member.linkname,
                archive.extractfile(member).read() if member.isfile() else None,  # type: ignore[union-attr]
            )
            for member in archive.getmembers()
        }  # fmt: skip


def read_zip(path: Path) -> dict[str, tuple[Any, ...]]:
    """Return what Python's zipfile says of each member, and its bytes."""
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        return {
            member.filename: (
                oct(member.external_attr >> 16), member.date_time, member.extra, member.flag_bits,
                archive.read(member),
            )
            for member in archive.infolist()
        }  # fmt: skip


as_user = pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can be somebody else"
)
