"""Processes and their threads, taking turns inside one thread of the operating system.

The code under test runs as it is: only its ``threading``, ``queue`` and ``time`` are those below.
A process runs until each of its threads waits, for a region's answer, for another thread or for
time to pass; whoever schedules then gives an answer, or lets time pass. Clocks stand still
otherwise, and each process has one of its own. A process that is killed never runs again.
"""

import os
import queue
import threading
from collections import deque
from collections.abc import Callable, Mapping
from functools import partial
from math import inf
from types import SimpleNamespace
from typing import Any, Generic, NamedTuple, NoReturn, TypeVar, cast

import pytest
from greenlet import getcurrent, greenlet

from startifact.channels import mirroring
from startifact.concurrency import (
    backoff,
    deadline,
    fan_out,
    heartbeat,
    in_order,
    quorum,
    worker_pool,
)
from startifact.errors import ExistsError, StartifactError
from startifact.reading import resolution
from startifact.registers import attempt
from startifact.staging import replication
from tests.support.memory_region import AskingRegion, Request, StoreState

T = TypeVar("T")

NOW = "2026-01-01T00:00:00.000000Z"


class Killed(BaseException):
    """Ends the threads of a process that does not run any more."""


class Ask(NamedTuple):
    """A thread's call on a region that has not been answered."""

    region: str
    request: Request


class Raised(NamedTuple):
    """An answer that is an exception."""

    kind: type[Exception]
    text: str


class Strand(greenlet):
    """A thread of a process."""

    def __init__(self, process: "Process", work: Callable[[], None]) -> None:
        super().__init__(work, process.hub)
        self.process = process
        self.number = len(process.strands)
        starter = getcurrent()
        self.starter = starter.number if isinstance(starter, Strand) else -1


class Process:
    """A process that runs *work* and keeps what it returns as ``report``."""

    def __init__(self, work: Callable[[], object]) -> None:
        self.hub = getcurrent()
        self.clock = 0.0
        self.dead = False
        self.report: object = None
        self.ended = False
        self.label = ""
        """What it calls what it makes, instead of a name that is drawn at random."""

        self.strands: list[Strand] = []
        self._ids = 0
        self.pending: dict[int, Ask] = {}
        self.acts = 0
        """How often one thread has done what another one of this process can notice."""
        self._ready: deque[Strand] = deque()
        self._limits: dict[Strand, float] = {}
        self.spawn(lambda: self._main(work))

    def new_id(self) -> str:
        """Return what identifies the next change that it makes; the first one has its label."""
        self._ids += 1
        return self.label if self._ids == 1 else f"{self.label}.{self._ids}"

    def _main(self, work: Callable[[], object]) -> None:
        self.report = work()
        self.ended = True
        self.acts += 1

    def spawn(self, work: Callable[[], None]) -> None:
        """Start a thread; it begins when the process runs next."""

        def body() -> None:
            try:
                work()
            except Killed:
                if not self.dead:
                    raise

        if not self.dead:
            self.acts += 1
            self.strands.append(Strand(self, body))
            self._ready.append(self.strands[-1])

    @property
    def is_ready(self) -> bool:
        """Whether a thread could run without any answer."""
        return bool(self._ready)

    def run_until_idle(self) -> None:
        """Run until every thread waits."""
        while self._ready:
            self._ready.popleft().switch()

    def answer(self, number: int, answer: object) -> bool:
        """Give thread *number* the *answer* it waits for; say whether the thread has ended."""
        del self.pending[number]
        strand = self.strands[number]
        strand.switch(answer)
        return bool(strand.dead)

    def ask(self, ask: Ask) -> Any:
        """Wait, as the current thread, for the answer to *ask*."""
        if self.dead:
            raise Killed
        strand = cast("Strand", getcurrent())
        self.pending[strand.number] = ask
        answer = self.hub.switch()
        if isinstance(answer, Raised):
            raise answer.kind(answer.text)
        return answer

    def wait(self, timeout: float | None) -> None:
        """Wait, as the current thread, to be woken, or for *timeout* to pass."""
        if self.dead:
            raise Killed
        if timeout is not None and timeout <= 0:
            return
        self._limits[cast("Strand", getcurrent())] = (
            inf if timeout is None else self.clock + timeout
        )
        self.hub.switch()

    def wake(self, strand: Strand) -> None:
        """Make *strand* run when the process runs next."""
        if self._limits.pop(strand, None) is not None:
            self._ready.append(strand)

    def time_left(self) -> float:
        """Return how long it is until some thread waits no longer; infinite if none does."""
        return min(self._limits.values(), default=inf) - self.clock

    def pass_time(self, seconds: float) -> None:
        """Let *seconds* pass, and wake whoever waits no longer."""
        self.clock += seconds
        for strand, limit in list(self._limits.items()):
            if limit <= self.clock:
                self.wake(strand)

    def kill(self) -> None:
        """End the process where it is."""
        self.dead = True
        self.pending.clear()
        self._ready.clear()
        for strand in self.strands:
            if strand:
                strand.throw(Killed)


def current() -> Process | None:
    """Return the process that runs, if any does."""
    strand = getcurrent()
    return strand.process if isinstance(strand, Strand) else None


def running() -> Process:
    """Return the process that runs."""
    process = current()
    assert process is not None
    return process


