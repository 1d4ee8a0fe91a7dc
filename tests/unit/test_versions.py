"""Semantic versions, selectors, and the order of ``latest``."""

import itertools
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from semver import Version

from startifact.errors import InputError
from startifact.model.ranges import Range
from startifact.model.selectors import Channel, check_channel, parse_selector
from startifact.model.versions import highest, is_later, newest_first, parse_version

_numbers = st.integers(0, 3)
_prerelease = st.one_of(st.none(), st.sampled_from(["a", "b", "rc.1", "rc.2", "rc.10", "1"]))
_build = st.one_of(st.none(), st.sampled_from(["a", "b"]))
versions = st.builds(Version, _numbers, _numbers, _numbers, prerelease=_prerelease, build=_build)


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("1.0.9000", Version(1, 0, 9000)),
        ("v1.0.0", Version(1, 0, 0)),
        ("0.0.0", Version(0, 0, 0)),
        ("1.2.3-rc.1+build.5", Version(1, 2, 3, "rc.1", "build.5")),
        ("99999999999999999999.0.0", Version(99999999999999999999, 0, 0)),
    ],
)
def test_versions(text: str, version: Version) -> None:
    """A semantic version is read, with or without one leading v."""
    assert parse_version(text) == version
    assert parse_selector(text) == version


def test_version_of_its_type() -> None:
    """A version that is one already is taken as it is."""
    assert parse_version(Version(1, 0, 9000)) == Version(1, 0, 9000)


@pytest.mark.parametrize("text", ["1", "1.0", "1.1", "v1", "v1.2", "01.0", "10"])
def test_partial_version(text: str) -> None:
    """A partial version is refused with what YAML does to an unquoted one."""
    with pytest.raises(InputError, match="is not a semantic version") as caught:
        parse_version(text)

    assert caught.value.hint is not None
    assert "In YAML, quote versions: an unquoted 1.10 arrives as 1.1" in caught.value.hint
    with pytest.raises(InputError, match="is not a semantic version"):
        parse_selector(text)


@pytest.mark.parametrize(
    "text",
    [
        "01.0.0", "1.0.0\n", "\n1.0.0", " 1.0.0", "1.0.0 ", "vv1.0.0", "V1.0.0", "1.0.0-", "1.0.0+",
        "1.0.0-01", "1.0.0.0", "1.0.x", "1,0,0", "-1.0.0", "1.0.0-ü", "\uff11.0.0", "^1.0.0",
        "1.0.0\x00",
        None, 1.1, 7, b"1.0.0", ["1.0.0"],
    ],
)  # fmt: skip
def test_illegal_version(text: object) -> None:
    """What is not exactly a semantic version is refused, and shown escaped."""
    with pytest.raises(InputError, match="is not a semantic version") as caught:
        parse_version(text)

    assert caught.value.hint is not None
    assert "MAJOR.MINOR.PATCH without leading zeros" in caught.value.hint
    assert caught.value.message.isprintable()


@pytest.mark.parametrize(
    ("text", "what", "meant"),
    [
        ("01.2.3", "01 has a leading zero", "1.2.3"),
        ("v1.02.3", "02 has a leading zero", "1.2.3"),
        ("2024.01.05-rc.1", "01 has a leading zero", "2024.1.5-rc.1"),
        ("1.2.3.4", "it has 4 numbers, expected three", "1.2.3+4"),
        ("1.2.3.4.5", "it has 5 numbers, expected three", "1.2.3+4.5"),
        ("refs/tags/v1.2.3", "it is the whole name of a Git reference", "1.2.3"),
        ("refs/tags/1.0rc1", "it is the whole name of a Git reference", "1.0.0-rc.1"),
        ("1.0rc1", "(PEP 440)", "1.0.0-rc.1"),
        ("1.2.3a4", "(PEP 440)", "1.2.3-alpha.4"),
        ("1.2.3b0", "(PEP 440)", "1.2.3-beta.0"),
        ("1.2.dev3", "(PEP 440)", "1.2.0-dev.3"),
        ("1.2.3.dev20240101", "(PEP 440)", "1.2.3-dev.20240101"),
        ("1.0.post2", "(PEP 440)", "1.0.0+post.2"),
        ("1.0rc1.dev4+local.5", "(PEP 440)", "1.0.0-rc.1.dev.4+local.5"),
        (" 1.0.0", "it has white space around it", "1.0.0"),
        ("V1.0.0", "it has the prefix 'V'", "1.0.0"),
        ("vv1.0.0", "it has the prefix 'vv'", "1.0.0"),
        ("==1.0.0", "it has the prefix '=='", "1.0.0"),
        ("1.2.3-rc.01", "01 has a leading zero", "1.2.3-rc.1"),
        ("1.2.3-007+5", "007 has a leading zero", "1.2.3-7+5"),
        ("refs/tags/SugarWater-v1.2.3", "it is the whole name of a Git reference", "1.2.3"),
        ("refs/heads/release/1.2.3", "it is the whole name of a Git reference", "1.2.3"),
        ("SugarWater/v1.2.3", "it has the prefix 'SugarWater/'", "1.2.3"),
        ("release-1.2.3-rc.1", "it has the prefix 'release-'", "1.2.3-rc.1"),
    ],
)
def test_what_is_wrong(text: str, what: str, meant: str) -> None:
    """What a version got wrong is pointed at, with what it would be, for readers and stagers."""
    for parse in (parse_version, parse_selector):
        with pytest.raises(InputError) as caught:
            parse(text)

        pointed_at, mark, _ = str(caught.value.hint).partition(f", did you mean {meant}? ")
        assert mark
        assert what.lower() in pointed_at.lower()
        assert str(parse_version(meant)) == meant


