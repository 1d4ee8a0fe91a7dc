"""Removing folders."""

import os
import subprocess
import sys
import tracemalloc
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from startifact.files.tree_removal import remove_tree


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


AS_ANOTHER = """
import os, sys
from pathlib import Path
from startifact.files.tree_removal import remove_tree
if os.geteuid() == 0:
    os.setuid(65534)  # root may remove everything
remove_tree(Path(sys.argv[1]))
"""


@pytest.mark.skipif(os.name == "nt", reason="modes of directories mean nothing there")
def test_what_cannot_be_removed_stays() -> None:
    """Everything else is removed, and there is no error."""
    with TemporaryDirectory() as parent:  # where another user may look, as pytest's are not
        folder = Path(parent, "folder")
        (folder / "closed").mkdir(parents=True)
        (folder / "closed" / "file").write_text("sugar")
        (folder / "file").write_text("sugar")
        for path, mode in ((Path(parent), 0o777), (folder, 0o777), (folder / "closed", 0o555)):
            path.chmod(mode)

        subprocess.run([sys.executable, "-c", AS_ANOTHER, str(folder)], check=True)

        assert [path.name for path in folder.rglob("*")] == ["closed", "file"]
        (folder / "closed").chmod(0o700)


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
