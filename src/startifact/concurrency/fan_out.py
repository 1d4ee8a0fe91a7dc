"""The same work in every region at once, with answers handed over as they come.

The threads are daemons: one that hangs in the SDK never keeps a command from ending.
"""

import contextlib
import queue
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from functools import partial
from types import TracebackType
from typing import Generic, Self, TypeVar

from startifact.errors import DeadlineError, RegionUnavailableError, StartifactError

T = TypeVar("T")

IDLE_TIMEOUT_SECONDS = 30.0
"""A region that moves no byte for this long has failed."""

CLEANUP_SECONDS = 3.0
"""How long an interrupted command waits for its workers to take back what they began."""

DEADLINE_CLEANUP_SECONDS = 1.0
"""The same once a deadline has passed."""

PARTS_SECONDS = 0.5
"""How long, after an error, the other parts of the same work are waited for."""

_END: ContextVar[tuple[float, float] | None] = ContextVar("startifact deadline", default=None)


@contextlib.contextmanager
def deadline(seconds: float | None) -> Iterator[None]:
    """End whatever is done inside the context after *seconds* of wall-clock time; ``None``: never.

    Raises:
        DeadlineError: The time has passed. What was begun is taken back where that is possible.
    """
    token = _END.set(None if seconds is None else (time.monotonic() + seconds, seconds))
    try:
        yield
    finally:
        _END.reset(token)


def check_deadline() -> None:
    """Return when there is time left.

    Raises:
        DeadlineError: There is none.
    """
    end = _END.get()
    if end is not None and time.monotonic() >= end[0]:
        raise DeadlineError(
            f"the deadline of {end[1]:g} s has passed", hint="Running again is safe"
        )


class Cancelled(Exception):  # noqa: N818  # not an error: nobody waits any more
    """Raised inside a worker whose result nobody waits for any more."""


@dataclass(frozen=True, slots=True)
class Success(Generic[T]):
    """A region's answer, and how long it took."""

    name: str
    seconds: float
    value: T


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a region gave no answer, and how long that took."""

    name: str
    seconds: float
    error: StartifactError


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


_HEARTBEAT: ContextVar[Heartbeat | None] = ContextVar("startifact watch", default=None)
"""Who follows the worker that this thread is."""


@dataclass(frozen=True, slots=True)
class _Crashed:
    name: str
    error: BaseException


class FanOut(Generic[T]):
    """One job for each region, all started at once.

    Leaving the context early, or with an exception, tells the workers to stop. With *undo* it also
    waits a moment, after an exception, for them to take back what they began. A job that raises
    anything but a ``StartifactError`` has a bug: the exception is raised again in the caller's
    thread.
    """

    def __init__(
        self,
        jobs: Mapping[str, Callable[[Heartbeat], T]],
        *,
        idle_timeout: float | None = None,
        notify: Callable[[str, int], None] | None = None,
        undo: bool = False,
    ) -> None:
        self.idle_timeout = IDLE_TIMEOUT_SECONDS if idle_timeout is None else idle_timeout
        self._undo = undo
        self._arrived: queue.SimpleQueue[Success[T] | Failure | _Crashed] = queue.SimpleQueue()
        self._started = time.monotonic()
        self._heartbeats = {name: Heartbeat(notify and partial(notify, name)) for name in jobs}
        self._threads = {
            name: threading.Thread(
                target=self._run, args=(name, job), name=f"startifact {name}", daemon=True
            )
            for name, job in jobs.items()
        }
        try:
            for thread in self._threads.values():
                thread.start()
        except BaseException as e:  # a signal: nobody else can tell those that run already
            self._leave(e)
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._leave(error)

    def _leave(self, error: BaseException | None) -> None:
        self.cancel()
        if error is not None and self._undo:
            hurry = isinstance(error, DeadlineError)
            until = time.monotonic() + (DEADLINE_CLEANUP_SECONDS if hurry else CLEANUP_SECONDS)
            for thread in self._threads.values():
                if thread.is_alive():
                    thread.join(max(0.0, until - time.monotonic()))

    def cancel(self) -> None:
        """Tell every worker that is still busy to stop."""
        for heartbeat in self._heartbeats.values():
            heartbeat.cancel()

    def next(self, until: float | None = None) -> Success[T] | Failure | None:
        """Return the next answer; ``None`` when all are in, or at *until* (``time.monotonic``).

        A region that has moved no byte for ``idle_timeout`` seconds is given up and returned as a
        failure.
        """
        while self._heartbeats:
            name, expires = min(
                ((n, w.last + self.idle_timeout) for n, w in self._heartbeats.items()),
                key=lambda x: x[1],
            )
            end, limit = _END.get(), expires
            if until is not None:
                limit = min(limit, until)
            if end is not None:
                limit = min(limit, end[0])
            try:
                # In short turns: a signal that comes just before the wait would else be seen late.
                arrived = self._arrived.get(timeout=min(0.5, max(0.0, limit - time.monotonic())))
            except queue.Empty:
                check_deadline()
                if until is not None and time.monotonic() >= until:
                    return None
                if self._heartbeats[name].last + self.idle_timeout <= time.monotonic():
                    return self._give_up(name)
                continue
            if isinstance(arrived, _Crashed):
                raise arrived.error
            if self._heartbeats.pop(arrived.name, None):
                return arrived
        return None

    def __iter__(self) -> Iterator[Success[T] | Failure]:
        """Yield every region's answer as it comes."""
        while answer := self.next():
            yield answer

    def _give_up(self, name: str) -> Failure:
        self._heartbeats.pop(name).cancel()
        return Failure(
            name,
            time.monotonic() - self._started,
            RegionUnavailableError(f"{name} has moved no byte for {self.idle_timeout:.0f} s"),
        )

    def _run(self, name: str, job: Callable[[Heartbeat], T]) -> None:
        heartbeat = self._heartbeats[name]
        _HEARTBEAT.set(heartbeat)
        try:
            value = job(heartbeat)
        except Cancelled:
            return
        except StartifactError as e:
            self._arrived.put(Failure(name, time.monotonic() - self._started, e))
        except BaseException as e:  # noqa: BLE001  # a bug: raised again where it is seen
            self._arrived.put(_Crashed(name, e))
        else:
            self._arrived.put(Success(name, time.monotonic() - self._started, value))


