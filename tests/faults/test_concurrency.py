"""Many at once, on real regions: at most one wins, everybody is reported, nothing goes back."""

import hashlib
import itertools
import json
import random
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from semver import Version

from startifact import ConfigurationLoader, Session, Staging
from startifact.channels.record import parse_channel_record
from startifact.errors import AlreadyStagedError, ConflictError, StartifactError
from startifact.model.keys import Key
from startifact.regions.interface import Region, StoredChannel
from startifact.repair.verify import FindingKind
from tests.faults import processes
from tests.support.faulty_region import FaultyRegion, faulty, session_over
from tests.support.machine import all_processors

STAGERS = 24
WRITERS, ROUNDS = 8, 10
KEY, LATEST = Key("SugarWater@1.0.0"), Key("SugarWater/latest")

Outcome = Staging | StartifactError


@pytest.fixture(autouse=True)
def really_at_once() -> Iterator[None]:
    """Let several processes run at the same time, and not in turns."""
    with all_processors():
        yield


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def contents() -> list[bytes]:
    """Return what every stager brings: the same size, other bytes."""
    return [f"stager {number:02}".encode() for number in range(STAGERS)]


def attempt(session: Session, version: str, path: Path) -> Outcome:
    """Stage, and return what came of it."""
    try:
        return session.stage("SugarWater", version, path)
    except StartifactError as e:
        return e


def files(folder: Path, contents: Sequence[bytes]) -> list[Path]:
    """Write each content into a file of its own."""
    paths = [folder / f"file-{number}" for number in range(len(contents))]
    for path, content in zip(paths, contents, strict=True):
        path.write_bytes(content)
    return paths


def race(specs: list[str], folder: Path) -> list[Outcome]:
    """Let all stagers look before any may write, and return what came of each."""
    go = threading.Event()
    opened = faulty(specs)
    stagers = [[FaultyRegion(region.inner) for region in opened] for _ in range(STAGERS)]
    waiting = [region.delay("create", go) for regions in stagers for region in regions]
    with ThreadPoolExecutor(STAGERS) as pool:
        running = [
            pool.submit(attempt, session_over(regions), "1.0.0", path)
            for regions, path in zip(stagers, files(folder, contents()), strict=True)
        ]
        for event in waiting:
            event.wait(60)
        go.set()
        return [one.result() for one in running]


def content_of(region: Region) -> bytes | None:
    """Return the bytes that *region* holds."""
    stored = region.describe(KEY)
    return None if stored is None else b"".join(region.read(KEY, stored, 0, stored.size))


def test_case_01_one_winner(regions: list[str], tmp_path: Path) -> None:
    """Of 24 with different bytes one is staged, and stays; each of the others is shown both."""
    outcomes = race(regions[:1], tmp_path)

    winners = [i for i, outcome in enumerate(outcomes) if isinstance(outcome, Staging)]
    assert len(winners) == 1
    winner = contents()[winners[0]]
    assert content_of(faulty(regions[:1])[0].inner) == winner
    for content, outcome in zip(contents(), outcomes, strict=True):
        if content != winner:
            assert isinstance(outcome, AlreadyStagedError)
            assert outcome.exit_code == 4
            assert digest(content) in str(outcome)
            assert digest(winner) in str(outcome)


def test_case_01_at_most_one_winner_in_three_regions(regions: list[str], tmp_path: Path) -> None:
    """In three regions each holds one whole content; who did not win most moves no latest."""
    outcomes = race(regions, tmp_path)

    winners = [i for i, outcome in enumerate(outcomes) if isinstance(outcome, Staging)]
    opened = [region.inner for region in faulty(regions)]
    stored = [content_of(region) for region in opened]
    assert set(stored) <= set(contents())
    majority = [content for content in contents() if stored.count(content) >= 2]
    assert [contents()[number] for number in winners] == majority
    assert [r.read_channel(LATEST) is not None for r in opened] == [s in majority for s in stored]
    for number, outcome in enumerate(outcomes):
        if number not in winners:
            assert isinstance(outcome, AlreadyStagedError)
            assert digest(contents()[number]) in str(outcome)


