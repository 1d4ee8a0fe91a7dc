"""The same work in every region at once, with answers handed over as they come.

The threads are daemons: one that hangs in the SDK does not keep the process from ending, as those
of a ``ThreadPoolExecutor`` would.
"""

import queue
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from types import TracebackType
from typing import Generic, Self, TypeVar

from startifact.concurrency.deadline import check_deadline, deadline_at
from startifact.concurrency.heartbeat import CURRENT_HEARTBEAT, Cancelled, Heartbeat
from startifact.errors import DeadlineError, RegionUnavailableError, StartifactError
from startifact.lazy_dataclasses import dataclass
from startifact.limits import SIGNAL_POLL_SECONDS, Limits

T = TypeVar("T")


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


@dataclass(frozen=True, slots=True)
class _Stopped:
    name: str


@dataclass(frozen=True, slots=True)
class _Crashed:
    name: str
    error: BaseException


class FanOut(Generic[T]):
    """One job for each region, all started at once.

    Leaving the context early, or with an exception, tells the workers to stop. With *undo* it also
    waits a moment, after an exception, for them to take back what they began. After *enough*
    successes, requests of the others that fail are not tried again for long. A job that raises
    anything but a ``StartifactError`` has a bug: the exception is raised again in the caller's
    thread.
    """

    def __init__(
        self,
        jobs: Mapping[str, Callable[[Heartbeat], T]],
        *,
        limits: Limits,
        notify: Callable[[str, int], None] | None = None,
        undo: bool = False,
        enough: int | None = None,
    ) -> None:
        self._limits = limits
        self._quorum_idle_timeout: float | None = None
        self._enough = enough
        self._succeeded = 0
        self._undo = undo
        self._jobs = dict(jobs)
        self._arrived: queue.SimpleQueue[Success[T] | Failure | _Stopped | _Crashed] = (
            queue.SimpleQueue()
        )
        self._heartbeats = {name: Heartbeat(notify and partial(notify, name)) for name in jobs}
        if enough == 0:
            self.limit_retries()
        self._started = dict.fromkeys(jobs, time.monotonic())
        self._stopped: set[str] = set()
        self._threads = {name: self._thread(name) for name in jobs}
        try:
            for thread in self._threads.values():
                thread.start()
        except BaseException as e:  # a signal: no context is left then that could stop the threads
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
            # Its threads are daemons: once the process has ended they can undo nothing.
            limits, is_late = self._limits, isinstance(error, DeadlineError)
            seconds = limits.deadline_cleanup_seconds if is_late else limits.cleanup_seconds
            until = time.monotonic() + seconds
            for thread in self._threads.values():
                if thread.is_alive():
                    thread.join(max(0.0, until - time.monotonic()))

    def shorten_idle_timeout(self, seconds: float) -> None:
        """Give up, from now on, a region that moves no byte for *seconds*; never later than before.

        One that says "later", or is in a long operation, keeps the time that it had. This may be
        called while regions work: they do not know how long the caller waits.
        """
        self._quorum_idle_timeout = seconds

    def cancel(self) -> None:
        """Tell every worker that is still busy to stop.

        A worker in the middle of a request completes it, and its answer counts.
        """
        for heartbeat in list(self._heartbeats.values()):  # `next` may take one away meanwhile
            heartbeat.cancel()

    def resume(self) -> None:
        """Undo `cancel`: workers that have not noticed it go on, others start again."""
        for heartbeat in list(self._heartbeats.values()):
            heartbeat.resume()
        for name in self._stopped:
            self._start_again(name)
        self._stopped.clear()

    def _start_again(self, name: str) -> None:
        # Its time begins again: while nobody waited, the region's silence meant nothing.
        self._heartbeats[name].answered()
        self._started[name] = self._heartbeats[name].last
        self._threads[name] = self._thread(name)
        self._threads[name].start()

    def _thread(self, name: str) -> threading.Thread:
        return threading.Thread(
            target=self._run, args=(name,), name=f"startifact {name}", daemon=True
        )

    def next(self, until: float | None = None) -> Success[T] | Failure | None:
        """Return the next answer; ``None`` at *until* (``time.monotonic``), or when none will come.

        A region that has moved no byte for the idle time-out is given up: its failure is
        returned.
        """
        while busy := [name for name in self._heartbeats if name not in self._stopped]:
            # The worker that is given up first, unless it moves.
            name = min(busy, key=self._given_up_at)
            end, limit = deadline_at(), self._given_up_at(name)
            if until is not None:
                limit = min(limit, until)
            if end is not None:
                limit = min(limit, end)
            try:
                # In short turns: a signal that comes just before a wait is only handled after it.
                arrived = self._arrived.get(
                    timeout=min(SIGNAL_POLL_SECONDS, max(0.0, limit - time.monotonic()))
                )
            except queue.Empty:
                check_deadline()
                if until is not None and time.monotonic() >= until:
                    return None
                if self._given_up_at(name) <= time.monotonic():
                    return self._give_up(name)
                continue
            if isinstance(arrived, _Crashed):
                raise arrived.error
            if isinstance(arrived, _Stopped):
                self._take_stopped(arrived.name)
            elif self._heartbeats.pop(arrived.name, None):
                self._count(arrived)
                return arrived
            # Else it was given up before: that was its answer, and each region has only one.
        return None

    def _count(self, arrived: Success[T] | Failure) -> None:
        """Limit the others' retries once enough regions have succeeded."""
        self._succeeded += isinstance(arrived, Success)
        if self._enough is not None and self._succeeded >= self._enough:
            self.limit_retries()

    def limit_retries(self) -> None:
        """Try failed requests again a few times only, not for as long as a region may be idle."""
        for heartbeat in list(self._heartbeats.values()):
            heartbeat.retry_until_idle = False

    def _given_up_at(self, name: str) -> float:
        """Return when the region *name* has been idle for too long, unless it moves meanwhile."""
        heartbeat = self._heartbeats[name]
        at = heartbeat.last + self._limits.idle_timeout_seconds
        if self._quorum_idle_timeout is not None:
            # Not where it says "later": a healthy region is not dropped because others are quicker.
            sign = max(heartbeat.last, heartbeat.last_refusal)
            at = min(at, sign + self._quorum_idle_timeout)
        return max(at, heartbeat.silent_until)

    def __iter__(self) -> Iterator[Success[T] | Failure]:
        """Yield every region's answer as it comes."""
        while answer := self.next():
            yield answer

    def _take_stopped(self, name: str) -> None:
        heartbeat = self._heartbeats.get(name)
        if heartbeat is None:
            return
        if heartbeat.cancelled.is_set():
            self._stopped.add(name)
        else:
            self._start_again(name)  # it noticed `cancel` just before `resume` undid it

    def _give_up(self, name: str) -> Failure:
        # A thread cannot be ended from outside. This one ends when it wakes and beats again.
        heartbeat = self._heartbeats.pop(name)
        heartbeat.cancel()
        idle = time.monotonic() - heartbeat.last
        why = f": {heartbeat.trouble}" if heartbeat.trouble else ""
        return Failure(
            name,
            time.monotonic() - self._started[name],
            RegionUnavailableError(f"{name} has moved no byte for {idle:.0f} s{why}"),
        )

    def _run(self, name: str) -> None:
        heartbeat, started = self._heartbeats[name], self._started[name]
        # For code that is handed no heartbeat, such as the SDK's hooks.
        CURRENT_HEARTBEAT.set(heartbeat)
        try:
            value = self._jobs[name](heartbeat)
        except Cancelled:
            self._arrived.put(_Stopped(name))
        except StartifactError as e:
            self._arrived.put(Failure(name, time.monotonic() - started, e))
        except BaseException as e:  # noqa: BLE001  # a bug: `next` raises it in the caller's thread
            self._arrived.put(_Crashed(name, e))
        else:
            self._arrived.put(Success(name, time.monotonic() - started, value))


def run_one(name: str, job: Callable[[Heartbeat], T], *, limits: Limits) -> T:
    """Return what *job* returns, as the only one of a `FanOut`.

    Raises:
        StartifactError: The job did, or it stalled.
        DeadlineError: The time that was allowed has passed.
    """
    with FanOut({name: job}, limits=limits) as only:
        for answer in only:
            if isinstance(answer, Failure):
                raise answer.error
            return answer.value
    raise AssertionError  # one job has one answer
