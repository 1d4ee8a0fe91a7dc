"""Every schedule of a few programs, with a crash at any step, and with answers that are lost.

Three on one region are searched to the end, but for one search with copies, in which one is taken
off four times at most. Two on two regions are, as long as one is taken off three times at most; the
threads of one program take turns in every order all the same. Regions with a small letter show a
copy of their channel elsewhere, and so have more steps.
"""

from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.model import rules
from tests.model.explorer import Explorer, each
from tests.model.programs import Get, Program, Repair, Stage
from tests.model.world import World
from tests.support.memory_region import StoreState

# The longest search, of a million states, takes eight minutes of a processor, which others share.
pytestmark = [pytest.mark.no_cover, pytest.mark.timeout(3600)]


@dataclass(frozen=True, slots=True)
class Search:
    """What to search, and how many *states* there are at least."""

    programs: tuple[Program, ...]
    states: int
    faults: int = 0
    preemptions: int | None = None

    def run(self, folder: Path, stores: dict[str, StoreState] | None = None) -> None:
        explored = Explorer(
            self.programs,
            folder,
            stores=stores,
            faults=self.faults,
            preemptions=self.preemptions,
        ).run()
        assert explored.left == 0
        assert explored.states >= self.states
        assert explored.ends > 0


ONE = {
    "other content each": Search(
        (
            Stage("p", "A", "1.0.0", "x"),
            Stage("q", "A", "1.0.0", "y"),
            Stage("r", "A", "1.0.0", "z"),
        ),
        states=3_900,
        faults=1,
    ),
    "a re-run beside other content": Search(
        (
            Stage("p", "A", "1.0.0", "x"),
            Stage("q", "A", "1.0.0", "x"),
            Stage("r", "A", "1.0.0", "y"),
        ),
        states=6_500,
        faults=1,
    ),
    "a re-run beside other content, where no answer proves a write": Search(
        (
            Stage("p", "B", "1.0.0", "x"),
            Stage("q", "B", "1.0.0", "x"),
            Stage("r", "B", "1.0.0", "y"),
        ),
        states=7_000,
        faults=1,
    ),
    "versions": Search(
        (
            Stage("p", "A", "1.0.0", "x"),
            Stage("q", "A", "1.1.0", "y"),
            Stage("r", "A", "2.0.0-rc.1", "z"),
        ),
        states=7_000,
        faults=1,
    ),
    "versions of which none is later": Search(
        (
            Stage("p", "A", "1.0.0", "x"),
            Stage("q", "A", "1.0.0+more", "y"),
            Stage("r", "A", "1.1.0", "z"),
        ),
        states=5_000,
        faults=1,
    ),
    "a repair beside a re-run": Search(
        (Stage("p", "A", "1.0.0", "x"), Stage("q", "A", "1.0.0", "x"), Repair("m", "A")),
        states=10_000,
        faults=1,
    ),
    "a repair beside other content": Search(
        (Stage("p", "A", "1.0.0", "x"), Stage("q", "A", "1.0.0", "y"), Repair("m", "A")),
        states=5_000,
        faults=1,
    ),
    "a repair beside versions": Search(
        (Stage("p", "A", "1.0.0", "x"), Stage("q", "A", "1.1.0", "y"), Repair("m", "A")),
        states=17_000,
        faults=1,
    ),
    "two repairs": Search(
        (Stage("p", "A", "1.0.0", "x"), Repair("m", "A"), Repair("n", "A")),
        states=5_500,
        faults=1,
    ),
    "a reader beside versions": Search(
        (Stage("p", "A", "1.0.0", "x"), Stage("q", "A", "1.1.0", "y"), Get("g", "A")),
        states=2_000,
        faults=1,
    ),
    "a download beside a repair": Search(
        (Stage("p", "A", "1.0.0", "x"), Repair("m", "A"), Get("g", "A", download=True)),
        states=1_800,
        faults=1,
    ),
    "copies, and other content": Search(
        (Stage("p", "a", "1.0.0", "x"), Stage("q", "a", "1.0.0", "y"), Repair("m", "a")),
        states=7_000,
    ),
}

REBUILDS = {
    "two compressors": Search(
        (Stage("p", "A", "1.0.0", "x", packs=True), Stage("q", "A", "1.0.0", "y", packs=True)),
        states=50,
        faults=1,
    ),
}
REBUILDS_LONG = {
    "three compressors": Search(
        (
            Stage("p", "A", "1.0.0", "x", packs=True),
            Stage("q", "A", "1.0.0", "y", packs=True),
            Stage("r", "A", "1.0.0", "z", packs=True),
        ),
        states=1_000,
        faults=1,
    ),
    "two compressors in two regions": Search(
        (Stage("p", "AB", "1.0.0", "x", packs=True), Stage("q", "AB", "1.0.0", "y", packs=True)),
        states=1_000,
        preemptions=2,
    ),
}
"""Archives of the same files in other bytes, which are judged as what ``keep`` goes on with."""

