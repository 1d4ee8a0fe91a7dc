"""What a tombstone means does not depend on which region answers first."""

import itertools
import json
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from startifact.errors import (
    ConflictError,
    RegionUnavailableError,
    RemovedError,
    StagingFailedError,
)
from startifact.model.keys import Key, channel_key
from startifact.regions.directory.region import DirectoryRegion
from startifact.regions.interface import StoredArtifact
from tests.support.backends import Directory
from tests.support.faulty_region import FaultyRegion, faulty, session_over
from tests.support.limits import Session, short_limits

MakeFile = Callable[..., Path]

KEY = "SugarWater@1.0.0"
TOMBSTONE = json.dumps({"startifact:format": "1", "startifact:removed-at": "2026-01-01T00:00:00Z"})
ORDERS = list(itertools.permutations((0.0, 0.1, 0.2)))


@pytest.fixture
def three(directories: list[str], make_file: MakeFile) -> list[Directory]:
    """Return three regions that hold a version; the second one's has been removed."""
    Session(regions=directories).stage("SugarWater", "1.0.0", make_file(b"sugar"))
    backends = [Directory(s, Path(s.removeprefix("file://"))) for s in directories]
    backends[1].plant(KEY, b"", TOMBSTONE)
    return backends


def answering(backends: list[Directory], delays: tuple[float, ...]) -> list[FaultyRegion]:
    """Return the regions; each describes so many seconds later."""
    regions = faulty([backend.spec for backend in backends])
    for region, delay in zip(regions, delays, strict=False):
        region.delay("describe", delay)
    return regions


@pytest.mark.parametrize("delays", ORDERS, ids=str)
def test_majority_outvotes_a_tombstone(
    three: list[Directory],
    delays: tuple[float, ...],
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Whoever can write only to one region makes no version vanish; it is warned of."""
    session = session_over(answering(three, delays))

    back = session.get("SugarWater", "1.0.0").downloader.download(tmp_path / "back")

    assert back.read_bytes() == b"sugar"
    if delays[1] != max(delays):  # else nobody has waited for it
        assert f"{three[1].spec} says that it was removed" in caplog.text


@pytest.mark.parametrize("delays", ORDERS, ids=str)
@pytest.mark.parametrize("third", ["absent", "down"])
def test_tombstone_without_a_majority_against_it(
    three: list[Directory], delays: tuple[float, ...], third: str
) -> None:
    """One copy against a tombstone is no majority of all regions: the version was removed."""
    regions = answering(three, delays)
    if third == "absent":
        three[2].remove(KEY)
    else:
        regions[2].fail("describe")

    with pytest.raises(RemovedError, match="was removed at") as caught:
        session_over(regions).get("SugarWater", "1.0.0")

    assert caught.value.exit_code == 3


def test_tombstone_against_copies_that_differ(
    three: list[Directory], directories: list[str], make_file: MakeFile
) -> None:
    """Copies that are not equal are no majority either."""
    three[2].remove(KEY)
    Session(regions=directories[2:]).stage("SugarWater", "1.0.0", make_file(b"water"))

    with pytest.raises(RemovedError):
        Session(regions=directories).get("SugarWater", "1.0.0")


def test_tombstone_that_comes_while_bytes_do(three: list[Directory], tmp_path: Path) -> None:
    """What was asked for when only one region had answered is not kept against a tombstone."""
    three[2].remove(KEY)
    regions = answering(three, (0.0, 0.0, 0.0))
    late = threading.Event()
    regions[1].delay("describe", late)
    artifact = session_over(regions).get("SugarWater", "1.0.0")
    late.set()
    regions[0].delay("read", 0.5)

    with pytest.raises(RemovedError):
        artifact.downloader.download(tmp_path / "back")

    assert not (tmp_path / "back").exists()


@pytest.mark.parametrize("delays", ORDERS, ids=str)
def test_stagers_refuse_whatever_the_majority_says(
    three: list[Directory], delays: tuple[float, ...], make_file: MakeFile
) -> None:
    """The number of a version that was removed anywhere stays used, for the same bytes too."""
    before = [backend.snapshot() for backend in three]
    session = session_over(answering(three, delays))

    with pytest.raises(ConflictError, match="was removed at") as caught:
        session.stage("SugarWater", "1.0.0", make_file(b"sugar"))

    assert caught.value.exit_code == 4
    states = [outcome.state for outcome in caught.value.outcomes]
    assert states == ["present", "failed", "present"]

    assert [backend.snapshot() for backend in three] == before


class Late(FaultyRegion):
    """Holds something under the version only once it is written to."""

    def __init__(self, backend: Directory, encoded_record: str) -> None:
        super().__init__(faulty([backend.spec])[0].inner)
        self._place = backend
        self._document = encoded_record

    def preflight(self, project: str) -> None:
        self._place.plant(KEY, b"", self._document)
        super().preflight(project)


@pytest.mark.parametrize(
    ("encoded_record", "kind", "code"),
    [
        (TOMBSTONE, ConflictError, 4),
        (TOMBSTONE.replace('"1"', '"2"'), StagingFailedError, 2),
        ("not JSON", StagingFailedError, 7),
    ],
    ids=["tombstone", "newer format", "damaged"],
)
def test_found_only_when_it_is_written(
    directories: list[str],
    make_file: MakeFile,
    encoded_record: str,
    kind: type[Exception],
    code: int,
) -> None:
    """What may be other content keeps latest from moving, also when it comes late."""
    backends = [Directory(s, Path(s.removeprefix("file://"))) for s in directories]
    regions = [*faulty(directories[:2]), Late(backends[2], encoded_record)]

    with pytest.raises(kind) as caught:
        session_over(regions).stage("SugarWater", "1.0.0", make_file())

    assert getattr(caught.value, "exit_code", None) == code
    assert directories[2] in str(caught.value)
    assert [region.read_channel(channel_key("SugarWater", "latest")) for region in regions] == [
        None
    ] * 3


def test_removals_do_not_wait_for_each_other(directories: list[str], make_file: MakeFile) -> None:
    """A directory locks what is removed, and nothing else of the project."""
    Session(regions=directories[:1]).stage("SugarWater", "1.0.0", make_file(b"sugar"))
    Session(regions=directories[:1]).stage("SugarWater", "1.1.0", make_file(b"sugar"))
    root = Path(directories[0].removeprefix("file://"))
    waiting, go = threading.Event(), threading.Event()

    class Slow(DirectoryRegion):
        def describe(self, key: Key) -> StoredArtifact | None:
            waiting.set()
            go.wait(60)
            return super().describe(key)

    slow = Slow("slow", root)
    other = DirectoryRegion("other", root, limits=short_limits(lock_wait_seconds=0.1))
    before, key = other.describe(Key(KEY)), Key("SugarWater@1.1.0")
    with ThreadPoolExecutor() as pool:
        removing = pool.submit(slow.replace_with_tombstone, Key(KEY), TOMBSTONE, before)
        assert waiting.wait(60)

        try:
            assert other.replace_with_tombstone(key, TOMBSTONE, other.describe(key))
            with pytest.raises(RegionUnavailableError, match="locked"):
                other.replace_with_tombstone(Key(KEY), TOMBSTONE, before)
        finally:
            go.set()

        assert removing.result(60)
