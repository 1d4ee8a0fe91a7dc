"""The time that is allowed for everything together."""

import contextlib
import time
from collections.abc import Iterator
from contextvars import ContextVar

from startifact.errors import DeadlineError

_END: ContextVar[tuple[float, float] | None] = ContextVar("startifact deadline", default=None)


@contextlib.contextmanager
def deadline(seconds: float | None) -> Iterator[None]:
    """End the work inside the context after *seconds* of wall-clock time; ``None``: never.

    Raises:
        DeadlineError: The time has passed. What was begun is taken back where that is possible.
    """
    token = _END.set(None if seconds is None else (time.monotonic() + seconds, seconds))
    try:
        yield
    finally:
        _END.reset(token)


def check_deadline() -> None:
    """Return when there is time left.

    Raises:
        DeadlineError: There is none.
    """
    end = _END.get()
    if end is not None and time.monotonic() >= end[0]:
        raise DeadlineError(
            f"the deadline of {end[1]:g} s has passed", hint="Running again is safe"
        )


def deadline_at() -> float | None:
    """Return when the deadline is, on the clock of ``time.monotonic``; ``None`` for never."""
    end = _END.get()
    return None if end is None else end[0]