def run_one(name: str, job: Callable[[Heartbeat], T]) -> T:
    """Return what *job* returns, as the only one of a `FanOut`.

    Raises:
        StartifactError: The job did, or it stalled.
        DeadlineError: The time that was allowed has passed.
    """
    with FanOut({name: job}) as only:
        for answer in only:
            if isinstance(answer, Failure):
                raise answer.error
            return answer.value
    raise AssertionError  # one job has one answer


def run_in_pool(jobs: Iterable[Callable[[], None]], *, workers: int) -> None:
    """Run *jobs*, at most *workers* at a time, and return when all are done.

    Each is taken from *jobs* when there is a worker for it, so that they may be any number.
    After the first error no further job starts. It is raised once those that run have ended, or a
    moment later: one that hangs must not keep the others' work from being taken back. Nor does it
    when nobody waits for the worker that calls this any more, which then is told so.
    """
    pending = iter(jobs)
    lock = threading.Lock()
    failed = threading.Event()
    ended: queue.SimpleQueue[BaseException | None] = queue.SimpleQueue()

    def take() -> Callable[[], None] | None:
        with lock:
            return None if failed.is_set() else next(pending, None)

    def work(job: Callable[[], None] | None) -> None:
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
    _wait(ended, count)


def _wait(ended: "queue.SimpleQueue[BaseException | None]", count: int) -> None:
    """Return when *count* workers have *ended*; raise the first error of theirs."""
    heartbeat = _HEARTBEAT.get()
    first = error = None
    until = float("inf")
    while count and time.monotonic() < until:
        if first is None and heartbeat is not None and heartbeat.cancelled.is_set():
            raise Cancelled
        try:
            error = ended.get(timeout=0.1)
        except queue.Empty:
            continue
        count -= 1
        if error is not None and first is None:
            first, until = error, time.monotonic() + PARTS_SECONDS
    try:
        if first is not None:
            raise first
    finally:
        del first, error  # a frame that its error's traceback leads to must not lead back to it