@pytest.mark.parametrize("text", ["refs/heads/main", "1!1.0", "refs/tags/refs/tags/1.0.0"])
def test_what_is_wrong_and_cannot_be_put_right(text: str) -> None:
    """Where nothing can be proposed, what is wrong is said all the same."""
    with pytest.raises(InputError) as caught:
        parse_version(text)

    hint = str(caught.value.hint)
    assert "Git reference. " in hint or "semantic versions do not have. " in hint
    assert "did you mean" not in hint


@given(st.text("0123456789.!+-_abcrdevpostSHAv= /fsgt", max_size=40))
def test_whatever_is_proposed_is_a_version(text: str) -> None:
    """What is proposed can be staged as it is, whatever was written."""
    try:
        parse_version(text)
    except InputError as e:
        if match := re.search(r", did you mean (\S+)\? ", str(e.hint)):
            assert str(parse_version(match[1])) == match[1]


def test_no_version() -> None:
    """An empty version is refused with an example."""
    with pytest.raises(InputError, match="version '' is not a semantic version") as caught:
        parse_version("")

    assert caught.value.hint == "Give a version, for example 1.0.9000"


def test_long_version() -> None:
    """A version has at most 128 characters."""
    longest = "1.0.0-" + "a" * 122

    assert str(parse_version(longest)) == longest
    with pytest.raises(InputError) as caught:
        parse_version(longest + "a")

    assert caught.value.hint == "Use at most 128 characters"
    assert len(caught.value.message) < 250


@pytest.mark.parametrize("name", ["latest", "prod", "a", "eu-1", "x1y", "v", "a" * 63])
def test_channels(name: str) -> None:
    """What is neither a version nor a range, and has the letters of a channel, is one."""
    assert parse_selector(name) == Channel(name)
    assert check_channel(name) == name


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        (
            "latest\n",
            "Ask for an exact version such as 1.0.9000, a range such as ^1.2, or a channel",
        ),
        ("Latest", "A channel has 1 to 63 lower-case letters, digits and dashes"),
        ("a" * 64, "A channel has 1 to 63 lower-case letters, digits and dashes"),
        ("~>1", "Write ~1.2 for what is below 1.3, or >=1.2 <2 for what is below 2"),
        ("1.0.0.0", "It has 4 numbers, expected three, did you mean 1.0.0+0?"),
        ("v1.1", "Write ~1.1 for a range"),
        ("&", "Write a space or a comma where both have to hold"),
    ],
)
def test_other_selectors(text: str, hint: str) -> None:
    """What is no version, channel or range is refused, with what may be written."""
    with pytest.raises(InputError) as caught:
        parse_selector(text)

    assert hint in str(caught.value.hint)


@pytest.mark.parametrize("text", ["^1.2", "~1", "1.x", "*", "x", ">=1, <2"])
def test_ranges(text: str) -> None:
    """What npm reads as a range is one, also where its letters are those of a channel."""
    assert parse_selector(text) == Range.parse(text)
    with pytest.raises(InputError):
        check_channel(text)


