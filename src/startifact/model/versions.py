"""Semantic versions: how they are parsed, and which one is the latest.

The rules are those of Semantic Versioning 2.0.0; the parsing is python-semver's.
"""

import functools
import re
from collections.abc import Iterable

from semver import Version

from startifact.errors import InputError
from startifact.limits import MAX_VERSION_CHARACTERS
from startifact.model.version_mistakes import mistake_in
from startifact.text import quoted

Precedence = tuple[int, int, int, bool, tuple[tuple[int, int, str], ...]]
"""The three numbers, whether the version is stable, and the identifiers of its prerelease."""

PARTIAL = re.compile(r"v?\d+(\.\d+)?", re.ASCII)


def parse_version(text: object) -> Version:
    """Return *text*, which may carry one leading ``v``, as a semantic version.

    Raises:
        InputError: It is not exactly a semantic version, or has more than 128 characters.
    """
    if isinstance(text, Version):
        text = str(text)
    if isinstance(text, str) and len(text) <= MAX_VERSION_CHARACTERS:
        bare = text.removeprefix("v")
        try:
            version = Version.parse(bare)
        except ValueError:
            version = None
        # Older python-semver takes other digits than ASCII's, and a line break at the end.
        if version is not None and bare.isascii() and str(version) == bare:
            return version
    raise not_a_version(f"version {quoted(text)} is not a semantic version", text, _hint(text))


def not_a_version(message: str, text: object, hint: str) -> InputError:
    """Return an error whose hint says what is wrong with *text*, and what may be meant."""
    # A long text is not examined: the expressions would go through it again and again.
    short = isinstance(text, str) and len(text) <= MAX_VERSION_CHARACTERS
    mistake = mistake_in(text) if isinstance(text, str) and short else None
    if mistake is None:
        return InputError(message, hint=hint)
    what = mistake.what[0].upper() + mistake.what[1:]
    meant = f", did you mean {mistake.meant}?" if mistake.meant else "."
    return InputError(message, hint=f"{what}{meant} {hint}")


def _hint(text: object) -> str:
    if text == "":
        return "Give a version, for example 1.0.9000"
    if isinstance(text, str) and PARTIAL.fullmatch(text):
        return "Give all three numbers. In YAML, quote versions: an unquoted 1.10 arrives as 1.1"
    if isinstance(text, str) and len(text) > MAX_VERSION_CHARACTERS:
        return f"Use at most {MAX_VERSION_CHARACTERS} characters"
    return "Write MAJOR.MINOR.PATCH without leading zeros, for example 1.0.9000 or 2.0.0-rc.1"


def is_same(one: Version | None, other: Version | None) -> bool:
    """Say whether both are the same version, build metadata included, or both none.

    To semver, versions that differ only in build metadata are equal: they are two artifacts.
    """
    return str(one) == str(other)


def is_later(version: Version, than: Version) -> bool:
    """Say whether ``latest`` moves from *than* to *version*.

    Any stable version is later than any prerelease; then SemVer precedence decides. Versions that
    differ only in build metadata are equal, and the one that came first stays.
    """
    ours, theirs = version.prerelease is None, than.prerelease is None
    if ours != theirs:
        return ours
    return version.compare(than) > 0


def highest(versions: Iterable[Version]) -> Version:
    """Return the version that ``latest`` would end at; of versions that are equal, the first."""
    return functools.reduce(lambda best, v: v if is_later(v, best) else best, versions)


def latest_first(versions: Iterable[Version]) -> list[Version]:
    """Return *versions* so that ``latest`` never moves from one to another after it."""
    return sorted(newest_first(versions), key=lambda version: version.prerelease is not None)


def newest_first(versions: Iterable[Version]) -> list[Version]:
    """Return *versions* by falling precedence; versions that are equal, by their text."""
    by_text = sorted(versions, key=str)
    return sorted(by_text, key=precedence, reverse=True)


def precedence(version: Version) -> Precedence:
    """Return what compares as *version* does, and faster: a listing may have very many of them."""
    identifiers = (version.prerelease or "").split(".")
    prerelease = tuple((0, int(i), "") if i.isdecimal() else (1, 0, i) for i in identifiers)
    is_stable = version.prerelease is None
    return version.major, version.minor, version.patch, is_stable, prerelease
