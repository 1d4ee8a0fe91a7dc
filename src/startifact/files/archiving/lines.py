"""One line of what is to be staged: a path as it is, or a pattern, that names or takes away."""

import os
from pathlib import Path

from startifact.errors import InputError, StartifactError
from startifact.files.archiving.members import is_inside
from startifact.files.archiving.patterns import EXCLUDES, Pattern, is_pattern
from startifact.files.destination import is_directory_text
from startifact.files.source import unreadable_error
from startifact.lazy_dataclasses import dataclass
from startifact.text import quoted


@dataclass(frozen=True, slots=True)
class Line:
    """One path or pattern, or what takes away from those before it."""

    position: int
    text: str
    """As it was written, without what says that it takes away."""

    pattern: Pattern
    folder: str
    """Where it begins, absolute."""

    real_folder: str
    """The same without links: two lines may spell one place differently."""

    excludes: bool
    is_literal: bool
    is_directory: bool
    """Of a link to one only where it is all that is named: a shell that puts names in the place of
    a pattern names links too, and they are kept as links."""

    @classmethod
    def parse(cls, position: int, line: str, *, several: bool) -> "Line":
        """Return what *line* says, one of *several* or the only one that names something.

        Raises:
            InputError: It cannot be a path or a pattern.
        """
        excludes = line.startswith(EXCLUDES)
        text = line.removeprefix(EXCLUDES) if excludes else line
        if not text.strip():
            raise InputError("a path is empty", hint="Name a file, a directory or a pattern")
        if not _may_be_path(text):
            raise InputError(f"{quoted(text)} is not a path")
        is_literal = not is_pattern(text) or os.path.lexists(text)
        pattern = Pattern.literal(text) if is_literal else Pattern.parse(text)
        is_directory = is_literal and os.path.isdir(text) and not (several and os.path.islink(text))
        folder = _absolute(pattern.fixed)
        goes_in = not is_literal or is_directory_text(text) or (is_directory and not excludes)
        real = os.path.realpath(pattern.fixed) if goes_in else _real_path(pattern.fixed)
        return cls(position, text, pattern, folder, real, excludes, is_literal, is_directory)

    def absence(self) -> OSError | None:
        """Return why nothing is there; ``None`` if something is, and of a pattern."""
        if not self.is_literal:
            return None
        try:
            os.lstat(self.text)
        except OSError as e:
            return e
        return None

    def absence_error(self, why: OSError, like: str) -> StartifactError:
        """Return the error that *why* is, with the names *like* those that were written."""
        if isinstance(why, NotADirectoryError) and is_directory_text(self.text):
            return InputError(
                f"{quoted(self.text)} ends as a directory does, and is none",
                hint="Leave out what it ends with",
            )
        return unreadable_error(Path(self.text), why, like)

    @property
    def is_file(self) -> bool:
        """Whether it is the path of a file, a link or anything else that is no directory."""
        return self.is_literal and not self.is_directory

    @property
    def root(self) -> str:
        """The folder that the paths of members are relative to, where it is the only line."""
        return str(Path(self.folder).parent) if self.is_file else self.folder

    def real_path(self, location: str) -> str:
        """Return *location*, which is in its folder and in no link in that, without links."""
        rest = location[len(self.folder) :].lstrip(os.sep)
        return os.path.join(self.real_folder, rest) if rest else self.real_folder

    def covers(self, path: str, *, is_directory: bool) -> bool:
        """Say whether it is about what is at *path*, which has no links, or a folder of that."""
        if not is_inside(path, self.real_folder):
            return False
        rest = path[len(self.real_folder) :].replace(os.sep, "/")
        parts = [part for part in rest.split("/") if part]
        return self.pattern.covers(parts, is_directory=is_directory)


def _may_be_path(text: str) -> bool:
    try:
        return b"\0" not in os.fsencode(text)
    except UnicodeError:  # half of a character, which no argument has that this system was given
        return False


def _absolute(text: str) -> str:
    """Return *text* as an absolute path, by its names; where these would mislead, without links."""
    by_name = os.path.abspath(text)
    real = os.path.realpath(text)
    return by_name if os.path.realpath(by_name) == real else real


def _real_path(text: str) -> str:
    """Return where *text* itself is, which may be a link."""
    folder, name = os.path.split(text)
    if name in {"", ".", ".."}:
        return os.path.realpath(text)
    return os.path.join(os.path.realpath(folder), name)
