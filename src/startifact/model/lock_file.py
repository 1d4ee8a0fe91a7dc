"""The lock file: for each selector that somebody wrote, the version and bytes it stood for.

It is TOML, with a table for each entry. What is written here is the format: keys, their spelling
and their order.
"""

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from semver import Version

from startifact.errors import InputError, NewerFormatError
from startifact.lazy_dataclasses import dataclass
from startifact.limits import MAX_SIZE_BYTES
from startifact.model.digest import parse_sha256
from startifact.model.keys import artifact_key, check_project
from startifact.model.ranges import Range
from startifact.model.selectors import Selector, parse_selector
from startifact.model.versions import parse_version
from startifact.problems import Problems
from startifact.text import escape_nonprintable, quoted, quoted_list

FORMAT = 1
DEFAULT_LOCK_FILE = "startifact.lock"

_HEADER = f"""\
# Written by Startifact, to be committed and reviewed: what a download with this lock file brings.
# `startifact lock PROJECT@SELECTOR` adds an entry or moves it on, `startifact lock --update` moves
# all on. To remove an entry, delete its lines. Comments are not kept.

format = {FORMAT}
"""
_TABLE = "artifact"
_KEYS = ("project", "selector", "version", "sha256", "size")
_CONFLICT = re.compile(r"^(<<<<<<<|>>>>>>>)( |$)", re.MULTILINE)
_ENTRY_LINE = re.compile(rf"[ \t]*\[\[[ \t]*[\"']?{_TABLE}[\"']?[ \t]*\]\]")
_RESTORE = "Take the file back from version control, or remove it and lock again"
_CORRECT = "Correct it, or take the file back from version control"


@dataclass(frozen=True, slots=True, kw_only=True)
class LockEntry:
    """What *selector* of *project* was locked to."""

    project: str
    selector: str
    """As it was written; an exact version is without its ``v``."""

    version: Version
    sha256: str
    size: int

    def __str__(self) -> str:
        return entry_name(self.project, self.selector)


EntryKey = tuple[str, str]
"""Project and selector, by which an entry is found."""

Entries = Mapping[EntryKey, LockEntry]


def entry_key(project: str, selector: Selector) -> EntryKey:
    """Return by what the entry of *selector* is found."""
    return project, str(selector)


def entry_name(project: str, selector: object) -> str:
    """Return how an entry is written for people."""
    return f"{project}@{selector}"


def render_lock(entries: Iterable[LockEntry]) -> str:
    """Return the text of a lock file with *entries*, by project and then by selector."""
    parts = [_HEADER]
    for entry in sorted(entries, key=lambda e: (e.project, e.selector)):
        values: tuple[str | int, ...] = (
            entry.project, entry.selector, str(entry.version), entry.sha256, entry.size
        )  # fmt: skip
        # All are ASCII, and a string of JSON in ASCII is a basic string of TOML.
        lines = (f"{k} = {json.dumps(v)}" for k, v in zip(_KEYS, values, strict=True))
        parts.append("\n".join(["", f"[[{_TABLE}]]", *lines, ""]))
    return "".join(parts)


def parse_lock(content: bytes, name: str) -> dict[EntryKey, LockEntry]:
    """Return the entries in *content*, which the file *name* has.

    Raises:
        InputError: It is not a lock file; every problem is reported, with its line and entry.
        NewerFormatError: A newer Startifact has written it.
    """
    text, data = _parsed(content, name)
    _check_format(data, name)
    problems = Problems(f"lock file {quoted(name)}")
    tables = data.get(_TABLE, [])
    if unknown := sorted(data.keys() - {"format", _TABLE}):
        problems.say(
            f"{quoted_list(unknown)}: unknown, expected format and {_TABLE}", hint=_CORRECT
        )
    if not isinstance(tables, list):
        expected = f"tables that begin with [[{_TABLE}]]"
        problems.say(f"{_TABLE}: got {_described(tables)}, expected {expected}", hint=_CORRECT)
        tables = []
    found: list[tuple[str, LockEntry]] = []
    for where, table in zip(_places(text, len(tables)), tables, strict=True):
        if (entry := _entry(where, table, problems)) is not None:
            found.append((f"{where}, {entry}", entry))
    _check_together(found, problems)
    problems.raise_if_any()
    return {(entry.project, entry.selector): entry for _, entry in found}


def _parsed(content: bytes, name: str) -> tuple[str, dict[str, object]]:
    # Only here: every command that knows lock files would take 2 ms longer.
    import tomllib

    try:
        text = content.decode()
        return text, tomllib.loads(text)
    except UnicodeDecodeError as e:
        line = content.count(b"\n", 0, e.start) + 1
        what = f"{quoted(name)} is not a lock file: line {line} is not UTF-8"
        raise InputError(what, hint=_RESTORE) from None
    except RecursionError:
        what = f"{quoted(name)} is not a lock file: it is nested too deeply"
        raise InputError(what, hint=_RESTORE) from None
    except ValueError as e:
        if conflict := _CONFLICT.search(text):
            line = text.count("\n", 0, conflict.start()) + 1
            raise InputError(
                f"{quoted(name)} has a conflict of a merge in line {line}",
                hint="Take one of the two sides, and lock again what the other one has",
            ) from None
        what = f"{quoted(name)} is not TOML: {escape_nonprintable(str(e))}"
        raise InputError(what, hint=_RESTORE) from None


