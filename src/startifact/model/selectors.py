"""What picks a version: an exact one, a channel, or a range."""

from semver import Version

from startifact.errors import InputError
from startifact.hints import Hint, Option, join
from startifact.lazy_dataclasses import dataclass
from startifact.limits import MAX_CHANNEL_NAME_CHARACTERS, MAX_VERSION_CHARACTERS
from startifact.model.keys import CHANNEL, LATEST
from startifact.model.ranges import Range
from startifact.model.version_mistakes import mistake_in
from startifact.model.versions import PARTIAL, not_a_version, parse_version
from startifact.text import quoted

_WHAT = f"an exact version such as 1.0.9000, a range such as ^1.2, or a channel such as {LATEST}"
_CHANNEL_HINT = (
    f"A channel has 1 to {MAX_CHANNEL_NAME_CHARACTERS} lower-case letters, digits and dashes, and "
    "begins with a letter, such as prod"
)
_IN_RANGES = "<>=^~*|,"
"""What a range may have and a channel may not, so that a mistake in it is one of a range."""


@dataclass(frozen=True, slots=True)
class Channel:
    """A selector that asks for the version a channel points at."""

    name: str

    def __str__(self) -> str:
        return self.name


Selector = Version | Channel | Range


def parse_selector(text: object) -> Selector:
    """Return what *text* asks for: an exact version, what a channel points at, or a range.

    Raises:
        InputError: It is none of them.
    """
    if isinstance(text, Range):
        return text
    if not isinstance(text, str) or PARTIAL.fullmatch(text) or text == "":
        return _exact(text)
    if CHANNEL.fullmatch(text) and not _is_range(text):
        return Channel(text)
    try:
        return parse_version(text)
    except InputError as e:
        error = e
    try:
        range_ = Range.parse(text)
    except InputError as e:
        error = e
    else:
        if text == text.strip():
            return range_
        meant = str(range_)
        if PARTIAL.fullmatch(meant):
            meant = f"~{meant.removeprefix('v')}"
        error = InputError(
            f"selector {quoted(text)} has white space around it", hint=f"Write {meant}"
        )
    raise _no_selector(text, error) from error


def parse_range(text: object, *, or_channel: bool = False) -> Range:
    """Return the range that *text* is; an exact version is the range of what is equal to it.

    *or_channel* says whether a channel can be given where this range is.

    Raises:
        InputError: It is none, or the name of a channel.
    """
    if isinstance(text, str) and not text.strip():
        return Range.parse(text)
    selector = parse_selector(text)
    if isinstance(selector, Channel):
        raise InputError(
            f"range {quoted(text)} is a channel",
            hint=Hint.of("Write a range such as ^1.2, or name the channel with ", Option("channel"))
            if or_channel
            else "Write a range such as ^1.2",
        )
    return selector if isinstance(selector, Range) else Range.parse(f"={selector}")


def _no_selector(text: str, error: InputError) -> InputError:
    """Return what is wrong with *text*, which is none; *error* is why it is no range."""
    is_number = text.removeprefix("v")[:1].isdigit()
    is_of_range = any(part in text for part in (*_IN_RANGES, " ", ".x", ".X"))
    short = len(text) <= MAX_VERSION_CHARACTERS
    if short and (mistake_in(text) is not None or (is_number and not is_of_range)):
        what = f"selector {quoted(text)} is neither an exact version nor a range"
        return not_a_version(what, text, f"Ask for {_WHAT}")
    is_word = text.strip()[:1].isalpha() and not any(c in text for c in _IN_RANGES)
    if is_word and not is_number:
        return InputError(
            f"selector {quoted(text)} is neither a version, a range nor a channel",
            hint=f"Ask for {_WHAT}. {_CHANNEL_HINT}",
        )
    return error


def _exact(text: object) -> Version:
    try:
        return parse_version(text)
    except InputError as e:
        if isinstance(text, str) and text:
            e.next_step = join([f"Write ~{text.removeprefix('v')} for a range", e.next_step])
        raise


def check_channel(name: object) -> str:
    """Return *name* when it is a legal name of a channel.

    A channel has 1 to 63 lower-case letters, digits and dashes, begins with a letter, and is no
    version and no range.

    Raises:
        InputError: It is not.
    """
    if isinstance(name, str) and CHANNEL.fullmatch(name) and not _is_range(name):
        return name
    what = "is empty" if name == "" else f"{quoted(name)} is not a legal name"
    if isinstance(name, str) and CHANNEL.fullmatch(name):
        what = f"{quoted(name)} can be read as a range"
    raise InputError(
        f"channel {what}",
        hint=_CHANNEL_HINT,
    )


def _is_range(text: str) -> bool:
    try:
        Range.parse(text)
    except InputError:
        return False
    return True
