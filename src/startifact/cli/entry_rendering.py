"""What a listing says of versions, line by line as they come."""

from collections.abc import Iterable, Iterator

from startifact.cli.console import fits, table
from startifact.reading.version_entries import VersionEntry
from startifact.text import escape_nonprintable

NOTHING = "-"
"""Stands for what there is not, or is not known."""

_HEAD = ("VERSION", "SIZE", "STAGED", "DIGEST", "CHANNELS", "TROUBLE")
# Later lines are not known yet: what is longer moves the columns behind it, in its own line.
_LEAST_WIDTHS = (14, 11, 27, 71, 12, 0)


def entry_lines(
    entries: Iterable[VersionEntry], *, long: bool, columns: int | None = None
) -> Iterator[str]:
    """Yield a line for each of *entries*; with *long*, behind a head, all that is known of it.

    On a terminal whose *columns* are too few for such lines, each fact has a line of its own.
    """
    if not long:
        yield from (str(entry.version) for entry in entries)
        return
    if not fits([_line(_HEAD)], columns):
        for entry in entries:
            yield from _block(entry)
        return
    is_first = True
    for entry in entries:
        if is_first:
            yield _line(_HEAD)
        is_first = False
        yield _line(_cells(entry))


def _block(entry: VersionEntry) -> list[str]:
    """Return what is known of *entry*, named as ``info`` names it."""
    algorithm, _, digest = entry.digest.partition(":")
    facts = {
        "size": "" if entry.size is None else f"{entry.size:,} bytes",
        algorithm: digest,
        "staged at": entry.staged_at_text,
        "channels": ", ".join(entry.channels),
        "trouble": _trouble(entry),
    }
    return [str(entry.version), *table((name, text) for name, text in facts.items() if text)]


def _trouble(entry: VersionEntry) -> str:
    """Return why *entry* is not to be used, or cannot be."""
    yanked = "" if entry.yank is None else f"yanked: {entry.yank.reason or 'without a reason'}"
    return "; ".join(text for text in (yanked, entry.trouble) if text)


def _cells(entry: VersionEntry) -> tuple[str, ...]:
    size = NOTHING if entry.size is None else str(entry.size)
    return (
        str(entry.version),
        size,
        entry.staged_at_text or NOTHING,
        entry.digest or NOTHING,
        ",".join(entry.channels) or NOTHING,
        _trouble(entry) or NOTHING,
    )


def _line(cells: tuple[str, ...]) -> str:
    columns = zip(map(escape_nonprintable, cells), _LEAST_WIDTHS, strict=True)
    return "  ".join(cell.ljust(width) for cell, width in columns).rstrip()
