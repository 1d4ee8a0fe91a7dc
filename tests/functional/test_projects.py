"""Which projects there are."""

from collections.abc import Callable
from pathlib import Path

import pytest

from startifact.errors import InputError, NotFoundError, SeveralRegionsError
from tests.support.backends import Backend
from tests.support.faulty_region import FaultyRegion, faulty, session_over
from tests.support.limits import Session

MakeFile = Callable[..., Path]


def session(backends: list[Backend]) -> Session:
    """Return a session with all *backends*."""
    return Session(regions=[backend.spec for backend in backends])


def test_by_name(backends: list[Backend], make_file: MakeFile) -> None:
    """Each project that any region has is there once; what has no legal name is passed over."""
    session(backends).stage("SugarWater", "1.0.0", make_file())
    session(backends).stage("SugarWater", "1.1.0", make_file())
    session(backends[1:2]).stage("Salt-Water", "1.0.0", make_file())
    backends[0].plant("_other@1.0.0", b"x", "{}")

    assert session(backends).projects() == ["Salt-Water", "SugarWater"]


def test_none(backends: list[Backend]) -> None:
    """Where every region says that there is nothing, that is said."""
    with pytest.raises(NotFoundError, match="nothing is staged in "):
        session(backends).projects()


@pytest.mark.parametrize("down", [1, 2])
def test_regions_down(
    backends: list[Backend], make_file: MakeFile, caplog: pytest.LogCaptureFixture, down: int
) -> None:
    """One of three is passed over with a warning, two are an error."""
    session(backends).stage("SugarWater", "1.0.0", make_file())
    regions = faulty([backend.spec for backend in backends])
    for region in regions[:down]:
        region.fail("projects")

    if down == 1:
        assert session_over(regions).projects() == ["SugarWater"]
        assert f"projects were not listed: {regions[0].name} fails" in caplog.messages
    else:
        with pytest.raises(SeveralRegionsError, match="1 of 3 regions answered"):
            session_over(regions).projects()


def test_nothing_and_one_down(backends: list[Backend]) -> None:
    """That there is no project is not guessed where a region does not answer."""
    regions = faulty([backend.spec for backend in backends])
    regions[0].fail("projects")

    with pytest.raises(SeveralRegionsError, match="2 of 3 regions answered"):
        session_over(regions).projects()


@pytest.mark.parametrize("backends", ["file"], indirect=True)
def test_two_regions_that_are_one_store(backends: list[Backend], make_file: MakeFile) -> None:
    """They are refused, as one region would count twice."""
    session(backends).stage("SugarWater", "1.0.0", make_file())
    (region,) = faulty([backends[0].spec])
    same = FaultyRegion(region.inner)
    same.name = "another spelling"

    with pytest.raises(InputError, match="another spelling"):
        session_over([region, same]).projects()
