"""Text from outside as it may stand in a message, in a log or on a terminal."""

import re
import unicodedata
from collections.abc import Iterable, Sequence

from startifact.limits import (
    LISTED_NAME_CHARACTERS,
    LISTED_NAMES,
    MAX_COUNT_DIGITS,
    MAX_DEADLINE_SECONDS,
    NEAREST_NAMES,
    NEAREST_RATIO,
    QUOTED_CHARACTERS,
)


def quoted(value: object, limit: int = QUOTED_CHARACTERS) -> str:
    """Return *value* for a message: quoted, printable, and cut at *limit* characters."""
    text = value if isinstance(value, str) else repr(value)
    cut = text if len(text) <= limit else f"{text[:limit]}... ({len(text)} characters)"
    return escape_nonprintable(repr(cut)) if isinstance(value, str) else escape_nonprintable(cut)


COUNTS = "a whole number from 1 on"
"""What `count_of` takes, for messages."""

NUMBERS = "a whole number from 0 on"
"""What `number_of` takes, for messages."""


def no_number(name: str, given: object, *, least: int) -> str:
    """Return the message that what is *given* as *name* is no whole number from *least* on."""
    return f"{name} is {quoted(given)}, expected {COUNTS if least else NUMBERS}"


def count_of(text: str) -> int | None:
    """Return the whole number from 1 on that *text* is; ``None`` where it is none."""
    return number_of(text) or None


def number_of(text: str) -> int | None:
    """Return the whole number from 0 on that *text* is; ``None`` where it is none."""
    is_number = text.isascii() and text.isdecimal() and len(text) <= MAX_COUNT_DIGITS
    return int(text) if is_number else None


SECONDS = "a number of seconds"
"""What `seconds_of` takes, for messages."""


def seconds_of(text: str) -> float | None:
    """Return the seconds that *text* allows for something; ``None`` where it is no such number."""
    try:
        seconds = float(text)
    except ValueError:
        return None
    return seconds if 0 < seconds <= MAX_DEADLINE_SECONDS else None


def quoted_apart(one: str, other: str) -> tuple[str, str]:
    """Return both, quoted as `quoted` does it; escaped to ASCII where they look alike."""
    if not look_alike(one, other):
        return quoted(one), quoted(other)
    start = _first_difference(one, other)
    return _window(one, start), _window(other, start)


def look_alike(one: str, other: str) -> bool:
    """Say whether people may take two different texts for one.

    They may where the texts differ in nothing but characters that are not ASCII: spellings of one
    character, spaces and marks of other kinds, letters of another alphabet.
    """
    if one == other:
        return False
    shapes = [_shape(text) for text in (one, other)]
    return len(shapes[0]) == len(shapes[1]) and all(
        a == b or not (a.isascii() and b.isascii()) for a, b in zip(*shapes, strict=True)
    )


def _shape(text: str) -> str:
    """Return *text* without what is not seen, and its characters in their plainest form."""
    return "".join(
        " " if c.isspace() else c
        for c in unicodedata.normalize("NFKC", text)
        if unicodedata.category(c) not in {"Cf", "Mn"}
    ).rstrip(" ")


def _first_difference(one: str, other: str) -> int:
    characters = enumerate(zip(one, other, strict=False))
    return next((i for i, (a, b) in characters if a != b), min(len(one), len(other)))


def _window(text: str, start: int) -> str:
    """Return *text* in ASCII, from a little before *start* where it is too long."""
    cut = text[max(0, start - 20) :] if len(text) > QUOTED_CHARACTERS else text
    before = "..." if len(cut) < len(text) else ""
    after = f"... ({len(text)} characters)" if len(cut) > QUOTED_CHARACTERS else ""
    return ascii(f"{before}{cut[:QUOTED_CHARACTERS]}{after}")


def quoted_list(names: Iterable[object], limit: int = LISTED_NAMES) -> str:
    """Return *names*, each quoted, in one line; of more than *limit* how many more there are."""
    return joined((quoted(str(name), LISTED_NAME_CHARACTERS) for name in names), limit)


