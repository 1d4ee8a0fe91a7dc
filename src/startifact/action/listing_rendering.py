"""Lists of projects and versions in the job summary."""

from collections.abc import Sequence

from startifact.action.markdown import Lines, Mark, code, heading, long_table, point_in_time
from startifact.reading.version_entries import VersionEntry

# What is long is last: GitHub cuts a wide table off on the right.
_HEAD = ("Version, newest first", "Bytes", "Channels", "Yanked", "Trouble", "Staged", "Digest")


def projects_summary(projects: Sequence[str]) -> Lines:
    """Return the summary of the *projects* that there are."""
    count = len(projects)
    what = f"{count} {'project has' if count == 1 else 'projects have'} something staged"
    return [
        heading(Mark.SUCCEEDED, what),
        *long_table(("Project",), [(code(p),) for p in projects], "projects"),
    ]


def versions_summary(project: str, entries: Sequence[VersionEntry]) -> Lines:
    """Return the summary of the versions of *project* that were asked for, with what is known."""
    count = len(entries)
    rows = [_row(entry) for entry in entries]
    what = f"{code(project)} has {count} {'version' if count == 1 else 'versions'}"
    return [heading(Mark.SUCCEEDED, what), *long_table(_HEAD, rows, "versions")]


def _row(entry: VersionEntry) -> tuple[str, ...]:
    yanked = "" if entry.yank is None else entry.yank.reason or "without a reason"
    known = (", ".join(entry.channels), yanked, entry.trouble)
    return (
        code(str(entry.version)),
        "" if entry.size is None else f"{entry.size:,}",
        *(code(text) if text else "" for text in known),
        point_in_time(entry.staged_at_text or ""),
        code(entry.digest) if entry.digest else "",
    )
