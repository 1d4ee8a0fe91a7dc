"""What picks a version: an exact one, a channel, or a range."""

from dataclasses import dataclass

from semver import Version

from startifact.errors import InputError
from startifact.limits import MAX_CHANNEL_NAME_CHARACTERS
from startifact.model.keys import CHANNEL, LATEST
from startifact.model.ranges import Range
from startifact.model.versions import PARTIAL, not_a_version, parse_version
from startifact.text import quoted

_WHAT = f"an exact version such as 1.0.9000, a range such as ^1.2, or a channel such as {LATEST}"


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
        return parse_version(text)
    if CHANNEL.fullmatch(text) and not _is_range(text):
        return Channel(text)
    try:
        return parse_version(text)
    except InputError as e:
        error = e
    try:
        return Range.parse(text)
    except InputError as e:
        if _begins_like_a_version(text):
            raise not_a_version(
                f"selector {quoted(text)} is no exact version", text, f"Ask for {_WHAT}"
            ) from error
        raise InputError(
            f"selector {quoted(text)} is not valid: {e.message}", hint=e.hint or f"Ask for {_WHAT}"
        ) from e


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
        hint=f"Use 1 to {MAX_CHANNEL_NAME_CHARACTERS} lower-case letters, digits and dashes that "
        "begin with a letter, for example prod",
    )


def _is_range(text: str) -> bool:
    try:
        Range.parse(text)
    except InputError:
        return False
    return True


def _begins_like_a_version(text: str) -> bool:
    return text.removeprefix("v")[:1].isdigit()
