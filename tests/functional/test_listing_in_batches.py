"""Which versions are newest, before all others are known."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from startifact.errors import (
    InputError,
    NotFoundError,
    RegionUnavailableError,
    SeveralRegionsError,
)
from startifact.regions.directory import region as directory_region
from tests.support.backends import Backend, Bucket
from tests.support.faulty_region import FaultyRegion, faulty, session_over
from tests.support.limits import Session
from tests.support.wire import Answer, Forward, Request

MakeFile = Callable[..., Path]
AT_ONCE = 6

NEWEST = ["10.12.10", "10.12.9", "10.12.9-rc.1", "10.12.0+a", "10.12.0+b"]
OLDER = ["10.9.0-rc.10", "10.9.0-rc.9", "9.11.0", "9.2.0", "0.1.0"]


def session(backends: list[Backend]) -> Session:
    """Return a session with all *backends*."""
    return Session(regions=[backend.spec for backend in backends])


def plant(backends: list[Backend], versions: Sequence[str]) -> None:
    """Put each of *versions* into all *backends*."""
    for backend in backends:
        for version in versions:
            backend.plant(f"SugarWater@{version}", b"x", "{}")


def in_short_pages(request: Request, forward: Forward) -> Answer | None:
    """Let S3 list six keys or common prefixes at once, in place of a thousand."""
    if not is_listing(request):
        return forward()
    target = request.headers[":target"] + f"&max-keys={AT_ONCE}"
    return forward(replace(request, headers={**request.headers, ":target": target}))


def is_listing(request: Request) -> bool:
    """Say whether *request* lists keys."""
    return request.method == "GET" and "list-type" in request.query


@pytest.fixture(autouse=True)
def short_pages(backends: list[Backend], monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every region list six keys at once."""
    monkeypatch.setattr(directory_region, "KEYS_AT_ONCE", AT_ONCE)
    if isinstance(backends[0], Bucket):
        assert backends[0].wire is not None
        backends[0].wire.add(in_short_pages)


@pytest.fixture
def region(backends: list[Backend]) -> FaultyRegion:
    """Return the first region, with the newest versions and the older ones."""
    plant(backends[:1], [*NEWEST, *OLDER])
    return faulty([backends[0].spec])[0]


def test_highest_minor_first(backends: list[Backend]) -> None:
    """Both batches are the whole list; the first has the versions of the highest minor."""
    plant(backends[:1], [*OLDER, *NEWEST])
    for key in ("SugarWater@v12.0.0", "SugarWater@08.0.0", "SugarWater@latest"):
        backends[0].plant(key, b"x", "{}")
    plant(backends[1:2], ["10.11.1", *(f"8.{minor}.0" for minor in range(6))])
    plant(backends[2:], ["10.12.11-rc.1", "10.13.0"])

    batches = list(session(backends).versions_in_batches("SugarWater"))

    texts = [[str(version) for version in batch] for batch in batches]
    assert texts[0] == ["10.13.0", "10.12.11-rc.1", *NEWEST]
    whole = [str(version) for version in session(backends).versions("SugarWater")]
    assert [text for batch in texts for text in batch] == whole
    assert len(whole) == len(NEWEST) + len(OLDER) + 9


def test_what_comes_at_once(region: FaultyRegion, backends: list[Backend]) -> None:
    """A project of one page is listed with one listing, and in one batch."""
    for version in [*NEWEST, *OLDER][AT_ONCE:]:
        backends[0].remove(f"SugarWater@{version}")

    batches = list(session_over([region]).versions_in_batches("SugarWater"))

    assert [[str(v) for v in batch] for batch in batches] == [[*NEWEST, *OLDER][:AT_ONCE]]
    assert region.calls.count("keys") == 1


def test_few_listings_before_the_first_batch(region: FaultyRegion) -> None:
    """There are four before the first batch, and one more then."""
    batches = session_over([region]).versions_in_batches("SugarWater")

    first = next(batches)
    before = region.calls.count("keys")
    rest = list(batches)

    assert [str(version) for version in first] == NEWEST
    assert [[str(version) for version in batch] for batch in rest] == [OLDER]
    assert (before, region.calls.count("keys")) == (4, 5)


@pytest.mark.parametrize(
    "versions",
    [
        pytest.param([f"1.0.{patch}" for patch in range(12)], id="one minor"),
        pytest.param([f"{major}.0.0" for major in range(12)], id="many majors"),
        pytest.param([f"1.{minor}.0" for minor in range(12)], id="many minors"),
    ],
)
def test_nothing_to_gain(backends: list[Backend], versions: list[str]) -> None:
    """The list is whole and in order also where it is not worth while to ask for its beginning."""
    plant(backends[:1], versions)

    batches = list(session(backends[:1]).versions_in_batches("SugarWater"))

    assert [str(v) for batch in batches for v in batch] == versions[::-1]