def test_case_01_one_winner_among_processes(directories: list[str], tmp_path: Path) -> None:
    """Of 24 processes one ends with 0 and all others with 4."""
    paths = files(tmp_path, contents())

    started = [processes.start("stage", KEY, path, "--regions", directories[0]) for path in paths]
    ended = [(process.communicate(timeout=60), process.returncode) for process in started]

    codes = [code for _, code in ended]
    winner = codes.index(0)
    assert sorted(codes) == [0] + [4] * (STAGERS - 1)
    assert content_of(faulty(directories[:1])[0].inner) == contents()[winner]


def different_winners(
    specs: list[str], folder: Path, *, third_takes: bool
) -> tuple[list[Region], list[Outcome]]:
    """Let one win the first region and another the second, and either the third, or neither.

    Return the regions, and what came of each of the two.
    """
    go = threading.Event()
    opened = [region.inner for region in faulty(specs)]
    ours, theirs = ([FaultyRegion(region) for region in opened] for _ in range(2))
    for region in (*ours[1:], *theirs[:1], *theirs[2:]):
        region.delay("create", go)
    if not third_takes:
        for region in (ours[2], theirs[2]):
            region.fail("create")
    looked = threading.Event()  # each may write where the other may not, once both have looked
    ready = [region.delay("create", looked) for region in (ours[0], theirs[1])]
    one, two = files(folder, [b"one", b"two"])

    with ThreadPoolExecutor(2) as pool:
        running = [
            pool.submit(attempt, session_over(regions), "1.0.0", path)
            for regions, path in ((ours, one), (theirs, two))
        ]
        wait_until(lambda: all(one.is_set() for one in ready))
        looked.set()
        wait_until(lambda: content_of(opened[0]) is not None and content_of(opened[1]) is not None)
        go.set()
        return opened, [one.result() for one in running]


def check_conflict(outcome: Outcome) -> None:
    """Return when *outcome* shows both contents, and which region has which."""
    assert isinstance(outcome, AlreadyStagedError)
    assert outcome.exit_code == 4
    assert digest(b"one") in str(outcome)
    assert digest(b"two") in str(outcome)
    assert isinstance(outcome, ConflictError)
    assert {"created", "different"} <= {one.state for one in outcome.outcomes}


def test_case_02_different_winners(regions: list[str], tmp_path: Path) -> None:
    """Where neither has won most regions, each is shown both contents, and moves no latest."""
    opened, outcomes = different_winners(regions, tmp_path, third_takes=False)

    for outcome in outcomes:
        check_conflict(outcome)
    assert [region.read_channel(LATEST) for region in opened] == [None] * 3
    assert [content_of(region) for region in opened] == [b"one", b"two", None]
    different = Session(regions=regions).verify("SugarWater").differences
    assert {d.region for d in different} & set(regions[:2])
    assert {d.kind for d in different} <= {FindingKind.DIFFERENT, FindingKind.MISSING}


def test_case_02_winner_of_most_regions(regions: list[str], tmp_path: Path) -> None:
    """Who has won two of three regions succeeds, the other one is shown both contents."""
    opened, outcomes = different_winners(regions, tmp_path, third_takes=True)

    [staged] = [outcome for outcome in outcomes if isinstance(outcome, Staging)]
    [refused] = [outcome for outcome in outcomes if outcome is not staged]
    check_conflict(refused)
    won = [content_of(region) == content_of(opened[2]) for region in opened]
    assert [content_of(region) for region in opened[:2]] == [b"one", b"two"]
    assert staged is outcomes[won.index(True)]
    assert [one.state == "created" for one in staged.outcomes] == won
    assert [region.read_channel(LATEST) is not None for region in opened] == won
    [difference] = Session(regions=regions).verify("SugarWater", "1.0.0").differences
    assert (difference.kind, difference.region) == (
        FindingKind.DIFFERENT,
        regions[won.index(False)],
    )


def wait_until(fulfilled: Callable[[], bool]) -> None:
    """Return when it is so, and fail when it never is."""
    give_up = time.monotonic() + 60
    while not fulfilled():
        assert time.monotonic() < give_up
        time.sleep(0.01)


