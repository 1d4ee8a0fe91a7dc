"""Prunes while a region fails, hangs, loses answers, or the process dies, and others promote."""

import multiprocessing
import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from startifact import Pruning
from startifact.errors import StartifactError
from startifact.model.record import is_tombstone
from tests.conftest import AWS_REGIONS, AwsAccount
from tests.faults.network_rules import reset, reset_after, throttled
from tests.faults.rules import hanging, sometimes, when, within
from tests.support.faulty_region import FaultyRegion, faulty, session_over
from tests.support.limits import Session, short_limits
from tests.support.wire import Request, Rule, Wire

MakeFile = Callable[..., Path]

LIMITS = short_limits(idle_timeout_seconds=2.0, quorum_wait_seconds=0.2)
VERSIONS = ("1.0.0", "1.1.0", "1.2.0", "1.3.0")
OLD = ("1.0.0", "1.1.0")
"""What is to be removed; a channel points at 1.2.0."""


def prune(session: Session) -> Pruning:
    return session.prune("SugarWater", keep_versions=1, grace="0s", yes=True)


@pytest.fixture
def regions(directories: list[str], make_file: MakeFile) -> Iterator[list[FaultyRegion]]:
    """Return three regions that hold four versions, of which two are marked and due."""
    session = Session(regions=directories)
    for version in VERSIONS:
        session.stage("SugarWater", version, make_file(version.encode()))
    session.promote("SugarWater", "1.2.0", "prod")
    assert len(prune(session).marked) == 2
    found = faulty(directories, limits=LIMITS)
    yield found
    for region in found:
        region.release()


def tombstones(directories: list[str], version: str) -> int:
    """Return how many regions have a tombstone of *version*."""
    roots = [Path(spec.removeprefix("file://")) for spec in directories]
    records = [(root / f"SugarWater@{version}" / "metadata.json").read_text() for root in roots]
    return sum(map(is_tombstone, records))


def check_in_use(directories: list[str]) -> None:
    """What is in use is whole everywhere."""
    for version in ("1.2.0", "1.3.0"):
        assert tombstones(directories, version) == 0
    session = Session(regions=directories)
    assert str(session.get("SugarWater", "prod").version) == "1.2.0"
    assert str(session.get("SugarWater").version) == "1.3.0"


@pytest.mark.sweep(2)
@pytest.mark.parametrize("nth", [1, 2, 5])
@pytest.mark.parametrize(
    ("operation", "fault"),
    [
        ("replace_with_tombstone", "fail"),
        ("replace_with_tombstone", "lose"),
        ("replace_with_tombstone", "hang"),
        ("describe", "fail"),
        ("describe", "hang"),
        ("channel_keys", "fail"),
        ("keys", "fail"),
        ("read_channel", "fail"),
        ("write_channel", "fail"),
        ("write_channel", "lose"),
        ("write_channel", "hang"),
    ],
)
def test_trouble_in_one_region(
    regions: list[FaultyRegion], directories: list[str], operation: str, fault: str, nth: int
) -> None:
    """A prune succeeds, or says what is not complete, and soon; another one completes it."""
    getattr(regions[1], fault)(operation, nth=nth)
    started = time.monotonic()

    try:
        done = prune(session_over(regions, limits=LIMITS))
    except StartifactError as e:
        assert e.exit_code == 5  # noqa: PT017  # a prune may succeed all the same
        removed: set[str] = set()
    else:
        removed = {str(version) for version in done.removed}
        assert removed == set(OLD) or not done
        assert all(error.exit_code == 5 for error in done.incomplete.values())

    assert time.monotonic() - started < 12
    assert all(tombstones(directories, version) == 3 for version in removed)
    check_in_use(directories)
    for region in regions:
        region.release()
        region.heal()
    again = prune(session_over(regions, limits=LIMITS))
    assert again
    assert {str(version) for version in again.removed} | removed == set(OLD)
    assert [tombstones(directories, version) for version in OLD] == [3, 3]


def test_trouble_in_two_regions(regions: list[FaultyRegion], directories: list[str]) -> None:
    """Nothing is removed while too few regions say what is in use."""
    for region in regions[:2]:
        region.fail("read_channel")

    with pytest.raises(StartifactError) as caught:
        prune(session_over(regions, limits=LIMITS))

    assert caught.value.exit_code == 5
    assert [tombstones(directories, version) for version in OLD] == [0, 0]


