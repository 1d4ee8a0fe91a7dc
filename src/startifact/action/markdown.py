"""Text from outside as Markdown, and the file that the runner reads it from.

Such text stands as code, where GitHub makes no links and no mentions, and cannot end it: every
character that could is replaced.
"""

import html
import logging
import re
import string
from collections.abc import Sequence
from enum import StrEnum
from itertools import accumulate
from pathlib import Path

from startifact.limits import MAX_CODE_CHARACTERS, MAX_OPEN_ROWS, MAX_SUMMARY_BYTES
from startifact.text import escape_nonprintable, quoted

logger = logging.getLogger(__name__)

_LINK = re.compile(r"https://[A-Za-z0-9.-]+(?::[0-9]+)?/[A-Za-z0-9/._~?&=%-]*")
"""Addresses that cannot end a link, whatever is around them."""

_FOLD, _UNFOLD = "<details>", "</details>\n\n"
_CUT = "*The rest is left out: the summary of a step may have 1 MiB.*\n"
_FRACTION = re.compile(r"\.[0-9]+Z$", re.ASCII)
_PLAIN = frozenset(string.ascii_letters + string.digits + " ")
_ENDS_CODE = frozenset("`|\\")

Lines = list[str]
"""Markdown in pieces that stand by themselves."""


class Mark(StrEnum):
    """How a step ended, for those who see no more than the beginning of its heading."""

    SUCCEEDED = "\N{WHITE HEAVY CHECK MARK}"
    IN_PART = "\N{WARNING SIGN}\N{VARIATION SELECTOR-16}"
    """It succeeded, and somebody has to look after something."""

    FAILED = "\N{CROSS MARK}"


def mark_of(*, failed: object, in_part: object = False) -> Mark:
    """Return how a step ended that *failed*, or did not do all that it was to do."""
    return Mark.FAILED if failed else Mark.IN_PART if in_part else Mark.SUCCEEDED


def heading(mark: Mark, text: str) -> str:
    """Return the line that a summary begins with."""
    return f"### {mark} {text}\n\n"


def write(path: str, lines: Sequence[str]) -> None:
    """Add *lines* to the file at *path*, which is what ``GITHUB_STEP_SUMMARY`` says.

    Where they do not all fit, as many as do are written, and a note. Without a file nothing is
    written. A summary that cannot be written is a warning.
    """
    if not path:
        return
    file = Path(path)
    try:
        if file.exists() and not file.is_file():
            raise OSError(None, "it is not a file")
        taken = file.stat().st_size if file.exists() else 0
        before = "\n\n" if taken else ""
        if text := _fitting(lines, MAX_SUMMARY_BYTES - taken - len(before)):
            with file.open("ab") as writer:
                writer.write(f"{before}{text}".encode())
        elif lines:
            logger.info("the job summary is left out: with what is there it would exceed 1 MiB")
    except OSError as e:
        logger.warning("cannot write the job summary to %s: %s", quoted(path), e.strerror)


def _fitting(lines: Sequence[str], room: int) -> str:
    if sum(len(line.encode()) for line in lines) <= room:
        return "".join(lines)
    room -= len(_CUT) + len(_UNFOLD) + 1
    sizes = accumulate(len(line.encode()) for line in lines)
    kept = [line for line, size in zip(lines, sizes, strict=True) if size <= room]
    open_ = sum(line.startswith(_FOLD) - (line == _UNFOLD) for line in kept)
    return "".join([*kept, "\n", _UNFOLD * open_, _CUT]) if kept else ""


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Lines:
    """Return a table without the columns that are empty in every row."""
    used = [i for i in range(len(head)) if any(row[i] for row in rows)]
    return [
        f"{_row([head[i] for i in used])}{_row([':--' for _ in used])}",
        *(_row([row[i] for i in used]) for row in rows),
        "\n",
    ]


def long_table(
    head: Sequence[str],
    rows: Sequence[Sequence[str]],
    what: str,
    *,
    before: Sequence[Sequence[str]] = (),
) -> Lines:
    """Return a table of *what*; of one that is long the rest is folded, and opens with a click.

    Rows *before* those are never folded.
    """
    first, rest = rows[:MAX_OPEN_ROWS], rows[MAX_OPEN_ROWS:]
    lines = table(head, [*before, *first]) if first or before else []
    head = [what.capitalize(), *("" for _ in head[1:])] if before else head
    return lines + (folded(f"{len(rest):,} more {what}", table(head, rest)) if rest else [])


def folded(title: str, lines: Lines) -> Lines:
    """Return *lines* below *title*, which is all that is shown until somebody clicks on it."""
    return [f"{_FOLD}<summary>{title}</summary>\n\n", *lines, _UNFOLD]


def link(text: str, address: str) -> str:
    """Return *text* as `code` has it, and as a link where *address* is one that can be written."""
    return f"[{code(text)}]({address})" if _LINK.fullmatch(address) else code(text)


def point_in_time(text: str) -> str:
    """Return the point in time *text* to the second, as `code` has it; without one, nothing."""
    return code(_FRACTION.sub("Z", text)) if text else ""


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |\n"


def code(text: str) -> str:
    """Return *text* as it can stand anywhere in a line of Markdown, and is shown as it is."""
    cut = (
        text
        if len(text) <= MAX_CODE_CHARACTERS
        else f"{text[:MAX_CODE_CHARACTERS]}... ({len(text):,} characters)"
    )
    line = escape_nonprintable(cut)
    if line.strip() and not _ENDS_CODE & set(line):
        return f"`{line}`"
    return f"<code>{escaped(line)}</code>"


def escaped(line: str) -> str:
    """Return *line* as it can stand among tags in a line of Markdown."""
    return "".join(c if c in _PLAIN or not c.isascii() else f"&#{ord(c)};" for c in line)


def wrapped(text: str) -> str:
    """Return *text* as lines that are shown as they are, and broken where the page ends."""
    lines = (html.escape(escape_nonprintable(line)) for line in text.split("\n"))
    # No line is empty: GitHub would read what follows as Markdown.
    quoted_lines = (f"<code>{line}</code><br>\n" if line else "<br>\n" for line in lines)
    return f"<blockquote>\n{''.join(quoted_lines)}</blockquote>\n\n"


def block(text: str) -> str:
    """Return *text* as lines that are shown as they are."""
    lines = (html.escape(escape_nonprintable(line)) for line in text.split("\n"))
    return "<pre>{}</pre>\n\n".format("\n".join(lines))
