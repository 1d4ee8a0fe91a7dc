"""Promotions and yanks while a region fails, hangs, loses answers, or the process dies."""

import multiprocessing
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

import pytest

import startifact
from startifact import Promotion
from startifact.channels.targets import channel_register
from startifact.concurrency.heartbeat import Heartbeat
from startifact.errors import (
    ExpectationError,
    SeveralRegionsError,
    StartifactError,
    UndeterminedError,
)
from startifact.limits import DEFAULT_LIMITS
from tests.conftest import AWS_REGIONS, AwsAccount
from tests.faults.network_rules import reset, reset_after, throttled
from tests.faults.rules import hanging, sometimes, when, within
from tests.support.faulty_region import FaultyRegion, faulty, session_over
from tests.support.limits import Session, short_limits
from tests.support.wire import Request, Rule, Wire

MakeFile = Callable[..., Path]

LIMITS = short_limits(idle_timeout_seconds=2.0, quorum_wait_seconds=0.2)
VERSIONS = ("1.0.0", "1.1.0", "1.2.0")


@pytest.fixture
def regions(directories: list[str], make_file: MakeFile) -> Iterator[list[FaultyRegion]]:
    """Return three regions that hold three versions, and ``prod`` at the first one."""
    session = Session(regions=directories)
    for version in VERSIONS:
        session.stage("SugarWater", version, make_file(version.encode()))
    session.promote("SugarWater", "1.0.0", "prod")
    found = faulty(directories, limits=LIMITS)
    yield found
    for region in found:
        region.release()


def prod(directories: list[str]) -> str:
    """Return the version that ``prod`` points at for a new session."""
    return str(Session(regions=directories).get("SugarWater", "prod").version)


def history(directories: list[str]) -> list[str]:
    """Return the versions that led to what ``prod`` points at, newest first."""
    channels = Session(regions=directories).channels("SugarWater")
    (found,) = [c for c in channels if c.channel == "prod"]
    return [str(move.version) for move in found.history]


class Promoting:
    """A change of a channel, and whether it has been made."""

    reads = 1
    """How often each region has been read when it is written to."""

    @staticmethod
    def run(session: Session) -> Promotion:
        """Make it."""
        return session.promote("SugarWater", "1.1.0", "prod")

    @staticmethod
    def is_made(directories: list[str]) -> bool:
        """Say whether a new session sees it; it is once in the history then, or not at all."""
        assert history(directories) in (["1.0.0"], ["1.1.0", "1.0.0"])
        return prod(directories) == "1.1.0"


class Yanking:
    """A change of a mark, which is not there before, and whether it has been made."""

    reads = 3
    """How often each region has been read, two channels included, when it is written to."""

    @staticmethod
    def run(session: Session) -> startifact.Yanking:
        """Make it."""
        return session.yank("SugarWater", "1.1.0", "It loses orders")

    @staticmethod
    def is_made(directories: list[str]) -> bool:
        """Say whether ranges pass the version over, for a new session."""
        picked = str(Session(regions=directories).get("SugarWater", "<1.2").version)
        assert picked in {"1.0.0", "1.1.0"}
        return picked == "1.0.0"


Change = type[Promoting] | type[Yanking]

changes = pytest.mark.parametrize("change", [Promoting, Yanking])


@changes
@pytest.mark.parametrize("nth", [1, 2, 3])
@pytest.mark.parametrize(
    ("operation", "fault"),
    [
        ("read_channel", "fail"),
        ("write_channel", "fail"),
        ("write_channel", "lose"),
        ("write_channel", "hang"),
        ("read_channel", "hang"),
        ("describe", "fail"),
    ],
)
def test_trouble_in_one_region(
    regions: list[FaultyRegion],
    directories: list[str],
    operation: str,
    fault: str,
    nth: int,
    change: Change,
) -> None:
    """A change succeeds whatever happens in one region of three, and soon."""
    getattr(regions[1], fault)(operation, nth=nth)
    started = time.monotonic()

    done = change.run(session_over(regions, limits=LIMITS))

    assert done.changed
    assert time.monotonic() - started < 8
    assert change.is_made(directories)


@changes
@pytest.mark.parametrize("nth", [1, 2])
@pytest.mark.parametrize("fault", ["fail", "lose"])
def test_trouble_in_two_regions(
    regions: list[FaultyRegion], directories: list[str], fault: str, nth: int, change: Change
) -> None:
    """What failed for certain was not seen; what may be seen says so; again, it succeeds."""
    for region in regions[:2]:
        for number in range(nth, 200):
            getattr(region, fault)("write_channel", nth=number)
        region.fail("read_channel", nth=change.reads + nth)
    session = session_over(regions, limits=LIMITS)

    with pytest.raises((UndeterminedError, SeveralRegionsError)) as caught:
        change.run(session)

    assert caught.value.exit_code == 5
    after = change.is_made(directories)
    if "may be seen" not in str(caught.value):
        assert not after
    for region in regions:
        region.heal()
    change.run(session)
    assert change.is_made(directories)


