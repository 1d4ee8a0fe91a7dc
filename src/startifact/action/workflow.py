"""Talking to GitHub's runner: the log, annotations and the output file.

This is the only module that imports actions-toolkit. The runner takes lines of the log for
commands, and much of what Startifact says came from outside, so all of it goes through here. The
toolkit writes only to standard output, and so does this: the runner does not keep the order of two
streams.
"""

import contextlib
import os
import re
import stat
import sys
import unicodedata
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from actions_toolkit.command import issue_command
from actions_toolkit.file_command import issue_file_command, prepare_key_value_message

from startifact.action.long_text import shortened
from startifact.errors import ConfigurationError, LocalFileError
from startifact.limits import MAX_ANNOTATION_CHARACTERS, MAX_ANNOTATIONS
from startifact.text import escape_nonprintable, quoted

FindingKind = Literal["error", "warning", "notice"]

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*", re.ASCII)

# Letters without a glyph. The runner compares as a language does, which passes over them.
_FILLERS = frozenset("\u115f\u1160\u17b4\u17b5\u3164\uffa0")


def say(text: str = "") -> None:
    """Write *text* to the log; none of its lines is a command, whatever it holds."""
    for line in text.split("\n"):
        sys.stdout.write(f"{harmless(line)}\n")
    sys.stdout.flush()


def harmless(line: str) -> str:
    """Return *line* as the runner shows it and does nothing else.

    What cannot be printed is escaped, line breaks of every kind included. A backslash stands before
    what would begin a command.
    """
    line = escape_nonprintable(line)
    visible = line if line.isascii() else "".join(c for c in line if not _is_passed_over(c))
    if visible != line and ("##[" in visible or visible.lstrip().startswith("::")):
        line = line.encode("ascii", "backslashreplace").decode()
    line = line.replace("##[", "##\\[")
    return line.replace("::", "\\::", 1) if line.lstrip().startswith("::") else line


def _is_passed_over(character: str) -> bool:
    return unicodedata.category(character).startswith("M") or character in _FILLERS


def mask(*secrets: str) -> None:
    """Let the runner show none of *secrets* in what follows; none is blank, or short."""
    for secret in secrets:
        issue_command("add-mask", {}, secret)
    sys.stdout.flush()


class Annotations:
    """The annotations of one step: no more than somebody reads, the rest in the log.

    One is kept for the error, which comes last.
    """

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()
        self.others: list[str] = []
        """What stands only in the log."""

    @property
    def failed(self) -> bool:
        """Whether an error has been shown."""
        return self._counts["error"] > 0

    def add(self, kind: FindingKind, message: str, *, title: str = "", hint: str = "") -> None:
        """Show *message*, and below it the *hint*, on the page of the run.

        Once there are enough it is in the log; of a long one the whole is there, and the hint and
        as much as the runner keeps are shown.
        """
        said, ending = _escaped(message), f"\nHint: {_escaped(hint)}" if hint else ""
        kept = 0 if kind == "error" or self.failed else 1
        if self._counts.total() >= MAX_ANNOTATIONS - kept:
            say(f"{kind.capitalize()}: {said}{ending}")
            self.others.append(f"{said}{ending}")
            return
        self._counts[kind] += 1
        text = f"{said}{ending}"
        if len(text) > MAX_ANNOTATION_CHARACTERS:
            say(text)
            # A hint is a sentence or two; one that is longer is cut like all else.
            if len(ending) > MAX_ANNOTATION_CHARACTERS // 2:
                said, ending = text, ""
            text = shortened(said, MAX_ANNOTATION_CHARACTERS - len(ending)) + ending
        # The runner would cut the equals sign off, and the toolkit prints empty properties.
        shown_title = escape_nonprintable(title).lstrip("=")
        issue_command(kind, {"title": shown_title} if shown_title else {}, text)
        sys.stdout.flush()


def _escaped(text: str) -> str:
    return "\n".join(escape_nonprintable(line) for line in text.split("\n"))


def check_output_file(path: str) -> None:
    """Return when outputs can be written to *path*, which is what ``GITHUB_OUTPUT`` says.

    Raises:
        ConfigurationError: It says nothing.
        LocalFileError: There is no such file, or it cannot be written.

    """
    if not path.strip():
        raise ConfigurationError(
            "GITHUB_OUTPUT is not set, so there is no file to write the outputs to",
            hint="Run this as a step of a workflow, or use the command line: startifact --help",
        )
    try:
        if not stat.S_ISREG(Path(path).stat().st_mode):
            raise LocalFileError(f"GITHUB_OUTPUT names {quoted(path)}, which is not a file")
        with Path(path).open("ab"):
            pass
    except OSError as e:
        raise LocalFileError(
            f"GITHUB_OUTPUT names {quoted(path)}, which cannot be written: {e.strerror}",
            hint="The runner makes this file: do not set the variable in the workflow",
        ) from e


def write_outputs(path: str, outputs: Mapping[str, str]) -> None:
    """Add *outputs* to the file at *path*, which is what ``GITHUB_OUTPUT`` says: all or none.

    Raises:
        ValueError: A name would not be read back as it is. Nothing was written.
        ConfigurationError: ``GITHUB_OUTPUT`` is not set.
        LocalFileError: The file cannot be written. It is as it was.

    """
    for name in outputs:
        if not _NAME.fullmatch(name):
            raise ValueError(f"{name!r} cannot be the name of an output")
    check_output_file(path)
    file = Path(path)
    size = file.stat().st_size
    text = "\n".join(prepare_key_value_message(n, _storable(v)) for n, v in outputs.items())
    try:
        issue_file_command("OUTPUT", text if _ends_its_line(file) else f"\n{text}")
    except Exception as e:
        # The toolkit raises bare exceptions. Half an output would make the runner fail the step.
        with contextlib.suppress(OSError):
            os.truncate(file, size)
        raise LocalFileError(f"cannot write the outputs to GITHUB_OUTPUT: {quoted(str(e))}") from e


def _storable(value: str) -> str:
    """Return *value* as UTF-8 can hold it: names of files may not be Unicode."""
    return value.encode("utf-8", "backslashreplace").decode()


def _ends_its_line(file: Path) -> bool:
    with file.open("rb") as reader:
        if reader.seek(0, os.SEEK_END) == 0:
            return True
        reader.seek(-1, os.SEEK_END)
        return reader.read() == b"\n"
