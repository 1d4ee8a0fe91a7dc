"""The time, as it is recorded."""

from datetime import UTC, datetime


def now() -> str:
    """Return the time: RFC 3339, in UTC, with microseconds."""
    return time_text(datetime.now(UTC))


def time_text(time: datetime) -> str:
    """Return *time*, which is in UTC, as it is recorded."""
    return time.isoformat(timespec="microseconds").replace("+00:00", "Z")


def time_of(text: str) -> datetime | None:
    """Return the time that *text* records, in UTC; ``None`` where it is none."""
    try:
        time = datetime.fromisoformat(text)
        # A time without its distance from UTC is none that can be compared.
        return None if time.tzinfo is None else time.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


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
