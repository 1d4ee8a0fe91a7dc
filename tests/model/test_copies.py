"""Stagings whose regions copy what one of them was sent, searched like those that send to all."""

from pathlib import Path

import pytest

from startifact.staging.replication import Replication
from tests.model.explorer import Explorer, each
from tests.model.programs import Program, Repair, Report, Stage
from tests.model.rules import BrokenPromiseError
from tests.model.test_exhaustive import Search
from tests.model.world import World
from tests.support.memory_region import Item, StoreState

pytestmark = [pytest.mark.no_cover, pytest.mark.timeout(600)]

KEY = "P@1.0.0"


def _copying(name: str, data: str, regions: str = "AB", if_exists: str = "fail") -> Stage:
    return Stage(name, regions, "1.0.0", data, if_exists=if_exists, copies=True)


OTHER = (_copying("p", "x"), _copying("q", "y"))

TWO = {
    "a fault": Search((_copying("p", "x"),), states=170, faults=1),
    "the same content": Search(
        (_copying("p", "x"), _copying("q", "x")), states=10_000, preemptions=2
    ),
    "other content": Search(OTHER, states=7_000, preemptions=3),
    "a fault, and other content": Search(OTHER, states=40_000, faults=1, preemptions=2),
    "other content, and one that keeps": Search(
        (_copying("p", "x"), _copying("q", "y", if_exists="keep")), states=7_000, preemptions=2
    ),
    "one that sends to all": Search(
        (_copying("p", "x"), Stage("q", "AB", "1.0.0", "y")), states=7_000, preemptions=2
    ),
    "a repair": Search((_copying("p", "x"), Repair("m", "AB")), states=7_000, preemptions=1),
}


@each(TWO, "a fault, and other content", "a repair", "the same content")
def test_two_on_two_regions(search: Search, folder: Path) -> None:
    """Every promise is kept where one region waits for the other, and copies from it."""
    search.run(folder)


def _copy_without_comparing(
    self: StoreState,
    key: str,
    origin: str,
    encoded_record: str,
    token: str,
    sha256: str,
    found: Item | None,
) -> tuple[StoreState, None]:
    assert found is not None
    return self.create(key, found.data, encoded_record, proves=False)[0], None


def _other_bytes_at_the_origin(folder: Path) -> dict[str, StoreState]:
    """Return the stores of two regions of which A has the right record, and other bytes."""
    world = World([Stage("p", "A", "1.0.0", "x")], folder)
    world.end("p")
    world.close()
    store = world.stores["A"]
    return {"A": store.put(KEY, b"y", store.items[KEY].encoded_record)}


def test_copy_of_other_bytes(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the origin holds is compared with the file: a search notices where it is not."""
    stores, programs = _other_bytes_at_the_origin(folder), (_copying("p", "x"),)
    assert Explorer(programs, folder, stores=stores, faults=1).run().left == 0
    monkeypatch.setattr(StoreState, "create_copy", _copy_without_comparing)

    with pytest.raises(BrokenPromiseError) as e:
        Explorer(programs, folder, stores=stores).run()

    assert e.value.rule == "promise 3"


def test_origin_that_is_replaced(folder: Path) -> None:
    """Where somebody replaces what is being copied, the region is sent the file."""
    world = World([_copying("p", "x")], folder)
    number = world.until("p", "create_copy", "B")
    store = world.stores["A"]
    world.stores["A"] = store.put(KEY, b"y", store.items[KEY].encoded_record)
    world.serve("p", number)

    assert world.until("p", "create", "B") == number
    world.serve("p", number)

    assert world.stores["B"].items[KEY].data == b"x"
    world.close()


def test_writing_after_other_content_was_seen(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who waits for a region that turns out to hold other content writes nothing any more."""
    monkeypatch.setattr(Replication, "_check_undisputed", lambda self: None)

    with pytest.raises(BrokenPromiseError) as e:
        Explorer(OTHER, folder, preemptions=3).run()

    assert e.value.rule == "promise 2"


def _send_after_other_content_was_seen(programs: tuple[Program, ...], folder: Path) -> World:
    """Let B begin to copy, find other content in C meanwhile, and refuse to copy."""
    world = World(programs, folder)
    in_b = world.until("p", "create_copy", "B")
    in_c = world.until("p", "create_copy", "C")
    world.end("q")
    world.serve("p", in_c)
    world.serve("p", in_c)
    world.serve("p", in_b, "refused")
    return world


def test_sending_after_other_content_was_seen(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor is the file sent where a copy fails, when another region has shown other content."""
    programs = (_copying("p", "x", "ABC"), Stage("q", "C", "1.0.0", "y"))
    world = _send_after_other_content_was_seen(programs, folder)
    report = world.end("p")
    world.close()

    assert isinstance(report, Report)
    assert report.end == "conflict"
    assert not world.stores["B"].items
    monkeypatch.setattr(Replication, "_check_undisputed", lambda self: None)
    with pytest.raises(BrokenPromiseError) as e:
        _send_after_other_content_was_seen(programs, folder)
    assert e.value.rule == "promise 2"
