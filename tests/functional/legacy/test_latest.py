"""``latest`` of the first Startifact is a parameter; it is read, and never goes back."""

import json

import pytest

from startifact import errors
from tests.functional.legacy.conftest import Old
from tests.functional.repair.project_fixture import OTHER


@pytest.mark.parametrize("value", ["2.0.0", " 2.0.0\n", "v2.0.0"])
def test_read(old: Old, value: str) -> None:
    """Where there is no channel object, the parameter says what the latest version is."""
    old.stage("2.0.0")
    for backend in old.fixture.backends:
        old.fixture.show(backend, value)

    artifact = old.fixture.session().get(old.fixture.project)

    assert str(artifact.version) == "2.0.0"


def test_moved_forward(old: Old) -> None:
    """A later version makes the channel object, which knows what was before; SSM follows."""
    old.stage("1.0.0")

    old.fixture.stage("1.1.0", OTHER)

    for backend in old.fixture.backends:
        channel_record = json.loads(backend.text(old.fixture.latest))
        assert (channel_record["version"], channel_record["previous"]) == ("1.1.0", "1.0.0")
        assert channel_record["generation"] == 1
        assert old.fixture.displayed(backend) == "1.1.0"


def test_object_is_only_created(old: Old) -> None:
    """The first channel object is written only where there is none: another job may be quicker."""
    old.stage("1.0.0")

    old.fixture.stage("1.1.0", OTHER)

    writes = [r for r in old.wire.writes() if r.path.endswith(f"/{old.fixture.latest}")]
    assert len(writes) == len(old.fixture.backends)
    for request in writes:
        assert request.headers.get("if-none-match") == "*"
        assert "if-match" not in request.headers


def test_never_moved_back(old: Old) -> None:
    """An earlier version leaves ``latest`` where the first Startifact had moved it."""
    old.stage("2.0.0")

    old.fixture.stage("1.5.0", OTHER)

    assert str(old.fixture.session().get(old.fixture.project).version) == "2.0.0"
    for backend in old.fixture.backends:
        assert not old.has_channel(backend)
        assert old.fixture.displayed(backend) == "2.0.0"


def test_the_object_decides(old: Old) -> None:
    """Once there is a channel object, what the first Startifact writes to SSM changes nothing."""
    old.fixture.stage("2.0.0")
    for backend in old.fixture.backends:
        old.fixture.show(backend, "9.0.0")

    found = old.fixture.session().get(old.fixture.project)
    old.fixture.stage("3.0.0", OTHER)

    assert str(found.version) == "2.0.0"
    assert [old.fixture.displayed(backend) for backend in old.fixture.backends] == ["3.0.0"] * 3


def test_prerelease_does_not_move_it(old: Old) -> None:
    """The rules of ``latest`` hold for what began as a parameter too."""
    old.stage("1.0.0")

    old.fixture.stage("2.0.0-rc.1", OTHER)

    assert str(old.fixture.session().get(old.fixture.project).version) == "1.0.0"


def test_junk(old: Old) -> None:
    """A parameter that holds no version is an integrity error where it is all there is."""
    old.stage("1.0.0")
    for backend in old.fixture.backends:
        old.fixture.show(backend, "not a version")

    with pytest.raises(errors.SeveralRegionsError, match=r"the channel .* is damaged") as caught:
        old.fixture.session().get(old.fixture.project)

    assert caught.value.exit_code == 7


def test_region_that_was_behind(old: Old) -> None:
    """A region that the first Startifact had left behind does not pull the others back."""
    old.stage("1.0.0")
    old.stage("2.0.0", backends=old.fixture.backends[:2])

    old.fixture.stage("1.5.0", OTHER)

    assert str(old.fixture.session().get(old.fixture.project).version) == "2.0.0"
    assert old.fixture.displayed(old.fixture.a) == "2.0.0"
