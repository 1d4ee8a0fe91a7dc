"""Files that a later step can clean up.

In its container the action is root, and the workspace belongs to the runner's user, who could not
remove what root has made there.
"""

import contextlib
import logging
import os
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from startifact.text import quoted

logger = logging.getLogger(__name__)

_FileStamp = tuple[int, int, int, int]


@contextlib.contextmanager
def given_to_owner_of(workspace: Path | None, paths: Iterable[Path]) -> Iterator[None]:
    """Give what the block makes at or below *paths*, or on the way there, to the owner of
    *workspace*, however the block ends. What was there keeps its owner.
    """
    owner = _owner(workspace)
    if owner is None:
        yield
        return
    absolute = [target.parent.resolve() / target.name for target in paths]
    before = {path: stamp for target in absolute for path, stamp in _everything(target)}
    try:
        yield
    finally:
        try:
            _give(_made(absolute, before), *owner)
        except BaseException:  # a signal, just now; those that follow are not heard for a while
            _give(_made(absolute, before), *owner)
            raise


def _made(paths: list[Path], before: dict[Path, _FileStamp]) -> list[Path]:
    """Return what is there of *paths* and was not, or was something else."""
    return [
        path for target in paths for path, stamp in _everything(target) if before.get(path) != stamp
    ]


def _owner(workspace: Path | None) -> tuple[int, int] | None:
    """Return the user and the group to give files to; ``None`` when that is not ours to do."""
    if workspace is None or not _is_root():
        return None
    try:
        status = workspace.stat()
    except OSError:
        return None
    return (status.st_uid, status.st_gid)


def _everything(target: Path) -> Iterator[tuple[Path, _FileStamp]]:
    """Yield what is there of *target*, the folders that lead to it, and all that is below it."""
    for path in (*reversed(target.parents), target):
        with contextlib.suppress(OSError):
            yield path, _file_stamp(path)
    for folder, names, files in os.walk(target):
        for name in (*names, *files):
            with contextlib.suppress(OSError):
                yield Path(folder, name), _file_stamp(Path(folder, name))


def _file_stamp(path: Path) -> _FileStamp:
    """Return what identifies the file at *path*: another in its place may have the same number."""
    status = path.lstat()
    return (status.st_dev, status.st_ino, status.st_uid, status.st_gid)


def _give(paths: list[Path], user: int, group: int) -> None:
    failed: OSError | None = None
    for path in paths:
        try:
            _change_owner(path, user, group)
        except OSError as e:
            failed = failed or e
    if failed:
        logger.warning(
            "cannot give %s to the owner of the workspace: %s",
            quoted(str(failed.filename)),
            failed.strerror,
        )


if sys.platform == "win32":  # pragma: no cover  # runs in the workflow for Windows

    def _is_root() -> bool:
        return False

    def _change_owner(path: Path, user: int, group: int) -> None:
        raise NotImplementedError(path, user, group)

else:

    def _is_root() -> bool:
        return os.geteuid() == 0

    def _change_owner(path: Path, user: int, group: int) -> None:
        os.chown(path, user, group, follow_symlinks=False)
