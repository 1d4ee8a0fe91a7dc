"""Trying the same thing again, with pauses that end when nobody waits for the result any more."""

import random
import time
from collections.abc import Callable, Iterator

from startifact.concurrency.deadline import check_deadline, deadline_at
from startifact.concurrency.heartbeat import CURRENT_HEARTBEAT, Cancelled
from startifact.limits import RetryLimits


def attempts(retry: RetryLimits, *, pause: Callable[[float], None] | None = None) -> Iterator[int]:
    """Yield 1, 2 and so on for each attempt that *retry* allows, after a *pause* but the first.

    Pauses grow, and are drawn at random: writers that got in each other's way would otherwise meet
    again after each pause.

    Raises:
        Cancelled: Nobody waits for the work of this thread any more.
        DeadlineError: The time that was allowed has passed.
    """
    longest = retry.first_seconds
    for attempt in range(1, retry.attempts + 1):
        if attempt > 1:
            seconds = random.uniform(retry.shortest_seconds, longest)  # noqa: S311  # jitter
            (pause or pause_for)(seconds)
            longest = min(2 * longest, retry.longest_seconds)
        yield attempt


def pause_for(seconds: float) -> None:
    """Wait *seconds*, or until nobody waits for the work of this thread any more.

    Raises:
        Cancelled: Nobody does.
        DeadlineError: The time that was allowed has passed.
    """
    end = deadline_at()
    if end is not None:
        seconds = min(seconds, max(0.0, end - time.monotonic()))
    heartbeat = CURRENT_HEARTBEAT.get()
    if heartbeat is None:
        time.sleep(seconds)
    elif heartbeat.cancelled.wait(seconds):
        raise Cancelled
    check_deadline()
