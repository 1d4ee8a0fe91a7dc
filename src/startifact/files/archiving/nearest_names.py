"""The names that are there, for whoever asked for one that is not."""

import difflib
from collections.abc import Iterable
from pathlib import Path

from startifact.files.archiving.patterns import Pattern, is_hidden
from startifact.limits import NEAREST_NAMES
from startifact.text import quoted, quoted_list


def names_like(texts: Iterable[str]) -> str:
    """Return the names beside *texts*, which are not there, that are like them; empty without."""
    found: list[str] = []
    for path in map(Path, texts):
        found += difflib.get_close_matches(path.name, _names_in(path.parent), NEAREST_NAMES)
    return quoted_list(found)


def what_is_in(pattern: Pattern) -> str:
    """Return what is in the folder that *pattern* begins in, the names most like its own first."""
    path = Path(pattern.fixed)
    if not path.is_dir():
        there = next(p for p in (*path.parents, Path.cwd()) if p.is_dir())
        has = f"{quoted(str(there.absolute()))} has {_some(there, path.name)}"
        return f"there is no folder {quoted(pattern.fixed)}, and {has}"
    return f"{quoted(str(path.absolute()))} has {_some(path, pattern.parts[0])}"


def _some(folder: Path, wanted: str) -> str:
    names = _names_in(folder)
    if not names:
        return "nothing in it"
    nearest = difflib.get_close_matches(wanted, names, NEAREST_NAMES, cutoff=0.3)
    return quoted_list([*nearest, *(n for n in names if n not in nearest)], NEAREST_NAMES)


def _names_in(folder: Path) -> list[str]:
    try:
        return sorted(path.name for path in folder.iterdir() if not is_hidden(path.name))
    except (OSError, ValueError):
        return []
