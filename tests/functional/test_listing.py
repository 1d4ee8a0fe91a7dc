"""Which versions of a project there are."""

import logging
from collections.abc import Callable
from pathlib import Path

import pytest

from startifact import Session
from startifact.errors import NotFoundError, SeveralRegionsError
from tests.support.places import Bucket, Place

MakeFile = Callable[..., Path]

AWS_AND_FILES = pytest.mark.parametrize("places", ["aws", "file"], indirect=True)


def session(places: list[Place]) -> Session:
    """Return a session with all *places*."""
    return Session(regions=[place.spelling for place in places])


def texts(places: list[Place]) -> list[str]:
    """Return the versions of SugarWater in all *places*."""
    return [str(version) for version in session(places).versions("SugarWater")]


def test_newest_first(places: list[Place], make_file: MakeFile) -> None:
    """Versions are listed by falling precedence, build metadata included."""
    here = session(places[:1])
    for version in ("1.9.0", "1.10.0", "1.10.0-rc.2", "1.10.0-rc.10", "0.1.0+b", "0.1.0+a"):
        here.stage("SugarWater", version, make_file())

    assert texts(places[:1]) == [
        "1.10.0",
        "1.10.0-rc.10",
        "1.10.0-rc.2",
        "1.9.0",
        "0.1.0+a",
        "0.1.0+b",
    ]


def test_foreign_keys(places: list[Place], make_file: MakeFile) -> None:
    """What is not an artifact of this project is passed over."""
    session(places).stage("SugarWater", "1.0.0", make_file())
    session(places).stage("SugarWater2", "2.0.0", make_file())
    for key in ("SugarWater@v3.0.0", "SugarWater@4.0", "SugarWater@", "Sugar@5.0.0"):
        places[0].plant(key, b"x", "{}")
    if isinstance(places[0], Bucket):  # where the first Startifact kept metadata
        places[0].plain("SugarWater@6.0.0/metadata", b"{}")

    assert texts(places) == ["1.0.0"]


@AWS_AND_FILES
def test_versions_of_all_regions(places: list[Place], make_file: MakeFile) -> None:
    """A version that only one region has is listed, and one that all have is listed once."""
    session(places).stage("SugarWater", "1.0.0", make_file())
    session(places[1:2]).stage("SugarWater", "2.0.0", make_file())
    session(places[2:]).stage("SugarWater", "3.0.0", make_file())

    assert texts(places) == ["3.0.0", "2.0.0", "1.0.0"]


def test_nothing(places: list[Place]) -> None:
    """A project of which every region says that it has nothing is not found."""
    with pytest.raises(NotFoundError, match="nothing of SugarWater is staged in ") as caught:
        session(places).versions("SugarWater")

    assert caught.value.exit_code == 3
    assert caught.value.hint == "Check the project's name and the regions"


def test_one_region_down(
    places: list[Place], make_file: MakeFile, caplog: pytest.LogCaptureFixture
) -> None:
    """With one region of three down the others are listed, with a warning."""
    session(places).stage("SugarWater", "1.0.0", make_file())
    places[1].take_down()

    with caplog.at_level(logging.WARNING, "startifact"):
        listed = texts(places)

    assert listed == ["1.0.0"]
    assert f"{places[1].spelling} was not listed: " in caplog.text


@AWS_AND_FILES
def test_two_regions_down(places: list[Place], make_file: MakeFile) -> None:
    """With two regions of three down the list is not known."""
    session(places).stage("SugarWater", "1.0.0", make_file())
    places[1].take_down()
    places[2].take_down()

    with pytest.raises(SeveralRegionsError) as caught:
        texts(places)

    assert caught.value.exit_code == 5
    assert "cannot list the versions of SugarWater: 1 of 3 regions answered" in str(caught.value)


@AWS_AND_FILES
def test_nothing_and_one_region_down(places: list[Place]) -> None:
    """Where nothing is found and one region did not answer, it is not known."""
    places[1].take_down()

    with pytest.raises(SeveralRegionsError) as caught:
        texts(places)

    assert caught.value.exit_code == 5
