"""Which file names are safe: one path component, on every system.

A saved file name comes from a bucket, and whoever can write to the bucket chose it.
"""

import unicodedata

from startifact.errors import InputError
from startifact.limits import MAX_FILENAME_BYTES
from startifact.text import quoted

_DEVICES = frozenset(
    {"con", "prn", "aux", "nul", "conin$", "conout$"}
    | {f"{port}{n}" for port in ("com", "lpt") for n in "0123456789¹²³"}
)


def composed(name: str) -> str:
    """Return *name* in Unicode's form NFC, in which names are stored and compared.

    File systems write one name in two spellings: an accented letter is one character on most, and
    a letter and its accent on some of Apple's.
    """
    return unicodedata.normalize("NFC", name)


def check_filename(name: str) -> str:
    """Return *name* when it is one path component that is safe on every system.

    Raises:
        InputError: It names a folder, a path or a device, or cannot be shown or stored.
    """
    reason = filename_trouble(name)
    if reason is None:
        return name
    raise InputError(f"file name {quoted(name)} {reason}", hint="Rename the file")


def filename_trouble(name: str) -> str | None:
    """Return why *name* is not one path component that is safe on every system."""
    if name in {"", ".", ".."}:
        return "names no file"
    if any(c in '/\\:<>"|?*' for c in name):
        return 'has one of / \\ : < > " | ? * in it'
    if any(unicodedata.category(c) in {"Cc", "Cf", "Cs", "Zl", "Zp"} for c in name):
        return "has a character in it that cannot be shown"
    if name.startswith(("-", " ")) or name.endswith((".", " ")):
        return "begins with a dash or a space, or ends with a dot or a space"
    if name.split(".", 1)[0].rstrip(" ").lower() in _DEVICES:
        return "is the name of a device on Windows"
    if len(name.encode()) > MAX_FILENAME_BYTES:
        return f"is longer than {MAX_FILENAME_BYTES} bytes"
    return None