def _prune_and_die(directories: list[str], operation: str, nth: int, *, after: bool) -> None:
    regions = faulty(directories)
    regions[1].die(operation, nth=nth, after=after)
    prune(session_over(regions))


@pytest.mark.sweep(2)
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize(
    ("operation", "nth"),
    [
        ("replace_with_tombstone", 1),
        ("replace_with_tombstone", 2),
        ("write_channel", 1),
        ("write_channel", 3),
        ("write_channel", 5),
        ("channel_keys", 3),
    ],
)
@pytest.mark.usefixtures("regions")
def test_killed(directories: list[str], operation: str, nth: int, *, after: bool) -> None:
    """Wherever a prune is killed, what is in use stays, and the next one goes on."""
    process = multiprocessing.get_context("fork").Process(
        target=_prune_and_die, args=(directories, operation, nth), kwargs={"after": after}
    )
    process.start()
    process.join(30)

    assert process.exitcode == -signal.SIGKILL
    check_in_use(directories)
    assert prune(Session(regions=directories))
    assert [tombstones(directories, version) for version in OLD] == [3, 3]
    assert Session(regions=directories).verify("SugarWater")


@pytest.mark.usefixtures("regions")
def test_many_at_once(directories: list[str]) -> None:
    """Of prunes and promotions at once each succeeds or says why not, and what is used stays."""
    barrier, results = threading.Barrier(6), dict[int, object]()

    def run(number: int) -> None:
        session = Session(regions=directories)
        barrier.wait()
        try:
            if number % 2:
                results[number] = prune(session)
            else:
                channel = f"channel-{number}"
                results[number] = session.promote("SugarWater", OLD[number // 2 % 2], channel)
        except StartifactError as e:
            results[number] = e

    threads = [threading.Thread(target=run, args=(n,)) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)

    check_in_use(directories)
    used = {
        str(c.version) for c in Session(regions=directories).channels("SugarWater") if c.version
    }
    for version in OLD:
        assert tombstones(directories, version) == 0 or version not in used, results
    assert len(results) == 6


# On the wire ------------------------------------------------------------------------------------


def is_old(request: Request) -> bool:
    """Say whether what is to be removed is asked for, or its mark."""
    return request.path.endswith(OLD)


def is_write(request: Request) -> bool:
    """Say whether anything is written."""
    return request.method == "PUT"


def is_tombstone_write(request: Request) -> bool:
    """Say whether a tombstone is written."""
    return is_write(request) and "@" in request.path


@pytest.mark.parametrize(
    ("make", "complete"),
    [
        pytest.param(lambda wire: when(is_old, within(0.5, throttled())), True, id="throttled"),
        pytest.param(lambda wire: when(is_old, within(0.5, reset)), True, id="reset"),
        pytest.param(
            lambda wire: when(is_tombstone_write, reset_after, times=2), True, id="lost-tombstones"
        ),
        pytest.param(lambda wire: when(is_write, sometimes(0.3, reset_after)), True, id="lost"),
        pytest.param(
            lambda wire: when(
                lambda request: is_tombstone_write(request) and request.region == "eu-west-1",
                hanging(wire),
            ),
            False,
            id="one-hangs",
        ),
    ],
)
@pytest.mark.represented_by("throttled", "lost-tombstones", "one-hangs")
def test_trouble_on_the_wire(
    account: AwsAccount,
    wire: Wire,
    make_file: MakeFile,
    make: Callable[[Wire], Rule],
    *,
    complete: bool,
) -> None:
    """A prune survives what a staging survives, and leaves to the next what it cannot finish."""
    session = Session(regions=AWS_REGIONS)
    for version in VERSIONS:
        session.stage("SugarWater", version, make_file(version.encode()))
    prune(session)
    wire.add(make(wire))

    done = prune(session if complete else Session(regions=AWS_REGIONS, limits=LIMITS))

    assert bool(done) is complete
    wire.clear()
    prune(session)
    for region, bucket in account.buckets.items():
        for version in OLD:
            head = account.s3(region).head_object(Bucket=bucket, Key=f"team/SugarWater@{version}")
            assert is_tombstone(head["Metadata"]["startifact"])
    assert str(session.get("SugarWater").version) == "1.3.0"
    assert session.verify("SugarWater")
