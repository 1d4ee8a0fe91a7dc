"""The same work in every region at once."""

import contextlib
import gc
import sys
import threading
import time
import weakref
from collections.abc import Callable, Iterator

import pytest

from startifact.concurrency.deadline import check_deadline, deadline
from startifact.concurrency.fan_out import Failure, FanOut, Success, run_one
from startifact.concurrency.heartbeat import Cancelled, Heartbeat
from startifact.concurrency.worker_pool import run_in_pool
from startifact.errors import DeadlineError, RegionUnavailableError
from startifact.limits import Limits

LIMITS = Limits()


def until(condition: Callable[[], bool]) -> None:
    """Return as soon as *condition* holds; fail when it does not come to that."""
    end = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.001)


def test_every_region_answers() -> None:
    """Each answer is handed over with its region, and then there is none left."""
    with FanOut({"a": lambda _: 1, "b": lambda _: 2}, limits=LIMITS) as working:
        answers = {answer.name: answer for answer in working}
        left = working.next()

    assert {n: a.value for n, a in answers.items() if isinstance(a, Success)} == {"a": 1, "b": 2}
    assert left is None


def test_no_regions() -> None:
    """Where there is nothing to do there is nothing to wait for."""
    with FanOut[int]({}, limits=LIMITS) as working:
        assert list(working) == []


def test_all_at_once() -> None:
    """All regions work at the same time."""
    barrier = threading.Barrier(3)

    with FanOut({name: lambda _: barrier.wait(10) for name in "abc"}, limits=LIMITS) as working:
        answers = list(working)

    assert len(answers) == 3


def test_answers_as_they_come() -> None:
    """A quick answer does not wait for a slow one."""
    go = threading.Event()

    with FanOut({"slow": lambda _: go.wait(10), "quick": lambda _: True}, limits=LIMITS) as working:
        first = working.next()
        go.set()
        second = working.next()

    assert first is not None
    assert first.name == "quick"
    assert second is not None
    assert second.name == "slow"


def test_region_that_fails() -> None:
    """A region that fails for a reason of its own is reported and the others go on."""

    def fail(heartbeat: Heartbeat) -> int:
        raise RegionUnavailableError("out of order")

    with FanOut({"a": fail, "b": lambda _: 2}, limits=LIMITS) as working:
        answers = {answer.name: answer for answer in working}

    assert isinstance(answers["a"], Failure)
    assert str(answers["a"].error) == "out of order"
    assert answers["a"].seconds >= 0
    assert isinstance(answers["b"], Success)


def test_bug() -> None:
    """Any other exception is a bug, and raised in the thread that waits."""

    def crash(heartbeat: Heartbeat) -> int:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError), FanOut({"a": crash}, limits=LIMITS) as working:
        list(working)


def test_nothing_in_time() -> None:
    """Waiting until a deadline reports that nothing has come."""
    go = threading.Event()

    with FanOut({"a": lambda _: go.wait(10)}, limits=LIMITS) as working:
        nothing = working.next(time.monotonic() + 0.01)
        go.set()
        something = working.next(time.monotonic() + 10)

    assert nothing is None
    assert something is not None


def test_idle_timeout() -> None:
    """A region that moves no byte is given up, and told to stop when it wakes."""
    go = threading.Event()
    stopped = threading.Event()

    def hang(heartbeat: Heartbeat) -> None:
        go.wait(10)
        try:
            heartbeat.beat()
        except Cancelled:
            stopped.set()
            raise

    with FanOut({"a": hang}, limits=Limits(idle_timeout_seconds=0.05)) as working:
        answer = working.next()
        go.set()

        assert isinstance(answer, Failure)
        assert isinstance(answer.error, RegionUnavailableError)
        assert answer.error.message == "a has moved no byte for 0 s"
        assert stopped.wait(10)
        assert working.next() is None


def test_late_answer_of_a_region_given_up() -> None:
    """An answer that comes after its region was given up no longer counts."""
    go = threading.Event()

    with FanOut({"a": lambda _: go.wait(10)}, limits=Limits(idle_timeout_seconds=0.05)) as working:
        given_up = working.next()
        go.set()
        late = working.next()

    assert isinstance(given_up, Failure)
    assert late is None


def test_region_that_moves() -> None:
    """A region that moves bytes is waited for, however long it takes in all."""

    def work(heartbeat: Heartbeat) -> str:
        for _ in range(20):
            time.sleep(0.02)
            heartbeat.beat(1)
        return "done"

    with FanOut({"a": work}, limits=Limits(idle_timeout_seconds=0.3)) as working:
        answer = working.next()

    assert isinstance(answer, Success)
    assert answer.seconds > 0.3


