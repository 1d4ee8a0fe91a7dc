"""What a range is, what is refused, and which versions satisfy it."""

import contextlib
import copy
import gc
import pickle
import sys
from collections.abc import Callable
from types import FrameType

import pytest
from semver import Version

from startifact import Range
from startifact.errors import InputError
from startifact.model.comparators import parse_comparators


@pytest.mark.parametrize(
    ("text", "satisfied", "others"),
    [
        ("^1.2", ["1.2.0", "1.9.9"], ["1.1.9", "2.0.0", "1.3.0-rc.1", "2.0.0-rc.1"]),
        ("^0.2.3", ["0.2.3", "0.2.9"], ["0.2.2", "0.3.0"]),
        ("^0.0.3", ["0.0.3"], ["0.0.2", "0.0.4"]),
        ("~1.2.3", ["1.2.3", "1.2.9"], ["1.2.2", "1.3.0", "1.3.0-0"]),
        ("1.x", ["1.0.0", "1.99.0"], ["0.9.0", "2.0.0"]),
        ("1.2", ["1.2.0", "1.2.9"], ["1.1.0", "1.3.0"]),
        ("=1.2.3", ["1.2.3", "1.2.3+build"], ["1.2.4", "1.2.3-rc.1"]),
        (">=1.2 <2", ["1.2.0", "1.99.0"], ["1.1.0", "2.0.0", "2.0.0-rc.1"]),
        (">=1.2, <2", ["1.2.0", "1.99.0"], ["1.1.0", "2.0.0"]),
        (">=1.2,<2", ["1.2.0"], ["2.0.0"]),
        ("1.2 - 1.4, 1.3.x", ["1.3.5"], ["1.2.0", "1.4.0"]),
        ("1.2 - 1.4", ["1.2.0", "1.4.9"], ["1.1.9", "1.5.0"]),
        ("1.2.3 - 2.0.0", ["1.2.3", "2.0.0"], ["1.2.2", "2.0.1"]),
        ("1.x || 3.x", ["1.5.0", "3.5.0"], ["2.0.0", "4.0.0"]),
        (">1.2", ["1.3.0"], ["1.2.9"]),
        ("<=1.2", ["1.2.9"], ["1.3.0"]),
        ("*", ["0.0.0", "9.0.0"], ["1.0.0-rc.1"]),
        (">=1.2.3-rc.1", ["1.2.3-rc.2", "1.2.3", "2.0.0"], ["1.2.3-alpha", "1.2.4-rc.1"]),
        ("<2.0.0-rc.1", ["1.0.0", "2.0.0-alpha"], ["2.0.0", "2.0.0-rc.1", "1.0.0-rc.1"]),
        ("* || 1.2.3-rc.1", ["1.0.0"], ["1.2.3-rc.1"]),
        ("<0", [], ["0.0.0", "0.0.0-0"]),
    ],
)
def test_satisfied(text: str, satisfied: list[str], others: list[str]) -> None:
    """A version satisfies a range as npm has it, whether it is a text or parsed."""
    of = Range.parse(text)

    assert [v for v in [*satisfied, *others] if v in of] == satisfied
    assert [v for v in [*satisfied, *others] if Version.parse(v) in of] == satisfied


@pytest.mark.parametrize(
    ("text", "version", "kept_out"),
    [
        (">=1", "2.0.0-rc.1", True),
        ("*", "0.0.0-rc.1", True),
        ("1.x || >=3", "3.1.0-rc.1", True),
        ("^1.2", "2.0.0-rc.1", False),
        (">=2.0.0-rc.1", "2.0.0-rc.2", False),
        (">=2.0.0-rc.1", "2.0.0-alpha", False),
        (">=1", "2.0.0", False),
    ],
)
def test_kept_out_as_prerelease(text: str, version: str, kept_out: bool) -> None:
    """A prerelease inside the bounds, of numbers that the range does not name, is told apart."""
    assert Range.parse(text)._keeps_out_as_prerelease(Version.parse(version)) == kept_out


def test_version_with_a_v() -> None:
    """A version may have one leading v, as everywhere."""
    assert "v1.2.3" in Range.parse("^1")


def test_number_that_npm_does_not_have() -> None:
    """Versions with numbers that npm refuses satisfy what they lie between."""
    assert "99999999999999999999.0.0" in Range.parse(">=1")


def test_not_a_version() -> None:
    """What is no version is an error, not a version outside the range."""
    with pytest.raises(InputError, match="is not a semantic version"):
        assert "1.2" in Range.parse("*")


