"""Signs of life of one worker, and the order to stop."""

import threading
import time
from collections.abc import Callable
from contextvars import ContextVar


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
        if self.cancelled.is_set():
            raise Cancelled
        self.last = time.monotonic()
        if self._notify:
            self._notify(count)

    def cancel(self) -> None:
        """Make the next call of `beat` raise."""
        self.cancelled.set()


CURRENT_HEARTBEAT: ContextVar[Heartbeat | None] = ContextVar("startifact watch", default=None)
"""Who follows the worker that this thread is."""
