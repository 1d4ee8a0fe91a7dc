"""Messages that list regions: in the configured order, whoever answers first, and each once."""

import json
import logging
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from startifact import Session
from startifact.errors import (
    AccessDeniedError,
    ConflictError,
    FileChangedError,
    IntegrityError,
    NotFoundError,
    RegionUnavailableError,
    StagingFailedError,
    StartifactError,
)
from startifact.model.keys import Key
from startifact.model.record import Record
from startifact.reading.replica import Replica
from startifact.regions.interface import StoredArtifact
from startifact.settings import Settings
from startifact.staging.state import StagingState, changed_file
from tests.support.faulty_region import FaultyRegion, faulty, session_over

MakeFile = Callable[..., Path]
LOOKS = ("describe", "read_channel", "keys")


@pytest.fixture
def names(tmp_path: Path) -> list[str]:
    """Return four directories in an order that is neither the alphabet's nor its reverse."""
    return [f"file://{tmp_path}/regions/{name}" for name in ("c", "a", "d", "b")]


Ask = Callable[..., Session]


@pytest.fixture(params=[[3, 2, 1, 0], [1, 3, 0, 2]], ids=["backwards", "shuffled"])
def over(request: pytest.FixtureRequest) -> Ask:
    """Return a function that makes a session whose regions answer in another order than theirs."""

    def session(regions: list[FaultyRegion], **options: Settings) -> Session:
        # Given last, the delay comes before whatever else a region was told to do.
        for region, store in zip(regions, request.param, strict=False):
            for operation in LOOKS:
                region.delay(operation, store * 0.06)
        return session_over(regions, **options)

    return session


@pytest.fixture
def regions(names: list[str]) -> list[FaultyRegion]:
    """Return the regions, which fail as a test tells them to."""
    return faulty(names)


def failing(regions: list[FaultyRegion]) -> None:
    """Make all *regions* fail, with messages as regions write them."""
    texts = ("{} refused it", "it in {} is gone", "there are no credentials for {}: none", "broken")
    for region, text in zip(regions, texts, strict=True):
        for operation in LOOKS:
            region.fail(operation, AccessDeniedError(text.format(region.name)))


def in_order(text: str, names: list[str]) -> bool:
    """Say whether *text* names all of *names*, in this order, and none twice in a line."""
    stores = [text.find(name) for name in names]
    once = all(line.count(name) < 2 for line in text.split("\n") for name in names)
    return once and -1 not in stores and stores == sorted(stores)


def test_get_what_is_nowhere(over: Ask, regions: list[FaultyRegion], names: list[str]) -> None:
    """A version that no region has."""
    with pytest.raises(NotFoundError) as caught:
        over(regions).get("SugarWater", "1.0.0")

    assert caught.value.message == f"SugarWater@1.0.0 is not staged in {', '.join(names)}"


def test_latest_that_is_nowhere(over: Ask, regions: list[FaultyRegion], names: list[str]) -> None:
    """A project that no region has."""
    with pytest.raises(NotFoundError) as caught:
        over(regions).get("SugarWater")

    assert caught.value.message.endswith(f"in {', '.join(names)}")


def test_verify_what_is_nowhere(over: Ask, regions: list[FaultyRegion], names: list[str]) -> None:
    """A project that no region has anything of."""
    with pytest.raises(NotFoundError) as caught:
        over(regions).verify("SugarWater")

    assert caught.value.message.endswith(f"in {', '.join(names)}")


QUESTIONS: dict[str, Callable[[Session], object]] = {
    "get": lambda session: session.get("SugarWater", "1.0.0"),
    "latest": lambda session: session.get("SugarWater"),
    "versions": lambda session: session.versions("SugarWater"),
}


@pytest.mark.parametrize("ask", QUESTIONS.values(), ids=QUESTIONS)
def test_errors(
    ask: Callable[[Session], object], over: Ask, regions: list[FaultyRegion], names: list[str]
) -> None:
    """What each of several regions said, with its name in front where it was not in the text."""
    failing(regions)

    with pytest.raises(StartifactError) as caught:
        ask(over(regions))

    lines = caught.value.message.split("\n")[1:5]
    assert lines == [
        f"  {names[0]} refused it",
        f"  it in {names[1]} is gone",
        f"  there are no credentials for {names[2]}: none",
        f"  {names[3]}: broken",
    ]
    assert [cause.message for cause in getattr(caught.value, "causes", ())] == [
        f"{names[0]} refused it",
        f"it in {names[1]} is gone",
        f"there are no credentials for {names[2]}: none",
        "broken",
    ]


