"""Signs of life of one worker, and how it is cancelled."""

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from contextvars import ContextVar

from startifact.limits import CANCEL_POLL_SECONDS


class Cancelled(Exception):  # noqa: N818  # not an error: its result is not wanted
    """Raised inside a worker whose result nobody waits for any more."""


class Heartbeat:
    """When one worker last moved bytes, and whether it has been cancelled."""

    def __init__(self, notify: Callable[[int], None] | None = None) -> None:
        # Its beginning counts: a worker that never moves a byte is given up as well.
        self.last = time.monotonic()
        self.last_refusal = 0.0
        """When the region last said "later": it lives, though it does nothing."""

        self.failing_since: float | None = None
        """When the first request failed after the last one that was answered."""

        self.last_failure = 0.0
        """When the last one failed."""

        self.trouble = ""
        """Why it failed."""

        self.retry_until_idle = True
        """Whether failed requests are tried again for as long as a region may be idle."""

        self.silent_until = 0.0
        """Until when silence is allowed: a long operation is under way."""

        self._silent_seconds = 0.0
        self._notify = notify
        self.cancelled = threading.Event()

    def beat(self, count: int = 0) -> None:
        """Record that *count* bytes have arrived for good; 0 is a sign of life.

        Raises:
            Cancelled: Nobody waits for this work any more.
        """
        self.check()
        self.last = time.monotonic()
        if self._silent_seconds:
            self.silent_until = self.last + self._silent_seconds
        if count:
            self.failing_since = None
        if self._notify:
            self._notify(count)

    def answered(self) -> None:
        """Record that a request was answered, and not with "later"."""
        self.last = time.monotonic()
        self.failing_since = None
        self.trouble = ""

    def failed(self, trouble: str, *, later: bool) -> float:
        """Record that an attempt of a request failed; *later* where that is what the region said.

        Returns:
            How many seconds ago the first one failed after the last one that was answered.
        """
        now = time.monotonic()
        self.trouble = trouble
        # Several threads share this: it may be set back to ``None`` at any time.
        since = self.failing_since or now
        self.failing_since = since
        self.last_failure = now
        if later:
            self.last_refusal = now
        return now - since

    def is_stuck(self, seconds: float) -> bool:
        """Say whether nothing has moved, or requests did nothing but fail, for *seconds*.

        What is sent again and again moves bytes too. One that failed among many that are still
        being sent has not failed again since.
        """
        now, since = time.monotonic(), self.failing_since
        fails = since is not None and now - since >= seconds > now - self.last_failure
        return fails or now - self.last >= seconds

    @contextlib.contextmanager
    def may_be_silent(self, seconds: float) -> Iterator[None]:
        """Allow silence inside for *seconds*, which begin anew with each sign of life."""
        self._silent_seconds = seconds
        self.silent_until = time.monotonic() + seconds
        try:
            yield
        finally:
            self.last = time.monotonic()
            self._silent_seconds = self.silent_until = 0.0

    def check(self) -> None:
        """Return when this work is still wanted.

        Raises:
            Cancelled: Nobody waits for it any more.
        """
        if self.cancelled.is_set():
            raise Cancelled

    def cancel(self) -> None:
        """Make the next call of `beat` or `check` raise `Cancelled`."""
        self.cancelled.set()

    def resume(self) -> None:
        """Undo `cancel`, for a worker that has not noticed it."""
        self.cancelled.clear()


CURRENT_HEARTBEAT: ContextVar[Heartbeat | None] = ContextVar("startifact heartbeat", default=None)
"""The heartbeat of the worker that this thread is; ``None`` in threads that are not workers."""


def check_cancelled() -> None:
    """Return when the work of this thread is still wanted, or the thread is not a worker.

    Raises:
        Cancelled: Nobody waits for it any more.
    """
    heartbeat = CURRENT_HEARTBEAT.get()
    if heartbeat is not None:
        heartbeat.check()


def record_answer() -> None:
    """Record, for the worker that this thread is, that a request was answered in full."""
    heartbeat = CURRENT_HEARTBEAT.get()
    if heartbeat is not None:
        heartbeat.answered()


def record_failure(trouble: str, *, later: bool = False) -> float:
    """Record, for the worker that this thread is, that an attempt of a request failed.

    Returns:
        How many seconds its requests have failed for; 0 in threads that are not workers.
    """
    heartbeat = CURRENT_HEARTBEAT.get()
    return 0.0 if heartbeat is None else heartbeat.failed(trouble, later=later)


@contextlib.contextmanager
def unfollowed() -> Iterator[None]:
    """Let the work inside go on even when it is cancelled: it undoes what was begun."""
    token = CURRENT_HEARTBEAT.set(None)
    try:
        yield
    finally:
        CURRENT_HEARTBEAT.reset(token)


@contextlib.contextmanager
def holding(lock: threading.Lock) -> Iterator[None]:
    """Hold *lock*, whose holder may hang; stop waiting for it when this thread is cancelled.

    Otherwise all threads that ever asked a region that hangs would wait for the first, and then
    hang in turn.

    Raises:
        Cancelled: Nobody waits for the work of this thread any more.
    """
    # In short turns: there is no waiting for a lock and for the cancelling at once.
    free = lock.acquire(blocking=False)
    while not free and not lock.acquire(timeout=CANCEL_POLL_SECONDS):
        check_cancelled()
    try:
        if not free:  # it may have been cancelled while it waited
            check_cancelled()
        yield
    finally:
        lock.release()
