"""Removing folders."""

import os
import tracemalloc
from pathlib import Path

import pytest

from startifact.files.removal import remove_tree


def test_everything(tmp_path: Path) -> None:
    """All that is in a folder is removed with it, and nothing that a link leads to."""
    kept, folder = tmp_path / "kept", tmp_path / "folder"
    kept.mkdir()
    (kept / "file").write_text("sugar")
    (folder / "a" / "b").mkdir(parents=True)
    (folder / "a" / "b" / "file").write_text("sugar")
    (folder / "empty").mkdir()
    (folder / "link").symlink_to(kept)
    (folder / "a" / "dangling").symlink_to("nowhere")

    remove_tree(folder)
    remove_tree(tmp_path / "absent")

    assert [path.name for path in tmp_path.iterdir()] == ["kept"]
    assert (kept / "file").read_text() == "sugar"


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root may remove everything")
def test_what_cannot_be_removed_stays(tmp_path: Path) -> None:
    """Everything else is removed, and there is no error."""
    (tmp_path / "folder" / "closed").mkdir(parents=True)
    (tmp_path / "folder" / "closed" / "file").write_text("sugar")
    (tmp_path / "folder" / "file").write_text("sugar")
    (tmp_path / "folder" / "closed").chmod(0o500)

    remove_tree(tmp_path / "folder")

    assert [path.name for path in (tmp_path / "folder").iterdir()] == ["closed"]
    (tmp_path / "folder" / "closed").chmod(0o700)


def test_memory(tmp_path: Path) -> None:
    """Memory does not grow with how much is in one folder."""
    for number in range(2000):
        (tmp_path / f"a-file-with-a-name-{number}").touch()

    tracemalloc.start()
    try:
        remove_tree(tmp_path)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert not tmp_path.exists()
    assert most < 100_000
