"""The region that the other tests break does what it is reported, and nothing else."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from startifact.errors import AccessDeniedError, RegionUnavailableError
from startifact.files.source import Source
from startifact.model.keys import Key
from startifact.regions.interface import Mirror, Region, StoredChannel
from tests.support.faulty_region import ANY, FaultyMirror, FaultyRegion, faulty, session_over

MakeFile = Callable[..., Path]

KEY = Key("SugarWater@1.0.0")
CHANNEL = Key("SugarWater/latest")
CONTENT = bytes(range(256)) * 8


@pytest.fixture
def region(directories: list[str]) -> FaultyRegion:
    return faulty(directories[:1])[0]


def create(region: Region, make_file: MakeFile) -> None:
    """Store the content."""
    region.create(KEY, Source.scan(make_file(CONTENT)), "{}", lambda _: None)


def content(region: Region) -> bytes:
    """Return the stored content, read in two pieces as a download would."""
    stored = region.describe(KEY)
    assert stored is not None
    middle = len(CONTENT) // 2
    ranges = [(0, middle), (middle, len(CONTENT))]
    return b"".join(block for a, b in ranges for block in region.read(KEY, stored, a, b))


def test_whole_interface() -> None:
    """Every method of a region is wrapped, so that none slips by its faults."""
    methods = {name for name, value in vars(Region).items() if callable(value)}

    assert {name for name in methods if not name.startswith("_")} <= vars(FaultyRegion).keys()


def test_whole_mirror() -> None:
    """Every method of a mirror is wrapped as well."""
    methods = {name for name, value in vars(Mirror).items() if callable(value)}

    assert {name for name in methods if not name.startswith("_")} <= vars(FaultyMirror).keys()


def test_no_fault(regions: list[str], make_file: MakeFile, tmp_path: Path) -> None:
    """Without faults, a session over wrapped regions does all that it does over bare ones."""
    wrapped = faulty(regions)
    session = session_over(wrapped)

    staging = session.stage("SugarWater", "1.0.0", make_file(CONTENT), metadata={"a": "b"})
    path = session.get("SugarWater").downloader.download(tmp_path / "back")

    assert staging.created
    assert staging.is_latest
    assert session.regions == tuple(regions)
    assert path.read_bytes() == CONTENT
    assert session.versions("SugarWater") == [staging.artifact.version]
    assert session.verify("SugarWater", read_data=True)
    mirrored = [region.mirror is not None for region in wrapped]
    assert mirrored == [":" not in name for name in regions]


def test_fail(region: FaultyRegion, make_file: MakeFile) -> None:
    """A call that fails does nothing; with a number only that call fails, with the error given."""
    region.fail("create", AccessDeniedError("no"), nth=2)
    create(region, make_file)

    with pytest.raises(AccessDeniedError, match="no"):
        region.create(Key("SugarWater@2.0.0"), Source.scan(make_file()), "{}", lambda _: None)

    assert list(region.keys("SugarWater@")) == [KEY]


def test_fail_at_the_nth_call_of_any_kind(region: FaultyRegion) -> None:
    """A fault of every operation counts them all."""
    region.fail(ANY, nth=3)

    region.describe(KEY)
    region.read_channel(CHANNEL)
    with pytest.raises(RegionUnavailableError):
        region.store_identity()

    assert region.store_identity()
    assert region.calls == ["describe", "read_channel", "store_identity", "store_identity"]


def test_lose(region: FaultyRegion, make_file: MakeFile) -> None:
    """A call whose answer is lost is done, and fails."""
    region.lose("create")

    with pytest.raises(RegionUnavailableError):
        create(region, make_file)

    assert content(region) == CONTENT


def test_hang(region: FaultyRegion, make_file: MakeFile) -> None:
    """A call that hangs does nothing until it is released, and fails then."""
    region.hang("create", nth=1)
    failed = threading.Event()

    def attempt() -> None:
        try:
            create(region, make_file)
        except RegionUnavailableError:
            failed.set()

    thread = threading.Thread(target=attempt, daemon=True)
    thread.start()
    hung = not failed.wait(0.1)
    region.release()
    thread.join()

    assert hung
    assert failed.is_set()
    assert region.describe(KEY) is None


def test_delay(region: FaultyRegion, make_file: MakeFile) -> None:
    """A call that is kept waiting says so, and is done when it may go on."""
    go = threading.Event()
    waiting = region.delay("create", go)
    thread = threading.Thread(target=create, args=(region, make_file), daemon=True)

    thread.start()
    waiting.wait()
    before = region.describe(KEY)
    go.set()
    thread.join()

    assert before is None
    assert content(region) == CONTENT


def test_stale(region: FaultyRegion) -> None:
    """A stale answer is what was answered before: a write in between is not seen."""
    assert region.write_channel(CHANNEL, "one", None)
    one = region.read_channel(CHANNEL)
    region.stale("read_channel")
    assert region.write_channel(CHANNEL, "two", one)

    stale = region.read_channel(CHANNEL)
    never_asked = region.read_channel(Key("SugarWater/other"))
    region.heal()

    assert stale == StoredChannel("one", "one")
    assert never_asked is None
    assert region.read_channel(CHANNEL) == StoredChannel("two", "two")


@pytest.mark.parametrize("at", [0, 1023, 1024, 2047])
def test_corrupt(region: FaultyRegion, make_file: MakeFile, at: int) -> None:
    """One bit at the offset is another one, and all else is as it was."""
    create(region, make_file)
    region.corrupt(at)

    got = content(region)

    assert [i for i in range(len(CONTENT)) if got[i] != CONTENT[i]] == [at]
    assert got[at] ^ CONTENT[at] == 1


@pytest.mark.parametrize("at", [0, 100, 1024, 1500])
def test_truncate(region: FaultyRegion, make_file: MakeFile, at: int) -> None:
    """Nothing comes from the offset on, and nobody says that it is missing."""
    create(region, make_file)
    region.truncate(at)

    assert content(region) == CONTENT[:at]


def test_overlong(region: FaultyRegion, make_file: MakeFile) -> None:
    """More comes at the end of every read than was asked for."""
    create(region, make_file)
    region.overlong(b"more")

    assert content(region) == CONTENT[:1024] + b"more" + CONTENT[1024:] + b"more"


def test_break_off(region: FaultyRegion, make_file: MakeFile) -> None:
    """Bytes come up to the offset, and then an error."""
    create(region, make_file)
    region.break_off(1500)
    stored = region.describe(KEY)
    assert stored is not None
    got: list[bytes] = []

    def read() -> None:
        for block in region.read(KEY, stored, 0, stored.size):
            got.append(block)  # noqa: PERF402  # those before the error count

    with pytest.raises(RegionUnavailableError):
        read()

    assert b"".join(got) == CONTENT[:1500]


def test_drip(region: FaultyRegion, make_file: MakeFile) -> None:
    """Bytes come one by one, no sooner than they may."""
    create(region, make_file)
    region.drip(0.01)
    stored = region.describe(KEY)
    assert stored is not None
    started = time.monotonic()

    blocks = list(region.read(KEY, stored, 0, 10))

    assert blocks == [bytes([i]) for i in range(10)]
    assert time.monotonic() - started >= 0.1


@pytest.mark.parametrize(("after", "stored"), [(False, []), (True, [KEY])])
def test_die(directories: list[str], *, after: bool, stored: list[Key]) -> None:
    """The process is killed at the call that is named, before it is done or after."""
    program = (
        "import sys; from tests.faults.test_faulty_region import die; "
        f"die({directories[0]!r}, {after})"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=Path(__file__).parents[2], check=False, timeout=60
    )

    region = faulty(directories[:1])[0]
    assert done.returncode == -signal.SIGKILL
    assert list(region.keys("SugarWater@")) == stored


def die(spec: str, after: bool) -> None:
    """Create an artifact in a region that kills the process."""
    region = faulty([spec])[0]
    region.die("create", after=after)
    source = Source.scan(Path(__file__))
    region.create(KEY, source, "{}", lambda _: None)
    os._exit(0)
