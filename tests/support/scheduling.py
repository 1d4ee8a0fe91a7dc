"""Which worker of a test run gets which test: those that wait do not keep others from a processor.

Some tests spend seconds in pauses and time-outs that are their matter, and hardly any of them
computing. A few more workers for these are no load for the machine, while many more workers for all
tests would make those fail that need a processor in time.
"""

import os
import re
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from xdist.scheduler import WorkStealingScheduling

if TYPE_CHECKING:
    from xdist.workermanage import WorkerController

COMPUTING = 2 * (os.cpu_count() or 1)
"""How many workers have tests that compute; all others have tests that wait. There are two for each
processor: every test waits now and then. Three for each take each other's time."""

WORKERS = COMPUTING + 4
"""How many workers there are, unless a run says otherwise: each collects all tests first."""

WAITING = (
    "tests/contract/test_probe.py",
    "tests/faults/test_completing.py",
    "tests/faults/test_copies.py::test_copy_that_hangs",
    "tests/faults/test_copies.py::test_upload_that",
    "tests/faults/test_copying.py",
    "tests/faults/test_dead_regions.py",
    "tests/faults/test_deadline.py",
    "tests/faults/test_downloads.py::test_case_12",
    "tests/faults/test_errors.py::test_answers_that_make_no_sense",
    "tests/faults/test_foreign_answers.py",
    "tests/faults/test_hung_threads.py",
    "tests/faults/test_mirrors.py::test_region_that_is_down",
    "tests/faults/test_refused_for_good.py::test_what_passes",
    "tests/faults/test_throttling.py",
    "tests/faults/test_request_counts.py",
    "tests/functional/repair/test_cli.py::test_region_that_does_not_answer",
    "tests/functional/repair/test_keep.py::test_while_a_region_is_down",
    "tests/functional/repair/test_outages.py",
    "tests/functional/repair/test_removals.py::test_region_that_is_down",
    "tests/functional/repair/test_removals.py::test_tombstone_while_a_region_is_down",
    "tests/functional/repair/test_removals.py::test_tombstones_lost_where_a_region_is_down",
    "tests/functional/test_keeping.py::test_keep_needs_its_quorum",
    "tests/functional/test_regions_in_messages.py",
    "tests/security/test_secrets.py",
    "tests/security/test_services.py::test_keys_in_a_listing",
    "tests/ways_in/action/test_credentials.py::test_metadata_that_does_not_answer",
    "tests/ways_in/action/test_credentials.py::test_silent_github",
    "tests/ways_in/action/test_no_credentials.py",
    "tests/ways_in/container/",
)
"""Files whose tests mostly wait, and single tests of other files: how the ids of tests begin."""

_STORES = re.compile(r"[\[-](?:minio|seaweedfs|versitygw)[\]-]|/test_stores\.py")
"""Tests on real stores: each worker that has some starts those stores, which takes seconds."""

_AHEAD = 2
"""How many tests a worker has to have: it begins one when it knows the next."""


def waits(test: str) -> bool:
    """Say whether the test with that id mostly waits, be it for a store that begins."""
    return test.startswith(WAITING) or _STORES.search(test) is not None


class Scheduling(WorkStealingScheduling):  # type: ignore[misc]  # it has no types
    """Gives the tests that compute to the first workers, and those that wait to the others.

    A worker that has no more of its own gets some from the one that has most: if it waits, from
    those that wait, else from any.
    """

    pending: list[int]
    """What no worker has yet; ``node2pending`` is what each has."""

    def schedule(self) -> None:
        """Begin to give tests to workers, all of which have collected them by now."""
        if self.collection is None:
            self._waiting = set(self.nodes[COMPUTING:])
        super().schedule()

    def check_schedule(self) -> None:
        """Give each worker that is about to have nothing to do further tests, or end it."""
        if self.collection is None:
            return  # a worker has ended before all had collected: pytest says why
        workers = [node for node in self.nodes if not node.shutting_down]
        waiting = [node for node in workers if node in self._waiting]
        computing = [node for node in workers if node not in self._waiting]
        self._share(waiting, waits)
        self._share(computing, bool)
        if self.steal_requested_from_node is not None:
            return
        for group, others in ((waiting, waiting), (computing, workers)):
            for idle in self._idle(group):
                if self._steal_from(others):
                    return  # one at a time; this is called again when they are there
                idle.shutdown()

    def _share(self, workers: "Iterable[WorkerController]", suits: Callable[[str], bool]) -> None:
        """Share out what no worker has and *suits* among those *workers* that need tests."""
        assert self.collection is not None
        idle = self._idle(workers)
        for number, worker in enumerate(idle):
            suited = [i for i in self.pending if suits(self.collection[i])]
            given = suited[: -(-len(suited) // (len(idle) - number))]
            if given:
                taken = set(given)
                self.pending = [i for i in self.pending if i not in taken]
                self.node2pending[worker] += given
                worker.send_runtest_some(given)

    def _idle(self, workers: "Iterable[WorkerController]") -> "list[WorkerController]":
        return [worker for worker in workers if len(self.node2pending[worker]) < _AHEAD]

    def _steal_from(self, workers: "Iterable[WorkerController]") -> bool:
        """Ask the worker that has most for half of it; say whether it can spare any."""
        richest = max(workers, key=lambda worker: len(self.node2pending[worker]))
        tests = self.node2pending[richest]
        count = min(len(tests) // 2, max(0, len(tests) - _AHEAD))
        if count:
            richest.send_steal(tests[-count:])
            self.steal_requested_from_node = richest
        return bool(count)
