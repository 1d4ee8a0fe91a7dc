"""Services that throttle, cut connections or restart are asked again, at a slower pace."""

import os
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from startifact import Session, deadline
from startifact.errors import (
    DeadlineError,
    RegionUnavailableError,
    StagingFailedError,
    StartifactError,
)
from startifact.limits import Limits, RetryLimits
from startifact.model.keys import Key
from startifact.regions.aws.retries import Pace
from tests.conftest import AWS_REGIONS, AwsAccount
from tests.faults.conftest import Served
from tests.faults.network_rules import (
    captive_portal,
    cut,
    reset,
    reset_after,
    restarting,
    throttled,
)
from tests.faults.rules import is_part, is_read, sometimes, when, within
from tests.support.faulty_region import faulty
from tests.support.limits import PART
from tests.support.wire import Answer, Forward, Request, Rule, Wire

MakeFile = Callable[..., Path]

HERE = "eu-west-1"
KEY, LATEST = "SugarWater@1.0.0", "SugarWater/latest"

LIMITS = Limits(part_bytes=PART)
FREQUENT = RetryLimits(attempts=3, shortest_seconds=0.4, first_seconds=0.5, longest_seconds=0.5)

ONE = pytest.mark.parametrize("size", [PART, 3 * PART], ids=["single", "parts"])
TROUBLE = pytest.mark.parametrize(
    "rule",
    [throttled(503), throttled(429), reset, reset_after],
    ids=["503", "429", "reset", "reset-after"],
)


def everything(request: Request) -> bool:
    """Say that *request* is meant, but for the mirror, which has attempts of its own."""
    return request.operation != "PutParameter"


def asked(wire: Wire, condition: Callable[[Request], bool]) -> int:
    return sum(condition(request) for request in wire.requests())


@pytest.mark.sweep
@ONE
@TROUBLE
def test_staging(wire: Wire, served: Served, make_file: MakeFile, rule: Rule, size: int) -> None:
    """Seconds of trouble with every request, which three attempts do not outlast."""
    wire.add(when(everything, within(2.5, rule)))

    session = Session(regions=HERE, limits=LIMITS)
    staging = session.stage("SugarWater", "1.0.0", make_file(os.urandom(size)))

    assert staging.is_latest
    assert served.stored(KEY, HERE) == 1


@pytest.mark.sweep
@pytest.mark.parametrize("from_here", ["HEAD", "PUT", "POST"])
@pytest.mark.parametrize("rule", [throttled(503), reset], ids=["503", "reset"])
def test_staging_from_a_step_on(
    wire: Wire, served: Served, make_file: MakeFile, rule: Rule, from_here: str
) -> None:
    """The same, from a step of the staging on."""
    begun: list[bool] = []
    bad = within(2, rule)

    def later(request: Request, forward: Forward) -> Answer | None:
        if request.method == from_here and request.service == "s3":
            begun.append(True)
        return bad(request, forward) if begun and everything(request) else forward()

    wire.add(later)

    session = Session(regions=HERE, limits=LIMITS)
    staging = session.stage("SugarWater", "1.0.0", make_file(os.urandom(2 * PART)))

    assert staging.is_latest
    assert served.stored(KEY, HERE) == 1
    assert served.stored(LATEST, HERE) == 1


@ONE
def test_restart(wire: Wire, served: Served, make_file: MakeFile, size: int) -> None:
    """A service that restarts, and refuses connections for four seconds, is waited for."""
    wire.add(when(lambda r: "@" in r.path and r.method == "PUT", restarting(wire, 4)))

    session = Session(regions=HERE, limits=LIMITS)
    staging = session.stage("SugarWater", "1.0.0", make_file(os.urandom(size)))

    assert staging.is_latest
    assert served.stored(KEY, HERE) == 1


