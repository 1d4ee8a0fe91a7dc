"""Every schedule of promotions and readers of one channel, with crashes, and with trouble.

A process that has crashed is one that is not scheduled any more, so every crash is in every search.
In a failing region any call may be refused, or be done and its answer lost.
"""

from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.model.channel_explorer import VERSIONS, ChannelExplorer, staged
from tests.model.channel_programs import Promote, Read, RollBack
from tests.model.explorer import each
from tests.model.programs import Program

pytestmark = [pytest.mark.no_cover, pytest.mark.timeout(900)]


@dataclass(frozen=True, slots=True)
class Search:
    """What to search, how many *states* there are at least, and how programs *end*."""

    programs: tuple[Program, ...]
    states: int
    channel_in: str = ""
    faults: int = 0
    preemptions: int | None = None
    failing: str = ""
    versions: tuple[str, ...] = VERSIONS[:1]

    def run(self, folder: Path) -> None:
        regions = self.programs[0].regions
        stores = staged(folder, regions, channel_in=self.channel_in, versions=self.versions)
        explored = ChannelExplorer(
            self.programs,
            folder,
            stores=stores,
            faults=self.faults,
            preemptions=self.preemptions,
            failing=self.failing,
        ).run()
        assert explored.left == 0
        assert explored.states >= self.states
        assert explored.ends > 0


SAME = (Promote("p", "ABC", "1.1.0", "1.0.0"), Promote("q", "ABC", "1.2.0", "1.0.0"))
TWO = (Promote("p", "ABC", "1.1.0"), Promote("q", "ABC", "1.2.0"))
NEW = (Promote("p", "ABC", "1.1.0", "none"), Promote("q", "ABC", "1.2.0", "none"))

ONE = {
    "two promotions": Search(
        (Promote("p", "A", "1.1.0"), Promote("q", "A", "1.2.0")),
        states=150,
        channel_in="A",
        faults=1,
    ),
    "two that expect the same": Search(
        (Promote("p", "A", "1.1.0", "1.0.0"), Promote("q", "A", "1.2.0", "1.0.0")),
        states=190,
        channel_in="A",
        faults=2,
    ),
    "two that expect no channel, and a reader": Search(
        (
            Promote("p", "A", "1.1.0", "none"),
            Promote("q", "A", "1.2.0", "none"),
            Read("r", "A"),
        ),
        states=190,
        faults=1,
    ),
}

THREE = {
    "two promotions": Search(TWO, states=8_000, channel_in="ABC", preemptions=2),
    "two that expect the same": Search(SAME, states=6_500, channel_in="ABC", preemptions=2),
    "two that expect no channel": Search(NEW, states=5_000, preemptions=2),
    "a region that goes down": Search(
        TWO, states=40_000, channel_in="ABC", preemptions=1, failing="C"
    ),
    "a region that goes down and comes back, and a reader": Search(
        (Promote("p", "ABC", "1.1.0"), Read("r", "ABC")),
        states=7_000,
        channel_in="ABC",
        preemptions=2,
        failing="C",
    ),
    "two promotions and a reader": Search(
        (*TWO, Read("r", "ABC")), states=4_500, channel_in="ABC", preemptions=1
    ),
    "a rollback and a promotion": Search(
        (RollBack("b", "ABC"), Promote("p", "ABC", "1.1.0")),
        states=8_000,
        channel_in="ABC",
        versions=("1.0.0", "1.2.0"),
        preemptions=2,
    ),
    "regions that were added without a repair": Search(
        (Promote("p", "ABC", "1.1.0"), Promote("q", "ABC", "1.2.0", "none")),
        states=3_000,
        channel_in="A",
        preemptions=2,
    ),
}

THREE_LONG = {
    "two promotions": Search(TWO, states=100_000, channel_in="ABC", preemptions=4),
    "two promotions, and a call that fails": Search(
        TWO, states=300_000, channel_in="ABC", preemptions=2, faults=1
    ),
    "two that expect the same, and a region that goes down": Search(
        SAME, states=300_000, channel_in="ABC", preemptions=2, failing="C"
    ),
    "two that expect no channel, and a region that goes down": Search(
        NEW, states=300_000, preemptions=2, failing="C"
    ),
    "two promotions and a reader, and a region that goes down": Search(
        (*TWO, Read("r", "ABC")), states=100_000, channel_in="ABC", preemptions=1, failing="A"
    ),
}


@each(ONE)
def test_one_region(search: Search, folder: Path) -> None:
    """What has succeeded is seen, and what has failed is not, where there is one region."""
    search.run(folder)


@each(THREE)
def test_three_regions(search: Search, folder: Path) -> None:
    """The same of three regions, of which one may go down."""
    search.run(folder)


@pytest.mark.exploration
@each(THREE_LONG)
def test_three_regions_that_take_longer(search: Search, folder: Path) -> None:
    """The same with more turns, or with more that fails."""
    search.run(folder)
