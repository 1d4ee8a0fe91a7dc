"""The grammar of ranges, which is npm's: from a text to sets of comparators.

What npm's ``semver`` does with a text is what counts, in its strict mode and without its option
``includePrerelease``. A comma is AND here. Refused are ``~>`` and ``~=``, which Terraform and pip
read in another way, a text that says nothing, numbers that npm would round, and a ``*`` or build
metadata inside a word, which npm removes: it reads ``>*1.2.3`` as ``1.2.3``.

Each character is read a few times at most, by methods of strings and by expressions of one class of
characters, which have nothing to try again.
"""

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from semver import Version

from startifact.errors import InputError
from startifact.lazy_dataclasses import dataclass
from startifact.limits import MAX_RANGE_NUMBER
from startifact.model.range_mistakes import hint_for, hint_for_pessimistic
from startifact.model.versions import Precedence, precedence
from startifact.text import quoted

# What JavaScript calls white space; Python's own classes differ from it.
_SPACES = re.compile(r"[\t-\r \xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000\ufeff]+")
_NUMBER = re.compile(r"[0-9]+")
_IDENTIFIER = re.compile(r"[0-9A-Za-z-]+")

_PESSIMISTIC = ("~>", "~=", "~ >", "~ =")
# What white space may follow, so that it is a word by itself.
_OPERATORS = frozenset({"<", "<=", ">", ">=", "=", "^", "^=", "~"})
_ANY = ("x", "X", "*")


class Comparator(NamedTuple):
    """One of ``<``, ``<=``, ``>``, ``>=`` and ``=``, and what a version is compared with."""

    operator: str
    bound: Precedence

    def accepts(self, version: Precedence) -> bool:
        """Say whether *version* stands so to the bound; prereleases have a rule beside that."""
        if self.operator == "=":
            return version == self.bound
        if version == self.bound:
            return self.operator in ("<=", ">=")
        return (version < self.bound) == self.operator.startswith("<")


Comparators = frozenset[Comparator]
"""A version has to be accepted by all of them: every stable version is, where there are none."""

NOTHING = Comparator("<", precedence(Version(0, 0, 0, "0")))
"""What no version satisfies."""


@dataclass(frozen=True, slots=True)
class _Partial:
    """A version of which numbers may be left out, or ``x``: that one and those after it are any."""

    before: str
    numbers: tuple[int, ...]
    prerelease: str | None
    has_gap: bool

    @property
    def is_full(self) -> bool:
        return len(self.numbers) == 3

    @property
    def is_plain(self) -> bool:
        """Whether nothing but a ``v`` stands before it."""
        return self.before in ("", "v")

    def at_least(self) -> list[Comparator]:
        """Return ``>=``; none for 0.0.0, which npm takes for ``*`` too."""
        prerelease = self.prerelease if self.is_full else None
        is_zero = not any(self.numbers) and prerelease is None
        return [] if is_zero else [_comparator(">=", self.numbers, prerelease)]

    def below_next(self, position: int) -> Comparator:
        """Return what ends before the number at *position* is one higher, prereleases included."""
        *head, last = self.numbers[: position + 1]
        return _comparator("<", (*head, last + 1), "0")


def white_space_reduced(text: str) -> str:
    """Return *text* with one space for all white space in it, and none at its ends."""
    return _SPACES.sub(" ", text).strip(" ")


def parse_comparators(text: str) -> frozenset[Comparators]:
    """Return the sets of comparators in *text*: a version has to satisfy one of them.

    Raises:
        InputError: It is not in the grammar. The message names the part that is not.
    """
    text = white_space_reduced(text)
    if not text:
        raise InputError("it is empty", hint="Write * for every stable version")
    for operator in _PESSIMISTIC:
        if operator in text:
            raise InputError(
                f"{quoted(operator.replace(' ', ''))} means one thing to npm and another elsewhere",
                hint=hint_for_pessimistic(text.partition(operator)[2]),
            )
    sets = {_alternative(part) for part in _parts(text, "||")}
    # As npm does it: a part that accepts every stable version stands for all of them, and with it
    # prereleases that another part names are not accepted.
    if frozenset() in sets:
        return frozenset({frozenset()})
    return frozenset(sets - {frozenset({NOTHING})} or sets)


def _parts(text: str, separator: str) -> list[str]:
    parts = [part.strip(" ") for part in text.split(separator)]
    if "" in parts:
        raise InputError(
            f"there is nothing on one side of {quoted(separator)}",
            hint=f"Leave out {quoted(separator)}, or write * there if any version will do",
        )
    return parts


def _alternative(text: str) -> Comparators:
    comparators = frozenset(one for part in _parts(text, ",") for one in _all_of(part))
    return frozenset({NOTHING}) if NOTHING in comparators else comparators


def _all_of(text: str) -> Iterable[Comparator]:
    words = text.split(" ")
    if "-" in words:
        middle = words.index("-")
        return _hyphen(" ".join(words[:middle]), " ".join(words[middle + 1 :]))
    return [one for word in _joined(words) for one in _comparators(word)]


