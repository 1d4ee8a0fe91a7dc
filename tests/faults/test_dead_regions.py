"""Regions that are dead add seconds, never minutes, and never keep a command from ending."""

import logging
import os
import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from startifact.errors import RegionUnavailableError, StagingFailedError
from startifact.limits import Limits
from startifact.model.keys import Key, artifact_key
from tests.conftest import AWS_REGIONS, AwsAccount, percent
from tests.faults import processes
from tests.faults.rules import Hole, hanging, is_read, when
from tests.support.faulty_region import ANY, faulty, session_over
from tests.support.limits import PART
from tests.support.limits import SessionOfSmallParts as Session
from tests.support.wire import Answer, Forward, Request, Wire

MakeFile = Callable[..., Path]

MIB = 1024 * 1024
LATE = 5.0
"""How many seconds dead regions may cost."""


def bucket(account: AwsAccount, endpoint: str, region: str = "us-east-1") -> str:
    """Return the spelling of a bucket at *endpoint*."""
    return f"s3://{account.buckets[region]}/p?region={region}&endpoint={percent(endpoint)}"


@pytest.fixture
def living(account: AwsAccount, make_file: MakeFile) -> str:
    """Return the spelling of a region that lives and holds one artifact of two parts."""
    spec = bucket(account, account.endpoint)
    Session(regions=spec).stage("SugarWater", "1.0.0", make_file(os.urandom(PART + 1)))
    return spec


def seconds(work: Callable[[], object]) -> float:
    """Return how long *work* takes."""
    started = time.monotonic()
    work()
    return time.monotonic() - started


def download(regions: list[str], path: Path) -> Path:
    """Download the pinned version in a session of its own."""
    return Session(regions=regions).get("SugarWater", "1.0.0").downloader.download(path)


def dead(account: AwsAccount, silent: Hole, unreachable: Hole) -> list[str]:
    """Return the spellings of one region that never answers and one that never connects."""
    return [
        bucket(account, silent.endpoint, "eu-west-1"),
        bucket(account, unreachable.endpoint, "ap-southeast-2"),
    ]


def test_two_of_three_black_holes(
    account: AwsAccount, living: str, silent: Hole, unreachable: Hole, tmp_path: Path
) -> None:
    """Two of three regions in a black hole: a download of a pinned version is seconds later."""
    without_dead = seconds(lambda: download([living], tmp_path / "without dead"))
    regions = [*dead(account, silent, unreachable), living]

    with_dead = seconds(lambda: download(regions, tmp_path / "with dead"))

    assert (tmp_path / "with dead").read_bytes() == (tmp_path / "without dead").read_bytes()
    assert with_dead - without_dead < LATE


def test_two_of_three_black_holes_on_the_command_line(
    account: AwsAccount, living: str, silent: Hole, unreachable: Hole, tmp_path: Path
) -> None:
    """The process ends as well, with threads of it still waiting for regions that are dead."""
    words = ("download", "SugarWater@1.0.0")
    regions = [*dead(account, silent, unreachable), living]
    without_dead = seconds(
        lambda: processes.run(*words, tmp_path / "without dead", "--regions", living)
    )

    with_dead = seconds(
        lambda: processes.run(*words, tmp_path / "with dead", "--regions", ",".join(regions))
    )

    assert (tmp_path / "with dead").read_bytes() == (tmp_path / "without dead").read_bytes()
    assert with_dead - without_dead < LATE


