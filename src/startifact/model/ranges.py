"""Ranges of versions, as npm defines them."""

from dataclasses import field
from typing import Self

from semver import Version

from startifact.errors import InputError
from startifact.lazy_dataclasses import dataclass
from startifact.limits import MAX_RANGE_CHARACTERS, MAX_RANGE_PREFIXES
from startifact.model.comparators import Comparator, Comparators, parse_comparators
from startifact.model.versions import Precedence, parse_version, precedence
from startifact.text import quoted

Prefix = tuple[int, ...]
"""The first of a version's three numbers, or the first two, or all three, or none of them."""

_Numbers = tuple[int, int, int]
_LOWEST_PRERELEASE = ((0, 0, ""),)
_FIRST: Precedence = (0, 0, 0, False, ())


@dataclass(frozen=True, slots=True, repr=False)
class Range:
    """What versions may satisfy, such as ``^1.2``, ``>=1.2 <2`` or ``1.x || 3.x``.

    ``version in range`` says whether a version does. Ranges of the same comparisons are equal,
    however they are written; ``str`` returns the text that one was made of.
    """

    _text: str = field(compare=False)
    _sets: frozenset[Comparators]

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the range that *text* is in npm's grammar.

        A comma means that both sides have to hold, as a space does. A prerelease satisfies a range
        only where the range names a prerelease of the same three numbers.

        Raises:
            InputError: It is not a range, it is empty, it has more than 256 characters, or it has
                ``~>`` or ``~=``, which npm reads in another way than Terraform and pip do.
        """
        if not isinstance(text, str):
            raise InputError(f"range {quoted(text)} is not a text", hint="Quote it: '^1.2'")
        if len(text) > MAX_RANGE_CHARACTERS:
            raise InputError(
                f"range {quoted(text)} is too long",
                hint=f"Use at most {MAX_RANGE_CHARACTERS} characters",
            )
        try:
            sets = parse_comparators(text)
        except InputError as e:
            message = f"range {quoted(text)} is not valid: {e.message}"
            raise InputError(message, hint=e.hint) from None
        return cls(text.strip(), sets)

    def __contains__(self, version: Version | str) -> bool:
        """Say whether *version* satisfies the range.

        Raises:
            InputError: It is not a semantic version.
        """
        if not isinstance(version, Version):
            version = parse_version(version)
        candidate = precedence(version)
        return any(_satisfies(candidate, comparators) for comparators in self._sets)

    def _keeps_out_as_prerelease(self, version: Version) -> bool:
        """Say whether *version* is inside the bounds, kept out by the rule of prereleases."""
        candidate = precedence(version)
        inside = any(all(c.accepts(candidate) for c in comparators) for comparators in self._sets)
        return inside and version not in self

    def __str__(self) -> str:
        return self._text

    def __repr__(self) -> str:
        return f"Range.parse({self._text!r})"

    @property
    def begin(self) -> Precedence:
        """About where what satisfies the range begins, for messages about what is near."""
        begins = [
            min((c.bound for c in one if c.operator in (">", ">=", "=")), default=None)
            or min((c.bound for c in one), default=_FIRST)
            for one in self._sets
        ]
        return min(begins)

    @property
    def prefixes(self) -> frozenset[Prefix]:
        """What versions that satisfy the range begin with: few beginnings that cover them all.

        ``~1.2`` has ``(1, 2)``, ``0.x || 3.x`` has ``(0,)`` and ``(3,)``, and ``*`` has ``()``:
        every version begins with that. A range that nothing satisfies has none.
        """
        every = [prefix for comparators in self._sets for prefix in _prefixes(comparators)]
        shortened = (_fewest({p[:length] for p in every}) for length in (3, 2, 1, 0))
        return next(few for few in shortened if len(few) <= MAX_RANGE_PREFIXES)


def _satisfies(version: Precedence, comparators: Comparators) -> bool:
    if not all(one.accepts(version) for one in comparators):
        return False
    is_stable = version[3]
    return is_stable or any(_names_prerelease_of(version, one) for one in comparators)


def _names_prerelease_of(version: Precedence, comparator: Comparator) -> bool:
    """Say whether the bound is a prerelease with the three numbers of *version*."""
    is_stable = comparator.bound[3]
    return not is_stable and comparator.bound[:3] == version[:3]


def _prefixes(comparators: Comparators) -> list[Prefix]:
    """Return what versions that satisfy all *comparators* begin with."""
    lower = [one.bound[:3] for one in comparators if one.operator in (">", ">=", "=")]
    ends = [_end(one, comparators) for one in comparators if one.operator in ("<", "<=", "=")]
    if not ends:
        return [()]
    first, end = max(lower, default=(0, 0, 0)), min(ends)
    return _between(first, end) if first < end else []


def _end(upper: Comparator, comparators: Comparators) -> _Numbers:
    """Return the lowest three numbers of which no version is as low as *upper* has it."""
    major, minor, patch, is_stable, prerelease = upper.bound
    excluded = upper.operator == "<" and (
        not any(_names_prerelease_of(upper.bound, one) for one in comparators)
        if is_stable
        else prerelease == _LOWEST_PRERELEASE
    )
    return (major, minor, patch if excluded else patch + 1)


def _between(first: _Numbers, end: _Numbers) -> list[Prefix]:
    """Return few prefixes of all versions from *first* on whose numbers are below *end*."""
    # The last ones below: those of one patch, of one minor or of one major version.
    last: Prefix = end
    while last[-1] == 0:
        last = last[:-1]
    last = (*last[:-1], last[-1] - 1)
    if first[0] != last[0]:
        too_many = last[0] - first[0] >= MAX_RANGE_PREFIXES
        return [()] if too_many else [(major,) for major in range(first[0], last[0] + 1)]
    same = 1
    while same < len(last) and first[same] == last[same]:
        same += 1
    return [last[:same]]


def _fewest(prefixes: set[Prefix]) -> frozenset[Prefix]:
    """Return *prefixes* without those that begin with another one."""
    return frozenset(p for p in prefixes if not any(p[:n] in prefixes for n in range(len(p))))
