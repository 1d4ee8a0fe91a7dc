"""The file that a download writes: what may be at its path, and how it appears in one step."""

import contextlib
import hashlib
import os
import secrets
import stat
from collections.abc import Iterator
from pathlib import Path

from startifact.concurrency.deadline import check_deadline
from startifact.errors import InputError, IntegrityError, LocalFileError
from startifact.hints import Hint, Option
from startifact.limits import BLOCK_BYTES
from startifact.model.filenames import check_filename
from startifact.model.keys import Key
from startifact.model.record import Record
from startifact.text import quoted

_CREATE = os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0) | getattr(
    os, "O_BINARY", 0
)  # fmt: skip


def saved_destination(folder: Path, record: Record, key: Key) -> Path:
    """Return the path in *folder* that has the file name which was saved with *key*.

    Raises:
        InputError: None was saved.
        IntegrityError: It is not one safe path component.
    """
    if record.filename is None:
        raise InputError(
            f"{key} was staged without its file name",
            hint=Hint.of(
                "Name the file to download to, or stage with ", Option("save-filename", "true")
            ),
        )
    try:
        return folder / check_filename(record.filename)
    except InputError as e:
        # Whoever can write to the bucket chose this name; as a path it could be any file.
        raise IntegrityError(
            f"the saved {e.message}: it is not used", hint="Download to a file name of your own"
        ) from e


def check_destination(path: Path) -> None:
    """Return when *path* may become a file: nothing is there, or a file or a link to replace.

    Raises:
        InputError: A directory, a pipe or a device is there, or it is not a path.
        LocalFileError: What is there cannot be examined.
    """
    with local_errors(path):
        try:
            # A link is replaced, except one to a directory, which the user can hardly have meant.
            mode = path.stat().st_mode if path.is_dir() else path.lstat().st_mode
        except (FileNotFoundError, NotADirectoryError):
            return
        except ValueError as e:
            raise InputError(f"{quoted(str(path))} is not a path") from e
    if stat.S_ISDIR(mode):
        raise InputError(
            f"{quoted(str(path))} is a directory",
            hint=Hint.of(
                "Name a file, or set ",
                Option("load-filename", "true"),
                " to restore the saved name in it",
            ),
        )
    if not stat.S_ISREG(mode) and not stat.S_ISLNK(mode):
        raise InputError(
            f"{quoted(str(path))} is not a regular file", hint="Name a file that may be replaced"
        )


def has_bytes_of(path: Path, record: Record) -> bool:
    """Say whether *path* is a file with the recorded bytes."""
    if path.is_symlink() or not path.is_file():
        return False
    if not record.sha256 or path.stat().st_size != record.size:
        return False
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(BLOCK_BYTES):
            digest.update(block)
            check_deadline()
    return digest.hexdigest() == record.sha256


@contextlib.contextmanager
def temporary_beside(path: Path) -> Iterator[Path]:
    """Make an empty file beside *path*, so that the rename cannot cross a file system.

    Each attempt has its own: a worker that was given up may still wake and write to it.
    """
    temporary = path.parent / f".startifact-{secrets.token_hex(8)}"
    try:
        with local_errors(path):
            os.close(os.open(temporary, _CREATE, 0o666))
        yield temporary
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)


def replace_file(temporary: Path, path: Path) -> None:
    """Put *temporary*, flushed to the disk, in place of what is at *path*."""
    with local_errors(path):
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())
        with contextlib.suppress(FileNotFoundError):
            before = path.lstat().st_mode
            if stat.S_ISREG(before):  # whoever could read what was there can read what replaces it
                # Without setuid and setgid: these are other bytes.
                temporary.chmod(before & 0o777)
        temporary.replace(path)


@contextlib.contextmanager
def local_errors(path: Path) -> Iterator[None]:
    """Raise a `LocalFileError` where the system cannot write to *path*."""
    try:
        yield
    except OSError as e:
        raise LocalFileError(f"cannot write {quoted(str(path))}: {e.strerror}") from e