@pytest.mark.parametrize("ask", [QUESTIONS["get"], QUESTIONS["latest"]], ids=["get", "latest"])
def test_mixed_answers(
    ask: Callable[[Session], object], over: Ask, regions: list[FaultyRegion], names: list[str]
) -> None:
    """Regions that have nothing and regions that failed are in one list, in the one order."""
    for index in (0, 2, 3):
        for operation in LOOKS:
            regions[index].fail(operation, RegionUnavailableError(f"{names[index]} is away"))

    with pytest.raises(StartifactError) as caught:
        ask(over(regions))

    assert in_order(caught.value.message, names)
    assert caught.value.message.count(" is away") == 3


def test_some_that_were_not_listed(
    over: Ask, regions: list[FaultyRegion], names: list[str], make_file: MakeFile,
    caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    """Warnings are in the configured order too."""
    Session(regions=names).stage("SugarWater", "1.0.0", make_file())
    for region in regions[1:3]:
        region.fail("keys", RegionUnavailableError(f"{region.name} is away"))

    over(regions).versions("SugarWater")

    assert [record.getMessage() for record in caplog.records] == [
        f"versions were not listed: {name} is away" for name in names[1:3]
    ]


def test_disagreement(
    over: Ask, regions: list[FaultyRegion], names: list[str], make_file: MakeFile
) -> None:
    """What each region has of a version that they disagree about."""
    for name, content in zip(names, (b"1", b"2", b"3", b"1"), strict=True):
        Session(regions=[name]).stage("SugarWater", "1.0.0", make_file(content))

    with pytest.raises(IntegrityError) as got:
        over(regions).get("SugarWater", "1.0.0")
    with pytest.raises(ConflictError) as staged:
        over(faulty(names)).stage("SugarWater", "1.0.0", make_file(b"4"))

    assert in_order(str(got.value), names)
    assert in_order(str(staged.value), names)


def test_warnings_of_others(
    over: Ask, regions: list[FaultyRegion], names: list[str], make_file: MakeFile,
    caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    """Regions that a majority outvotes: those that have removed the version, then the others."""
    all_nine = [*regions, *faulty([f"{names[0]}-{number}" for number in range(5)])]
    for region, content in zip(all_nine, b"122111111", strict=True):
        Session(regions=[region.name]).stage("SugarWater", "1.0.0", make_file(bytes([content])))
    for name in (names[0], names[3]):
        folder = Path(name.removeprefix("file://")) / "SugarWater@1.0.0"
        tombstone = {"startifact:format": "1", "startifact:removed-at": "today"}
        (folder / "metadata.json").write_text(json.dumps(tombstone))
        (folder / "artifact").write_bytes(b"")

    artifact = over(all_nine).get("SugarWater", "1.0.0")
    artifact.downloader.outcomes()
    caplog.clear()
    artifact.downloader._resolution._warned.clear()
    artifact.downloader._resolution.resolve()

    said = "\n".join(record.getMessage() for record in caplog.records)
    assert in_order(said, [names[0], names[3], names[1], names[2]])


def test_failures_of_an_artifact(
    over: Ask, regions: list[FaultyRegion], names: list[str], make_file: MakeFile
) -> None:
    """Why regions could not say, and how long each took."""
    Session(regions=names).stage("SugarWater", "1.0.0", make_file())
    for region in (regions[0], regions[2]):
        region.fail("describe")
    downloader = over(regions).get("SugarWater", "1.0.0").downloader

    assert list(downloader.failures()) == [names[0], names[2]]
    assert list(downloader.seconds()) == names
    assert [location.region for location in downloader.locations()] == [names[1], names[3]]
    assert [outcome.region for outcome in downloader.outcomes()] == names


def test_no_region_delivers(
    over: Ask, regions: list[FaultyRegion], names: list[str], make_file: MakeFile, tmp_path: Path
) -> None:
    """Regions that were tried and regions that had failed before are in one list."""
    Session(regions=names).stage("SugarWater", "1.0.0", make_file())
    regions[1].fail("describe", RegionUnavailableError(f"{names[1]} is away"))
    for region in regions:
        region.fail("read", RegionUnavailableError(f"{region.name} has no bytes"))

    with pytest.raises(StartifactError) as caught:
        over(regions).get("SugarWater", "1.0.0").downloader.download(tmp_path / "back")

    assert in_order(caught.value.message, names)
    assert caught.value.message.count(" has no bytes") == 3


def test_verification_and_repair(
    over: Ask, regions: list[FaultyRegion], names: list[str], make_file: MakeFile
) -> None:
    """What differs, and what failed; even of a region that reported something before it failed."""
    for name, content in zip(names, (b"1", b"2", b"1", b"1"), strict=True):
        Session(regions=[name]).stage("SugarWater", "1.0.0", make_file(content))
    regions[0].fail("read_channel", RegionUnavailableError(f"{names[0]} is away"))
    regions[3].fail("read_channel", RegionUnavailableError(f"{names[3]} is away"))
    path = Path(names[2].removeprefix("file://")) / "SugarWater@1.0.0" / "metadata.json"
    path.write_text("{")
    Path(names[0].removeprefix("file://"), "SugarWater@1.0.0", "metadata.json").write_text("{")

    found = over(regions).verify("SugarWater")
    done = over(regions).repair("SugarWater")

    assert list(found.failures) == list(done.failures) == [names[0], names[3]]
    assert [d.region for d in found.differences][:3] == names[:3]
    assert all(d.message.count(d.region) == 1 for d in found.differences)
    assert in_order(done.refusals[0].message, names[:3])


def test_staging_that_fails(
    over: Ask, regions: list[FaultyRegion], names: list[str], make_file: MakeFile
) -> None:
    """Every region's outcome, with its name once."""
    failing(regions)

    with pytest.raises(StagingFailedError) as caught:
        over(regions).stage("SugarWater", "1.0.0", make_file())

    assert in_order(caught.value.message, names)
    assert [outcome.region for outcome in caught.value.outcomes] == names


def test_staging_that_warns(
    over: Ask, regions: list[FaultyRegion], names: list[str], make_file: MakeFile,
    caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    """Regions that did not follow, and configured ones that were left out, in their own order."""
    more = [f"{names[0]}/{name}" for name in ("z", "y", "x")]
    five = [*regions, *faulty([f"{names[0]}-5"])]
    for region in (five[0], five[2]):
        region.fail("describe", RegionUnavailableError(f"{region.name} is away"))
    settings = Settings(regions=" ".join([more[0], *names, *more[1:]]))

    over(five, settings=settings).stage("SugarWater", "1.0.0", make_file())

    assert [record.getMessage() for record in caplog.records] == [
        f"{names[0]} is away",
        f"{names[2]} is away",
        f"SugarWater@1.0.0: not staged to these configured regions: {', '.join(more)}",
    ]


def test_repair_that_finds_other_content(
    regions: list[FaultyRegion], names: list[str], make_file: MakeFile, tmp_path: Path
) -> None:
    """What others staged while a repair was at it is reported in the configured order as well."""
    path = make_file(b"1")
    Session(regions=names[:1]).stage("SugarWater", "1.0.0", path)
    other = tmp_path / "other"
    other.write_bytes(b"2")

    def stage_other(region: FaultyRegion, seconds: float) -> Callable[..., None]:
        create = region.inner.create

        def create_after_others(*arguments: Any) -> None:
            time.sleep(seconds)
            Session(regions=[region.name]).stage("SugarWater", "1.0.0", other)
            create(*arguments)

        return create_after_others

    with pytest.MonkeyPatch.context() as patch:
        for store, region in enumerate(reversed(regions[1:])):
            patch.setattr(region.inner, "create", stage_other(region, store * 0.1))
        done = session_over(regions).repair("SugarWater", "1.0.0")

    assert [refusal.message for refusal in done.refusals] == [
        f"{name} has other content of SugarWater@1.0.0 by now" for name in names[1:]
    ]


def test_file_that_changes(regions: list[FaultyRegion]) -> None:
    """Regions that had stored a file as it was before it changed."""
    state = StagingState(regions, Key("SugarWater@1.0.0"))
    record = Record(sha256="0" * 64, size=0, staged_at="")
    for region in reversed(regions[:3]):
        stored = StoredArtifact(size=0, encoded_record="", token="")
        state.record_written(region.name, 0.0, Replica(region, stored, record), "")

    error = changed_file(state, FileChangedError("it changed"))

    names = ", ".join(region.name for region in regions[:3])
    assert error.message == f"it changed; {names} had stored SugarWater@1.0.0 as it was before"


@pytest.fixture(autouse=True)
def warnings_only(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Record warnings, and nothing below."""
    with caplog.at_level(logging.WARNING):
        yield


def test_pattern_is_found() -> None:
    """The judge of the tests above sees a wrong order, a name that is missing, and one twice."""
    assert in_order("x: no\ny: no", ["x", "y"])
    assert not in_order("y: no\nx: no", ["x", "y"])
    assert not in_order("x: no", ["x", "y"])
    assert not in_order("x: x is no\ny: no", ["x", "y"])
