"""Files that are given to the owner of the workspace, at whatever moment the step ends."""

import os
import signal
from pathlib import Path

import pytest

from startifact.action.ownership import given_to_owner_of
from tests.support.runner_step import IS_ROOT

OWNER = (1001, 121)
ROOT = (0, 0)

pytestmark = pytest.mark.skipif(
    not IS_ROOT, reason="only root can give files away, as in the container"
)


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """Return a workspace that belongs to the runner's user."""
    os.chown(tmp_path, *OWNER)
    return tmp_path


def owner(path: Path) -> tuple[int, int]:
    status = path.lstat()
    return (status.st_uid, status.st_gid)


def test_stopped_while_files_are_given_away(
    workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A signal that comes just then ends the step after all have been given away."""
    give, asked = os.chown, []

    def stopped(path: Path, *identity: int, follow_symlinks: bool) -> None:
        asked.append(path)
        if len(asked) == 2:
            raise SystemExit(128 + signal.SIGTERM)
        give(path, *identity, follow_symlinks=follow_symlinks)

    monkeypatch.setattr(os, "chown", stopped)
    made = [workspace / name for name in "abc"]

    def make() -> None:
        with given_to_owner_of(workspace, made):
            for path in made:
                path.mkdir()

    with pytest.raises(SystemExit):
        make()

    assert [owner(path) for path in made] == [OWNER] * 3


def test_new_file_with_an_old_number(workspace: Path) -> None:
    """A file that is made where one was removed may get its number, and is given away all the same.

    File systems hand numbers out again at once; here the file only changes hands.
    """
    file = workspace / "file"
    file.write_bytes(b"old")
    os.chown(file, *OWNER)

    with given_to_owner_of(workspace, [file]):
        os.chown(file, *ROOT)

    assert owner(file) == OWNER


def test_somebody_else_s_file(workspace: Path) -> None:
    """What is changed in place stays whose it was, be it root's."""
    folder = workspace / "folder"
    folder.mkdir()
    (folder / "theirs").write_bytes(b"old")
    os.chown(folder / "theirs", 1002, 1002)

    with given_to_owner_of(workspace, [folder]):
        (folder / "theirs").write_bytes(b"new")
        (folder / "ours").write_bytes(b"new")

    assert owner(folder) == ROOT
    assert owner(folder / "theirs") == (1002, 1002)
    assert owner(folder / "ours") == OWNER
