"""Sessions for tests: trouble is over ten times as fast, and parts are an eighth as large.

A region is tried as often as with the limits of a session that is given none, in a tenth of the
time. Tests whose matter is how long trouble is survived take the sessions of `startifact`.

Parts take processor time by their bytes. Stores other than moto, and tests whose matter is how
large parts are, have them as they are where no limits are given.
"""

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import startifact
from startifact.limits import DEFAULT_LIMITS, MIB, Limits

__all__ = [
    "PART",
    "SHORT",
    "SMALL_PARTS",
    "ConfigurationLoader",
    "Session",
    "SessionOfSmallParts",
    "short_limits",
]

PART = MIB
"""How many bytes small parts have: several blocks of those that are read or sent at a time."""

_RETRY = DEFAULT_LIMITS.request_retry

SHORT = replace(
    DEFAULT_LIMITS,
    retry_share=DEFAULT_LIMITS.retry_share / 10,
    refused_seconds=DEFAULT_LIMITS.refused_seconds / 10,
    request_retry=replace(
        _RETRY,
        shortest_seconds=_RETRY.shortest_seconds / 10,
        first_seconds=_RETRY.first_seconds / 10,
        longest_seconds=_RETRY.longest_seconds / 10,
    ),
    pace_first_seconds=DEFAULT_LIMITS.pace_first_seconds / 10,
    pace_longest_seconds=DEFAULT_LIMITS.pace_longest_seconds / 10,
    stack_poll=replace(
        DEFAULT_LIMITS.stack_poll, shortest_seconds=0.0, first_seconds=0.01, longest_seconds=0.05
    ),
)

SMALL_PARTS = replace(SHORT, part_bytes=PART)
"""`SHORT`, with parts of which only moto takes any that is not the last one."""


def short_limits(**changes: Any) -> Limits:
    """Return `SHORT` with *changes*."""
    return replace(SHORT, **changes)


if TYPE_CHECKING:
    from startifact import ConfigurationLoader, Session
    from startifact import Session as SessionOfSmallParts
else:

    class Session(startifact.Session):
        """A session that has `SHORT` where it is given no limits."""

        def __init__(self, *, limits=SHORT, **options) -> None:
            super().__init__(limits=limits, **options)

    class SessionOfSmallParts(startifact.Session):
        """A session that has `SMALL_PARTS` where it is given no limits."""

        def __init__(self, *, limits=SMALL_PARTS, **options) -> None:
            super().__init__(limits=limits, **options)

    class ConfigurationLoader(startifact.ConfigurationLoader):
        """What reads configurations and makes clients, with `SHORT` where it is given no limits."""

        def __init__(self, *arguments, limits=SHORT, **options) -> None:
            super().__init__(*arguments, limits=limits, **options)
