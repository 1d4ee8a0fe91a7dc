"""Ranges mean what they mean to npm: it and node-semver are asked about thousands of texts.

Two copies of npm's semver may be there: that of the locked wheel in which basedpyright brings node,
and that of the machine's npm. Where node-semver and npm differ, npm decides; node-semver

* takes ``* || 1.2.3-rc`` for both parts, where npm takes the first for the whole;
* ends ``~1.2`` before 1.3.0 and not before its prereleases, so that ``>=1.3.0-a ~1.2`` has 1.3.0-b;
* does not take ``>=0.0.0`` for ``*``, so that ``>=0.0.0 >0.0.0-a`` has no 0.0.0-b;
* reads ``^0.0.0--a`` as ``^0.0.0-a``;
* accepts ``1.x.3``, ``x.1`` and numbers of any size, refuses ``1+build``, and has other spaces;
* takes 4 s for ``1``, 250 spaces and ``-``, and 69 s for 500 spaces.
"""

import contextlib
import re
from collections.abc import Callable, Iterator, Sequence

import nodesemver
import pytest
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st
from semver import Version

from startifact import Range
from startifact.errors import InputError
from tests.unit.model import npm
from tests.unit.model.npm import Npm
from tests.unit.model.range_texts import (
    LARGEST,
    VERSIONS,
    alternatives,
    characters,
    comparators,
    ranges,
)

# Thousands of texts, and measuring takes twice the time; others go through the same lines.
pytestmark = pytest.mark.no_cover

PARSED = [Version.parse(version) for version in VERSIONS]
OF_NODE_SEMVER = [nodesemver.make_semver(version, loose=False) for version in VERSIONS]

# All that npm accepts and Startifact refuses. What stands between parts, or before them:
PESSIMISTIC = re.compile(r"~\s?[>=]")
# A number in a prerelease that npm would round:
ROUNDED = re.compile(r"-\S*[1-9][0-9]{15}")
# A word with a star or build metadata where npm's documented grammar has none; npm removes them.
IDENTIFIER = r"(?:[0-9]+|[xX*])"
WORD = re.compile(
    rf"[\^~<>=v]*(?:{IDENTIFIER}(?:\.{IDENTIFIER}){{0,2}}(?:-[\w.-]+)?(?:\+[\w.-]+)?)?", re.ASCII
)

Read = Callable[[str], npm.Reading | None]

# They are the same ones each time.
MANY = pytest.mark.parametrize("count", [1000, pytest.param(4000, marks=pytest.mark.exhaustive)])

HARD = [
    "v1", "vv1", "v1.2.3", "vv1.2.3", "v 1", "==1", "==1.2.3", "=1.2.3", "= =1", "> =1", "> = 1",
    "^ = 1", "^= =1", "^==1", "~ v1", "~v=1", "\t>=\t1\t<2\t", "\xa01\ufeff", "1\x1c2", "1.*.3",
    "*.1", "x.x.3", "^1.*.3", "~x.1", "1.*.3 - 2", f"{LARGEST}.0.0", f"{LARGEST + 1}.0.0",
    f"^{LARGEST}", f"^{LARGEST}.0.0", f"~1.{LARGEST}", f">{LARGEST}", f"<={LARGEST}",
    f">={LARGEST}",
    f">1.0.0-{LARGEST - 1}", "1.2.3--", ">=1.2.3---1", "1.2.3- - 2", "1.2.3-01", ">=1.2.3-00a",
    "* || 1.2.3-rc.1", ">=0.0.0 || 1.2.3-rc.1", ">=v0.0.0 || 1.2.3-rc.1",
    "v0.0.0 - x || 1.2.3-rc.1",
    "v0 - x || 1.2.3-rc.1", ">=v0 || 1.2.3-rc.1", ">=0.0.0 >0.0.0-0", "~0.0.0 >0.0.0-0",
    "^v0.0.0 >0.0.0-0", "<0.0.0-0 || 1", ">x 1.2.3-rc.1", "<x", "<=*", "=1.2.3 - 2", "=1.2 - 2",
    "1 - =2.0.0", "1 - ==2.0.0-rc.1", "1 - v2.0.0", "v 1.2 - = 2", "v 1.2.3 - 2", "1 - 2 3",
    "1.2.3-rc.1 - 1.2", ">=1.3.0-0 ~1.2", "<1.2 >=1.2.0-0", "<=1.2 >=1.3.0-0", "1+b", "1.2.3+b-c",
    "^1+b || 2.x+b", "01", "1.02", "^0.0", "^0.0.0", "^0.0.x", "^0", "^0.x", "^0.0.1-rc.1",
    "-", ">",
    "1 -2", ">1<2", "1.2-rc.1", "1.2.3.4", "", "1 ||", "~>1.2", "~= 1.2.3", ">*1.2.3", "+b",
    f"1.2.3-{LARGEST + 1}",
]  # fmt: skip