def test_case_15_eight_dead_addresses(
    account: AwsAccount,
    living: str,
    unreachable: Hole,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A name with eight addresses, all in a black hole, makes a download seconds later."""
    without_dead = seconds(lambda: download([living], tmp_path / "without dead"))
    resolve = socket.getaddrinfo

    def resolve_to_eight(host: Any, port: Any, *rest: Any, **named: Any) -> list[Any]:
        if port != unreachable.port:
            return resolve(host, port, *rest, **named)
        hosts = [f"127.0.0.{number}" for number in range(2, 10)]
        return [found for name in hosts for found in resolve(name, port, *rest, **named)]

    monkeypatch.setattr(socket, "getaddrinfo", resolve_to_eight)
    endpoint = f"http://localhost:{unreachable.port}"
    regions = [bucket(account, endpoint, "eu-west-1"), living]

    with_dead = seconds(lambda: download(regions, tmp_path / "with dead"))

    assert len(resolve_to_eight("localhost", unreachable.port, 0, socket.SOCK_STREAM)) == 8
    assert (tmp_path / "with dead").read_bytes() == (tmp_path / "without dead").read_bytes()
    assert with_dead - without_dead < LATE


@pytest.mark.parametrize("hole", ["silent", "unreachable"])
def test_time_outs(
    account: AwsAccount,
    request: pytest.FixtureRequest,
    hole: str,
) -> None:
    """A region that does not connect or answer has failed after a few tries of a few seconds."""
    assert Limits().connect_seconds <= 3
    assert Limits().read_seconds <= 15
    assert Limits().request_retry.attempts <= 3
    endpoint = request.getfixturevalue(hole).endpoint
    impatient = Limits(connect_seconds=0.3, read_seconds=0.3)
    region = faulty([bucket(account, endpoint)], limits=impatient)[0]

    def ask() -> None:
        with pytest.raises(RegionUnavailableError, match="did not answer s3:GetObject"):
            region.describe(Key("SugarWater@1.0.0"))

    assert seconds(ask) < 3 * (0.3 + 0.3) + 5  # and the SDK's own pauses


def test_credentials_that_hang(
    account: AwsAccount,
    make_file: MakeFile,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A program that never returns one region's credentials does not keep the others waiting."""
    answer = tmp_path / "answer"
    os.mkfifo(answer)
    (tmp_path / "config").write_text(f"[profile hung]\ncredential_process = cat {answer}\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    specs = [bucket(account, account.endpoint, region) for region in AWS_REGIONS]
    Session(regions=specs).stage("SugarWater", "1.0.0", make_file())
    session = Session(regions=[f"{specs[0]}&profile=hung", *specs[1:]])

    def download() -> None:
        session.get("SugarWater", "1.0.0").downloader.download(tmp_path / "back")

    try:
        assert seconds(download) < LATE + 5  # and two clients are made
    finally:
        # It ends once somebody has come and gone.
        os.close(os.open(answer, os.O_WRONLY | os.O_NONBLOCK))
    assert (tmp_path / "back").read_bytes() == make_file().read_bytes()


# Regions that stall -----------------------------------------------------------------------------


IMPATIENT = Limits(idle_timeout_seconds=0.5, quorum_idle_timeout_seconds=0.5)
"""After half a second without a byte a region has failed."""


@pytest.mark.parametrize("operation", ["describe", "create", "write_channel", "read_channel"])
def test_stalled_region(directories: list[str], make_file: MakeFile, operation: str) -> None:
    """A region that moves no byte has failed, and the others make the version available."""
    regions = faulty(directories)
    regions[1].hang(operation)

    staging = session_over(regions, limits=IMPATIENT).stage("SugarWater", "1.0.0", make_file())
    regions[1].release()

    error = staging.outcomes[1].error
    assert [str(outcome.latest) for outcome in staging.outcomes] == ["1.0.0", "None", "1.0.0"]
    assert isinstance(error, RegionUnavailableError)
    assert "has moved no byte for" in error.message


def test_two_stalled_regions(directories: list[str], make_file: MakeFile) -> None:
    """Two of three regions that move no byte are too many, and each is named."""
    regions = faulty(directories)
    for region in regions[1:]:
        region.hang(ANY)

    with pytest.raises(StagingFailedError) as caught:
        session_over(regions, limits=IMPATIENT).stage("SugarWater", "1.0.0", make_file())
    for region in regions:
        region.release()

    assert caught.value.exit_code == 5
    assert all(f"{name} has moved no byte" in caught.value.message for name in directories[1:])


def test_slow_region(directories: list[str], make_file: MakeFile) -> None:
    """A region that is slow, but moves, is waited for."""
    regions = faulty(directories)
    regions[1].drip(IMPATIENT.idle_timeout_seconds / 2)
    session = session_over(regions, limits=IMPATIENT)

    staging = session.stage("SugarWater", "1.0.0", make_file(os.urandom(6 * MIB)))

    assert [outcome.state for outcome in staging.outcomes] == ["created"] * 3


@pytest.mark.parametrize("operation", ["create", "write_channel"])
def test_stalled_region_that_is_not_needed(
    directories: list[str],
    make_file: MakeFile,
    operation: str,
) -> None:
    """Once enough regions are done, one that moves nothing is given up sooner than it would be."""
    limits = Limits(quorum_idle_timeout_seconds=0.5)
    regions = faulty(directories)
    regions[1].hang(operation)
    session, path = session_over(regions, limits=limits), make_file()

    took = seconds(lambda: session.stage("SugarWater", "1.0.0", path))
    regions[1].release()

    assert took < limits.idle_timeout_seconds / 2


def test_stalled_region_that_readers_do_not_need(
    directories: list[str], make_file: MakeFile
) -> None:
    """The same holds for who reads a list."""
    limits = Limits(quorum_idle_timeout_seconds=0.5)
    session = Session(regions=directories)
    session.stage("SugarWater", "1.0.0", make_file())
    regions = faulty(directories)
    regions[1].hang("keys")

    took = seconds(lambda: session_over(regions, limits=limits).versions("SugarWater"))
    regions[1].release()

    assert took < limits.idle_timeout_seconds / 2


@pytest.mark.parametrize("operation", ["create", "write_channel"])
def test_slow_regions_that_are_needed(
    directories: list[str],
    make_file: MakeFile,
    operation: str,
) -> None:
    """While they are needed, regions that move nothing have their whole time."""
    limits = Limits(quorum_idle_timeout_seconds=0.2)
    regions = faulty(directories)
    for region in regions[1:]:
        region.delay(operation, 1.0)
    session = session_over(regions, required_regions="all", limits=limits)

    done = session.stage("SugarWater", "1.0.0", make_file())

    assert [str(outcome.latest) for outcome in done.outcomes] == ["1.0.0"] * 3


def test_answers_count_as_movement(directories: list[str], make_file: MakeFile) -> None:
    """A region that takes its time for each of several answers has not stalled."""
    regions = faulty(directories)
    for operation in ("describe", "read_channel"):
        regions[1].delay(operation, 1.3, nth=1)

    session = session_over(regions, limits=Limits(idle_timeout_seconds=2.0))
    done = session.stage("SugarWater", "1.0.0", make_file())

    assert [outcome.state for outcome in done.outcomes] == ["created"] * 3


def test_time_that_each_region_took(directories: list[str], make_file: MakeFile) -> None:
    """The time of a region is that of all it was asked, and not more than the whole took."""
    regions = faulty(directories)
    for operation in ("describe", "create", "write_channel"):
        regions[1].delay(operation, 0.2, nth=1)
    regions[2].fail("create")
    regions[2].delay("create", 0.2)
    started = time.monotonic()

    outcomes = session_over(regions).stage("SugarWater", "1.0.0", make_file()).outcomes
    whole = time.monotonic() - started

    assert outcomes[1].seconds >= 0.6
    assert outcomes[2].state == "failed"
    assert outcomes[2].seconds >= 0.2
    assert all(outcome.seconds <= whole for outcome in outcomes)


def test_hung_copy(
    account: AwsAccount,
    wire: Wire,
    make_file: MakeFile,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Copies in SSM that hang are warnings: the version is staged, and latest points at it."""
    limits = Limits(idle_timeout_seconds=3.0)  # the real ones need a moment
    wire.add(when(lambda r: r.operation == "PutParameter", hanging(wire)))

    session = Session(regions=AWS_REGIONS, limits=limits)
    staging = session.stage("SugarWater", "1.0.0", make_file())

    assert staging.is_latest
    assert [outcome.error for outcome in staging.outcomes] == [None] * 3
    warnings = [r.getMessage() for r in caplog.records if r.levelno >= logging.WARNING]
    assert len(warnings) == 3
    assert all("could not be written" in text for text in warnings)
    assert {text.split(" could")[0] for text in warnings} == {
        f"the copy of SugarWater/latest in {name}" for name in AWS_REGIONS
    }


def test_download_that_stalls(
    account: AwsAccount,
    wire: Wire,
    make_file: MakeFile,
    tmp_path: Path,
) -> None:
    """A region that stops in the middle of the bytes is given up for the next one."""
    path = make_file(os.urandom(PART + PART // 8))
    Session(regions=AWS_REGIONS).stage("SugarWater", "1.0.0", path)
    stalled: list[str] = []

    def idle_timeout(request: Request, forward: Forward) -> Answer | None:
        answer = forward()
        if not is_read(request):
            return answer
        if not stalled:
            stalled.append(request.region)
        if request.region != stalled[0]:
            return answer
        return Answer(answer.status, answer.body, answer.headers, stall_after=100_000)

    wire.add(idle_timeout)
    limits = Limits(idle_timeout_seconds=3.0, part_bytes=PART)
    session = Session(regions=AWS_REGIONS, limits=limits)
    artifact = session.get("SugarWater", "1.0.0")

    got = artifact.downloader.download(tmp_path / "to" / "file")

    assert got.read_bytes() == path.read_bytes()
    assert stalled
    assert [p.name for p in (tmp_path / "to").iterdir()] == ["file"]


# The end of the process -------------------------------------------------------------------------


@pytest.mark.parametrize("command", ["stage", "download", "versions", "info"])
def test_hung_region_does_not_delay_the_exit(
    directories: list[str], make_file: MakeFile, tmp_path: Path, command: str
) -> None:
    """A command that is done ends, with a thread of it hanging in a region for ever."""
    Session(regions=directories).stage("SugarWater", "1.0.0", make_file())
    words: dict[str, tuple[str | Path, ...]] = {
        "stage": ("SugarWater@2.0.0", make_file()),
        "download": ("SugarWater@1.0.0", tmp_path / "file"),
        "info": ("SugarWater@1.0.0",),
        "versions": ("SugarWater",),
    }

    done = processes.run(
        command,
        *words[command],
        "--regions",
        ",".join(directories),
        faults=[[1, "hang", "*"]],
    )

    assert done.returncode == 0
    assert time.monotonic() - processes.began(done) < LATE


def test_trial_that_hangs(account: AwsAccount, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever asks where something is does not wait for another thread's trial of the store."""
    begun, go = threading.Event(), threading.Event()

    def trial(*_: object) -> None:
        begun.set()
        go.wait(30)

    monkeypatch.setattr("startifact.regions.aws.region.check_conditions", trial)
    region = faulty(AWS_REGIONS[:1])[0].inner
    thread = threading.Thread(target=region.preflight, args=("SugarWater",), daemon=True)
    thread.start()
    assert begun.wait(30)
    started = time.monotonic()

    region.location(artifact_key("SugarWater", "1.0.0"))
    took = time.monotonic() - started

    go.set()
    thread.join()
    assert took < 10
