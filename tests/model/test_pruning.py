"""Every schedule of a prune with promotions, stagings and another prune, with crashes and trouble.

A process that has crashed is one that is not scheduled any more, so every crash is in every search.
In a failing region any call may be refused, or be done and its answer lost.
"""

from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.model.channel_programs import Promote
from tests.model.explorer import each
from tests.model.programs import Program
from tests.model.prune_explorer import (
    OLD,
    PruneExplorer,
    RemovedExplorer,
    above_latest,
    marked,
    removed,
)
from tests.model.prune_programs import (
    Lift,
    Prune,
    PruneAll,
    RepairMarked,
    StageMarked,
)

# The longest search, of a million states, takes eight minutes of a processor, which others share.
pytestmark = [pytest.mark.no_cover, pytest.mark.timeout(3600)]


@dataclass(frozen=True, slots=True)
class Search:
    """What to search, how many *states* there are at least, and how programs *end*."""

    programs: tuple[Program, ...]
    states: int
    ends: frozenset[tuple[str, str]] = frozenset()
    channel_in: str = ""
    staged_in: str = ""
    faults: int = 0
    preemptions: int | None = None
    failing: str = ""

    def run(self, folder: Path) -> None:
        regions = self.programs[0].regions
        stores = marked(folder, regions, channel_in=self.channel_in, staged_in=self.staged_in)
        explored = PruneExplorer(
            self.programs,
            folder,
            stores=stores,
            faults=self.faults,
            preemptions=self.preemptions,
            failing=self.failing,
        ).run()
        assert explored.left == 0
        assert explored.states >= self.states
        assert explored.reports >= self.ends


BOTH = frozenset({("t", "done"), ("t", "failed"), ("p", "removed"), ("p", "kept")})
"""In one order the promotion succeeds and the version stays, in the other it is refused."""


def promote_and_prune(regions: str) -> tuple[Program, ...]:
    return (Promote("t", regions, OLD), Prune("p", regions, OLD))


ONE = {
    "a channel": Search(promote_and_prune("A"), states=400, ends=BOTH, channel_in="A", faults=1),
    "a channel that is being created": Search(
        promote_and_prune("A"), states=600, ends=BOTH, faults=1
    ),
    "two prunes": Search(
        (*promote_and_prune("A"), Prune("q", "A", OLD)), states=12_000, ends=BOTH, channel_in="A"
    ),
}

TWO = {
    "a channel": Search(
        promote_and_prune("AB"), states=3_500, ends=BOTH, channel_in="AB", preemptions=2
    ),
    "a channel that is being created": Search(
        promote_and_prune("AB"), states=2_200, ends=BOTH, preemptions=2
    ),
}

THREE = {
    "a promotion, and a repair that completes what is left": Search(
        (*promote_and_prune("ABC"), RepairMarked("r", "ABC")),
        states=17_000,
        ends=BOTH | {("r", "repaired")},
        preemptions=1,
    ),
    "a channel": Search(
        promote_and_prune("ABC"), states=9_000, ends=BOTH, channel_in="ABC", preemptions=2
    ),
    "a channel that is being created": Search(
        promote_and_prune("ABC"), states=5_500, ends=BOTH, preemptions=2
    ),
    "a channel that one region has": Search(
        promote_and_prune("ABC"), states=9_000, ends=BOTH, channel_in="A", preemptions=2
    ),
    "a region that goes down while a channel is being created": Search(
        promote_and_prune("ABC"), states=9_000, ends=BOTH, preemptions=1, failing="C"
    ),
    "a version that most regions have, and a staging": Search(
        (StageMarked("s", "ABC", OLD, f"content {OLD}"), Prune("p", "ABC", OLD)),
        states=1_000,
        ends=frozenset({("s", "staged"), ("s", "conflict"), ("p", "removed")}),
        staged_in="AB",
        preemptions=2,
    ),
    "a version that most regions have, and a repair": Search(
        (RepairMarked("r", "ABC"), Prune("p", "ABC", OLD)),
        states=6_000,
        ends=frozenset({("r", "repaired"), ("p", "removed")}),
        staged_in="AB",
        preemptions=2,
    ),
    "another plan, which takes the mark back": Search(
        (*promote_and_prune("ABC"), Lift("l", "ABC", OLD)),
        states=9_000,
        ends=BOTH | {("p", "nothing"), ("l", "lifted")},
        channel_in="ABC",
        preemptions=1,
    ),
    "two prunes": Search(
        (*promote_and_prune("ABC"), Prune("q", "ABC", OLD)),
        states=9_000,
        ends=BOTH,
        channel_in="ABC",
        preemptions=1,
    ),
}

THREE_LONG = {
    "a region that goes down": Search(
        promote_and_prune("ABC"),
        states=9_000,
        ends=BOTH,
        channel_in="ABC",
        preemptions=1,
        failing="C",
    ),
    "a channel that is being created, and another one promotes": Search(
        (*promote_and_prune("ABC"), Promote("u", "ABC", "1.2.0")),
        states=20_000,
        ends=BOTH,
        preemptions=2,
    ),
    "two prunes, and a region that goes down": Search(
        (*promote_and_prune("ABC"), Prune("q", "ABC", OLD)),
        states=20_000,
        ends=BOTH,
        channel_in="ABC",
        preemptions=1,
        failing="C",
    ),
    "a channel that is being created, and a call that fails": Search(
        promote_and_prune("ABC"), states=20_000, ends=BOTH, preemptions=2, faults=1
    ),
    "a channel, more turns": Search(
        promote_and_prune("ABC"), states=20_000, ends=BOTH, channel_in="ABC", preemptions=4
    ),
}


@each(ONE)
def test_one_region(search: Search, folder: Path) -> None:
    """Nothing in use is removed where there is one region."""
    search.run(folder)


@each(TWO)
def test_two_regions(search: Search, folder: Path) -> None:
    """The same of two, each of which is half of them."""
    search.run(folder)


@each(
    THREE,
    "a region that goes down while a channel is being created",
    "a promotion, and a repair that completes what is left",
    "two prunes",
)
def test_three_regions(search: Search, folder: Path) -> None:
    """The same of three regions, of which one may go down."""
    search.run(folder)


@pytest.mark.exploration
@each(THREE_LONG)
def test_three_regions_that_take_longer(search: Search, folder: Path) -> None:
    """The same with more turns, or with more that fails."""
    search.run(folder)


def test_latest_moves_to_what_is_old(folder: Path) -> None:
    """No region's latest comes to point at what is removed, however slow a staging is."""
    stores = above_latest(folder)
    programs = (StageMarked("s", "ABC", OLD, f"content {OLD}"), PruneAll("p", "ABC"))

    explored = PruneExplorer(programs, folder, stores=stores, preemptions=1).run()

    assert explored.left == 0
    assert explored.states >= 1_000
    assert explored.reports >= {("s", "staged"), ("p", "pruned")}


@pytest.mark.parametrize("lost_in", ["", "C"], ids=["whole", "lost in one region"])
def test_after_a_removal(folder: Path, lost_in: str) -> None:
    """Nobody stages a removed number again, and the next prune removes it where it was lost."""
    stores = removed(folder, lost_in=lost_in)
    programs = (
        StageMarked("s", "ABC", OLD, "other content"),
        StageMarked("k", "ABC", OLD, "content of a third", if_exists="keep"),
        PruneAll("p", "ABC"),
    )

    explored = RemovedExplorer(programs, folder, stores=stores, preemptions=2).run()

    assert explored.left == 0
    assert explored.states >= 4_500
    assert explored.reports == {("s", "conflict"), ("k", "conflict"), ("p", "pruned")}
