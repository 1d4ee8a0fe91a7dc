"""Removing folders, also with very many files in one."""

import contextlib
import os
import shutil
from pathlib import Path


def remove_tree(folder: Path) -> None:
    """Remove *folder* and what is in it, as far as it can be removed.

    `shutil.rmtree` has in memory all that is in one folder, so that only what this could not remove
    is left to it.
    """
    _empty(str(folder))
    shutil.rmtree(folder, ignore_errors=True)


def _empty(folder: str) -> None:
    with contextlib.suppress(OSError, RecursionError):
        # Some file systems pass over entries where others are removed meanwhile.
        while _remove_once(folder):
            pass


def _remove_once(folder: str) -> bool:
    """Remove what is in *folder*, and return whether anything could be."""
    is_any = False
    with os.scandir(folder) as entries:
        for entry in entries:
            with contextlib.suppress(OSError):
                if entry.is_dir(follow_symlinks=False):
                    _empty(entry.path)
                    os.rmdir(entry.path)
                else:
                    os.unlink(entry.path)
                is_any = True
    return is_any
