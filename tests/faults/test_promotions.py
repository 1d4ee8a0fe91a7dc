"""Promotions, rollbacks and yanks in trouble: a region fails, hangs, or the process dies."""

import multiprocessing
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import ClassVar

import pytest

import startifact
from startifact import Promotion
from startifact.errors import (
    ExpectationError,
    SeveralRegionsError,
    StartifactError,
    UndeterminedError,
)
from tests.conftest import AWS_REGIONS, AwsAccount
from tests.faults.network_rules import reset, reset_after, throttled
from tests.faults.rules import hanging, when, within
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


def prod(directories: Sequence[str]) -> str:
    """Return the version that ``prod`` points at for a new session."""
    return str(Session(regions=directories).get("SugarWater", "prod").version)


def history(directories: Sequence[str]) -> list[str]:
    """Return the versions that led to what ``prod`` points at, newest first."""
    channels = Session(regions=directories).channels("SugarWater")
    (found,) = [c for c in channels if c.channel == "prod"]
    return [str(move.version) for move in found.history]


class Change:
    """A change of a channel or of a mark, and whether it has been made."""

    reads: ClassVar[int]
    """How often each region has been read when it is written to."""

    @staticmethod
    def prepare(session: Session) -> None:
        """Make what is to be changed."""

    @staticmethod
    def run(session: Session) -> Promotion | startifact.Yanking:
        """Make it."""
        raise NotImplementedError

    @classmethod
    def again(cls, session: Session) -> None:
        """Make it, unless it has been made."""
        cls.run(session)

    @staticmethod
    def is_made(directories: Sequence[str]) -> bool:
        """Say whether a new session sees it."""
        raise NotImplementedError


class Promoting(Change):
    """A channel is pointed at another version."""

    reads = 1

    @staticmethod
    def run(session: Session) -> Promotion:
        """Make it."""
        return session.promote("SugarWater", "1.1.0", "prod")

    @staticmethod
    def is_made(directories: Sequence[str]) -> bool:
        """Say whether a new session sees it; it is once in the history then, or not at all."""
        assert history(directories) in (["1.0.0"], ["1.1.0", "1.0.0"])
        return prod(directories) == "1.1.0"


class RollingBack(Change):
    """A channel is pointed back at what it held before: by name only where that is done again."""

    reads = 2

    @staticmethod
    def prepare(session: Session) -> None:
        """Point the channel at one more version, before which it held two."""
        session.promote("SugarWater", "1.2.0", "prod")
        session.promote("SugarWater", "1.1.0", "prod")

    @staticmethod
    def run(session: Session) -> Promotion:
        """Make it."""
        return session.rollback("SugarWater", "prod")

    @classmethod
    def again(cls, session: Session) -> None:
        """Make it, unless it has been made: without the version it would go back further."""
        session.rollback("SugarWater", "prod", to="1.2.0")

    @staticmethod
    def is_made(directories: Sequence[str]) -> bool:
        """Say whether a new session sees it; it is once in the history then, or not at all."""
        before = ["1.1.0", "1.2.0", "1.0.0"]
        assert history(directories) in (before, ["1.2.0", *before])
        return prod(directories) == "1.2.0"


class Yanking(Change):
    """A mark is made, where none is before."""

    reads = 3  # two channels included

    @staticmethod
    def run(session: Session) -> startifact.Yanking:
        """Make it."""
        return session.yank("SugarWater", "1.1.0", "It loses orders")

    @staticmethod
    def is_made(directories: Sequence[str]) -> bool:
        """Say whether ranges pass the version over, for a new session."""
        picked = str(Session(regions=directories).get("SugarWater", "<1.2").version)
        assert picked in {"1.0.0", "1.1.0"}
        return picked == "1.0.0"


@pytest.fixture(params=[Promoting, RollingBack, Yanking])
def change(
    request: pytest.FixtureRequest, regions: list[FaultyRegion], directories: list[str]
) -> type[Change]:
    """Return a change that can be made in the regions."""
    found: type[Change] = request.param
    found.prepare(Session(regions=directories))
    return found


