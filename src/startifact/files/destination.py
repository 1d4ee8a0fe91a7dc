"""The file that a download writes: what may be at its path, and how it appears in one step."""

import contextlib
import errno
import hashlib
import os
import secrets
import stat
from collections.abc import Iterator
from pathlib import Path

from startifact.concurrency.deadline import check_deadline
from startifact.errors import InputError, IntegrityError, LocalFileError
from startifact.files.trouble import WITHOUT_MODES, local_error
from startifact.hints import Hint, Option
from startifact.limits import BLOCK_BYTES, MAX_LINKS
from startifact.model.filenames import check_filename, composed
from startifact.model.keys import Key
from startifact.model.record import Record
from startifact.text import quoted

_CREATE = os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0) | getattr(
    os, "O_BINARY", 0
)  # fmt: skip


_IS_DIRECTORY = Hint.of(
    "Name a file, or set ", Option("load-filename", "true"), " to restore the saved name in it"
)


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
        return folder / check_filename(composed(record.filename))
    except InputError as e:
        # Whoever can write to the bucket chose this name; as a path it could be any file.
        raise IntegrityError(
            f"the saved {e.message}: it is not used", hint="Download to a file name of your own"
        ) from e


def path_of(text: str | Path) -> Path:
    """Return the path that *text* is; nothing is none, and not the working directory.

    Raises:
        InputError: It is empty, as that of a variable that was not set.
    """
    if isinstance(text, str) and not text.strip():
        raise InputError("a path is empty", hint="Name a file or a directory, such as .")
    return Path(text)


def is_directory_text(path: str) -> bool:
    """Say whether *path* ends as only the path of a directory does."""
    return path.endswith(("/", os.sep, *((os.altsep,) if os.altsep else ())))


def file_to_write(path: Path) -> Path:
    """Return the file that a download to *path* writes: *path*, or what it leads to as a link.

    Raises:
        InputError: A directory, a pipe, a device or an open stream is there, links lead round in a
            circle, or it is not a path.
        LocalFileError: What is there cannot be examined, or a link leads to a folder that is not
            there.
    """
    with local_errors(path):
        try:
            target = _followed(path)
            mode = target.stat().st_mode
        except (FileNotFoundError, NotADirectoryError):
            _check_folder_of_link(path, target)
            return target
        except ValueError as e:
            raise InputError(f"{quoted(str(path))} is not a path") from e
    if stat.S_ISDIR(mode):
        raise InputError(f"{quoted(str(path))} is a directory", hint=_IS_DIRECTORY)
    if not stat.S_ISREG(mode):
        raise InputError(f"{quoted(str(path))} is not a regular file", hint=_NAME_A_FILE)
    return target


_NAME_A_FILE = (
    "Name a file that may be replaced, and pass its content on afterwards: nothing is written "
    "to a pipe or a device"
)


def _followed(path: Path) -> Path:
    """Return what *path* leads to through links, there or not; *path* itself where it is none."""
    target = path
    for _ in range(MAX_LINKS):
        if not target.is_symlink():
            return target if target is path else Path(os.path.realpath(target))
        folder = Path(os.path.realpath(target.parent))
        if folder == Path("/dev") or folder.is_relative_to("/proc"):
            # It stands for what a process has open, which may be a file that others write to.
            raise InputError(f"{quoted(str(path))} is not a regular file", hint=_NAME_A_FILE)
        target = folder / target.readlink()
    raise InputError(
        f"{quoted(str(path))} is a link, and links lead from there round in a circle",
        hint="Remove the link, or name another file",
    )


def _check_folder_of_link(path: Path, target: Path) -> None:
    if target is not path and not target.parent.is_dir():
        raise LocalFileError(
            f"cannot write {quoted(str(path))}: it is a link to {quoted(str(target))}, and there "
            "is no such folder",
            hint="Make the folder, or remove the link",
        )


def make_folder_of(path: Path) -> None:
    """Make the folder of *path* where it is missing.

    Raises:
        OSError: It cannot be made, or something else is there.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except FileExistsError as e:  # which would read as if *path* existed
        wrong = errno.ENOTDIR
        raise NotADirectoryError(wrong, os.strerror(wrong), str(path.parent)) from e


def has_bytes_of(path: Path, record: Record) -> bool:
    """Say whether *path* is a file with the recorded bytes."""
    if not path.is_file():
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
            # Whoever could read what was there can read what replaces it. Without setuid and
            # setgid: these are other bytes.
            _set_mode(temporary, path.stat().st_mode & 0o777)
        temporary.replace(path)


def _set_mode(path: Path, mode: int) -> None:
    """Give *path* the permissions in *mode*, where its file system has any."""
    try:
        path.chmod(mode)
    except OSError as e:
        # The file is our own, so these say that the file system knows no modes, as some shares do.
        if e.errno not in WITHOUT_MODES:
            raise


@contextlib.contextmanager
def local_errors(path: Path) -> Iterator[None]:
    """Raise a `LocalFileError` where the system cannot write to *path*."""
    try:
        yield
    except OSError as e:
        raise local_error("write", path, e) from e
