"""What a question leaves behind when a region hangs: threads that end with their request."""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from startifact.concurrency.heartbeat import check_cancelled
from startifact.errors import RegionUnavailableError, SeveralRegionsError
from startifact.model.keys import Key
from startifact.regions.interface import StoredArtifact
from tests.conftest import AwsAccount, percent
from tests.faults.rules import Hole, hanging, when
from tests.support.faulty_region import FaultyRegion, faulty, session_over
from tests.support.limits import Session, short_limits
from tests.support.wire import Wire

MakeFile = Callable[..., Path]

TIMES = 20
READ = 2.0
"""How long a request waits for its answer. The SDK makes it three times, if it is let."""

LIMITS = short_limits(read_seconds=READ, idle_timeout_seconds=0.5, quorum_wait_seconds=0.1)

QUESTIONS: dict[str, Callable[[Session], object]] = {
    "version": lambda session: session.get("SugarWater", "1.0.0"),
    "latest": lambda session: session.get("SugarWater"),
    "place": lambda session: session.get("SugarWater", "1.0.0").downloader.region,
    "versions": lambda session: session.versions("SugarWater"),
    "verify": lambda session: session.verify("SugarWater"),
}


@pytest.fixture
def hung(account: AwsAccount, silent: Hole) -> str:
    """Return a region that takes requests and never answers."""
    bucket = account.buckets["eu-west-1"]
    return f"s3://{bucket}?region=eu-west-1&endpoint={percent(silent.endpoint)}"


@pytest.fixture
def living(directories: list[str], make_file: MakeFile) -> list[str]:
    """Return two regions that hold one artifact."""
    Session(regions=directories[:2]).stage("SugarWater", "1.0.0", make_file())
    return directories[:2]


def busy(region: str) -> int:
    """Return how many threads are at work for *region*."""
    return sum(thread.name == f"startifact {region}" for thread in threading.enumerate())


def seconds_until_all_ended(region: str) -> float:
    """Return how long it takes until no thread is at work for *region* any more."""
    started = time.monotonic()
    while busy(region):
        assert time.monotonic() - started < 60
        time.sleep(0.02)
    return time.monotonic() - started


def test_twenty_questions_about_a_version(living: list[str], hung: str) -> None:
    """Artifacts that somebody keeps leave one thread each at most, for one request's time."""
    session = Session(regions=[*living, hung], limits=LIMITS)

    kept = [session.get("SugarWater", "1.0.0") for _ in range(TIMES)]
    at_once = busy(hung)
    took = seconds_until_all_ended(hung)

    assert len(kept) == TIMES
    assert at_once <= TIMES
    assert took < 1.8 * READ


@pytest.mark.parametrize("question", QUESTIONS)
def test_question(living: list[str], hung: str, question: str) -> None:
    """Every question ends what it has begun: the request that hangs is not made again."""
    session = Session(regions=[*living, hung], limits=LIMITS)

    QUESTIONS[question](session)
    at_once = busy(hung)
    took = seconds_until_all_ended(hung)

    assert at_once <= 2  # a question about latest is one about a channel, and then a version
    assert took < 1.8 * READ


def test_region_that_hangs_while_it_is_looked_up(
    account: AwsAccount, wire: Wire, living: list[str]
) -> None:
    """Where one waits for a region's configuration, no others wait for that one in vain."""
    wire.add(when(lambda request: request.region == "eu-west-1", hanging(wire)))
    session = Session(regions=[*living, "eu-west-1"], limits=LIMITS)

    kept = [session.get("SugarWater", "1.0.0") for _ in range(TIMES)]
    time.sleep(0.5)
    at_once = busy("eu-west-1")
    took = seconds_until_all_ended("eu-west-1")

    assert len(kept) == TIMES
    assert at_once <= 1
    assert took < 1.8 * READ


# Late answers -----------------------------------------------------------------------------------


@pytest.fixture
def regions(directories: list[str], make_file: MakeFile) -> Iterator[list[FaultyRegion]]:
    """Return three regions with one artifact, of which two deliver bytes that are damaged."""
    Session(regions=directories).stage("SugarWater", "1.0.0", make_file())
    regions = faulty(directories)
    for region in regions[:2]:
        region.corrupt(2)
    yield regions
    for region in regions:
        region.release()


def test_late_answer_that_is_needed(
    regions: list[FaultyRegion], make_file: MakeFile, tmp_path: Path
) -> None:
    """A region that was in the middle of its answer delivers, once all others turn out bad."""
    answer = threading.Event()
    regions[2].delay("describe", answer)
    artifact = session_over(regions).get("SugarWater", "1.0.0")
    threading.Timer(0.3, answer.set).start()

    path = artifact.downloader.download(tmp_path / "file")

    assert path.read_bytes() == make_file().read_bytes()
    assert regions[2].calls.count("describe") == 1


def test_region_that_has_stopped_is_asked_again(
    regions: list[FaultyRegion],
    make_file: MakeFile,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A region that stopped between two requests is asked anew, once all others turn out bad."""
    late, describe, go = regions[2], regions[2].describe, threading.Event()

    def in_two_requests(key: Key) -> StoredArtifact | None:
        go.wait(10)
        check_cancelled()
        return describe(key)

    monkeypatch.setattr(late, "describe", in_two_requests)
    artifact = session_over(regions).get("SugarWater", "1.0.0")
    go.set()
    seconds_until_all_ended(late.name)
    asked_before = late.calls.count("describe")

    path = artifact.downloader.download(tmp_path / "file")

    assert asked_before == 0
    assert path.read_bytes() == make_file().read_bytes()
    assert late.calls.count("describe") == 1


def test_regions_go_on_while_a_download_does(
    regions: list[FaultyRegion], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever had not answered may while bytes come: it may prove wrong whoever sends them."""
    late, describe, go = regions[1], regions[1].describe, threading.Event()

    def in_two_requests(key: Key) -> StoredArtifact | None:
        go.wait(10)
        check_cancelled()
        return describe(key)

    monkeypatch.setattr(late, "describe", in_two_requests)
    regions[0].heal()
    read = threading.Event()
    reading = regions[0].delay("read", read)
    artifact = session_over([regions[0], late]).get("SugarWater", "1.0.0")

    with ThreadPoolExecutor(1) as pool:
        got = pool.submit(artifact.downloader.download, tmp_path / "file")
        assert reading.wait(30)
        go.set()
        seconds_until_all_ended(late.name)
        asked = late.calls.count("describe")
        read.set()
        got.result()

    assert asked == 1


def test_region_that_fails_after_all_is_reported(
    regions: list[FaultyRegion], tmp_path: Path
) -> None:
    """Where the last region that could deliver fails too, it is among those reported."""
    answer = threading.Event()
    regions[2].fail("describe", RegionUnavailableError("it is out of order"))
    regions[2].delay("describe", answer)
    artifact = session_over(regions).get("SugarWater", "1.0.0")
    answer.set()

    with pytest.raises(SeveralRegionsError, match="it is out of order"):
        artifact.downloader.download(tmp_path / "file")