@pytest.mark.parametrize(
    ("share", "rule"),
    [(0.3, throttled(503)), (0.3, reset), (0.6, throttled(503))],
    ids=["30-503", "30-reset", "60-503"],
)
@pytest.mark.represented_by("60-503", "30-reset")
def test_share_of_parts(
    wire: Wire, served: Served, make_file: MakeFile, share: float, rule: Rule
) -> None:
    """With 30 % or more of all parts throttled or cut, all of them arrive."""
    limits = replace(LIMITS, request_retry=FREQUENT, pace_longest_seconds=0.1)
    wire.add(when(is_part, sometimes(share, rule)))

    session = Session(regions=HERE, limits=limits)
    session.stage("SugarWater", "1.0.0", make_file(os.urandom(13 * PART)))

    assert asked(wire, is_part) > 13
    assert served.stored(KEY, HERE) == 1


@pytest.mark.sweep
@ONE
@pytest.mark.parametrize(
    "trouble",
    ["503", "reset", "cut", "restart"],
)
def test_download(
    account: AwsAccount, wire: Wire, make_file: MakeFile, tmp_path: Path, size: int, trouble: str
) -> None:
    """A download from the only region survives seconds of it too."""
    path = make_file(os.urandom(size))
    session = Session(regions=HERE, limits=LIMITS)
    session.stage("SugarWater", "1.0.0", path)
    shortened = cut(lambda request, forward: forward(), after=0, with_reset=True)
    wire.add(
        {
            "503": within(2.5, throttled(503)),
            "reset": within(2.5, reset),
            "cut": when(is_read, within(2.5, shortened)),
            "restart": when(is_read, restarting(wire, 4)),
        }[trouble]
    )

    session = Session(regions=HERE, limits=LIMITS)
    got = session.get("SugarWater", "latest").downloader.download(tmp_path / "back")

    assert got.read_bytes() == path.read_bytes()


@pytest.mark.sweep
@pytest.mark.parametrize("staged", [False, True], ids=["absent", "there"])
@pytest.mark.parametrize("with_reset", [False, True], ids=["cut", "reset"])
def test_answers_about_latest_that_break_off(
    account: AwsAccount, wire: Wire, make_file: MakeFile, *, staged: bool, with_reset: bool
) -> None:
    """What is said of `latest` is asked for again where it breaks off, be it an object or a 404."""
    session = Session(regions=HERE)
    if staged:
        session.stage("SugarWater", "1.0.0", make_file())
    shortened = cut(lambda request, forward: forward(), after=5, with_reset=with_reset)
    is_latest = lambda r: r.method == "GET" and r.path.endswith(LATEST)  # noqa: E731
    wire.add(when(is_latest, within(2, shortened)))

    staging = session.stage("SugarWater", "1.1.0", make_file(b"more"))

    assert staging.is_latest
    assert account.latest(HERE, "SugarWater") == "1.1.0"


@pytest.mark.parametrize("rule", [throttled(503), reset], ids=["503", "reset"])
def test_download_elsewhere(
    account: AwsAccount, wire: Wire, make_file: MakeFile, tmp_path: Path, rule: Rule
) -> None:
    """Where another region can deliver, one that throttles is not waited for."""
    path = make_file()
    Session(regions=AWS_REGIONS).stage("SugarWater", "1.0.0", path)
    artifact = Session(regions=AWS_REGIONS).get("SugarWater", "1.0.0")
    first: list[str] = []

    def bad(request: Request, forward: Forward) -> Answer | None:
        if not first:
            first.append(request.region)
        return rule(request, forward) if request.region == first[0] else forward()

    wire.add(when(is_read, bad))
    began = time.monotonic()

    got = artifact.downloader.download(tmp_path / "back")

    assert got.read_bytes() == path.read_bytes()
    assert time.monotonic() - began < 5


# Not for ever ---------------------------------------------------------------------------------

BRIEF = replace(LIMITS, idle_timeout_seconds=2.0, refused_seconds=1.0, request_retry=FREQUENT)


@pytest.mark.sweep
@ONE
@pytest.mark.parametrize("rule", [throttled(503), reset], ids=["503", "reset"])
def test_staging_for_ever(
    account: AwsAccount, wire: Wire, make_file: MakeFile, rule: Rule, size: int
) -> None:
    """Attempts that are refused are no progress, though they send bytes: they end, with the reason.

    The error has the region's own reason.
    """
    wire.add(when(lambda r: r.method == "PUT" and "@" in r.path, rule))
    session = Session(regions=HERE, limits=BRIEF)
    path = make_file(os.urandom(size))
    began = time.monotonic()

    with pytest.raises(StagingFailedError) as caught:
        session.stage("SugarWater", "1.0.0", path)

    took = time.monotonic() - began
    assert caught.value.exit_code == 5
    assert ("SlowDown" in caught.value.message) == (rule is not reset)
    assert BRIEF.idle_timeout_seconds / 2 < took < 4 * BRIEF.idle_timeout_seconds
    assert account.keys(HERE) == []


