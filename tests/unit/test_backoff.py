"""Trying again: so often, after pauses that grow, and no longer than anybody waits."""

import threading
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from startifact.concurrency.backoff import attempts, pause_for
from startifact.concurrency.deadline import deadline
from startifact.concurrency.fan_out import FanOut
from startifact.concurrency.heartbeat import Cancelled, Heartbeat
from startifact.errors import DeadlineError
from startifact.limits import Limits, RetryLimits


@given(st.integers(1, 50), st.floats(0, 1), st.floats(0, 1), st.floats(0, 10))
def test_attempts(number: int, shortest: float, more: float, longest: float) -> None:
    """Each attempt but the first comes after a pause, of which none is longer than allowed."""
    pauses: list[float] = []
    retry = RetryLimits(
        attempts=number,
        shortest_seconds=shortest,
        first_seconds=shortest + more,
        longest_seconds=shortest + more + longest,
    )

    made = list(attempts(retry, pause=pauses.append))

    assert made == list(range(1, number + 1))
    assert len(pauses) == number - 1
    for doubled, pause in enumerate(pauses):
        longer = min(retry.first_seconds * 2**doubled, retry.longest_seconds)
        assert shortest <= pause <= longer * 1.0001


def test_no_pause_after_success() -> None:
    """Whoever succeeds does not wait."""
    pauses: list[float] = []

    for _ in attempts(RetryLimits(attempts=5), pause=pauses.append):
        break

    assert pauses == []


def test_pauses_are_not_all_the_same() -> None:
    """Two that were in each other's way do not meet again at the same moment."""
    pauses: list[float] = []

    list(attempts(RetryLimits(attempts=20, longest_seconds=0.05), pause=pauses.append))

    assert len(set(pauses)) > 10


def test_pause_of_a_worker_that_is_cancelled() -> None:
    """A pause ends with the wait for its worker."""
    begun, stopped = threading.Event(), threading.Event()

    def job(_: Heartbeat) -> None:
        try:
            begun.set()
            pause_for(60)
        except Cancelled:
            stopped.set()
            raise

    with FanOut({"a": job}, limits=Limits()):
        assert begun.wait(10)

    assert stopped.wait(10)


def test_pause_until_the_deadline() -> None:
    """A pause does not outlast the time that is allowed."""
    started = time.monotonic()

    with pytest.raises(DeadlineError), deadline(0.05):
        pause_for(60)

    assert time.monotonic() - started < 10


def test_pause() -> None:
    """A pause that nothing ends is as long as it should be."""
    started = time.monotonic()

    with deadline(60):
        pause_for(0.05)

    assert time.monotonic() - started >= 0.05
