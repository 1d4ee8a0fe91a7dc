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
    for attempt in range(1, retry.attempts + 1):
        if attempt > 1:
            (pause or pause_for)(pause_seconds(retry, attempt - 1))
        yield attempt


def pause_seconds(retry: RetryLimits, failures: int) -> float:
    """Return how long to wait after *failures* attempts that have failed, drawn at random."""
    # Doubling so often is beyond any longest pause, and 2.0 to a higher power would overflow.
    longest = retry.first_seconds * 2.0 ** min(failures - 1, 60)
    if failures > 1:
        longest = min(longest, retry.longest_seconds)
    return random.uniform(retry.shortest_seconds, longest)  # noqa: S311  # jitter


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
