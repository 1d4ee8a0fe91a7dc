"""Tests that wait go to workers of their own, and each test goes to one worker."""

from types import SimpleNamespace
from typing import Any, cast

import pytest

from tests.support import scheduling
from tests.support.runner_step import PROJECT
from tests.support.scheduling import COMPUTING, WAITING, Scheduling, waits

SLOW = f"{WAITING[0]}::test"
QUICK = "tests/unit/test_keys.py::test"


class Worker:
    """A worker of xdist: it begins a test when it knows the next, or that there is none."""

    def __init__(self, number: int, scheduling: Scheduling) -> None:
        self.gateway = SimpleNamespace(id=f"gw{number}")
        self.shutting_down = False
        self.asked_for: list[int] = []
        self.queue: list[int] = []
        self.ran: list[int] = []
        self._scheduling = scheduling

    def send_runtest_some(self, tests: list[int]) -> None:
        assert not self.shutting_down
        self.queue += tests

    def send_steal(self, tests: list[int]) -> None:
        self.asked_for = tests

    def shutdown(self) -> None:
        self.shutting_down = True

    def work(self) -> bool:
        """Do one thing; say whether there was any."""
        scheduling, node = self._scheduling, cast("Any", self)
        if self.asked_for:
            given = [test for test in self.asked_for if test in self.queue[2:]]
            self.asked_for = []
            self.queue = [test for test in self.queue if test not in given]
            scheduling.remove_pending_tests_from_node(node, given)
        elif len(self.queue) > 1 or (self.queue and self.shutting_down):
            self.ran.append(self.queue.pop(0))
            scheduling.mark_test_complete(node, self.ran[-1])
        else:
            return False
        return True


def run(tests: list[str], workers: int, pace: int = 1) -> list[Worker]:
    """Run *tests*, and return the workers; those that wait do one thing where others do *pace*."""
    config = cast("Any", SimpleNamespace(getvalue=lambda name: ["popen"] * workers, option=None))
    scheduling = Scheduling(config)
    team = [Worker(number, scheduling) for number in range(workers)]
    for worker in team:
        scheduling.add_node(cast("Any", worker))
    for worker in team:
        scheduling.add_node_collection(cast("Any", worker), tests)
    scheduling.schedule()
    busy = True
    while busy:
        worked = [worker.work() for worker in team[COMPUTING:]]
        worked += [worker.work() for _ in range(pace) for worker in team[:COMPUTING]]
        busy = any(worked)
        if scheduling.tests_finished:
            for worker in team:
                worker.shutdown()
    return team


@pytest.mark.parametrize("more", [0, 1, 3])
@pytest.mark.parametrize(("slow", "quick"), [(0, 0), (1, 0), (0, 1), (7, 100), (100, 7), (50, 50)])
@pytest.mark.parametrize("pace", [1, 20])
def test_each_test_runs_once(more: int, slow: int, quick: int, pace: int) -> None:
    """No test is left out and none runs twice, however many there are of either kind."""
    tests = [f"{QUICK}[{n}]" for n in range(quick)] + [f"{SLOW}[{n}]" for n in range(slow)]

    team = run(tests, COMPUTING + more, pace)

    assert sorted(test for worker in team for test in worker.ran) == list(range(len(tests)))


def test_workers_of_their_own() -> None:
    """What waits goes to workers beyond those that compute, which help when they have no more."""
    tests = [f"{QUICK}[{n}]" for n in range(500)] + [f"{SLOW}[{n}]" for n in range(60)]

    evenly = run(tests, COMPUTING + 2)
    slowly = run(tests, COMPUTING + 2, pace=100)

    for team in (evenly, slowly):
        assert all(waits(tests[n]) for worker in team[COMPUTING:] for n in worker.ran)
    assert not any(waits(tests[n]) for worker in evenly[:COMPUTING] for n in worker.ran[:50])
    assert any(waits(tests[n]) for worker in slowly[:COMPUTING] for n in worker.ran)


@pytest.mark.parametrize("test", scheduling.WAITING)
def test_what_waits_is_there(test: str) -> None:
    """Each entry names a folder, a file, or a test in it."""
    path, _, name = test.partition("::")

    if path.endswith("/"):
        assert (PROJECT / path).is_dir()
        return
    assert f"def {name.partition('[')[0]}" in (PROJECT / path).read_text(encoding="utf-8")