def parsed(text: str) -> Range | None:
    """Return the range that *text* is; ``None`` where it is refused."""
    try:
        return Range.parse(text)
    except InputError:
        return None


def satisfied(of: Range) -> str:
    return "".join("1" if version in of else "0" for version in PARSED)


def may_be_refused(text: str) -> bool:
    """Say whether *text* is of a kind that npm accepts and Startifact does not."""
    parts = [part.strip() for part in text.replace("\ufeff", " ").split("||")]
    words = [word for part in parts for word in part.split()]
    return (
        "" in parts
        or PESSIMISTIC.search(" ".join(words)) is not None
        or ROUNDED.search(text) is not None
        or not all(WORD.fullmatch(word) or word == "-" for word in words)
    )


@pytest.fixture(scope="module")
def reads() -> Iterator[list[Read]]:
    """What each copy of npm's semver reads in a text."""
    if npm.node() is None or not npm.copies():
        pytest.skip("there is no node, or no npm")
    with contextlib.ExitStack() as stack:
        yield [stack.enter_context(Npm(copy, VERSIONS)).read for copy in npm.copies()]


def check(text: str, reads: Sequence[Read]) -> None:
    """Fail where Startifact and npm differ about *text* in another way than documented."""
    ours = parsed(text)
    for theirs in [read(text) for read in reads]:
        if ours is None:
            assert theirs is None or may_be_refused(text), f"npm reads {theirs.written!r}"
        else:
            assert theirs is not None, "npm refuses it"
            assert satisfied(ours) == theirs.satisfied, f"npm reads {theirs.written!r}"


@pytest.mark.parametrize("text", HARD)
def test_hard_ranges(text: str, reads: list[Read]) -> None:
    """Where npm's grammar has corners, it is its grammar all the same."""
    check(text, reads)


def check_many(texts: st.SearchStrategy[str], count: int, reads: Sequence[Read]) -> None:
    """Check *count* of *texts*."""

    @settings(max_examples=count, suppress_health_check=list(HealthCheck))
    @given(text=texts)
    def check_one(text: str) -> None:
        check(text, reads)

    check_one()


@MANY
def test_like_npm(count: int, reads: list[Read]) -> None:
    """Whatever both accept is satisfied by the same versions; npm accepts no less than Startifact,
    and more only where that is documented.
    """
    check_many(ranges, count, reads)


@MANY
def test_any_characters_like_npm(count: int, reads: list[Read]) -> None:
    """The same holds for any text of the characters that mean something."""
    check_many(characters.filter(lambda text: "," not in text), count, reads)


@settings(max_examples=250, suppress_health_check=list(HealthCheck))
@given(one=alternatives, other=alternatives)
def test_comma_is_and(reads: list[Read], one: str, other: str) -> None:
    """A comma joins what npm reads on both of its sides, hyphen ranges too."""
    assume(parsed(one) and parsed(other))
    ours = satisfied(Range.parse(f"{one},{other}"))

    for read in reads:
        sides = [theirs for text in (one, other) if (theirs := read(text))]
        both = read(" ".join(side.written for side in sides))

        assert len(sides) == 2
        assert both is not None
        assert ours == both.satisfied


def by_node_semver(text: str) -> str | None:
    """Return the same as `satisfied`, for node-semver; ``None`` where it refuses *text*."""
    # Long white space is what it hangs on.
    try:
        theirs = nodesemver.make_range(" ".join(text.split()), loose=False)
    except ValueError:
        return None
    return "".join("1" if theirs.test(version) else "0" for version in OF_NODE_SEMVER)


@settings(max_examples=250, suppress_health_check=list(HealthCheck))
@given(text=ranges)
@example("1.x || >=2.5.0 <3 || 1 - 2")
def test_stable_versions_like_node_semver(text: str) -> None:
    """Stable versions satisfy whatever both accept for node-semver too."""
    ours = parsed(text)
    theirs = by_node_semver(text) if ours else None
    assume(ours and theirs)
    assert ours is not None
    assert theirs is not None

    differing = [
        str(version)
        for version, one, other in zip(PARSED, satisfied(ours), theirs, strict=True)
        if one != other and version.prerelease is None
    ]

    assert not differing


@settings(max_examples=250, suppress_health_check=list(HealthCheck))
@given(parts=st.lists(comparators, min_size=1, max_size=3))
def test_prereleases_like_node_semver(parts: list[str]) -> None:
    """So do prereleases, where each part is one comparator and none is ``*``."""
    several = [parsed(part) for part in parts]
    assume(all(several) and Range.parse("*") not in several)
    assume(not any("--" in part for part in parts))
    theirs = by_node_semver("||".join(parts))
    assume(theirs)

    assert satisfied(Range.parse("||".join(parts))) == theirs
