"""``latest`` of the first Startifact is a parameter; it is read, and never goes back."""

import json

import pytest

from startifact import errors
from tests.functional.legacy.conftest import Old
from tests.functional.repair.shop import OTHER


@pytest.mark.parametrize("value", ["2.0.0", " 2.0.0\n", "v2.0.0"])
def test_read(old: Old, value: str) -> None:
    """Where there is no channel object, the parameter says what the latest version is."""
    old.stage("2.0.0")
    for place in old.shop.places:
        old.shop.show(place, value)

    artifact = old.shop.session().get(old.shop.project)

    assert str(artifact.version) == "2.0.0"


def test_moved_forward(old: Old) -> None:
    """A later version makes the channel object, which knows what was before; SSM follows."""
    old.stage("1.0.0")

    old.shop.stage("1.1.0", OTHER)

    for place in old.shop.places:
        pointer = json.loads(place.text(old.shop.latest))
        assert (pointer["version"], pointer["previous"]) == ("1.1.0", "1.0.0")
        assert pointer["generation"] == 1
        assert old.shop.shown(place) == "1.1.0"


def test_never_moved_back(old: Old) -> None:
    """An earlier version leaves ``latest`` where the first Startifact had moved it."""
    old.stage("2.0.0")

    old.shop.stage("1.5.0", OTHER)

    assert str(old.shop.session().get(old.shop.project).version) == "2.0.0"
    for place in old.shop.places:
        assert not old.has_channel(place)
        assert old.shop.shown(place) == "2.0.0"


def test_the_object_decides(old: Old) -> None:
    """Once there is a channel object, what the first Startifact writes to SSM changes nothing."""
    old.shop.stage("2.0.0")
    for place in old.shop.places:
        old.shop.show(place, "9.0.0")

    found = old.shop.session().get(old.shop.project)
    old.shop.stage("3.0.0", OTHER)

    assert str(found.version) == "2.0.0"
    assert [old.shop.shown(place) for place in old.shop.places] == ["3.0.0"] * 3


def test_prerelease_does_not_move_it(old: Old) -> None:
    """The rules of ``latest`` hold for what began as a parameter too."""
    old.stage("1.0.0")

    old.shop.stage("2.0.0-rc.1", OTHER)

    assert str(old.shop.session().get(old.shop.project).version) == "1.0.0"


def test_junk(old: Old) -> None:
    """A parameter that holds no version is an integrity error where it is all there is."""
    old.stage("1.0.0")
    for place in old.shop.places:
        old.shop.show(place, "not a version")

    with pytest.raises(errors.SeveralRegionsError, match=r"the channel .* is damaged") as caught:
        old.shop.session().get(old.shop.project)

    assert caught.value.exit_code == 7


def test_region_that_was_behind(old: Old) -> None:
    """A region that the first Startifact had left behind does not pull the others back."""
    old.stage("1.0.0")
    old.stage("2.0.0", places=old.shop.places[:2])

    old.shop.stage("1.5.0", OTHER)

    assert str(old.shop.session().get(old.shop.project).version) == "2.0.0"
    assert old.shop.shown(old.shop.a) == "2.0.0"
