"""The time, as it is recorded."""

import re
from datetime import UTC, datetime

from startifact.errors import InputError
from startifact.limits import EARLIEST_ARCHIVE_TIME, LATEST_ARCHIVE_TIME
from startifact.text import quoted


def now() -> str:
    """Return the time: RFC 3339, in UTC, with microseconds."""
    return time_text(datetime.now(UTC))


def time_text(time: datetime) -> str:
    """Return *time*, which is in UTC, as it is recorded."""
    return time.isoformat(timespec="microseconds").replace("+00:00", "Z")


def seconds_text(time: datetime) -> str:
    """Return *time*, which is in UTC, as people read it: without what is below a second."""
    return time.isoformat(timespec="seconds").replace("+00:00", "Z")


def time_of(text: str) -> datetime | None:
    """Return the time that *text* records, in UTC; ``None`` where it is none."""
    try:
        time = datetime.fromisoformat(text)
        # A time without its distance from UTC is none that can be compared.
        return None if time.tzinfo is None else time.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def archive_time(text: str | None) -> int:
    """Return the time of everything in an archive, in seconds since 1970.

    *text* is what ``SOURCE_DATE_EPOCH`` says; without it the time is the first that zip knows.

    Raises:
        InputError: It is no time that tar knows.
    """
    if text is None:
        return EARLIEST_ARCHIVE_TIME
    if re.fullmatch("[0-9]{1,10}", text, re.ASCII) and int(text) <= LATEST_ARCHIVE_TIME:
        return int(text)
    raise InputError(
        f"SOURCE_DATE_EPOCH is {quoted(text)}, expected a number of seconds since 1970, at most "
        f"{LATEST_ARCHIVE_TIME}",
        hint="Set it to the time of the commit, as git log -1 --pretty=%ct shows it, or unset it",
    )


def age(text: str, at: datetime) -> str:
    """Return how long the time that *text* records was before *at*, in its largest unit.

    Such as ``3d``; empty where it is no time.
    """
    time = time_of(text)
    if time is None:
        return ""
    seconds = max(0, int((at - time).total_seconds()))
    for size, unit in ((86400, "d"), (3600, "h"), (60, "m")):
        if seconds >= size:
            return f"{seconds // size}{unit}"
    return f"{seconds}s"
