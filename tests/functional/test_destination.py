"""The file that a download ends in: what may be there already, and what it looks like after."""

import errno
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from startifact import Artifact, Session
from startifact.errors import InputError, LocalFileError

MakeFile = Callable[..., Path]

CONTENT = b"sugar and water"


@pytest.fixture
def staged(directories: list[str], make_file: MakeFile) -> Artifact:
    """Return an artifact that is staged in three directories."""
    return Session(regions=directories).stage("SugarWater", "1.0.0", make_file(CONTENT)).artifact


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """Return a folder to download to."""
    (tmp_path / "out").mkdir()
    return tmp_path / "out"


def mode(path: Path) -> int:
    """Return who may do what with the file at *path*."""
    return path.stat().st_mode & 0o777


def names(folder: Path) -> list[str]:
    """Return what is in *folder*."""
    return sorted(path.name for path in folder.iterdir())


def test_link_to_a_directory_is_no_destination(staged: Artifact, out: Path, tmp_path: Path) -> None:
    """A link that leads to a directory is refused as the directory is, and stays."""
    (tmp_path / "folder").mkdir()
    (out / "back").symlink_to(tmp_path / "folder")

    with pytest.raises(InputError, match="back' is a directory"):
        staged.downloader.download(out / "back")

    assert (out / "back").is_symlink()
    assert names(tmp_path / "folder") == []


def test_link_to_a_pipe_is_no_destination(staged: Artifact, out: Path, tmp_path: Path) -> None:
    """A link that leads to what is no file is refused as that is, and both stay."""
    os.mkfifo(tmp_path / "pipe")
    (out / "back").symlink_to(tmp_path / "pipe")

    with pytest.raises(InputError, match="back' is not a regular file"):
        staged.downloader.download(out / "back")

    assert (out / "back").is_symlink()
    assert (tmp_path / "pipe").is_fifo()


def test_links_in_a_circle_are_no_destination(staged: Artifact, out: Path) -> None:
    """Links that lead round in a circle are refused, and stay."""
    (out / "back").symlink_to(out / "forth")
    (out / "forth").symlink_to(out / "back")

    with pytest.raises(InputError, match="round in a circle"):
        staged.downloader.download(out / "back")

    assert names(out) == ["back", "forth"]
    assert (out / "back").is_symlink()


def test_name_that_cannot_be_looked_at(staged: Artifact, out: Path) -> None:
    """A name that the system does not even look up is local trouble, in a folder that is there."""
    with pytest.raises(LocalFileError, match=r"cannot write .*: File name too long") as caught:
        staged.downloader.download(out / ("x" * 300))

    assert caught.value.exit_code == 9
    assert names(out) == []


@pytest.mark.parametrize(("umask", "expected"), [(0, 0o666), (0o022, 0o644), (0o077, 0o600)])
def test_mode_of_a_new_file(staged: Artifact, out: Path, umask: int, expected: int) -> None:
    """A new file may be read and written by all whom the umask allows, and run by nobody."""
    before = os.umask(umask)
    try:
        staged.downloader.download(out / "back")
    finally:
        os.umask(before)

    assert mode(out / "back") == expected


def test_mode_of_a_file_that_is_replaced(staged: Artifact, out: Path) -> None:
    """A file that is replaced keeps its mode: who might not read the old one may not the new."""
    (out / "back").write_text("old")
    (out / "back").chmod(0o640)

    staged.downloader.download(out / "back")

    assert (out / "back").read_bytes() == CONTENT
    assert mode(out / "back") == 0o640


def test_mode_of_a_link_is_not_kept(staged: Artifact, out: Path) -> None:
    """The mode of a link, by which anybody may do anything, is not that of the file it leads to."""
    (out / "back").symlink_to("nowhere")
    before = os.umask(0o022)
    try:
        staged.downloader.download(out / "back")
    finally:
        os.umask(before)

    assert mode(out / "nowhere") == 0o644


def test_mode_of_a_file_behind_a_link(staged: Artifact, out: Path) -> None:
    """A file that is replaced through a link keeps its mode."""
    (out / "file").write_text("old")
    (out / "file").chmod(0o640)
    (out / "back").symlink_to("file")

    staged.downloader.download(out / "back")

    assert (out / "file").read_bytes() == CONTENT
    assert mode(out / "file") == 0o640


@pytest.mark.parametrize("error", [errno.EPERM, errno.ENOTSUP])
def test_share_without_modes(
    staged: Artifact, out: Path, monkeypatch: pytest.MonkeyPatch, error: int
) -> None:
    """Where a file system knows no modes the file is replaced all the same."""
    (out / "back").write_text("old")

    def chmod(*_: object, **__: object) -> None:
        raise OSError(error, os.strerror(error))

    monkeypatch.setattr(os, "chmod", chmod)
    staged.downloader.download(out / "back")

    assert (out / "back").read_bytes() == CONTENT