@pytest.mark.parametrize("text", ["^1.2", "  >=1.2   <2\t", "1.x||2.x"])
def test_text(text: str) -> None:
    """A range is shown as it was written, without white space around it."""
    of = Range.parse(text)

    assert str(of) == text.strip()
    assert repr(of) == f"Range.parse({text.strip()!r})"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("^1", "1.x"),
        ("^1.2", ">=1.2.0 <2.0.0-0"),
        (">=1, <3", "<3.0.0-0 >=1.0.0"),
        ("1.x || 2.x", "2 || 1"),
        ("1.2.3+a", "=1.2.3"),
        ("*", ">=0"),
        ("0.x", "^0"),
        ("<0", ">*"),
        ("<0 || 1", "1"),
        ("* || 1", "x"),
    ],
)
def test_equal(one: str, other: str) -> None:
    """Ranges of the same comparisons are equal, however they are written."""
    assert Range.parse(one) == Range.parse(other)
    assert len({Range.parse(one), Range.parse(other)}) == 1


@pytest.mark.parametrize(("one", "other"), [("^1", "^2"), ("*", "<0"), (">1.0.0", ">=1.0.0")])
def test_not_equal(one: str, other: str) -> None:
    """Ranges of other comparisons are not."""
    assert Range.parse(one) != Range.parse(other)


def test_copies() -> None:
    """A range can be sent to another process, and copied."""
    of = Range.parse("^1.2 || 3.x")

    for copied in (pickle.loads(pickle.dumps(of)), copy.copy(of), copy.deepcopy(of)):
        assert copied == of
        assert str(copied) == "^1.2 || 3.x"
        assert "3.1.0" in copied


@pytest.mark.parametrize(
    ("text", "what", "instead"),
    [
        ("", "it is empty", "Write *"),
        (" \t ", "it is empty", "Write *"),
        ("1.x ||", "there is nothing on one side of '||'", "Leave out '||'"),
        (">=1,,<2", "there is nothing on one side of ','", "Leave out ','"),
        (",", "there is nothing on one side of ','", "Leave out ','"),
        ("~>1.2", "'~>' means one thing to npm", "Write ~1.2 for what is below 1.3, or >=1.2 <2 "),
        ("~> 0.4", "'~>' means one thing to npm", "Write ~0.4 for what is below 0.5, or >=0.4 <1 "),
        ("~=1.2.3", "'~=' means one thing to npm", "Write ~1.2.3 for what is below 1.3"),
        (">=1 ~ >2", "'~>' means one thing to npm", "Write ~1.2 for "),
        ("==1.2.3", "'==1.2.3' is not a comparator", "one equals sign: =1.2.3"),
        (">==1.2.3", "'>==1.2.3' is not a comparator", "one operator"),
        ("!=1.2.3", "'!=1.2.3' is not a comparator", "<1.2.3 || >1.2.3"),
        ("=>1", "'=>1' is not a comparator", "Write >= and <="),
        ("1.*.3", "'1.*.3' is not a comparator", "After x or * no number can follow"),
        ("1.02", "'1.02' is not a comparator", "without leading zeros"),
        ("1.2.3-01", "'1.2.3-01' is not a comparator", "01 has a leading zero"),
        ("1.2.3.4", "'1.2.3.4' is not a comparator", "It has 4 numbers, expected three"),
        ("^1 >", "'>' has no version after it", "Write the version"),
        ("1.2 -1.4", "'-1.4' is not a comparator", "spaces on both sides of the hyphen"),
        (">=1 - 2", "'>=1 - 2' is not a comparator", "stands by itself: 1.2 - 1.4"),
        ("1 - =2.0.0", "'1 - =2.0.0' is not a comparator", "stands by itself: 1.2 - 1.4"),
        (">=1<2", "'>=1<2' is not a comparator", "Write a space between comparators"),
        ("1.2-rc.1", "'1.2-rc.1' is not a comparator", "give all three numbers"),
        (">=1 && <2", "'&&' is not a comparator", "a space or a comma"),
        ("1 | 2", "'|' is not a comparator", "Write ||"),
        ("latest", "'latest' is not a comparator", "Write for example ^1.2"),
        ("v" * 129, f"'{'v' * 120}... (129 characters)' is not a comparator", "Write for example"),
        ("^9007199254740991", "it needs a number above 9007199254740991", "smaller numbers"),
        ("1.2.3-9007199254740992", "a number above 9007199254740991", "smaller numbers"),
    ],
)
def test_refused(text: str, what: str, instead: str) -> None:
    """What is no range is refused, with what is wrong, where, and what to write instead."""
    with pytest.raises(InputError) as caught:
        Range.parse(text)

    assert caught.value.exit_code == 2
    assert caught.value.message.startswith("range '")
    assert what in caught.value.message
    assert instead in (caught.value.hint or "")