def _joined(words: list[str]) -> Iterator[str]:
    """Yield *words*, an operator together with what it stands before."""
    operator = ""
    for word in words:
        text = operator + word
        # Of operators in a row npm joins these two alone, and a further "=" that has no space
        # behind it.
        if text in _OPERATORS and operator in ("", "^"):
            operator = text
        else:
            yield text
            operator = ""
    if operator:
        raise InputError(f"{quoted(operator)} has no version after it", hint=hint_for(operator))


def _hyphen(first: str, last: str) -> Iterable[Comparator]:
    """Return the comparators of ``first - last``, both of them included."""
    one, other = _partial(first, "v= "), _partial(last, "v= ")
    whole = f"{first} - {last}"
    if one is None or other is None or (one.is_full and not one.is_plain):
        raise _not_a_comparator(whole, "-")
    if other.is_full and other.prerelease is None and not other.is_plain:
        raise _not_a_comparator(whole, "-")
    if one.numbers:
        yield from _at_least(one)
    if other.is_full:
        yield _comparator("<=", other.numbers, other.prerelease)
    elif other.numbers:
        yield other.below_next(len(other.numbers) - 1)


def _comparators(word: str) -> Iterable[Comparator]:
    operator = next((o for o in ("<=", ">=", "<", ">", "=", "^", "~") if word.startswith(o)), "")
    partial = _partial(word[len(operator) :], "v=")
    if partial is None:
        raise _not_a_comparator(word, word)
    if operator in ("^", "~"):
        return _caret_or_tilde(operator, partial)
    if partial.has_gap or (partial.is_full and not partial.is_plain):
        raise _not_a_comparator(word, word)
    return _comparison(operator or "=", partial)


def _caret_or_tilde(operator: str, partial: _Partial) -> Iterable[Comparator]:
    numbers = partial.numbers
    if not numbers:
        return []
    # The number that may not change: for a caret the first that is not 0.
    kept = min(1, len(numbers) - 1)
    if operator == "^":
        kept = next((i for i, n in enumerate(numbers) if n != 0), len(numbers) - 1)
    return [*partial.at_least(), partial.below_next(kept)]


def _comparison(operator: str, partial: _Partial) -> Iterable[Comparator]:
    numbers = partial.numbers
    if not numbers:
        return [NOTHING] if operator in ("<", ">") else []
    if partial.is_full:
        if operator == ">=":
            return _at_least(partial)
        return [_comparator(operator, numbers, partial.prerelease)]
    last = len(numbers) - 1
    if operator == "=":
        return [*_at_least(partial), partial.below_next(last)]
    if operator == ">=":
        return _at_least(partial)
    if operator == "<":
        return [_comparator("<", numbers, "0")]
    if operator == "<=":
        return [partial.below_next(last)]
    return [_comparator(">=", (*numbers[:last], numbers[last] + 1), None)]


def _at_least(partial: _Partial) -> list[Comparator]:
    """Return ``>=``, of a full version as it is written: npm takes no ``v0.0.0`` for ``*``."""
    if partial.is_full and partial.before:
        return [_comparator(">=", partial.numbers, partial.prerelease)]
    return partial.at_least()


def _comparator(operator: str, numbers: tuple[int, ...], prerelease: str | None) -> Comparator:
    if max(numbers) > MAX_RANGE_NUMBER:
        raise _too_large()
    major, minor, patch = (*numbers, 0, 0)[:3]
    return Comparator(operator, precedence(Version(major, minor, patch, prerelease)))


def _partial(text: str, before: str) -> _Partial | None:
    """Return the version in *text*, behind characters of *before*; ``None`` where there is none."""
    bare = text.lstrip(before)
    text_before = text[: len(text) - len(bare)]
    version, plus, build = bare.partition("+")
    core, dash, prerelease = version.partition("-")
    texts = core.split(".")
    if len(texts) > 3 or (dash and len(texts) < 3):
        return None
    if plus and not all(map(_IDENTIFIER.fullmatch, build.split("."))):
        return None
    if dash and not _is_prerelease(prerelease):
        return None
    if not all(text in _ANY or _is_number(text) for text in texts):
        return None
    count = next((i for i, text in enumerate(texts) if text in _ANY), len(texts))
    return _Partial(
        before=text_before,
        numbers=tuple(map(_number, texts[:count])),
        prerelease=prerelease if dash else None,
        has_gap=any(text not in _ANY for text in texts[count:]),
    )


def _is_prerelease(text: str) -> bool:
    identifiers = text.split(".")
    if any(_is_number(i) and _number(i) > MAX_RANGE_NUMBER for i in identifiers):
        raise _too_large()
    return all(
        _IDENTIFIER.fullmatch(i) and (_is_number(i) or not _NUMBER.fullmatch(i))
        for i in identifiers
    )


def _is_number(text: str) -> bool:
    return _NUMBER.fullmatch(text) is not None and (text == "0" or not text.startswith("0"))


def _number(text: str) -> int:
    # With one digit more than the largest has, it is too large however it goes on.
    return int(text[: len(str(MAX_RANGE_NUMBER)) + 1])


def _too_large() -> InputError:
    return InputError(
        f"it needs a number above {MAX_RANGE_NUMBER}",
        hint="Use smaller numbers: npm refuses larger ones, or rounds them",
    )


def _not_a_comparator(text: str, word: str) -> InputError:
    return InputError(f"{quoted(text)} is not a comparator", hint=hint_for(word))
