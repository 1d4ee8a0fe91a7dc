"""Many jobs, a few at a time, in threads that are daemons, as those of a `FanOut` are."""

import queue
import threading
import time
from collections.abc import Callable, Iterable

from startifact.concurrency.heartbeat import CURRENT_HEARTBEAT
from startifact.limits import CANCEL_POLL_SECONDS, Limits


def run_in_pool(
    jobs: Iterable[Callable[[], None]],
    *,
    workers: int,
    limits: Limits,
    check: Callable[[], None] = lambda: None,
) -> None:
    """Run *jobs*, at most *workers* at a time, and return when all are done.

    Each is taken from *jobs* when a worker is free for it, so there may be any number of them.
    After the first error no further job starts. The error is raised when the running jobs have
    ended, or ``parts_cleanup_seconds`` later: a job that hangs must not keep the caller from
    undoing the others' work.

    *check* is called again and again meanwhile. What it raises is raised at once, and no further
    job starts.

    Raises:
        Cancelled: Nobody waits for the work of the calling thread any more; jobs are not waited
            for then either.
    """
    pending = iter(jobs)
    lock = threading.Lock()
    failed = threading.Event()
    ended: queue.SimpleQueue[BaseException | None] = queue.SimpleQueue()
    # The caller's: its workers are signs of its life, and are cancelled with it.
    heartbeat = CURRENT_HEARTBEAT.get()

    def take() -> Callable[[], None] | None:
        with lock:
            return None if failed.is_set() else next(pending, None)

    def work(job: Callable[[], None] | None) -> None:
        CURRENT_HEARTBEAT.set(heartbeat)
        try:
            while job is not None:
                job()
                job = take()
        except BaseException as e:  # noqa: BLE001  # raised again below, in the caller
            failed.set()
            ended.put(e)
        else:
            ended.put(None)

    count = 0
    while count < workers and (job := take()) is not None:
        threading.Thread(target=work, args=(job,), name="startifact part", daemon=True).start()
        count += 1
    try:
        _wait(ended, count, limits, check)
    finally:
        failed.set()


def _wait(
    ended: "queue.SimpleQueue[BaseException | None]",
    count: int,
    limits: Limits,
    check: Callable[[], None],
) -> None:
    """Return when *count* workers have *ended*; raise the first of their errors."""
    heartbeat = CURRENT_HEARTBEAT.get()
    first = error = None
    until = float("inf")
    while count and time.monotonic() < until:
        if first is None:
            if heartbeat is not None:
                heartbeat.check()
            check()
        try:
            error = ended.get(timeout=CANCEL_POLL_SECONDS)
        except queue.Empty:
            continue
        count -= 1
        if error is not None and first is None:
            first, until = error, time.monotonic() + limits.parts_cleanup_seconds
    try:
        if first is not None:
            raise first
    finally:
        del first, error  # else the error's traceback holds this frame, and this frame the error
