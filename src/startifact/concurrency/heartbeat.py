"""Signs of life of one worker, and the order to stop."""

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from contextvars import ContextVar

from startifact.limits import CANCEL_POLL_SECONDS


class Cancelled(Exception):  # noqa: N818  # not an error: nobody waits any more
    """Raised inside a worker whose result nobody waits for any more."""


class Heartbeat:
    """Follows one worker: when it last moved bytes, and whether it should stop."""

    def __init__(self, notify: Callable[[int], None] | None = None) -> None:
        self.last = time.monotonic()
        self._notify = notify
        self.cancelled = threading.Event()

    def beat(self, count: int = 0) -> None:
        """Record that *count* bytes have moved.

        Raises:
            Cancelled: Nobody waits for this work any more.
        """
        self.check()
        self.last = time.monotonic()
        if self._notify:
            self._notify(count)

    def check(self) -> None:
        """Return when somebody waits for this work.

        Raises:
            Cancelled: Nobody does any more.
        """
        if self.cancelled.is_set():
            raise Cancelled

    def cancel(self) -> None:
        """Make the next call of `beat` raise."""
        self.cancelled.set()

    def resume(self) -> None:
        """Take `cancel` back, for a worker that has not noticed it."""
        self.cancelled.clear()


CURRENT_HEARTBEAT: ContextVar[Heartbeat | None] = ContextVar("startifact watch", default=None)
"""Who follows the worker that this thread is."""


def check_cancelled() -> None:
    """Return when somebody waits for the work of this thread, or nobody follows it.

    Raises:
        Cancelled: Nobody waits for it any more.
    """
    heartbeat = CURRENT_HEARTBEAT.get()
    if heartbeat is not None:
        heartbeat.check()


@contextlib.contextmanager
def unfollowed() -> Iterator[None]:
    """Let what is done inside go on, whoever waits: it takes back what was begun."""
    token = CURRENT_HEARTBEAT.set(None)
    try:
        yield
    finally:
        CURRENT_HEARTBEAT.reset(token)


@contextlib.contextmanager
def holding(lock: threading.Lock) -> Iterator[None]:
    """Hold *lock*, whose holder may hang: do not wait for it when nobody waits for this thread.

    Else everybody who ever asked a region that hangs would wait for the first one, and would then
    hang in turn.

    Raises:
        Cancelled: Nobody waits for the work of this thread any more.
    """
    free = lock.acquire(blocking=False)
    while not free and not lock.acquire(timeout=CANCEL_POLL_SECONDS):
        check_cancelled()
    try:
        if not free:
            check_cancelled()
        yield
    finally:
        lock.release()
