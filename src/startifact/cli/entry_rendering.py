"""What a listing says of versions, line by line as they come."""

from collections.abc import Iterable, Iterator

from startifact.reading.version_entries import VersionEntry
from startifact.text import escape_nonprintable

NOTHING = "-"
"""Stands for what there is not, or is not known."""

_HEAD = ("VERSION", "SIZE", "STAGED", "DIGEST", "CHANNELS", "YANKED")
# Later lines are not known yet: what is longer moves the columns behind it, in its own line.
_LEAST_WIDTHS = (14, 11, 27, 71, 12, 0)


def entry_lines(entries: Iterable[VersionEntry], *, long: bool) -> Iterator[str]:
    """Yield a line for each of *entries*; with *long*, behind a head, all that is known of it."""
    if not long:
        yield from (str(entry.version) for entry in entries)
        return
    is_first = True
    for entry in entries:
        if is_first:
            yield _line(_HEAD)
        is_first = False
        yield _line(_cells(entry))


def _cells(entry: VersionEntry) -> tuple[str, ...]:
    size = NOTHING if entry.size is None else str(entry.size)
    yanked = "" if entry.yank is None else entry.yank.reason or "without a reason"
    return (
        str(entry.version),
        size,
        entry.staged_at_text or NOTHING,
        entry.digest or NOTHING,
        ",".join(entry.channels) or NOTHING,
        "; ".join(filter(None, [yanked, entry.trouble])) or NOTHING,
    )


def _line(cells: tuple[str, ...]) -> str:
    columns = zip(map(escape_nonprintable, cells), _LEAST_WIDTHS, strict=True)
    return "  ".join(cell.ljust(width) for cell, width in columns).rstrip()
