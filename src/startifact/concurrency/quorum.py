"""What enough regions answer, and those that are hardly slower."""

import time
from collections.abc import Callable, Mapping
from typing import TypeVar

from startifact.concurrency.fan_out import Failure, FanOut
from startifact.concurrency.heartbeat import Heartbeat
from startifact.errors import StartifactError
from startifact.limits import Limits

T = TypeVar("T")


def ask_until_enough(
    jobs: Mapping[str, Callable[[Heartbeat], T]],
    *,
    needed: int,
    limits: Limits,
    counts: Callable[[T], bool] = lambda _: True,
) -> tuple[dict[str, T], dict[str, StartifactError]]:
    """Return what *jobs* return, by region, and why others failed.

    All run at once. It waits for *needed* results that count, and then ``quorum_wait_seconds`` for
    the others, which are in neither when they are later. Where as many have answered, and too few
    of the answers count, the others are waited for until they move no byte any more.
    """
    answers: dict[str, T] = {}
    failures: dict[str, StartifactError] = {}
    until: float | None = None
    with FanOut(jobs, limits=limits, enough=needed) as asking:
        while answer := asking.next(until):
            if isinstance(answer, Failure):
                failures[answer.name] = answer.error
                continue
            answers[answer.name] = answer.value
            if len(answers) >= needed:
                asking.shorten_idle_timeout(limits.quorum_idle_timeout_seconds)
            # Not at once: the highest may be in a healthy region that is only slower.
            if until is None and sum(map(counts, answers.values())) >= needed:
                until = time.monotonic() + limits.quorum_wait_seconds
    return answers, failures
