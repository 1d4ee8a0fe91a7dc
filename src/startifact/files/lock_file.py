"""Reading and writing a lock file."""

import stat
from collections.abc import Iterable
from pathlib import Path

from startifact.errors import InputError, LocalFileError
from startifact.files.destination import (
    file_to_write,
    local_errors,
    replace_file,
    temporary_beside,
)
from startifact.files.trouble import local_error
from startifact.hints import Command, Hint, Option
from startifact.limits import MAX_LOCK_FILE_BYTES
from startifact.model.lock_file import EntryKey, LockEntry, parse_lock, render_lock
from startifact.text import quoted

_NAME_ANOTHER = Hint.of("Name the file with ", Option("lock-file"))
_MAKE_IT = Hint.of(
    "Name another one with ", Option("lock-file"),
    ", or make it with ", Command("lock", "PROJECT@SELECTOR"),
)  # fmt: skip


def read_lock(path: Path, *, may_be_absent: bool = False) -> dict[EntryKey, LockEntry]:
    """Return the entries of the lock file *path*; none where it is absent and may be.

    Raises:
        InputError: It is not a lock file, or not one of these entries can be used as it is written.
        NewerFormatError: A newer Startifact has written it.
        LocalFileError: It is absent, or cannot be read.
    """
    name = quoted(str(path))
    try:
        # A pipe or a device might have no end, or never begin.
        if not stat.S_ISREG(path.stat().st_mode):
            raise InputError(f"lock file {name} is not a regular file", hint=_NAME_ANOTHER)
        with path.open("rb") as file:
            content = file.read(MAX_LOCK_FILE_BYTES + 1)
    except FileNotFoundError as e:
        if may_be_absent:
            return {}
        raise LocalFileError(f"there is no lock file {name}", hint=_MAKE_IT) from e
    except OSError as e:
        raise local_error("read", path, e) from e
    except ValueError as e:
        raise InputError(f"lock file {name} is not a path", hint=_NAME_ANOTHER) from e
    if len(content) > MAX_LOCK_FILE_BYTES:
        raise InputError(
            f"{name} is not a lock file: it has more than {MAX_LOCK_FILE_BYTES:,} bytes",
            hint=_NAME_ANOTHER,
        )
    return parse_lock(content, str(path))


def write_lock(path: Path, entries: Iterable[LockEntry]) -> None:
    """Put a lock file with *entries* at *path* in one step; a link is followed, and stays.

    Raises:
        InputError: Something else than a file is there.
        LocalFileError: It cannot be written; what was there is as it was.
    """
    target = file_to_write(path)
    with temporary_beside(target) as temporary:
        with local_errors(path):
            temporary.write_bytes(render_lock(entries).encode("ascii"))
        replace_file(temporary, target)