KEEP = {
    "other content, and one that keeps": Search(
        (
            Stage("p", "A", "1.0.0", "x"),
            Stage("q", "A", "1.0.0", "y", if_exists="keep"),
            Stage("r", "A", "1.0.0", "z", if_exists="keep"),
        ),
        states=1_000,
        faults=1,
    ),
    "one that keeps, and a repair": Search(
        (
            Stage("p", "A", "1.0.0", "x"),
            Stage("q", "A", "1.0.0", "y", if_exists="keep"),
            Repair("m", "A"),
        ),
        states=1_000,
        faults=1,
    ),
    "one that keeps in two regions": Search(
        (Stage("p", "AB", "1.0.0", "x"), Stage("q", "AB", "1.0.0", "y", if_exists="keep")),
        states=1_000,
        preemptions=2,
    ),
}

ONE_LONG = {
    "two faults, and three of the same": Search(
        (
            Stage("p", "A", "1.0.0", "x"),
            Stage("q", "A", "1.0.0", "x"),
            Stage("r", "A", "1.0.0", "x"),
        ),
        states=48_000,
        faults=2,
    ),
    "two faults, and a re-run beside other content": Search(
        (
            Stage("p", "A", "1.0.0", "x"),
            Stage("q", "A", "1.0.0", "x"),
            Stage("r", "A", "1.0.0", "y"),
        ),
        states=18_000,
        faults=2,
    ),
    "two faults, and versions": Search(
        (
            Stage("p", "A", "1.0.0", "x"),
            Stage("q", "A", "1.1.0", "y"),
            Stage("r", "A", "2.0.0-rc.1", "z"),
        ),
        states=81_000,
        faults=2,
    ),
    "copies, and versions": Search(
        (
            Stage("p", "a", "1.0.0", "x"),
            Stage("q", "a", "1.1.0", "y"),
            Stage("r", "a", "1.2.0", "z"),
        ),
        states=420_000,
        preemptions=4,
    ),
    "copies, and a repair beside versions": Search(
        (Stage("p", "a", "1.0.0", "x"), Stage("q", "a", "1.1.0", "y"), Repair("m", "a")),
        states=1_070_000,
    ),
    "copies, a fault, and a repair beside a re-run": Search(
        (Stage("p", "a", "1.0.0", "x"), Stage("q", "a", "1.0.0", "x"), Repair("m", "a")),
        states=950_000,
        faults=1,
    ),
    "copies, a fault, and a reader": Search(
        (Stage("p", "a", "1.0.0", "x"), Stage("q", "a", "1.1.0", "x"), Get("g", "a")),
        states=110_000,
        faults=1,
    ),
}

TWO = {
    "other content": Search(
        (Stage("p", "AB", "1.0.0", "x"), Stage("q", "AB", "1.0.0", "y")),
        states=20_000,
        preemptions=3,
    ),
    "a reader": Search(
        (Stage("p", "AB", "1.0.0", "x"), Get("g", "AB")),
        states=3_000,
        preemptions=3,
    ),
    "a list that grows, and a repair": Search(
        (Stage("p", "A", "1.0.0", "x"), Repair("m", "AB")),
        states=2_900,
        preemptions=3,
    ),
    "a list that grows without a repair": Search(
        (Stage("p", "A", "1.0.0", "x"), Stage("q", "AB", "1.0.0", "y")),
        states=11_000,
        faults=1,
        preemptions=3,
    ),
}

TWO_LONG = {
    "the same content": Search(
        (Stage("p", "AB", "1.0.0", "x"), Stage("q", "AB", "1.0.0", "x")),
        states=62_000,
        preemptions=3,
    ),
    "versions": Search(
        (Stage("p", "AB", "1.0.0", "x"), Stage("q", "AB", "1.1.0", "y")),
        states=76_000,
        preemptions=3,
    ),
    "a fault, and versions": Search(
        (Stage("p", "AB", "1.0.0", "x"), Stage("q", "AB", "1.1.0", "y")),
        states=1_000_000,
        faults=1,
        preemptions=3,
    ),
    "a fault, and other content": Search(
        (Stage("p", "AB", "1.0.0", "x"), Stage("q", "AB", "1.0.0", "y")),
        states=210_000,
        faults=1,
        preemptions=3,
    ),
    "a repair": Search(
        (Stage("p", "AB", "1.0.0", "x"), Repair("m", "AB")),
        states=87_000,
        preemptions=3,
    ),
    "a fault, and the same content": Search(
        (Stage("p", "AB", "1.0.0", "x"), Stage("q", "AB", "1.0.0", "x")),
        states=740_000,
        faults=1,
        preemptions=3,
    ),
    "a fault, and a repair": Search(
        (Stage("p", "AB", "1.0.0", "x"), Repair("m", "AB")),
        states=1_000_000,
        faults=1,
        preemptions=3,
    ),
    "a fault, and a download": Search(
        (Stage("p", "AB", "1.0.0", "x"), Get("g", "AB", download=True)),
        states=52_000,
        faults=1,
        preemptions=3,
    ),
    "copies in one, and versions": Search(
        (Stage("p", "aB", "1.0.0", "x"), Stage("q", "aB", "1.1.0", "y")),
        states=450_000,
        preemptions=3,
    ),
    "copies in both, and versions": Search(
        (Stage("p", "ab", "1.0.0", "x"), Stage("q", "ab", "1.1.0", "y")),
        states=230_000,
        preemptions=1,
    ),
    "a fault, a list that grows, and a repair": Search(
        (Stage("p", "A", "1.0.0", "x"), Repair("m", "AB")),
        states=24_000,
        faults=1,
        preemptions=3,
    ),
    "a fault, and a list that grows without a repair": Search(
        (Stage("p", "A", "1.0.0", "x"), Stage("q", "AB", "1.1.0", "y")),
        states=23_000,
        faults=1,
        preemptions=3,
    ),
}