@pytest.mark.parametrize(
    ("rule", "said"),
    [(throttled(503), "SlowDown"), (reset, "Connection was closed"), (captive_portal, "web page")],
    ids=["503", "reset", "portal"],
)
def test_reading_for_ever(
    account: AwsAccount,
    wire: Wire,
    make_file: MakeFile,
    tmp_path: Path,
    rule: Rule,
    said: str,
) -> None:
    """Reading bytes ends within the same time, once: the error has the region's own reason."""
    session = Session(regions=HERE, limits=BRIEF)
    session.stage("SugarWater", "1.0.0", make_file())
    artifact = session.get("SugarWater", "1.0.0")
    wire.add(when(is_read, rule))
    began = time.monotonic()

    with pytest.raises(StartifactError) as caught:
        artifact.downloader.download(tmp_path / "back")

    assert caught.value.exit_code == 5
    assert said in caught.value.message
    assert "has moved no byte" not in caught.value.message
    assert time.monotonic() - began < 1.5 * BRIEF.idle_timeout_seconds


def test_region_that_throttles_is_not_dropped(
    wire: Wire, served: Served, make_file: MakeFile
) -> None:
    """A region that throttles has its whole time, though the others are done."""
    limits = Limits(
        idle_timeout_seconds=12.0, quorum_idle_timeout_seconds=1.5, request_retry=FREQUENT
    )
    there = when(lambda r: r.method == "PUT" and "@" in r.path, within(3, throttled()))
    wire.add(when(lambda r: r.region == HERE, there))

    staging = Session(regions=AWS_REGIONS, limits=limits).stage("SugarWater", "1.0.0", make_file())

    assert [o.state for o in staging.outcomes] == ["created"] * 3


@pytest.mark.sweep
@pytest.mark.parametrize("command", ["verify", "repair"])
@pytest.mark.parametrize("rule", [throttled(), reset], ids=["503", "reset"])
def test_comparing_needs_every_region(
    wire: Wire, make_file: MakeFile, command: str, rule: Rule
) -> None:
    """Who compares regions needs them all: none is left out because the others were quicker."""
    session = Session(regions=AWS_REGIONS)
    session.stage("SugarWater", "1.0.0", make_file())
    wire.add(when(lambda r: r.region == HERE, within(2.5, rule)))

    result = getattr(session, command)("SugarWater")

    assert not result.failures


def test_beginning_where_a_region_throttles(
    account: AwsAccount, wire: Wire, make_file: MakeFile
) -> None:
    """`latest` that is lost everywhere begins in each region, though one is listed later."""
    session = Session(regions=AWS_REGIONS)
    session.stage("SugarWater", "1.2.0", make_file())
    for region in AWS_REGIONS:
        account.s3(region).delete_object(Bucket=account.buckets[region], Key=f"team/{LATEST}")
        account.ssm(region).delete_parameter(Name=f"/team-{account.unique}/{LATEST}")
    is_listing = lambda r: r.region == HERE and "list-type" in r.query  # noqa: E731
    wire.add(when(is_listing, within(2.5, throttled())))

    session.stage("SugarWater", "1.1.5", make_file(b"other"))

    assert [account.latest(region, "SugarWater") for region in AWS_REGIONS] == ["1.2.0"] * 3


def test_refused_connections_for_ever(account: AwsAccount) -> None:
    """A port that nobody listens at is given up after some seconds."""
    spec = f"s3://{account.buckets[HERE]}/p?region={HERE}&endpoint=http%3A%2F%2F127.0.0.1%3A9"
    began = time.monotonic()

    with pytest.raises(StartifactError) as caught:
        Session(regions=spec, limits=BRIEF).get("SugarWater", "1.0.0")

    assert caught.value.exit_code == 5
    assert "did not answer s3:GetObject" in caught.value.message
    assert time.monotonic() - began < 3 * BRIEF.refused_seconds


