"""Specs of regions: what text names a region by, checked, and not opened yet.

Each kind of region has a `RegionKind` in a module of its own, and `factory.KINDS` lists them.
"""

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Hashable
from typing import TYPE_CHECKING, ClassVar
from urllib.parse import unquote

from startifact.errors import InputError
from startifact.hints import Hint
from startifact.lazy_dataclasses import dataclass
from startifact.limits import Limits
from startifact.problems import Problems
from startifact.regions.interface import Region
from startifact.text import quoted

if TYPE_CHECKING:
    from startifact.regions.aws.configuration_loader import ConfigurationLoader


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenContext:
    """What a session has for the regions that it opens; most kinds need none of it."""

    loader: "ConfigurationLoader"
    """Reads the organisation configuration, and keeps the clients that regions share."""

    limits: Limits

    default_region: str | None = None
    """Signs requests to buckets whose spelling names no region."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RegionSpec(ABC):
    """One region as it was spelled in *text*, which is valid."""

    text: str

    uses_credentials: ClassVar[bool] = False
    """Whether who somebody is at AWS, or at a store like it, decides what may be done there."""

    uses_configuration: ClassVar[bool] = False
    """Whether an organisation configuration says where its bucket is."""

    outlives_process: ClassVar[bool] = True
    """Whether what is staged there is still there when the process has ended."""

    @property
    @abstractmethod
    def store(self) -> Hashable:
        """Equal for two spellings of one bucket or directory, as far as the texts show."""

    @abstractmethod
    def open(self, context: OpenContext) -> Region:
        """Return the region. Nothing is sent yet."""


@dataclass(frozen=True, slots=True)
class RegionKind:
    """One way to spell regions."""

    form: str | None
    """An example for hints; ``None`` keeps the kind out of them."""

    matches: Callable[[str], object]
    """Returns something true for texts that spell this kind; no text matches two kinds."""

    parse: Callable[[str], RegionSpec]
    """Returns what such a text spells, or raises an ``InputError`` with every problem."""


# Not a # within a spelling, such as a key prefix that has one: that is refused, not cut off.
_COMMENT = re.compile(r"(?:^|(?<=[,\s]))#[^\n]*", re.MULTILINE)
_IN_COMMENT = re.compile(r"(?:^|[,\s#])(?:s3:|file:|[a-z]{2,4}(?:-[a-z]+){1,3}-\d)", re.ASCII)


def split_list(text: str) -> list[str]:
    """Return the spellings in *text*, which commas, spaces and newlines separate.

    A ``#`` at the beginning of a line, or after a separator, begins a comment.

    Raises:
        InputError: A comment behind a region has another one in it. YAML may have made one line of
            several, so that it would be left out without a word.
    """
    for comment in _COMMENT.finditer(text):
        before = text[: comment.start()].rpartition("\n")[2]
        if before.strip(", \t\r") and _IN_COMMENT.search(comment[0]):
            raise InputError(
                f"the comment {quoted_spec(comment[0])} has a region in it",
                hint="Write the comment on a line of its own, and begin the value with | and not "
                "with > in YAML, which makes one line of all",
            )
    return [part for part in re.split(r"[,\s]+", _COMMENT.sub("", text)) if part]


def _may_hold_password(text: str) -> bool:
    """Say whether *text*, which was refused, may hold a user and a password."""
    return "@" in unquote(unquote(text))


def quoted_spec(text: str) -> str:
    """Return the spelling *text* as it can stand in a message."""
    if not _may_hold_password(text):
        return quoted(text)
    scheme, colon, _ = unquote(unquote(text)).partition(":")
    return quoted(f"{scheme}{colon}..." if colon else text)


class SpecProblems(Problems):
    """What is wrong with one spelling; what may be a password is not repeated."""

    def __init__(self, text: str) -> None:
        super().__init__(f"region {quoted_spec(text)}")
        self._discreet = _may_hold_password(text)

    def add(
        self, where: str, got: object, expected: str, *, hint: Hint | str | None = None
    ) -> None:
        """See `Problems.add`; what may be a password is left out."""
        if self._discreet:
            self.say(f"{where}: expected {expected}", hint=hint)
        else:
            super().add(where, got, expected, hint=hint)