class Queue(Generic[T]):
    """What the code takes for ``queue.SimpleQueue``."""

    def __init__(self) -> None:
        self._items: deque[T] = deque()
        self._waiting: Strand | None = None

    def put(self, item: T) -> None:
        self._items.append(item)
        if self._waiting is not None:
            running().wake(self._waiting)

    def get(self, timeout: float | None = None) -> T:
        if not self._items:
            self._waiting = cast("Strand", getcurrent())
            try:
                running().wait(timeout)
            finally:
                self._waiting = None
        if not self._items:
            raise queue.Empty
        return self._items.popleft()


class Thread:
    """What the code takes for ``threading.Thread``."""

    def __init__(
        self,
        *,
        target: Callable[..., None],
        args: tuple[object, ...] = (),
        name: str = "",
        daemon: bool = False,
    ) -> None:
        self._work: Callable[[], None] = partial(target, *args)
        self._ended: Queue[None] = Queue()
        self._has_ended = False

    def start(self) -> None:
        running().spawn(self._run)

    def is_alive(self) -> bool:
        return not self._has_ended and not running().dead

    def join(self, timeout: float | None = None) -> None:
        if not self._has_ended and not running().dead:
            try:
                self._ended.get(timeout)
            except queue.Empty:
                return

    def _run(self) -> None:
        try:
            self._work()
        finally:
            self._has_ended = True
            self._ended.put(None)


class Event:
    """What the code takes for ``threading.Event``."""

    def __init__(self) -> None:
        self._set = False

    def set(self) -> None:
        running().acts += 1
        self._set = True

    def clear(self) -> None:
        running().acts += self._set
        self._set = False

    def is_set(self) -> bool:
        return self._set


class Condition:
    """What the code takes for ``threading.Condition``: threads take turns only where they wait."""

    def __init__(self) -> None:
        self._waiting: list[Strand] = []

    def __enter__(self) -> None:
        pass

    def __exit__(self, *_: object) -> None:
        pass

    def wait(self, timeout: float | None = None) -> None:
        strand = cast("Strand", getcurrent())
        self._waiting.append(strand)
        try:
            running().wait(timeout)
        finally:
            self._waiting.remove(strand)

    def notify_all(self) -> None:
        for strand in self._waiting:
            running().wake(strand)


class ModelRegion(AskingRegion):
    """A region whose calls wait until the scheduler answers them.

    Those named with a small letter show their channels elsewhere as well. The answer of all but B
    to a write proves it.
    """

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.proves_writes = name not in {"B", "b"}
        if not name.islower():
            self.mirror = None

    def ask_in_background(self, ask: Callable[[], T]) -> Callable[[], T]:
        """Ask at once in B and b, and elsewhere when the answer is wanted: all are right then."""
        if self.proves_writes:
            return ask
        try:
            answer = ask()
        except StartifactError as e:
            return partial(_raise, e)
        return lambda: answer

    def ask(self, verb: str, *args: Any) -> Any:
        return running().ask(Ask(self.name, Request(verb, args)))


def _raise(error: Exception) -> NoReturn:
    raise error


def serve(store: StoreState, request: Request) -> tuple[StoreState, object]:
    """Return what *request* makes of *store*, and the answer, which may be an exception."""
    try:
        return store.serve(request)
    except (ExistsError, StartifactError) as e:
        return store, Raised(type(e), str(e))


def resolved(request: Request, stores: Mapping[str, StoreState]) -> Request:
    """Return *request*, where it copies with what *stores* have of that at its origin by now."""
    if request.verb != "create_copy":
        return request
    key, origin = map(str, request.args[:2])
    return Request(request.verb, (*request.args, stores[origin].items.get(key)))


def _monotonic() -> float:
    process = current()
    return 0.0 if process is None else process.clock


def install(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the code run in processes of this module, with a clock and a disk that cost nothing."""
    clock = SimpleNamespace(monotonic=_monotonic, sleep=lambda seconds: None)
    timed = (
        fan_out,
        heartbeat,
        deadline,
        worker_pool,
        backoff,
        resolution,
        quorum,
        mirroring,
        attempt,
    )
    for module in timed:
        monkeypatch.setattr(module, "time", clock)
    threads = SimpleNamespace(Thread=Thread, Event=Event, Lock=threading.Lock)
    queues = SimpleNamespace(SimpleQueue=Queue, Empty=queue.Empty)
    for module in (fan_out, heartbeat, worker_pool, in_order):
        monkeypatch.setattr(module, "threading", threads)
    monkeypatch.setattr(replication, "threading", SimpleNamespace(Condition=Condition))
    for module in (fan_out, worker_pool, in_order):
        monkeypatch.setattr(module, "queue", queues)
    monkeypatch.setattr(backoff, "pause_for", lambda seconds: None)
    monkeypatch.setattr("startifact.staging.stager.now", lambda: NOW)
    monkeypatch.setattr("startifact.repair.repairer.now", lambda: NOW)
    monkeypatch.setattr("startifact.session.channels.now", lambda: NOW)
    monkeypatch.setattr("startifact.session.retention.now", lambda: NOW)
    monkeypatch.setattr("startifact.registers.attempt.new_id", lambda: running().new_id())
    monkeypatch.setattr(os, "fsync", lambda descriptor: None)
