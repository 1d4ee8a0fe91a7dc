"""What works in a directory that is a region, and what does not."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from startifact.errors import ConfigurationError
from startifact.limits import MIB, MIN_FREE_BYTES
from startifact.model.examination import (
    DIRECTORY,
    FILE_SYSTEM,
    FREE_SPACE,
    LOCKS,
    Check,
    ExaminationRequest,
    failed,
    failed_by,
    not_tried,
    ok,
    unknown,
)
from startifact.permissions import WRITING
from startifact.regions.directory.filelock import check_lockable
from startifact.text import quoted

_MODES = "Check the owner and the mode of the directory"


def examine(root: Path, request: ExaminationRequest) -> Iterator[Check]:
    """Yield what is found of the directory *root*; see `Region.examine`."""
    writes = request.operation in WRITING
    directory = _directory(root, writes=writes)
    yield directory
    if not directory.next_step:
        yield from _details(root, writes=writes)


def _directory(root: Path, *, writes: bool) -> Check:
    name, text = DIRECTORY, quoted(str(root))
    if not os.path.lexists(root):
        parent = _existing(root)
        if not writes:
            return ok(name, f"{text} is not there yet: nothing was staged")
        if not os.access(parent, os.W_OK | os.X_OK):
            found = f"{text} is not there, and cannot be made in {quoted(str(parent))}"
            return failed(name, found, _MODES)
        return ok(name, f"{text} is not there yet: the first staging makes it")
    if not root.is_dir():
        return failed(
            name, f"{text} is no directory", "Name another directory, or move away what is there"
        )
    if not os.access(root, os.R_OK | os.X_OK):
        return failed(name, f"{text} cannot be read", _MODES)
    if writes and not os.access(root, os.W_OK):
        return failed(name, f"{text} cannot be written", _MODES)
    return ok(name, f"{text} can be {'written' if writes else 'read'}")


def _existing(root: Path) -> Path:
    """Return the nearest folder above *root* that is there."""
    return next(parent for parent in root.parents if parent.exists())


def _details(root: Path, *, writes: bool) -> Iterator[Check]:
    there = root if root.exists() else _existing(root)
    if writes:
        yield _locks(there) if there == root else not_tried(LOCKS, "there is no directory yet")
        free = shutil.disk_usage(there).free
        found = f"{free // MIB:,} MiB are free"
        yield (
            ok(FREE_SPACE, found)
            if free >= MIN_FREE_BYTES
            else failed(FREE_SPACE, found, "Free some space there, or name another directory")
        )
    yield ok(FILE_SYSTEM, "no other region is on it", str(there.stat().st_dev))


def _locks(root: Path) -> Check:
    """Return whether a file in *root* can be written and locked; it has no name, or is removed."""
    try:
        with tempfile.TemporaryFile(dir=root) as file:
            check_lockable(file.fileno(), root)
    except ConfigurationError as e:
        return failed_by(LOCKS, e)
    except OSError as e:
        return unknown(LOCKS, f"a file cannot be made in {quoted(str(root))}: {e.strerror}", _MODES)
    return ok(LOCKS, "files can be locked")
