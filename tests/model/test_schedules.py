"""Schedules in which the model has found a promise broken, each as short as it could be made."""

from pathlib import Path

import pytest

from tests.model.programs import Repair, Stage, Verify
from tests.model.world import World

pytestmark = pytest.mark.no_cover


def test_repair_that_copies_an_old_latest(folder: Path) -> None:
    """A repair that has read ``latest`` before it moved does not leave the copy behind it."""
    world = World(
        [Stage("p", "a", "1.0.0", "x"), Stage("q", "a", "1.1.0", "y"), Repair("m", "a")], folder
    )
    world.until("p", "write_mirror")
    world.until("m", "write_mirror")
    world.end("q")

    world.end("m")

    assert world.stores["a"].displayed == {"P/latest": "1.1.0"}


def test_region_that_fails_once_it_has_reported_other_content(folder: Path) -> None:
    """Other content counts also where the region fails before it has said where latest is."""
    world = World([Stage("p", "AB", "1.0.0", "x"), Stage("q", "AB", "1.0.0", "y")], folder)
    world.serve("p", world.until("p", "create", "A"))
    world.kill("p")
    world.serve("q", world.until("q", "read_channel", "A"), "refused")

    report = world.end("q")

    assert report.end == "conflict"
    assert world.stores["B"].items == {}


def test_region_that_hangs_once_it_has_reported_other_content(folder: Path) -> None:
    """Other content counts also where the region hangs before it has said where latest is."""
    world = World([Stage("p", "AB", "1.0.0", "x"), Stage("q", "AB", "1.0.0", "y")], folder)
    world.serve("p", world.until("p", "create", "A"))
    world.kill("p")
    world.until("q", "read_channel", "A")
    for _ in range(2):
        world.serve("q", max(world.actors["q"].pending))

    world.pass_time("q", 31)

    report = world.actors["q"].report
    assert report is not None
    assert report.end == "conflict"
    assert world.stores["B"].items == {}


def test_staging_that_meets_other_content_in_a_minority_while_it_writes(folder: Path) -> None:
    """A staging whose content a majority holds succeeds, whatever came up in one region."""
    world = World([Stage("p", "ABC", "1.0.0", "x"), Stage("q", "C", "1.0.0", "y")], folder)
    world.until("p", "create", "C")
    world.end("q")

    report = world.end("p")

    assert report.end == "staged"
    assert {region: state for region, state, _ in report.outcomes} == {
        "A": "created",
        "B": "created",
        "C": "different",
    }
    assert all("P/latest" in store.channels for store in world.stores.values())


def test_repair_that_meets_other_content_while_it_fills(folder: Path) -> None:
    """A repair that finds other content where there was none moves no latest to that version."""
    world = World(
        [Stage("p", "ABC", "1.0.0", "x"), Stage("q", "C", "1.0.0", "y"), Repair("m", "ABC")], folder
    )
    world.serve("p", world.until("p", "create", "A"))
    world.kill("p")
    world.until("m", "create", "C")
    world.end("q")

    report = world.end("m")

    assert report.end == "refused"
    assert [world.stores[name].channels for name in "AB"] == [{}, {}]


def test_repair_that_meets_a_version_it_has_not_compared(folder: Path) -> None:
    """A repair moves no latest to a version that came up since, if regions disagree about it."""
    world = World(
        [
            Stage("o", "ABC", "1.0.0", "x"),
            Stage("p", "A", "2.0.0", "x"),
            Stage("q", "C", "2.0.0", "y"),
            Repair("m", "ABC"),
        ],
        folder,
    )
    world.end("o")
    world.until("m", "describe")
    world.end("p")
    world.until("q", "write_channel")
    world.kill("q")

    report = world.end("m")

    assert report.end == "refused"
    assert '"1.0.0"' in world.stores["C"].channels["P/latest"]


def _three_of_which_two_disagree(folder: Path) -> World:
    world = World(
        [
            Stage("p", "A", "1.0.0", "x"),
            Stage("q", "C", "1.0.0", "y"),
            Repair("m", "ABC"),
            Verify("v", "ABC"),
        ],
        folder,
    )
    world.end("p")
    world.end("q")
    return world


def test_repair_to_which_a_region_has_reported_other_content_before_it_fails(folder: Path) -> None:
    """Other content counts for a repair too, where the region then does not say the rest."""
    world = _three_of_which_two_disagree(folder)
    world.serve("m", world.until("m", "read_channel", "A"), "refused")

    report = world.end("m")

    assert report.steps == ()
    assert world.stores["B"].items == {}


def test_repair_to_which_a_region_has_reported_other_content_before_it_hangs(folder: Path) -> None:
    """The same where the region never says the rest."""
    world = _three_of_which_two_disagree(folder)
    world.until("m", "read_channel", "A")
    pending = world.actors["m"].pending
    while others := [number for number, ask in pending.items() if ask.region != "A"]:
        world.serve("m", others[0])
    world.pass_time("m", 31)

    report = world.end("m")

    assert report.steps == ()
    assert world.stores["B"].items == {}


def test_comparison_that_a_region_fails_in_the_middle_of(folder: Path) -> None:
    """What a region has reported before it fails is compared."""
    world = _three_of_which_two_disagree(folder)
    world.serve("v", world.until("v", "read_channel", "A"), "refused")

    report = world.end("v")

    assert report.end == "different"
    assert sum("DIFFERENT" in step for step in report.steps) == 2