def _change_and_die(directories: list[str], nth: int, change: Change, *, after: bool) -> None:
    regions = faulty(directories)
    for region in regions:
        region.die("write_channel", nth=nth, after=after)
    change.run(session_over(regions))


@changes
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("nth", [1, 2])
@pytest.mark.usefixtures("regions")
def test_killed(directories: list[str], nth: int, change: Change, *, after: bool) -> None:
    """Wherever a change is killed, it was made or was not, and again succeeds."""
    process = multiprocessing.get_context("fork").Process(
        target=_change_and_die, args=(directories, nth, change), kwargs={"after": after}
    )
    process.start()
    process.join(30)

    assert process.exitcode == -signal.SIGKILL
    change.is_made(directories)
    change.run(Session(regions=directories))
    assert change.is_made(directories)


def _promote(directories: list[str], version: str, expect: str | None = None) -> Promotion:
    return Session(regions=directories).promote("SugarWater", version, "prod", expect=expect)


def _at_once(works: Sequence[Callable[[], object]]) -> list[object]:
    """Return what *works* return or raise, all of which begin at once."""
    results: list[object] = [None] * len(works)
    barrier = threading.Barrier(len(works))

    def run(index: int) -> None:
        barrier.wait()
        try:
            results[index] = works[index]()
        except StartifactError as e:
            results[index] = e

    threads = [threading.Thread(target=run, args=(i,)) for i in range(len(works))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return results


@pytest.mark.usefixtures("regions")
def test_many_at_once(directories: list[str]) -> None:
    """Of promotions at once each that succeeded is in the history, and no other is."""
    works = [partial(_promote, directories, VERSIONS[n % 2 + 1]) for n in range(6)]

    results = _at_once(works)

    promotions = [result for result in results if isinstance(result, Promotion)]
    assert len(promotions) == len(results)
    changes = sum(promotion.changed for promotion in promotions)
    assert len(history(directories)) == changes + 1


@pytest.mark.usefixtures("regions")
def test_many_that_expect_the_same(directories: list[str]) -> None:
    """Of promotions that expect the same state one succeeds, and the others say what they met."""
    works = [partial(_promote, directories, VERSIONS[n % 2 + 1], expect="1.0.0") for n in range(6)]

    results = _at_once(works)

    failed = [r for r in results if isinstance(r, StartifactError)]
    assert len(failed) == 5
    assert all(isinstance(r, ExpectationError | UndeterminedError) for r in failed)
    assert len(history(directories)) == 2


# On the wire ------------------------------------------------------------------------------------


def is_channel(request: Request) -> bool:
    """Say whether the channel is asked for, or written."""
    return request.path.endswith("/SugarWater/prod")


def is_channel_write(request: Request) -> bool:
    """Say whether the channel is written."""
    return request.method == "PUT" and is_channel(request)


@pytest.mark.parametrize(
    "make",
    [
        pytest.param(lambda wire: when(is_channel, within(0.5, throttled())), id="throttled"),
        pytest.param(lambda wire: when(is_channel, within(0.5, reset)), id="reset"),
        pytest.param(lambda wire: when(is_channel_write, reset_after, times=1), id="lost-promise"),
        pytest.param(lambda wire: when(is_channel_write, sometimes(0.4, reset_after)), id="lost"),
        pytest.param(
            lambda wire: when(
                lambda request: is_channel(request) and request.region == "eu-west-1",
                hanging(wire),
            ),
            id="one-hangs",
        ),
    ],
)
def test_trouble_on_the_wire(
    account: AwsAccount, wire: Wire, make_file: MakeFile, make: Callable[[Wire], Rule]
) -> None:
    """A promotion survives what a staging survives, and moves the channel once."""
    session = Session(regions=AWS_REGIONS)
    for version in VERSIONS:
        session.stage("SugarWater", version, make_file(version.encode()))
    session.promote("SugarWater", "1.0.0", "prod")
    wire.add(make(wire))

    promotion = session.promote("SugarWater", "1.1.0", "prod")

    assert promotion.changed
    register = channel_register(session._regions(), "SugarWater", "prod", limits=DEFAULT_LIMITS)
    states = [
        register.acceptor_in(region, Heartbeat()).accepted
        for region in session._regions()
        if region.name != "eu-west-1"
    ]
    for state in states:
        assert state is not None
        assert [str(move.value.version) for move in state.history] == ["1.1.0", "1.0.0"]
    assert account.parameter_value("us-east-1", "SugarWater") == "1.2.0"
