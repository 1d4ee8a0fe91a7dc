"""What the system says of local files, in words, and what can be done about it."""

import errno
from pathlib import Path

from startifact.errors import LocalFileError
from startifact.text import quoted

_TOO_MANY_OPEN = frozenset({errno.EMFILE, errno.ENFILE})
_FULL = frozenset({errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC)})

WITHOUT_MODES = frozenset({errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS})
"""How changing the mode of one's own file fails where the file system has no modes."""


def too_many_open(error: OSError) -> bool:
    """Say whether *error* is about how many files are open, and not about one of them."""
    return error.errno in _TOO_MANY_OPEN


def is_full(error: OSError) -> bool:
    """Say whether *error* is that there is no space left."""
    return error.errno in _FULL


def local_error(verb: str, path: Path | str, error: OSError) -> LocalFileError:
    """Return what to tell where *error* was raised when *path* was to be read or written."""
    return LocalFileError(
        f"cannot {verb} {quoted(str(path))}: {error.strerror or error}", hint=hint_of(error)
    )


def hint_of(error: OSError) -> str | None:
    """Return what to do about *error*; ``None`` where it says enough itself."""
    if error.errno == errno.EMFILE:
        return "Let the process open more files at a time, in a shell with ulimit -n 1024"
    if error.errno == errno.ENFILE:
        return "The whole machine has too many files open: end other programs, or raise its limit"
    if is_full(error):
        return "Free some space there, or name another folder"
    return None
