"""Lengths of time as people write them: ``90s``, ``30m``, ``24h``, ``7d``, ``2w``."""

import re
from datetime import timedelta

from startifact.errors import InputError
from startifact.limits import MAX_DURATION_DAYS
from startifact.text import quoted

_DURATION = re.compile(r"([0-9]{1,6})([smhdw])", re.ASCII)
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def duration_text(length: timedelta) -> str:
    """Return how long *length* is in its two largest units, such as ``1h 30m``."""
    seconds = max(0, int(length.total_seconds()))
    parts = []
    for size, unit in ((86_400, "d"), (3600, "h"), (60, "m"), (1, "s")):
        count, seconds = divmod(seconds, size)
        if count:
            parts.append(f"{count}{unit}")
    return " ".join(parts[:2]) or "0s"


def parse_duration(text: object, *, name: str = "the minimum age") -> timedelta:
    """Return how long *text* is; *name* is what it is given for.

    Raises:
        InputError: It is not a number and a unit, or more than a hundred years.
    """
    if isinstance(text, timedelta) and timedelta(0) <= text <= timedelta(days=MAX_DURATION_DAYS):
        return text
    match = _DURATION.fullmatch(text) if isinstance(text, str) else None
    if match is not None:
        duration = timedelta(**{_UNITS[match[2]]: int(match[1])})
        if duration <= timedelta(days=MAX_DURATION_DAYS):
            return duration
    raise InputError(
        f"{name} {quoted(text)} is not a length of time",
        hint="Write a number and s, m, h, d or w, for example 24h or 7d",
    )