def test_shorter_idle_timeout() -> None:
    """The idle time-out may be shortened while regions work."""
    go = threading.Event()

    with FanOut({"a": lambda _: go.wait(10), "b": lambda _: True}, limits=LIMITS) as working:
        working.next()
        working.shorten_idle_timeout(0.01)
        answer = working.next()
        go.set()

    assert isinstance(answer, Failure)


def test_bytes_are_reported() -> None:
    """What each region moves is reported under its name."""
    reported: list[tuple[str, int]] = []

    def work(heartbeat: Heartbeat) -> None:
        heartbeat.beat(3)
        heartbeat.beat()

    with FanOut(
        {"a": work}, limits=LIMITS, notify=lambda name, count: reported.append((name, count))
    ) as working:
        list(working)

    assert reported == [("a", 3), ("a", 0)]


def test_leaving_early() -> None:
    """Leaving the context stops those that are still busy."""
    stopped = threading.Event()

    def work(heartbeat: Heartbeat) -> None:
        try:
            while True:
                heartbeat.beat()
                time.sleep(0.001)
        except Cancelled:
            stopped.set()
            raise

    with FanOut({"a": work, "b": lambda _: None}, limits=LIMITS) as working:
        working.next()

    assert stopped.wait(10)


def test_undo() -> None:
    """With undo, an exception is passed on only after the workers have taken back their work."""
    started, undone = threading.Event(), threading.Event()

    def work(heartbeat: Heartbeat) -> None:
        try:
            while True:
                heartbeat.beat()
                started.set()
                time.sleep(0.001)
        finally:
            time.sleep(0.05)
            undone.set()

    def interrupted() -> None:
        with FanOut({"a": work}, limits=LIMITS, undo=True):
            started.wait(10)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()

    assert undone.is_set()


def test_alone() -> None:
    """One job run_one gives its value, or its error."""

    def fail(heartbeat: Heartbeat) -> int:
        raise RegionUnavailableError("out of order")

    assert run_one("a", lambda _: 5, limits=LIMITS) == 5
    with pytest.raises(RegionUnavailableError, match="out of order"):
        run_one("a", fail, limits=LIMITS)


# Deadlines -----------------------------------------------------------------------------------


def test_deadline_ends_a_fan_out() -> None:
    """A deadline ends the wait for a region that hangs."""
    go = threading.Event()

    with (
        pytest.raises(DeadlineError, match=r"the deadline of 0\.05 s has passed") as caught,
        deadline(0.05),
        FanOut({"a": lambda _: go.wait(10)}, limits=LIMITS, undo=True) as working,
    ):
        working.next()

    go.set()
    assert caught.value.exit_code == 5
    assert caught.value.hint == "Running again is safe"


def test_deadline_is_over_outside() -> None:
    """A deadline counts inside its context, and nowhere else."""
    with pytest.raises(DeadlineError), deadline(0):
        check_deadline()

    check_deadline()
    with deadline(None):
        check_deadline()
    with deadline(100):
        check_deadline()


# A limited number at a time ------------------------------------------------------------------


def test_run_in_pool() -> None:
    """All jobs are done, and no more than the limit at a time."""
    lock = threading.Lock()
    running = most = done = 0

    def job() -> None:
        nonlocal running, most, done
        with lock:
            running += 1
            most = max(most, running)
        time.sleep(0.002)
        with lock:
            running -= 1
            done += 1

    run_in_pool([job] * 20, workers=3, limits=LIMITS)

    assert done == 20
    assert most <= 3


def test_run_in_pool_without_jobs() -> None:
    """Nothing to do is done at once."""
    run_in_pool([], workers=4, limits=LIMITS)


def test_run_in_pool_takes_jobs_as_it_needs_them() -> None:
    """Of more jobs than there is room for, none is made before its turn has come."""
    made = done = 0

    def job() -> None:
        nonlocal done
        done += 1
        if done == 100:
            raise ZeroDivisionError

    def jobs() -> Iterator[Callable[[], None]]:
        nonlocal made
        while True:
            made += 1
            yield job

    with pytest.raises(ZeroDivisionError):
        run_in_pool(jobs(), workers=2, limits=LIMITS)

    assert made < 110


def test_run_in_pool_stops_at_an_error() -> None:
    """After an error no further job starts, and it is raised once those that run have ended."""
    ended: list[int] = []
    begun = threading.Barrier(2)

    def bad() -> None:
        begun.wait(10)
        raise ZeroDivisionError

    def slow() -> None:
        begun.wait(10)
        time.sleep(0.05)
        ended.append(1)

    jobs: list[Callable[[], None]] = [bad, slow, *[lambda: ended.append(2)] * 50]
    with pytest.raises(ZeroDivisionError):
        run_in_pool(jobs, workers=2, limits=LIMITS)

    assert ended == [1]


