"""What enough regions answer, and those that are hardly slower."""

import time
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Generic, Self, TypeVar

from startifact.concurrency.fan_out import Failure, FanOut
from startifact.concurrency.heartbeat import Heartbeat
from startifact.errors import StartifactError
from startifact.limits import Limits

T = TypeVar("T")


class Question(Generic[T]):
    """What is asked of regions at once; *needed* answers that count are enough.

    It is asked when it is made, and its answers are waited for in `wait`. Leaving the context ends
    what is still asked. Unless it *insists*, requests that fail are not tried again for long.
    """

    def __init__(
        self,
        jobs: Mapping[str, Callable[[Heartbeat], T]],
        *,
        needed: int,
        limits: Limits,
        counts: Callable[[T], bool] = lambda _: True,
        insists: bool = True,
    ) -> None:
        self._asking = FanOut(jobs, limits=limits, enough=needed if insists else 0)
        self._needed = needed
        self._limits = limits
        self._counts = counts
        self.answers: dict[str, T] = {}
        self.failures: dict[str, StartifactError] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._asking.__exit__(kind, error, traceback)

    def is_answered(self) -> bool:
        """Say whether there are as many answers that count as are needed."""
        return sum(map(self._counts, self.answers.values())) >= self._needed

    def wait(self, until: float | None = None, *, then_seconds: float | None = None) -> None:
        """Wait for *needed* answers that count, and then for the others.

        That is for *then_seconds*, by default ``quorum_wait_seconds``. Where as many have answered,
        and too few of the answers count, the others are waited for until they move no byte any
        more; but no longer than *until* (``time.monotonic``).
        """
        end: float | None = until
        while answer := self._asking.next(end):
            if isinstance(answer, Failure):
                self.failures[answer.name] = answer.error
                continue
            self.answers[answer.name] = answer.value
            if len(self.answers) >= self._needed:
                self._asking.shorten_idle_timeout(self._limits.quorum_idle_timeout_seconds)
            # Not at once: the highest may be in a healthy region that is only slower.
            if end is until and self.is_answered():
                then = self._limits.quorum_wait_seconds if then_seconds is None else then_seconds
                end = time.monotonic() + then
                end = end if until is None else min(end, until)


def ask_until_enough(
    jobs: Mapping[str, Callable[[Heartbeat], T]],
    *,
    needed: int,
    limits: Limits,
    counts: Callable[[T], bool] = lambda _: True,
) -> tuple[dict[str, T], dict[str, StartifactError]]:
    """Return what *jobs* return, by region, and why others failed; see `Question.wait`.

    Those that are later are in neither. Each job begins with a sign of life.
    """
    with Question(jobs, needed=needed, limits=limits, counts=counts) as question:
        question.wait()
    return question.answers, question.failures
