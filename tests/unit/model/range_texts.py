"""Texts that are ranges, or nearly: thousands of them, and versions at their bounds."""

import random

from hypothesis import strategies as st

LARGEST = 2**53 - 1

_PRERELEASES = ["0", "rc.1", "-", "--1", "-a", "1-", "00a", f"{LARGEST}", "a.b.-"]
_WRONG_PRERELEASES = ["01", "", "a..b", "a_b", f"{LARGEST + 1}", "a.01"]
_NUMBERS = ["0", "1", "2", "3", "0", "1", "2", "x", "X", "*"]
_UNUSUAL_NUMBERS = [str(LARGEST - 1), str(LARGEST), str(LARGEST + 1), "9" * 30]
_WRONG_NUMBERS = ["01", "00", "", "-1", "1*", "y", "\u0661"]
_BEFORE = ["v", "=", "vv", "v=", "==", "v ", "= ", " v", "V"]
_OPERATORS = ["", "", "<", "<=", ">", ">=", "=", "^", "~"]
_UNUSUAL_OPERATORS = [
    "^ =",
    "= =",
    "> =",
    "<>",
    "!=",
    "=>",
    "~>",
    "~=",
    "~ >",
    "*",
    "-",
    "^^",
    ">*",
]
_SPACES = ["", "", "", "", "", " ", "  ", "\t", "\n", "\xa0", "\ufeff", " \r\n "]
_UNUSUAL_SPACES = [*_SPACES, "\x1c", "\x85", "\x00", "+b"]


class _Writer:
    """Writes ranges by chance; with one seed, always the same."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)

    def _one_in(self, count: int) -> bool:
        return self._random.randrange(count) == 0

    def _rarely(self, usual: list[str], unusual: list[str]) -> str:
        """Return mostly one of *usual*: of many unusual things each hides the others."""
        return self._random.choice(unusual if self._one_in(30) else usual)

    def _space(self) -> str:
        return self._random.choice(_SPACES)

    def partial(self) -> str:
        """Return a version, or the beginning of one."""
        count = self._random.choice([1, 2, 3, 3, 3])
        unusual = [*_UNUSUAL_NUMBERS, *_WRONG_NUMBERS]
        text = ".".join(self._rarely(_NUMBERS, unusual) for _ in range(count))
        if self._one_in(3 if count == 3 else 20):
            text += "-" + self._rarely(_PRERELEASES, _WRONG_PRERELEASES)
        if self._one_in(10):
            text += self._rarely(["+b", "+1.a-"], ["+", "+b+c", "+b.*", "+.", ".4"])
        return self._rarely([""], _BEFORE) + text

    def comparator(self) -> str:
        operator = self._rarely(_OPERATORS, _UNUSUAL_OPERATORS)
        return operator + self._space() + self.partial()

    def alternative(self) -> str:
        """Return comparators that all have to accept a version."""
        count = self._random.choice([1, 1, 1, 2, 2, 3])
        words = [self.comparator() for _ in range(count)]
        if self._one_in(4):
            words = [self.partial(), "-", self.partial(), *(words if self._one_in(20) else [])]
        return "".join(self._rarely([" "], _UNUSUAL_SPACES) + word for word in words)

    def range(self) -> str:
        text = self.alternative()
        while self._one_in(2):
            text += self._space() + self._rarely(["||"], ["|", "|||", "||||"]) + self.alternative()
        return text + self._space()


seeds = st.integers(0, 2**64 - 1)
comparators = seeds.map(lambda seed: _Writer(seed).comparator())
alternatives = seeds.map(lambda seed: _Writer(seed).alternative())
ranges = seeds.map(lambda seed: _Writer(seed).range())

# Every character that means something, in any order: what is left out above is found here.
characters = st.text("<>=^~v xX*.-+|0121rc,\t", max_size=14)

_UP_TO_3 = range(4)
VERSIONS = [
    *(f"{a}.{b}.{c}" for a in _UP_TO_3 for b in _UP_TO_3 for c in _UP_TO_3),
    *(
        f"{a}.{b}.{c}-{prerelease}"
        for a in _UP_TO_3
        for b in _UP_TO_3
        for c in _UP_TO_3
        for prerelease in ("0", "--", "rc.1")
    ),
    *(f"1.2.3-{prerelease}" for prerelease in _PRERELEASES),
    f"1.0.0-{LARGEST}",
    f"1.0.0-{LARGEST - 1}",
    f"{LARGEST}.0.0",
    f"{LARGEST}.{LARGEST}.{LARGEST}",
    f"{LARGEST - 1}.0.0-0",
    f"1.{LARGEST}.0",
    f"1.2.{LARGEST}",
    "1.2.3+build",
    "1.2.3-rc.1+build",
]
"""Around the numbers that ranges here are made of, each of which is a bound of some of them."""