def test_run_in_pool_lets_go_of_what_failed() -> None:
    """What a failed job held, a connection for instance, is free as soon as its error is."""

    class Connection:
        """Stands for whatever has to be closed."""

    connections: list[weakref.ref[Connection]] = []

    def job() -> None:
        connection = Connection()
        connections.append(weakref.ref(connection))
        raise ZeroDivisionError

    gc.disable()  # it finds cycles, in whatever order
    try:
        with contextlib.suppress(ZeroDivisionError):
            run_in_pool([job], workers=1, limits=LIMITS)
        until(lambda: connections[0]() is None)
    finally:
        gc.enable()


def test_run_in_pool_of_a_worker_that_is_cancelled() -> None:
    """A worker whose parts hang takes back what it began, once nobody waits for it any more."""
    hangs, taken_back, release = threading.Event(), threading.Event(), threading.Event()

    def hang() -> None:
        hangs.set()
        release.wait(30)

    def job(_: Heartbeat) -> None:
        try:
            run_in_pool([hang] * 3, workers=2, limits=LIMITS)
        except Cancelled:
            taken_back.set()
            raise

    with contextlib.suppress(KeyboardInterrupt), FanOut({"a": job}, limits=LIMITS, undo=True):
        assert hangs.wait(10)
        raise KeyboardInterrupt

    release.set()
    assert taken_back.is_set()


# What was stopped and goes on --------------------------------------------------------------------


class Question:
    """A job that counts how often it is begun, and stops where it may when it is told to."""

    def __init__(self) -> None:
        self.begun = 0
        self.asking, self.go = threading.Event(), threading.Event()

    def __call__(self, heartbeat: Heartbeat) -> str:
        self.begun += 1
        self.asking.set()
        self.go.wait(10)
        heartbeat.beat()
        return f"answer {self.begun}"


def ended(name: str) -> bool:
    """Say whether no thread works for the region *name*."""
    return all(thread.name != f"startifact {name}" for thread in threading.enumerate())


def test_resumed_before_it_was_noticed() -> None:
    """A worker that has not noticed that it was to stop goes on, and is not begun twice."""
    question = Question()
    working = FanOut({"once": question}, limits=LIMITS)
    assert question.asking.wait(10)

    working.cancel()
    working.resume()
    question.go.set()
    answer = working.next()

    assert isinstance(answer, Success)
    assert answer.value == "answer 1"
    assert working.next() is None


@pytest.mark.parametrize("noticed", [True, False], ids=["seen", "not yet seen"])
def test_resumed_after_it_has_stopped(noticed: bool) -> None:
    """A worker that has stopped begins anew, also where nobody has seen yet that it has."""
    question = Question()
    working = FanOut({"anew": question}, limits=LIMITS)
    assert question.asking.wait(10)

    working.cancel()
    question.go.set()
    until(lambda: ended("anew"))
    nothing = working.next() if noticed else None
    working.resume()
    answer = working.next()

    assert nothing is None
    assert isinstance(answer, Success)
    assert answer.value == "answer 2"
    assert answer.seconds < 5
    assert working.next() is None


def test_answer_of_a_worker_that_was_to_stop() -> None:
    """What a worker brings that was in the middle of its last request counts."""
    go = threading.Event()
    working = FanOut({"a": lambda _: go.wait(10)}, limits=LIMITS)

    working.cancel()
    go.set()
    answer = working.next()

    assert isinstance(answer, Success)


def test_nobody_left_to_wait_for() -> None:
    """Where everybody has stopped there is nothing to wait for."""
    question = Question()
    working = FanOut({"a": question}, limits=LIMITS)
    assert question.asking.wait(10)

    working.cancel()
    question.go.set()

    assert working.next() is None