GROWING = {
    "a reader after it": Search(
        (Stage("p", "A", "1.0.0", "x"), Repair("m", "AB"), Get("g", "AB")),
        states=130_000,
        preemptions=3,
    ),
    "a staging after it": Search(
        (Stage("p", "A", "1.0.0", "x"), Repair("m", "AB"), Stage("q", "AB", "1.1.0", "y")),
        states=230_000,
        preemptions=1,
    ),
    "other content after it": Search(
        (Stage("p", "A", "1.0.0", "x"), Repair("m", "AB"), Stage("q", "AB", "1.0.0", "y")),
        states=31_000,
        preemptions=1,
    ),
}


@each(
    ONE,
    "a re-run beside other content, where no answer proves a write",
    "a repair beside a re-run",
    "a repair beside versions",
    "two repairs",
    "versions of which none is later",
)
def test_three_on_one_region(search: Search, folder: Path) -> None:
    """Every promise is kept, whatever the order, whoever dies and whatever gets no answer."""
    search.run(folder)


@each(KEEP, "one that keeps in two regions")
def test_if_exists_keep(search: Search, folder: Path) -> None:
    """Every promise is kept by those that go on with what exists."""
    search.run(folder)


@each(REBUILDS)
def test_rebuilds(search: Search, folder: Path) -> None:
    """Every promise is kept by those that pack the same files to other bytes."""
    search.run(folder)


@pytest.mark.exploration
@each(REBUILDS_LONG)
def test_rebuilds_that_take_longer(search: Search, folder: Path) -> None:
    """The same of three, or in two regions."""
    search.run(folder)


@pytest.mark.exploration
@pytest.mark.parametrize("holders", ["A", "AB"])
def test_latest_that_was_lost(holders: str, folder: Path) -> None:
    """Where latest was lost, it begins nowhere below what most regions have held all the time."""
    world = World([Stage("o", "AB", "1.2.0", "x"), Stage("p", "A", "1.3.0", "x")], folder)
    world.end("o")
    if holders == "A":
        world.end("p")
    world.close()
    stores = {name: store.without(rules.CHANNEL) for name, store in world.stores.items()}
    lost = (Stage("p", "AB", "1.1.0", "x"), Stage("q", "AB", "1.4.0", "y"))

    Search(lost, states=200, preemptions=1).run(folder, stores)
    Search(lost[:1], states=50, faults=2).run(folder, stores)


@pytest.mark.exploration
@each(ONE_LONG)
def test_three_on_one_region_that_take_longer(search: Search, folder: Path) -> None:
    """The same with two faults, or with copies of the channel."""
    search.run(folder)


@each(TWO, "a list that grows, and a repair")
def test_two_on_two_regions(search: Search, folder: Path) -> None:
    """Every promise is kept where one of two is taken off three times at most."""
    search.run(folder)


@pytest.mark.exploration
@each(TWO_LONG)
def test_two_on_two_regions_that_take_longer(search: Search, folder: Path) -> None:
    """The same with a fault, with copies of the channel, or with more to do."""
    search.run(folder)


@pytest.mark.exploration
@each(GROWING)
def test_list_of_regions_that_grows(search: Search, folder: Path) -> None:
    """A region may be added at any time, also while somebody stages: a repair comes with it."""
    search.run(folder)


@pytest.mark.exploration
@pytest.mark.parametrize("last", ["describe", "create", "write_channel"])
def test_list_that_grows_after_a_crash(last: str, folder: Path) -> None:
    """Whatever a staging has left in the only region, one is added while others stage already."""
    world = World([Stage("p", "A", "1.0.0", "x")], folder)
    world.serve("p", world.until("p", last))
    world.close()
    search = Search((Repair("m", "AB"), Stage("q", "AB", "1.0.0", "y")), states=200, preemptions=3)

    search.run(folder, dict(world.stores))
