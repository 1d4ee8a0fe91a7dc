"""One call in a thread of its own, beside what the calling thread does meanwhile.

The thread is a daemon, as those of a `FanOut` are, and its work is that of the region's worker: its
answers are signs of the worker's life, and it makes no further attempt once that is cancelled.
"""

import queue
import threading
from collections.abc import Callable
from typing import Generic, TypeVar

from startifact.concurrency.heartbeat import CURRENT_HEARTBEAT, check_cancelled
from startifact.limits import CANCEL_POLL_SECONDS

T = TypeVar("T")


class BackgroundCall(Generic[T]):
    """The result of *work*, which has begun; nobody has to ask for it."""

    def __init__(self, work: Callable[[], T]) -> None:
        self._work = work
        self._heartbeat = CURRENT_HEARTBEAT.get()
        self._ended: queue.SimpleQueue[tuple[T] | BaseException] = queue.SimpleQueue()
        threading.Thread(target=self._run, name="startifact background", daemon=True).start()

    def result(self) -> T:
        """Wait until *work* has ended, and return what it returned; called once.

        Raises:
            Exception: What *work* raised.
            Cancelled: Nobody waits for the work of the calling thread any more.
        """
        heartbeat = CURRENT_HEARTBEAT.get()
        while True:
            check_cancelled()
            if heartbeat is not None and self._heartbeat is not None:
                # Another worker than began it may wait for it: it lives as long as the work does.
                heartbeat.last = max(heartbeat.last, self._heartbeat.last)
            try:
                ended = self._ended.get(timeout=CANCEL_POLL_SECONDS)
            except queue.Empty:
                continue
            if isinstance(ended, BaseException):
                raise ended
            return ended[0]

    def _run(self) -> None:
        CURRENT_HEARTBEAT.set(self._heartbeat)
        try:
            self._ended.put((self._work(),))
        except BaseException as e:  # noqa: BLE001  # raised again in the thread that asks
            self._ended.put(e)