class Recorder(FaultyRegion):
    """Keeps every text that a channel was moved to."""

    def __init__(self, inner: Region) -> None:
        super().__init__(inner)
        self.written: list[str] = []

    def write_channel(self, key: Key, text: str, expected: StoredChannel | None) -> bool:
        done = super().write_channel(key, text, expected)
        if done:
            self.written.append(text)
        return done


class Watcher:
    """Reads a channel over and over, beside those who move it."""

    def __init__(self, region: Region) -> None:
        self._region = region
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self.versions: list[Version] = []
        self._thread.start()

    def _watch(self) -> None:
        while not self._end.wait(0.002):
            state = self._region.read_channel(LATEST)
            if state is not None:
                # Before the object there is the copy in SSM, which somebody may be quick to write.
                record = parse_channel_record(state.text, where=self._region.name)
                self.versions.append(record.version)

    def stop(self) -> list[Version]:
        """Return what was seen, in the order in which it was."""
        self._end.set()
        self._thread.join()
        return self.versions


def shuffled() -> list[list[str]]:
    """Return the versions that each writer stages, in its order."""
    versions = [f"1.{minor}.{patch}" for minor in range(WRITERS) for patch in range(ROUNDS)]
    random.Random(20260719).shuffle(versions)
    return [versions[number::WRITERS] for number in range(WRITERS)]


def test_case_19_latest_never_goes_back(regions: list[str], make_file: Callable[..., Path]) -> None:
    """Eight who move latest in any order never move it back, and it ends at the highest."""
    few = regions[:2] if regions[0].startswith("file:") else regions[:1]
    loader = ConfigurationLoader()
    opened = [Recorder(region.inner) for region in faulty(few)]
    watchers = [Watcher(region.inner) for region in opened]
    path = make_file()

    def write(versions: list[str]) -> list[Outcome]:
        session = session_over(opened, configuration_loader=loader)
        return [attempt(session, version, path) for version in versions]

    with ThreadPoolExecutor(WRITERS) as pool:
        outcomes = list(itertools.chain(*pool.map(write, shuffled())))
    versions_by_region = [watcher.stop() for watcher in watchers]

    highest = f"1.{WRITERS - 1}.{ROUNDS - 1}"
    assert all(isinstance(outcome, Staging) for outcome in outcomes)
    for region, versions in zip(opened, versions_by_region, strict=True):
        history = sorted((json.loads(text) for text in region.written), key=generation)
        moves = [Version.parse(move["version"]) for move in history]
        assert [generation(move) for move in history] == list(range(1, len(history) + 1))
        assert [move["previous"] for move in history] == [None, *map(str, moves[:-1])]
        assert moves == sorted(set(moves))
        assert str(moves[-1]) == highest
        assert versions == sorted(versions)
    assert str(Session(regions=few).get("SugarWater").version) == highest
    assert Session(regions=few).verify("SugarWater")


def generation(move: dict[str, int]) -> int:
    return move["generation"]


WRITE = """
import sys
from startifact import Session
path, regions, *versions = sys.argv[1:]
for version in versions:
    Session(regions=regions).stage("SugarWater", version, path)
"""


def test_case_19_latest_never_goes_back_among_processes(
    directories: list[str], make_file: Callable[..., Path]
) -> None:
    """Eight processes that move latest in any order never move it back either."""
    opened = [region.inner for region in faulty(directories)]
    watchers = [Watcher(region) for region in opened]
    regions, path = ",".join(directories), str(make_file())

    started = [
        subprocess.Popen([sys.executable, "-c", WRITE, path, regions, *versions])
        for versions in shuffled()
    ]
    codes = [process.wait(60) for process in started]
    versions_by_region = [watcher.stop() for watcher in watchers]

    assert codes == [0] * WRITERS
    for region, versions in zip(opened, versions_by_region, strict=True):
        state = region.read_channel(LATEST)
        assert state is not None
        assert json.loads(state.text)["version"] == f"1.{WRITERS - 1}.{ROUNDS - 1}"
        assert versions == sorted(versions)
    assert Session(regions=directories).verify("SugarWater", read_data=True)