def test_highest_numbers_of_no_version(backends: list[Backend]) -> None:
    """Keys that look like a higher version's, and are none, are passed over."""
    plant(backends[:1], [*NEWEST, *OLDER, "11.x", "12.3.x"])

    batches = list(session(backends[:1]).versions_in_batches("SugarWater"))

    assert [str(v) for batch in batches for v in batch] == [*NEWEST, *OLDER]


def test_metadata_of_the_first_startifact(backends: list[Backend]) -> None:
    """What the first Startifact stored below an artifact's key makes no version."""
    if not isinstance(backends[0], Bucket):
        pytest.skip("the first Startifact knew buckets only")
    plant(backends[:1], [*NEWEST, *OLDER])
    for version in (*NEWEST, *OLDER, "11.0.0"):
        backends[0].plain(f"SugarWater@{version}/metadata", b"{}")

    batches = list(session(backends[:1]).versions_in_batches("SugarWater"))

    assert [str(v) for batch in batches for v in batch] == [*NEWEST, *OLDER]


@pytest.mark.parametrize("nth", [1, 2, 3, 4])
def test_failure_before_the_first_batch(region: FaultyRegion, nth: int) -> None:
    """Where no region answers to its first batch, there is none."""
    region.fail("keys", nth=nth)

    with pytest.raises(SeveralRegionsError, match="0 of 1 regions answered"):
        next(session_over([region]).versions_in_batches("SugarWater"))


def test_failure_after_the_first_batch(region: FaultyRegion) -> None:
    """Where the region fails then, what came is right, and an error says that it is not all."""
    region.fail("keys", RegionUnavailableError("it went away"), nth=5)
    batches = session_over([region]).versions_in_batches("SugarWater")

    first = next(batches)
    with pytest.raises(SeveralRegionsError, match="0 of 1 regions answered") as caught:
        next(batches)

    assert [str(version) for version in first] == NEWEST
    assert caught.value.exit_code == 5


def test_one_region_of_three_fails_later(
    backends: list[Backend], caplog: pytest.LogCaptureFixture
) -> None:
    """The others are listed to the end, and a warning says which was not."""
    plant(backends, [*NEWEST, *OLDER])
    regions = faulty([backend.spec for backend in backends])
    regions[1].fail("keys", nth=5)

    batches = list(session_over(regions).versions_in_batches("SugarWater"))

    assert [[str(v) for v in batch] for batch in batches] == [NEWEST, OLDER]
    assert f"versions were not listed: {backends[1].spec} fails" in caplog.messages


@pytest.mark.parametrize("down", [1, 2])
def test_regions_down_from_the_beginning(backends: list[Backend], down: int) -> None:
    """One of three is passed over, and two are an error before anything comes."""
    plant(backends, [*NEWEST, *OLDER])
    for backend in backends[:down]:
        backend.fail_region()
    batches = session(backends).versions_in_batches("SugarWater")

    if down == 1:
        assert [[str(v) for v in batch] for batch in batches] == [NEWEST, OLDER]
    else:
        with pytest.raises(SeveralRegionsError, match="1 of 3 regions answered"):
            next(batches)


def test_staged_meanwhile(
    region: FaultyRegion, backends: list[Backend], caplog: pytest.LogCaptureFixture
) -> None:
    """What is staged while this lists is in its place, or left out with a warning."""
    batches = session_over([region]).versions_in_batches("SugarWater")

    with caplog.at_level(logging.WARNING, "startifact"):
        first = next(batches)
        plant(backends[:1], ["11.0.0", "10.12.9+late", "1.0.0"])
        [rest] = batches

    assert [str(version) for version in first] == NEWEST
    assert [str(version) for version in rest] == [*OLDER[:-1], "1.0.0", OLDER[-1]]
    assert (
        "versions of SugarWater came while they were listed, and are left out: "
        "'11.0.0', '10.12.9+late'"
    ) in caplog.messages


def test_nothing(backends: list[Backend]) -> None:
    """A project of which every region says that it has nothing is not found."""
    with pytest.raises(NotFoundError, match="nothing of SugarWater is staged in "):
        next(session(backends).versions_in_batches("SugarWater"))


def test_illegal_name(backends: list[Backend]) -> None:
    """A name that is none is refused at once."""
    with pytest.raises(InputError, match="is not a legal name"):
        session(backends).versions_in_batches("Sugar Water")


def test_two_regions_that_are_one_store(region: FaultyRegion) -> None:
    """They are refused before anything comes, as one region would count twice."""
    same = FaultyRegion(region.inner)
    same.name = "another spelling"

    with pytest.raises(InputError, match="another spelling"):
        next(session_over([region, same]).versions_in_batches("SugarWater"))
