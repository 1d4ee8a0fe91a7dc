"""Which names the members of an archive may have, and where their links may lead.

An archive comes from a bucket, and whoever can write to the bucket chose the names in it.
"""

import re
import sys
import unicodedata
from collections.abc import Callable

from startifact.limits import MAX_FILENAME_BYTES, MAX_MEMBER_DEPTH, MAX_MEMBER_PATH_BYTES
from startifact.model.filenames import filename_trouble
from startifact.text import quoted

_DRIVE = re.compile(r"[A-Za-z]:")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


def member_path(name: str) -> str:
    """Return *name* as a path without ``.`` and without slashes that mean nothing.

    Empty for the folder that everything is extracted into.
    """
    return "/".join(part for part in name.split("/") if part not in {"", "."})


def name_trouble(name: str, *, is_directory: bool, windows: bool | None = None) -> str | None:
    """Return why no member may be called *name*; ``None`` where one may.

    *windows* says whether names have to be usable there; by default, where this is Windows.
    """
    on_windows = sys.platform == "win32" if windows is None else windows
    if not member_path(name) and not is_directory:
        return "names no file"
    if name.endswith("/") and not is_directory:
        return "is a file, and ends with a slash"
    return (
        _text_trouble(name, windows=on_windows)
        or _path_trouble(name)
        # What is one name here is a path on Windows, and only an archive that does harm has it.
        or _path_trouble(name.replace("\\", "/"))
        or _parts_trouble(name, windows=on_windows)
    )


def link_trouble(target: str) -> str | None:
    """Return why no link may lead to *target*, whatever member it is; ``None`` where one may."""
    if not target:
        return "is a link to nothing"
    # Not there alone: where it leads would be another place on Windows.
    trouble = _text_trouble(target, windows=True)
    if trouble := trouble or _path_trouble(target, may_go_up=True):
        return f"is a link, and what it leads to {trouble}"
    return None


def way_trouble(path: str, target: str, is_link: Callable[[str], bool]) -> str | None:
    """Return why the link at *path* may not lead to *target*, of whose folders some are links.

    It may lead through other links, and not up again behind one: by its text that is another
    folder than by what is on the disk, and the one may be inside where the other is not.
    """
    link: str | None = None
    stack = path.split("/")[:-1]
    for part in target.split("/"):
        if part == "..":
            if link is not None:
                return f"is a link that leads up again behind {quoted(link)}, which is a link"
            del stack[-1:]
        elif part not in {"", "."}:
            stack.append(part)
            if link is None and is_link("/".join(stack)):
                link = "/".join(stack)
    return None


def _text_trouble(text: str, *, windows: bool) -> str | None:
    categories = {unicodedata.category(c) for c in text} if not text.isascii() else set()
    if "Cs" in categories:
        return "is not UTF-8"
    if "Cc" in categories or _CONTROL.search(text):
        return "has a control character in it"
    if windows and "\\" in text:
        return "has a backslash in it, which is a slash on Windows"
    if len(text.encode()) > MAX_MEMBER_PATH_BYTES:
        return f"is longer than {MAX_MEMBER_PATH_BYTES:,} bytes"
    return None


def _path_trouble(text: str, *, may_go_up: bool = False) -> str | None:
    if text.startswith("/"):
        return "is absolute"
    if _DRIVE.match(text):
        return "begins with a drive letter"
    if not may_go_up and ".." in text.split("/"):
        return "has .. in it"
    return None


def _parts_trouble(name: str, *, windows: bool) -> str | None:
    parts = member_path(name).split("/")
    if len(parts) > MAX_MEMBER_DEPTH:
        return f"is more than {MAX_MEMBER_DEPTH} folders deep"
    for part in parts:
        if len(part.encode()) > MAX_FILENAME_BYTES:
            return f"has a part that is longer than {MAX_FILENAME_BYTES} bytes"
        if windows and part and not part.startswith("-") and (why := filename_trouble(part)):
            return f"has a part that {why}"
    return None
