"""Points in time as people write them: a date, a time in RFC 3339, or a length of time back."""

import re
from datetime import UTC, date, datetime, time, timedelta

from startifact.errors import InputError
from startifact.model.clock import time_of
from startifact.model.durations import parse_duration
from startifact.text import quoted

_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9:.]+([Zz]|[+-][0-9]{2}:[0-9]{2})", re.ASCII)
_HINT = "Write a date such as 2026-11-01, a time such as 2026-11-01T08:00:00Z, or 7d for a week ago"


def parse_since(given: object, now: datetime, *, name: str) -> datetime:
    """Return the time that *given* is, in UTC; *name* is the option that it is given for.

    A date is its first moment in UTC. A length of time, such as ``7d``, is counted back from *now*.

    Raises:
        InputError: It is none of them, or a time without its distance from UTC.
    """
    if isinstance(given, datetime):
        if given.tzinfo is not None:
            return given.astimezone(UTC)
    elif isinstance(given, date):
        return datetime.combine(given, time(), UTC)
    elif isinstance(given, timedelta):
        return now - parse_duration(given, name=name)
    elif isinstance(given, str):
        found = _read(given, now, name)
        if found is not None:
            return found
    raise InputError(f"{name} {quoted(given)} is not a time", hint=_HINT)


def _read(text: str, now: datetime, name: str) -> datetime | None:
    if _DATE.fullmatch(text):
        return time_of(f"{text}T00:00:00Z")
    if _TIME.fullmatch(text):
        return time_of(text.upper())
    try:
        return now - parse_duration(text, name=name)
    except InputError:
        return None