def test_cancelled_while_answers_come() -> None:
    """A fan-out can be cancelled from another thread, whatever is answered meanwhile."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    errors: list[RuntimeError] = []
    try:
        for _ in range(20):
            fan_out = FanOut({f"r{i}": lambda _: 1 for i in range(32)}, limits=Limits())
            ended = threading.Event()

            def cancel(fan_out: FanOut[int] = fan_out, ended: threading.Event = ended) -> None:
                try:
                    while not ended.is_set():
                        fan_out.cancel()
                except RuntimeError as e:
                    errors.append(e)

            thread = threading.Thread(target=cancel)
            thread.start()
            while fan_out.next(time.monotonic() + 0.05):
                pass
            ended.set()
            thread.join()
    finally:
        sys.setswitchinterval(interval)

    assert errors == []


# Regions that do nothing, and live -------------------------------------------------------------

SHORT = Limits(idle_timeout_seconds=1.2, quorum_idle_timeout_seconds=0.2)


def ask(job: Callable[[Heartbeat], object]) -> tuple[Success[object] | Failure, float]:
    """Return what comes of *job* once nothing depends on it, and how long that took."""
    began = time.monotonic()
    with FanOut({"a": job}, limits=SHORT) as working:
        working.shorten_idle_timeout(SHORT.quorum_idle_timeout_seconds)
        answer = working.next()
    assert answer is not None
    return answer, time.monotonic() - began


def failing(reason: str, *, later: bool) -> Callable[[Heartbeat], object]:
    """Return the job of a region that fails again and again, until it should be given up."""

    def fail(heartbeat: Heartbeat) -> None:
        until = time.monotonic() + 10 * SHORT.idle_timeout_seconds
        while time.monotonic() < until:
            heartbeat.failed(reason, later=later)
            time.sleep(0.05)
            heartbeat.check()

    return fail


def test_region_that_says_later() -> None:
    """A region that says "later" has its whole time, but not more, and its reason is shown."""
    answer, took = ask(failing("SlowDown", later=True))

    assert isinstance(answer, Failure)
    assert answer.error.message == "a has moved no byte for 1 s: SlowDown"
    assert SHORT.idle_timeout_seconds <= took < 3 * SHORT.idle_timeout_seconds


def test_region_that_is_cut_off() -> None:
    """A region that says nothing is given up once nothing depends on it."""
    answer, took = ask(failing("reset", later=False))

    assert isinstance(answer, Failure)
    assert took < SHORT.idle_timeout_seconds


def test_silence_that_is_expected() -> None:
    """A region in a long operation may be silent for as long as that takes."""

    def complete(heartbeat: Heartbeat) -> None:
        with heartbeat.may_be_silent(30):
            time.sleep(1.5 * SHORT.idle_timeout_seconds)

    answer, _ = ask(complete)

    assert isinstance(answer, Success)


def test_silence_that_is_too_long() -> None:
    """Not longer, though: it has failed then."""
    answer, took = ask(lambda heartbeat: hang_in_silence(heartbeat, 0.5))

    assert isinstance(answer, Failure)
    assert 0.5 <= took < 5


def hang_in_silence(heartbeat: Heartbeat, seconds: float) -> None:
    with heartbeat.may_be_silent(seconds):
        heartbeat.cancelled.wait(30)


@pytest.mark.parametrize("enough", [None, 0, 1, 2])
def test_limited_retries(enough: int | None) -> None:
    """After so many successes, requests that fail are not tried again for long."""
    retried: list[bool] = []
    go = threading.Event()

    def slow(heartbeat: Heartbeat) -> None:
        go.wait(10)
        retried.append(heartbeat.retry_until_idle)

    with FanOut({"slow": slow, "quick": lambda _: None}, limits=LIMITS, enough=enough) as working:
        working.next()
        go.set()
        working.next()

    assert retried == [enough not in {0, 1}]


def test_failing_ends_with_an_answer() -> None:
    """How long a region has failed is counted anew after each request that was answered."""
    heartbeat = Heartbeat()
    heartbeat.failed("reset", later=False)
    time.sleep(0.05)
    before = heartbeat.failed("reset", later=False)
    heartbeat.answered()
    after_answer = heartbeat.failed("reset", later=False)
    time.sleep(0.05)
    heartbeat.beat(0)
    after_sign = heartbeat.failed("reset", later=False)
    heartbeat.beat(1)
    after_bytes = heartbeat.failed("reset", later=False)

    assert before >= 0.05
    assert after_answer < 0.05
    assert after_sign >= 0.05, "bytes that were sent, and not accepted, are no progress"
    assert after_bytes < 0.05


def test_is_stuck() -> None:
    """Nothing has moved, or requests only fail; one of many that failed once is no sign of it."""
    heartbeat = Heartbeat()
    assert not heartbeat.is_stuck(5.0)
    heartbeat.failed("SlowDown", later=True)
    assert not heartbeat.is_stuck(5.0)
    heartbeat.failing_since = heartbeat.last_failure - 6.0
    heartbeat.beat()
    assert heartbeat.is_stuck(5.0)
    heartbeat.last_failure -= 6.0
    assert not heartbeat.is_stuck(5.0)
    heartbeat.last -= 6.0
    assert heartbeat.is_stuck(5.0)
    heartbeat.answered()
    assert not heartbeat.is_stuck(5.0)