def test_long_text() -> None:
    """A text of 256 characters is parsed, and a longer one is refused."""
    assert "1.0.0" in Range.parse("1" + " " * 254 + "1")

    with pytest.raises(InputError, match="is too long") as caught:
        Range.parse("1" + " " * 255 + "1")

    assert caught.value.hint == "Use at most 256 characters"


def test_not_a_text() -> None:
    """What YAML made of an unquoted version is no range."""
    with pytest.raises(InputError, match=r"range 1\.1 is not a text"):
        Range.parse(1.1)  # type: ignore[arg-type]


def work(text: str) -> int:
    """Return how many calls are made to parse *text*, of functions in C too."""
    # Expressions that the first text of a process has compiled are not the work of that text.
    parsed(text)
    calls = 0

    def count(frame: FrameType, event: str, argument: object) -> None:
        nonlocal calls
        calls += event in ("call", "c_call")

    # Whoever is called at each collection of garbage, such as hypothesis, would be counted too.
    collects = gc.isenabled()
    gc.disable()
    sys.setprofile(count)
    try:
        parsed(text)
    finally:
        sys.setprofile(None)
        if collects:
            gc.enable()
    return calls


def parsed(text: str) -> None:
    """Parse *text* without a limit to its length, and refuse it in silence."""
    with contextlib.suppress(InputError):
        parse_comparators(text)


# Made of so many repetitions: what was too much for other parsers, and what is refused late.
REPEATED: dict[str, Callable[[int], str]] = {
    "spaces": lambda n: f">=1{' ' * n}<2",
    "spaces before a hyphen": lambda n: f"1{' ' * n}-",
    "spaces after a caret": lambda n: f"^{' ' * n}1",
    "tabs only": lambda n: "\t" * n,
    "v": lambda n: f"{'v' * n}!",
    "equals signs": lambda n: "=" * n,
    "equals signs and spaces": lambda n: "= " * n,
    "hyphens": lambda n: f"1.2.3-{'-' * n}!",
    "digits": lambda n: f"1.2.3-{'1' * n}a!",
    "a number": lambda n: "1" * n,
    "dots": lambda n: "1" + ".1" * n,
    "identifiers": lambda n: f"1.2.3-a{'.a' * n}",
    "builds": lambda n: f"1.2.3+a{'.a' * n}!",
    "comparators": lambda n: " ".join([">=1.2.3"] * n),
    "alternatives": lambda n: "||".join(["^1.2.3-rc.1 <2"] * n),
    "hyphen ranges": lambda n: ",".join(["1 - 2"] * n),
    "carets": lambda n: "^ " * n,
    "bars": lambda n: "|" * n,
    "stars": lambda n: "*" * n,
}


@pytest.mark.no_cover
@pytest.mark.parametrize("name", REPEATED)
def test_work_is_linear(name: str) -> None:
    """Each further repetition takes no more work than one before it."""
    counts = [work(REPEATED[name](n)) for n in (200, 300, 400, 3100)]

    # Reading the operator and the text of another part may take a call more or less.
    assert counts[2] - counts[1] <= counts[1] - counts[0] + 4
    assert counts[3] - counts[2] <= 27 * (counts[1] - counts[0] + 4)


@pytest.mark.no_cover
@pytest.mark.parametrize("name", REPEATED)
@pytest.mark.parametrize(
    "length", [256, 20_000, pytest.param(200_000, marks=pytest.mark.exhaustive)]
)
def test_no_text_hangs(name: str, length: int) -> None:
    """It takes fewer than 20 calls for each character, far beyond the limit too; at 200,000, calls
    that themselves took the square of that would take minutes.
    """
    make = REPEATED[name]
    text = make(length // (len(make(2)) - len(make(1))))

    assert work(text) <= 20 * len(text) + 100


def test_white_space_is_no_work() -> None:
    """20,000 spaces take as many calls as one."""
    assert work(f">=1{' ' * 20_000}<2") == work(">=1 <2")
