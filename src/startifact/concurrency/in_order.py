"""The same work for many items, a few at a time, with results in the order of the items."""

import queue
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import Generic, TypeVar

from startifact.concurrency.deadline import check_deadline
from startifact.limits import SIGNAL_POLL_SECONDS

T = TypeVar("T")
R = TypeVar("R")


class _Job(Generic[T, R]):
    """One item, and later what came of it."""

    def __init__(self, item: T) -> None:
        self.item = item
        self._ended: queue.SimpleQueue[tuple[R] | BaseException] = queue.SimpleQueue()

    def run(self, function: Callable[[T], R]) -> None:
        try:
            self._ended.put((function(self.item),))
        except BaseException as e:  # noqa: BLE001  # raised again in the caller, in its turn
            self._ended.put(e)

    def result(self) -> R:
        while True:
            try:
                ended = self._ended.get(timeout=SIGNAL_POLL_SECONDS)
            except queue.Empty:
                check_deadline()
                continue
            if isinstance(ended, BaseException):
                raise ended
            return ended[0]


def map_in_order(
    function: Callable[[T], R], items: Iterable[T], *, workers: int, ahead: int
) -> Iterator[R]:
    """Yield what *function* returns for each of *items*, in their order, as soon as it is known.

    It works on at most *workers* items at a time, and on none that is *ahead* or more behind the
    one whose result is next: so there may be any number of them. What it raises comes in its turn.
    Whoever stops in between lets no further item begin. The threads are daemons.
    """
    left = map(_Job[T, R], items)
    waiting: deque[_Job[T, R]] = deque()
    to_run: queue.SimpleQueue[_Job[T, R] | None] = queue.SimpleQueue()
    stopped = threading.Event()
    threads = 0

    def work() -> None:
        while (job := to_run.get()) is not None and not stopped.is_set():
            job.run(function)

    try:
        while True:
            while len(waiting) < ahead and (begun := next(left, None)) is not None:
                waiting.append(begun)
                to_run.put(begun)
                if threads < workers:
                    threads += 1
                    threading.Thread(target=work, name="startifact item", daemon=True).start()
            if not waiting:
                return
            yield waiting.popleft().result()
    finally:
        stopped.set()
        for _ in range(threads):
            to_run.put(None)
