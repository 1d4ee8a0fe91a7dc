"""Rows of a state, a name and what there is to say, as a table where it fits."""

from collections.abc import Iterator

from startifact.cli import console
from startifact.limits import LEAST_TEXT_COLUMNS
from startifact.text import escape_nonprintable

INDENT = "  "


def row_lines(
    state: str, name: str, text: str, widths: tuple[int, int], columns: int | None
) -> Iterator[str]:
    """Yield the lines of one row, whose *state* and *name* have columns of these *widths*.

    Where *columns* are too few for that, *text* has lines of its own.
    """
    head = f"{INDENT}{state.ljust(widths[0])}  {name.ljust(widths[1])}  "
    if columns is not None and columns < len(head) + LEAST_TEXT_COLUMNS:
        yield from filled(f"{state}: {name}", INDENT, INDENT, columns)
        head = INDENT * 2
    yield from filled(text, head, " " * len(head), columns)


def filled(text: str, first: str, others: str, columns: int | None) -> list[str]:
    """Return *text*, escaped, in lines that fit, but for words that are longer themselves."""
    line = escape_nonprintable(" ".join(text.split()))
    return console.filled(line, first, others, columns)