@pytest.mark.parametrize(
    ("text", "reason", "hint"),
    [
        ("1.x ||", "nothing on one side of '||'", "Leave out '||'"),
        ("^1.2, ", "nothing on one side of ','", "Leave out ','"),
        ("1.x || ~>1.2", "'~>' means one thing to npm", "Write ~1.2 for what is below 1.3"),
        ("1.0.0 -2.0.0", "'-2.0.0' is not a comparator", "Write spaces on both sides"),
        ("1.x and 2.x", "'and' is not a comparator", "Write a space or a comma"),
        ("1.0.0<2", "'1.0.0<2' is not a comparator", "Write a space between comparators"),
        ("1.*.3", "'1.*.3' is not a comparator", "After x or * no number can follow"),
        ("v1.x.3", "'v1.x.3' is not a comparator", "After x or * no number can follow"),
        (" ^1.2", "has white space around it", "Write ^1.2"),
        ("1.2 ", "has white space around it", "Write ~1.2"),
    ],
)
def test_what_is_wrong_with_a_range(text: str, reason: str, hint: str) -> None:
    """What a range is refused for is said of a selector too, also where a number begins it."""
    with pytest.raises(InputError) as caught:
        parse_selector(text)

    assert repr(text) in caught.value.message
    assert reason in caught.value.message
    assert str(caught.value.hint).startswith(hint)


@pytest.mark.parametrize("text", ["", None, 1.1])
def test_no_selector(text: object) -> None:
    """An empty selector, and what is not text, is refused like a version."""
    with pytest.raises(InputError, match="is not a semantic version"):
        parse_selector(text)


@given(st.text())
def test_any_text_is_a_selector_or_refused(text: str) -> None:
    """Whatever is asked for is understood or refused: nothing else happens."""
    try:
        selector = parse_selector(text)
    except InputError as e:
        reported = e.message
    else:
        reported = selector.name if isinstance(selector, Channel) else str(selector)
        assert reported == text.removeprefix("v")

    assert reported.isprintable()


@given(versions, versions, versions)
def test_later_is_a_strict_weak_order(a: Version, b: Version, c: Version) -> None:
    """Nothing is later than itself, later is one way and passes on, and so does equal."""
    assert not is_later(a, a)
    assert not (is_later(a, b) and is_later(b, a))
    if is_later(a, b) and is_later(b, c):
        assert is_later(a, c)
    equal = [not is_later(x, y) and not is_later(y, x) for x, y in ((a, b), (b, c), (a, c))]
    if equal[0] and equal[1]:
        assert equal[2]


@given(versions, versions)
def test_later_is_precedence_among_alike(a: Version, b: Version) -> None:
    """Among stable versions, and among prereleases, later is what SemVer says."""
    if (a.prerelease is None) == (b.prerelease is None):
        assert is_later(a, b) == (a.compare(b) > 0)


@given(versions, versions)
def test_stable_is_later(a: Version, b: Version) -> None:
    """Any stable version is later than any prerelease."""
    if a.prerelease is None and b.prerelease is not None:
        assert is_later(a, b)
        assert not is_later(b, a)


def test_build_metadata_is_equal() -> None:
    """Versions that differ only in build metadata are not later than each other."""
    assert not is_later(Version(1, 0, 0, build="a"), Version(1, 0, 0, build="b"))
    assert not is_later(Version(1, 0, 0, build="b"), Version(1, 0, 0, build="a"))


@given(st.lists(versions, min_size=1, max_size=6))
def test_highest(several: list[Version]) -> None:
    """Nothing is later than the highest, and of equal ones the first stays."""
    found = highest(several)

    assert not any(is_later(v, found) for v in several)
    equal = [v for v in several if not is_later(found, v)]
    assert str(found) == str(equal[0])


def test_newest_first() -> None:
    """Versions are listed by falling precedence, equal ones always in the same order."""
    texts = ["1.10.0", "1.9.0", "1.9.0-rc.10", "1.9.0-rc.2", "1.0.0+a", "1.0.0+b", "0.1.0"]
    for shuffled in itertools.permutations(texts):
        listed = newest_first(Version.parse(t) for t in shuffled)
        assert [str(v) for v in listed] == texts


_identifiers = st.sampled_from(["0", "1", "2", "10", "a", "A", "b", "-", "rc", "rc1", "1a", "a-b"])
_prereleases = st.lists(_identifiers, max_size=3).map(".".join)


@given(st.lists(st.builds(Version, _numbers, prerelease=_prereleases.map(lambda p: p or None))))
def test_newest_first_is_the_precedence_of_semver(several: list[Version]) -> None:
    """No version is listed before one that python-semver says is higher."""
    listed = newest_first(several)

    assert all(a.compare(b) >= 0 for a, b in itertools.pairwise(listed))