def _check_format(data: Mapping[str, object], name: str) -> None:
    number = data.get("format")
    if type(number) is int and number > FORMAT:
        raise NewerFormatError(
            f"lock file {quoted(name)} has the format {_described(number)}, expected {FORMAT}: a "
            "newer Startifact is needed",
            hint="Use the Startifact that wrote it, or a newer one",
        )
    if type(number) is not int or number != FORMAT:
        got = "is missing" if number is None else f"is {_described(number)}"
        what = f"lock file {quoted(name)} is not valid: format {got}, expected {FORMAT}"
        raise InputError(what, hint=_RESTORE)


def _described(value: object) -> str:
    """Return *value* for a message; of what may be too deep or too long to be written, its type."""
    if isinstance(value, dict | list):
        return "a table" if isinstance(value, dict) else "an array"
    if type(value) is int and abs(value) > MAX_SIZE_BYTES:
        return "a very large number"
    return quoted(value)


def _places(text: str, count: int) -> list[str]:
    """Return where each of *count* entries begins: its line, or else which one it is."""
    lines = [n for n, line in enumerate(text.split("\n"), 1) if _ENTRY_LINE.match(line)]
    if len(lines) == count:
        return [f"line {number}" for number in lines]
    return [f"entry {number}" for number in range(1, count + 1)]


def _entry(where: str, table: object, problems: Problems) -> LockEntry | None:
    """Return the entry that *table* is, or ``None`` where that was a problem."""
    if not isinstance(table, dict):
        problems.say(f"{where}: got {_described(table)}, expected a table", hint=_CORRECT)
        return None
    before = len(problems)
    names = [table.get(key) for key in ("project", "selector")]
    named = "@".join(name for name in names if isinstance(name, str))
    where = f"{where}, {quoted(named)}" if named else where
    for key in sorted(table.keys() - set(_KEYS)):
        problems.say(f"{where}: {quoted(key)} is unknown", hint=_CORRECT)
    for key in (key for key in _KEYS if key not in table):
        problems.say(f"{where}: {key} is missing", hint=_CORRECT)
    for key, value in ((key, table[key]) for key in _KEYS if key in table):
        kind = int if key == "size" else str
        if type(value) is not kind:
            expected = "a number of bytes" if kind is int else "a text in quotes"
            got = _described(value)
            problems.say(f"{where}: {key}: got {got}, expected {expected}", hint=_CORRECT)
    if len(problems) > before:
        return None
    return _valid_entry(where, table, problems)


def _valid_entry(where: str, table: Mapping[str, Any], problems: Problems) -> LockEntry | None:
    """Return the entry that *table* is, whose values are of the right types."""
    before = len(problems)
    try:
        project = check_project(table["project"])
        selector = parse_selector(table["selector"])
        version = parse_version(table["version"])
        sha256 = parse_sha256(table["sha256"])
    except InputError as e:
        problems.say(f"{where}: {e.message}", hint=_CORRECT)
        return None
    size = table["size"]
    if not 0 <= size <= MAX_SIZE_BYTES:
        expected = "the number of bytes of an artifact"
        problems.say(f"{where}: size: got {_described(size)}, expected {expected}", hint=_CORRECT)
    # Versions that differ only in their build metadata are equal, and other artifacts.
    if isinstance(selector, Version) and str(selector) != str(version):
        problems.add(f"{where}: version", str(version), str(selector), hint=_CORRECT)
    if isinstance(selector, Range) and version not in selector:
        expected = f"one that satisfies {selector}"
        problems.add(f"{where}: version", str(version), expected, hint=_CORRECT)
    if len(problems) > before:
        return None
    return LockEntry(
        project=project, selector=str(selector), version=version, sha256=sha256, size=size
    )


def _check_together(found: Iterable[tuple[str, LockEntry]], problems: Problems) -> None:
    """Tell of entries that contradict an earlier one; each has with it where it is."""
    keys: dict[EntryKey, str] = {}
    digests: dict[str, tuple[str, str]] = {}
    sizes: dict[str, tuple[str, int]] = {}
    for where, entry in found:
        other = keys.setdefault((entry.project, entry.selector), where)
        if other != where:
            problems.say(f"{where}: it is there already, in {other}", hint=_CORRECT)
        key = artifact_key(entry.project, entry.version)
        other, sha256 = digests.setdefault(key, (where, entry.sha256))
        if sha256 != entry.sha256:
            expected = f"that of {key} in {other}, {sha256}"
            problems.add(f"{where}: sha256", entry.sha256, expected, hint=_CORRECT)
        other, size = sizes.setdefault(entry.sha256, (where, entry.size))
        if size != entry.size:
            expected = f"{size}, which the same digest has in {other}"
            problems.add(f"{where}: size", entry.size, expected, hint=_CORRECT)