# What people configure ------------------------------------------------------------------------


def test_max_attempts(
    account: AwsAccount, wire: Wire, monkeypatch: pytest.MonkeyPatch, make_file: MakeFile
) -> None:
    """AWS_MAX_ATTEMPTS is obeyed where it asks for more attempts than there would be."""
    limits = Limits(idle_timeout_seconds=2.0, request_retry=FREQUENT)  # time for four or five
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "9")
    wire.add(when(lambda r: r.method == "PUT" and "@" in r.path, throttled(), times=8))

    Session(regions=HERE, limits=limits).stage("SugarWater", "1.0.0", make_file())

    assert account.keys(HERE) == [f"team/{LATEST}", f"team/{KEY}"]


def test_max_attempts_of_a_profile(
    account: AwsAccount, wire: Wire, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """So is max_attempts of a profile; and where it asks for fewer, no attempt is lost."""
    (tmp_path / "config").write_text("[profile p]\nmax_attempts = 7\n[profile q]\nmax_attempts=1\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIATESTTESTTESTTEST")
    spec = f"s3://{account.buckets[HERE]}/p?region={HERE}"
    wire.add(throttled())

    counts = []
    for profile in ("p", "q"):
        monkeypatch.setenv("AWS_PROFILE", profile)
        before = len(wire.requests())
        with pytest.raises(RegionUnavailableError):
            faulty([spec], Limits())[0].describe(Key(KEY))
        counts.append(len(wire.requests()) - before)

    assert counts[0] >= 7
    assert counts[1] >= Limits().request_retry.attempts


@pytest.mark.parametrize("mode", ["legacy", "standard", "adaptive"])
def test_retry_mode(
    account: AwsAccount,
    wire: Wire,
    served: Served,
    monkeypatch: pytest.MonkeyPatch,
    make_file: MakeFile,
    mode: str,
) -> None:
    """Every AWS_RETRY_MODE survives what none does, and "adaptive" limits the rate besides."""
    limited: list[bool] = []
    monkeypatch.setattr(
        "botocore.retries.adaptive.ClientRateLimiter.on_sending_request",
        lambda self, request, **_: limited.append(True),
    )
    monkeypatch.setenv("AWS_RETRY_MODE", mode)
    wire.add(when(everything, within(3, throttled())))

    Session(regions=HERE).stage("SugarWater", "1.0.0", make_file())

    assert served.stored(KEY, HERE) == 1
    assert bool(limited) == (mode == "adaptive")


def test_deadline_while_throttled(account: AwsAccount, wire: Wire, make_file: MakeFile) -> None:
    """What undoes an upload does not wait for the turns of requests that nobody waits for."""
    limits = replace(LIMITS, pace_first_seconds=1.0, pace_longest_seconds=5.0)
    wire.add(when(is_part, throttled()))
    path = make_file(os.urandom(4 * PART))

    with pytest.raises(DeadlineError), deadline(3):
        Session(regions=HERE, limits=limits).stage("SugarWater", "1.0.0", path)

    uploads = account.s3(HERE).list_multipart_uploads(Bucket=account.buckets[HERE])
    assert asked(wire, is_part), "it is about an upload that has begun"
    assert not uploads.get("Uploads")


# The pace -------------------------------------------------------------------------------------


def test_pace() -> None:
    """Requests begin further apart after throttling, up to a limit, and at once after successes."""
    limits = Limits(pace_first_seconds=0.1, pace_longest_seconds=1.0)
    pace = Pace(limits)
    free = [pace.seconds_to_wait() for _ in range(3)]
    for _ in range(10):
        pace.throttled()
    slow = [pace.seconds_to_wait() for _ in range(3)]
    for _ in range(10):
        pace.accepted()

    assert free == [0.0] * 3
    assert slow[2] - slow[1] == pytest.approx(limits.pace_longest_seconds, abs=0.1)
    assert pace.seconds_to_wait() == 0.0