@pytest.mark.sweep(2)
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
    change: type[Change],
) -> None:
    """A change succeeds whatever happens in one region of three, and soon."""
    getattr(regions[1], fault)(operation, nth=nth)
    started = time.monotonic()

    done = change.run(session_over(regions, limits=LIMITS))

    assert done.changed
    assert time.monotonic() - started < 8
    assert change.is_made(directories)


@pytest.mark.sweep(2)
@pytest.mark.parametrize("nth", [1, 2])
@pytest.mark.parametrize("fault", ["fail", "lose"])
def test_trouble_in_two_regions(
    regions: list[FaultyRegion], directories: list[str], fault: str, nth: int, change: type[Change]
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
    change.again(session)
    assert change.is_made(directories)


def _change_and_die(directories: list[str], nth: int, change: type[Change], *, after: bool) -> None:
    regions = faulty(directories)
    for region in regions:
        region.die("write_channel", nth=nth, after=after)
    change.run(session_over(regions))


@pytest.mark.sweep(2)
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("nth", [1, 2])
def test_killed(directories: list[str], nth: int, change: type[Change], *, after: bool) -> None:
    """Wherever a change is killed, it was made or was not, and again succeeds."""
    process = multiprocessing.get_context("fork").Process(
        target=_change_and_die, args=(directories, nth, change), kwargs={"after": after}
    )
    process.start()
    process.join(30)

    assert process.exitcode == -signal.SIGKILL
    change.is_made(directories)
    change.again(Session(regions=directories))
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


def is_asked(request: Request) -> bool:
    """Say whether the channel or the mark is asked for, or written."""
    return request.path.endswith(("/SugarWater/prod", "/SugarWater/_yanked/1.1.0"))


def is_written(request: Request) -> bool:
    """Say whether the channel or the mark is written."""
    return request.method == "PUT" and is_asked(request)


def is_asked_in_one(request: Request) -> bool:
    """Say whether one region is asked for the channel or the mark."""
    return request.region == "eu-west-1" and is_asked(request)


TROUBLE: dict[str, Callable[[Wire], Rule]] = {
    "throttled": lambda wire: when(is_asked, within(0.5, throttled())),
    "reset": lambda wire: when(is_asked, within(0.5, reset)),
    "lost-promise": lambda wire: when(is_written, reset_after, times=1),
    "all-lost": lambda wire: when(is_written, reset_after, times=2 * len(AWS_REGIONS)),
    "one-hangs": lambda wire: when(is_asked_in_one, hanging(wire)),
}
ON_THE_WIRE: list[tuple[type[Change], str]] = [
    *((Promoting, name) for name in TROUBLE),
    # It expects the state it saw, which its own move is not.
    (RollingBack, "all-lost"),
    # No region has an object before.
    (Yanking, "lost-promise"),
    (Yanking, "all-lost"),
]


@pytest.mark.parametrize(
    ("change", "trouble"), ON_THE_WIRE, ids=[f"{c.__name__}-{name}" for c, name in ON_THE_WIRE]
)
@pytest.mark.represented_by("Promoting-one-hangs", "RollingBack-all-lost", "Yanking-lost-promise")
def test_trouble_on_the_wire(
    account: AwsAccount, wire: Wire, make_file: MakeFile, change: type[Change], trouble: str
) -> None:
    """A change survives what a staging survives, and is made once."""
    session = Session(regions=AWS_REGIONS)
    for version in VERSIONS:
        session.stage("SugarWater", version, make_file(version.encode()))
    session.promote("SugarWater", "1.0.0", "prod")
    change.prepare(session)
    over = wire.add(TROUBLE[trouble](wire))

    done = change.run(session)

    assert done.changed
    over()
    assert change.is_made(AWS_REGIONS)
    assert account.parameter_value("us-east-1", "SugarWater") == "1.2.0"
