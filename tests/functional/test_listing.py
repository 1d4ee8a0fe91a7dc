"""Which versions of a project there are."""

import logging
from collections.abc import Callable
from pathlib import Path

import pytest

from startifact.errors import NotFoundError, SeveralRegionsError
from tests.support.backends import Backend, Bucket
from tests.support.limits import Session

MakeFile = Callable[..., Path]

AWS_AND_FILES = pytest.mark.parametrize("backends", ["aws", "file"], indirect=True)


def session(backends: list[Backend]) -> Session:
    """Return a session with all *backends*."""
    return Session(regions=[backend.spec for backend in backends])


def texts(backends: list[Backend]) -> list[str]:
    """Return the versions of SugarWater in all *backends*."""
    return [str(version) for version in session(backends).versions("SugarWater")]


def test_newest_first(backends: list[Backend], make_file: MakeFile) -> None:
    """Versions are listed by falling precedence, build metadata included."""
    here = session(backends[:1])
    for version in ("1.9.0", "1.10.0", "1.10.0-rc.2", "1.10.0-rc.10", "0.1.0+b", "0.1.0+a"):
        here.stage("SugarWater", version, make_file())

    assert texts(backends[:1]) == [
        "1.10.0",
        "1.10.0-rc.10",
        "1.10.0-rc.2",
        "1.9.0",
        "0.1.0+a",
        "0.1.0+b",
    ]


def test_foreign_keys(backends: list[Backend], make_file: MakeFile) -> None:
    """What is not an artifact of this project is passed over."""
    session(backends).stage("SugarWater", "1.0.0", make_file())
    session(backends).stage("SugarWater2", "2.0.0", make_file())
    for key in ("SugarWater@v3.0.0", "SugarWater@4.0", "SugarWater@", "Sugar@5.0.0"):
        backends[0].plant(key, b"x", "{}")
    if isinstance(backends[0], Bucket):  # where the first Startifact kept metadata
        backends[0].plain("SugarWater@6.0.0/metadata", b"{}")

    assert texts(backends) == ["1.0.0"]


@AWS_AND_FILES
def test_versions_of_all_regions(backends: list[Backend], make_file: MakeFile) -> None:
    """A version that only one region has is listed, and one that all have is listed once."""
    session(backends).stage("SugarWater", "1.0.0", make_file())
    session(backends[1:2]).stage("SugarWater", "2.0.0", make_file())
    session(backends[2:]).stage("SugarWater", "3.0.0", make_file())

    assert texts(backends) == ["3.0.0", "2.0.0", "1.0.0"]


def test_nothing(backends: list[Backend]) -> None:
    """A project of which every region says that it has nothing is not found."""
    with pytest.raises(NotFoundError, match="nothing of SugarWater is staged in ") as caught:
        session(backends).versions("SugarWater")

    assert caught.value.exit_code == 3
    assert caught.value.hint == "Check the project's name and the regions"


def test_one_region_down(
    backends: list[Backend], make_file: MakeFile, caplog: pytest.LogCaptureFixture
) -> None:
    """With one region of three down the others are listed, with a warning."""
    session(backends).stage("SugarWater", "1.0.0", make_file())
    backends[1].fail_region()

    with caplog.at_level(logging.WARNING, "startifact"):
        listed = texts(backends)

    assert listed == ["1.0.0"]
    assert f"versions were not listed: {backends[1].spec} " in caplog.text


@AWS_AND_FILES
def test_two_regions_down(backends: list[Backend], make_file: MakeFile) -> None:
    """With two regions of three down the list is not known."""
    session(backends).stage("SugarWater", "1.0.0", make_file())
    backends[1].fail_region()
    backends[2].fail_region()

    with pytest.raises(SeveralRegionsError) as caught:
        texts(backends)

    assert caught.value.exit_code == 5
    assert "cannot list the versions of SugarWater: 1 of 3 regions answered" in caught.value.message


@AWS_AND_FILES
def test_nothing_and_one_region_down(backends: list[Backend]) -> None:
    """Where nothing is found and one region did not answer, it is not known."""
    backends[1].fail_region()

    with pytest.raises(SeveralRegionsError) as caught:
        texts(backends)

    assert caught.value.exit_code == 5


def test_keys_that_are_no_versions(
    backends: list[Backend], make_file: MakeFile, caplog: pytest.LogCaptureFixture
) -> None:
    """One warning says how many keys were passed over, the first of them, and where they are."""
    session(backends).stage("SugarWater", "1.0.0", make_file())
    for backend in backends[:2]:
        for number in range(25):
            backend.plant(f"SugarWater@4.{number:02}", b"x", "{}")

    listed = texts(backends)

    assert listed == ["1.0.0"]
    [warning] = [r.getMessage() for r in caplog.records if r.levelno >= logging.WARNING]
    assert warning.startswith(
        f"{backends[0].spec}, {backends[1].spec}: 25 keys are not versions of SugarWater, and are "
        "passed over: 'SugarWater@4.00', 'SugarWater@4.01', "
    )
    assert warning.endswith(" more")


def test_key_that_is_no_version(
    backends: list[Backend], make_file: MakeFile, caplog: pytest.LogCaptureFixture
) -> None:
    """A single one is named."""
    session(backends).stage("SugarWater", "1.0.0", make_file())
    backends[1].plant("SugarWater@latest", b"x", "{}")

    assert texts(backends) == ["1.0.0"]
    assert (
        f"{backends[1].spec}: 1 key is not a version of SugarWater, and is passed over: "
        "'SugarWater@latest'"
    ) in caplog.messages