def joined(texts: Iterable[str], limit: int = LISTED_NAMES) -> str:
    """Return *texts* with commas between them; of more than *limit* how many more there are."""
    known = list(dict.fromkeys(texts))
    more = [f"{len(known) - limit} more"] if len(known) > limit else []
    return ", ".join([*known[:limit], *more])


def nearest(given: str, names: Iterable[str], limit: int = NEAREST_NAMES) -> list[str]:
    """Return at most *limit* of *names* that *given* may be a misspelling of, the nearest first."""
    if not given.strip("-") or len(given) > LISTED_NAME_CHARACTERS:
        return []
    import difflib  # only where something is misspelt

    # Case apart: SUGARWATER is nearer to SugarWater than anything else is.
    by_shape: dict[str, str] = {}
    for name in names:
        by_shape.setdefault(name.lower(), name)
    shapes = difflib.get_close_matches(given.lower(), by_shape, n=limit, cutoff=NEAREST_RATIO)
    return [by_shape[shape] for shape in shapes]


def perhaps(names: Sequence[str]) -> str:
    """Return the hint that one of *names* may be meant; empty where there are none."""
    if not names:
        return ""
    *others, last = names
    return (
        f"Perhaps {', '.join(others)} or {last} is meant" if others else f"Perhaps {last} is meant"
    )


def with_regions(names: Iterable[str], text: str) -> str:
    """Return *text*, and in front of it the regions *names* that it does not name itself."""
    # Only the first line is read together with the names in front of it.
    first = text.partition("\n")[0]
    missing = [name for name in names if not _names(first, name)]
    return f"{', '.join(missing)}: {text}" if missing else text


def without_region(name: str, text: str) -> str:
    """Return *text*, which stands beside the region's *name*, without that name in front of it."""
    return text.removeprefix(f"{name}: ").removeprefix(f"{name} ")


def _names(line: str, region: str) -> bool:
    """Say whether *region* is in *line*, and not only as a part of another name or of a path."""
    return re.search(rf"(?<![\w./-]){re.escape(region)}(?![\w/@-]|\.\w)", line) is not None


# Each alternative reads a character a few times at most, however long the text is: nobody who can
# choose the text may make this take minutes, in which no signal is handled.
_SECRETS = re.compile(
    r"""
      ://[^/\s,]+@                                            # user and password in an address
    | \b(?:AKIA|ASIA)[A-Z0-9]{12,}                           # the id of an AWS access key
    | (?<![\w-])(?=[\w-]*+\.[\w-])[\w-]*?\beyJ[\w-]{8,}(?:\.[\w-]+)+  # a JSON web token
    | (?:[A-Za-z0-9+/]|%2[BbFf]){80,}(?:=|%3[Dd])*           # a session token
    | (?i:bearer)\s+[\w.~+/-]{16,}=*
    | \bgh[opsur]_[A-Za-z0-9]{16,}                            # a token of GitHub
    | (?i:credential|signature|(?:security|session)[-_]?token|password|secret[-_]?access[-_]?key)
      ["']?\s*[=:>]\s*["']?[^\s"'<>,;&]{6,}
    """,
    re.VERBOSE | re.ASCII,
)


def redact(text: str) -> str:
    """Return *text*, which a service or an SDK wrote, with what may be credentials as ``***``."""
    return _SECRETS.sub("***", text)


def in_one_line(text: str) -> str:
    """Return *text*, which says by line what regions said, in one line."""
    first, *lines = [line.strip() for line in text.split("\n")]
    return f"{first} {'; '.join(lines)}" if lines else first


def escape_nonprintable(text: str) -> str:
    """Return *text* with all that is not printable escaped, every space but U+0020 included."""
    if text.isprintable():
        return text
    return "".join(
        c if c.isprintable() else c.encode("unicode_escape", "surrogatepass").decode() for c in text
    )
