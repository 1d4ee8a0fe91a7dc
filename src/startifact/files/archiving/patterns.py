"""Which files a pattern names: ``*``, ``?``, ``[…]`` within a part of a path, ``**`` over parts.

A pattern is followed from folder to folder: at each part of a path it is known which parts of the
pattern may come next, so that a walk goes no deeper than something may match.
"""

import fnmatch
import functools
import os
import re
from collections.abc import Iterable

from startifact.errors import InputError
from startifact.lazy_dataclasses import dataclass
from startifact.text import quoted

_MAGIC = re.compile(r"[*?\[]")
_ANY_DEPTH = "**"

EXCLUDES = "!"
"""What a line begins with that takes away from what lines before it name."""

States = frozenset[int]
"""How many parts of a pattern the parts of a path so far may stand for."""


def is_pattern(text: str) -> bool:
    """Say whether *text* has characters in it that stand for others."""
    return _MAGIC.search(text) is not None


def is_hidden(name: str) -> bool:
    """Say whether *name*, of a file or a folder, begins with a dot."""
    return name.startswith(".")


@dataclass(frozen=True, slots=True)
class Pattern:
    """A pattern, of which the parts before the first that has a ``*``, ``?`` or ``[`` are fixed."""

    text: str
    fixed: str
    """The folder that it begins in, as it was written; a dot where that is the working one."""

    parts: tuple[str, ...]
    only_directories: bool
    """Whether it ends with a slash or a ``**``: a directory stands for all that is in it."""

    @classmethod
    def literal(cls, text: str) -> "Pattern":
        """Return the pattern that stands for the path *text* alone, whatever is in it."""
        return cls(text=text, fixed=text, parts=(), only_directories=False)

    @classmethod
    def parse(cls, text: str) -> "Pattern":
        """Return the pattern that *text* is.

        Raises:
            InputError: It leads back with ``..`` from what it does not name.
        """
        parts = text.replace(os.sep, "/").split("/")
        first = next((i for i, part in enumerate(parts) if is_pattern(part)), len(parts))
        fixed = "/".join(parts[:first])
        if not fixed:
            fixed = "/" if first else "."
        rest = tuple(part for part in parts[first:] if part not in {"", "."})
        if ".." in rest:
            raise InputError(
                f"{quoted(text)} has .. behind a part that stands for several folders",
                hint="Write the folder to go back to in front of it",
            )
        only_directories = parts[-1] in {"", _ANY_DEPTH}
        while rest and rest[-1] == _ANY_DEPTH:
            rest = rest[:-1]
        return cls(text, fixed, rest, only_directories)

    @property
    def start(self) -> States:
        """The states in the folder that it begins in."""
        return self._with_empty_matches({0})

    def is_matched(self, states: States) -> bool:
        """Say whether the pattern may end here."""
        return len(self.parts) in states

    def step(self, states: States, name: str, *, include_hidden: bool) -> States:
        """Return the states behind *name* in a folder with *states*; none where nothing matches.

        Hidden names are matched by parts that begin with a dot, and with *include_hidden* by all.
        """
        following = set[int]()
        hidden = is_hidden(name) and not include_hidden
        for index in states:
            if index == len(self.parts):
                continue
            part = self.parts[index]
            if hidden and not is_hidden(part):
                continue
            if part == _ANY_DEPTH:
                following.add(index)
            elif _regex(part).match(name):
                following.add(index + 1)
        return self._with_empty_matches(following)

    def covers(self, parts: Iterable[str], *, is_directory: bool) -> bool:
        """Say whether it matches the path of *parts* in its fixed folder, or a folder of that path.

        Hidden names are like others.
        """
        states, names = self.start, list(parts)
        if self.is_matched(states):
            return True
        for position, name in enumerate(names, 1):
            states = self.step(states, name, include_hidden=True)
            is_folder = is_directory or position < len(names)
            if self.is_matched(states) and (is_folder or not self.only_directories):
                return True
        return False

    def _with_empty_matches(self, states: set[int]) -> States:
        """Return *states* with those behind each ``**``, which may stand for no folder at all."""
        found = set(states)
        for index in sorted(states):
            behind = index
            while behind < len(self.parts) and self.parts[behind] == _ANY_DEPTH:
                behind += 1
                found.add(behind)
        return frozenset(found)


@functools.lru_cache(maxsize=256)
def _regex(part: str) -> re.Pattern[str]:
    # As glob does it: case matters on every system, so that the same pattern names the same files.
    return re.compile(fnmatch.translate(part))
