"""Every schedule of promotions and readers of one channel, with crashes, and with trouble.

A process that has crashed is one that is not scheduled any more, so every crash is in every search.
In a failing region any call may be refused, or be done and its answer lost.

What is judged in every state, for whichever regions a reader may meet then:

- what a change that has succeeded made, or found and made sure, is in the history of what is seen;
- what failed for certain is not;
- each move follows what it expects: a promotion its `--expect`, a removal a version, a rollback the
  move that it takes back;
- a yank that has succeeded is seen, and no promotion that began after it moves the channel;
- where a search says *again*: whatever was left where, one that promotes next, alone, succeeds.
"""

from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.model.channel_explorer import VERSIONS, ChannelExplorer, staged
from tests.model.channel_programs import (
    Promote,
    PromoteLate,
    Read,
    RemoveChannel,
    RollBack,
    Yank,
)
from tests.model.explorer import each
from tests.model.programs import Program

# The longest search, of a million states, takes eight minutes of a processor, which others share.
pytestmark = [pytest.mark.no_cover, pytest.mark.timeout(3600)]


@dataclass(frozen=True, slots=True)
class Search:
    """What to search, how many *states* there are at least, and how programs *end*."""

    programs: tuple[Program, ...]
    states: int
    ends: frozenset[tuple[str, str]] = frozenset()
    channel_in: str = ""
    faults: int = 0
    preemptions: int | None = None
    failing: str = ""
    versions: tuple[str, ...] = VERSIONS[:1]
    again: bool = False

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
            again=self.again,
        ).run()
        assert explored.left == 0
        assert explored.states >= self.states
        assert explored.ends > 0
        assert explored.reports >= self.ends


SAME = (Promote("p", "ABC", "1.1.0", "1.0.0"), Promote("q", "ABC", "1.2.0", "1.0.0"))
TWO = (Promote("p", "ABC", "1.1.0"), Promote("q", "ABC", "1.2.0"))
EXPECTED = (
    Promote("p", "ABC", "1.1.0", "1.0.0"),
    Promote("q", "ABC", "1.2.0"),
    Read("r", "ABC"),
)
NEW = (Promote("p", "ABC", "1.1.0", "none"), Promote("q", "ABC", "1.2.0", "none"))
REMOVED = (RemoveChannel("d", "ABC"), Promote("p", "ABC", "1.1.0"))
REMOVED_SAME = (
    RemoveChannel("d", "ABC", expect="1.0.0"),
    Promote("p", "ABC", "1.1.0", expect="1.0.0"),
)
REMOVED_NONE = (RemoveChannel("d", "ABC"), Promote("p", "ABC", "1.1.0", "none"))
TWICE = (RemoveChannel("d", "ABC"), RemoveChannel("e", "ABC"))
BACK = (RollBack("b", "ABC"), Promote("p", "ABC", "1.1.0"))
BACK_REMOVED = (RollBack("b", "ABC"), RemoveChannel("d", "ABC"))
YANKED = (Yank("y", "ABC", "1.1.0"), PromoteLate("p", "ABC", "1.1.0"))


def ends(**names: str) -> frozenset[tuple[str, str]]:
    """Return that each of *names* ends in each of these ways, in one schedule or another."""
    return frozenset((name, end) for name, given in names.items() for end in given.split())


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
    "two promotions": Search(TWO, states=8_000, channel_in="ABC", preemptions=2, again=True),
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
        BACK,
        states=8_000,
        ends=ends(b="done conflict", p="done"),
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
    "a removal and a promotion": Search(
        REMOVED, states=7_500, ends=ends(d="done", p="done"), channel_in="ABC", preemptions=2
    ),
    "a removal and a promotion that expect the same": Search(
        REMOVED_SAME,
        states=6_000,
        ends=ends(d="done conflict", p="done conflict"),
        channel_in="ABC",
        preemptions=2,
        again=True,
    ),
    "a removal, and a promotion that expects no channel": Search(
        REMOVED_NONE,
        states=3_500,
        ends=ends(d="done", p="done conflict"),
        channel_in="ABC",
        preemptions=2,
    ),
    "two removals": Search(
        TWICE,
        states=5_500,
        ends=ends(d="done unchanged failed", e="done unchanged failed"),
        channel_in="ABC",
        preemptions=2,
    ),
    "a yank and a promotion": Search(
        YANKED,
        states=3_000,
        ends=ends(y="done", p="done conflict"),
        channel_in="ABC",
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
    "two promotions of which one expects, a reader, and a region that goes down": Search(
        EXPECTED,
        states=200_000,
        ends=ends(p="done conflict", q="done", r="read"),
        channel_in="ABC",
        preemptions=1,
        failing="C",
    ),
    "a removal and a promotion, and a region that goes down": Search(
        REMOVED, states=35_000, channel_in="ABC", preemptions=1, failing="C"
    ),
    "a removal and a promotion that expect the same, and a region that goes down": Search(
        REMOVED_SAME, states=26_000, channel_in="ABC", preemptions=1, failing="C"
    ),
    "a removal, a promotion that expects no channel, and a region that goes down": Search(
        REMOVED_NONE, states=19_000, channel_in="ABC", preemptions=1, failing="C"
    ),
    "a rollback and a promotion, and a region that goes down": Search(
        BACK,
        states=40_000,
        channel_in="ABC",
        versions=("1.0.0", "1.2.0"),
        preemptions=1,
        failing="C",
        again=True,
    ),
    "a rollback and a removal, and a region that goes down": Search(
        BACK_REMOVED,
        states=30_000,
        channel_in="ABC",
        versions=("1.0.0", "1.2.0"),
        preemptions=1,
        failing="A",
        again=True,
    ),
    "a yank and a promotion, and a region that goes down": Search(
        YANKED, states=150_000, channel_in="ABC", preemptions=2, failing="C"
    ),
}


@each(ONE)
def test_one_region(search: Search, folder: Path) -> None:
    """What has succeeded is seen, and what has failed is not, where there is one region."""
    search.run(folder)


@each(
    THREE,
    "a region that goes down",
    "a removal and a promotion that expect the same",
    "a rollback and a promotion",
    "two removals",
    "two that expect no channel",
)
def test_three_regions(search: Search, folder: Path) -> None:
    """The same of three regions, of which one may go down."""
    search.run(folder)


@pytest.mark.exploration
@each(THREE_LONG)
def test_three_regions_that_take_longer(search: Search, folder: Path) -> None:
    """The same with more turns, or with more that fails."""
    search.run(folder)
