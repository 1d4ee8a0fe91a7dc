"""Copies of channels in SSM, where SSM or a region does not answer: no reason to delay anything."""

import json
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import IO

import pytest

from startifact.concurrency.deadline import deadline
from startifact.errors import RegionUnavailableError
from tests.conftest import AWS_REGIONS, AwsAccount
from tests.faults.rules import hanging, when
from tests.support.faulty_region import faulty, session_over
from tests.support.limits import Session, short_limits
from tests.support.runner_step import Step
from tests.support.wire import Answer, Forward, Request, Wire

MakeFile = Callable[..., Path]


def copy_in(account: AwsAccount, region: str) -> str:
    name = f"/team-{account.unique}/SugarWater/prod"
    return str(account.ssm(region).get_parameter(Name=name)["Parameter"]["Value"])


SLOW = ("PutParameter", AWS_REGIONS[1])
WAITS = b"waiting for the copies of SugarWater/prod in SSM\n"
"""What a command says in the log when all else is done."""


def is_slow(request: Request) -> bool:
    return (request.operation, request.region) == SLOW


def read_until(stream: IO[bytes], line: bytes) -> None:
    """Read *stream* until *line* has come."""
    for read in stream:
        if line in read:
            return
    pytest.fail(f"{line!r} was not printed")


def test_slow_ssm(
    account: AwsAccount, wire: Wire, make_file: MakeFile, caplog: pytest.LogCaptureFixture
) -> None:
    """A promotion does not wait for it; the session, when it is closed, waits two seconds."""
    session = Session(regions=AWS_REGIONS)
    session.stage("SugarWater", "1.0.0", make_file())
    wire.add(when(is_slow, hanging(wire)))

    with caplog.at_level(logging.WARNING):
        promotion = session.promote("SugarWater", "1.0.0", "prod")
        warned_while_promoting = list(caplog.messages)
        session.close()

    assert promotion.changed
    assert not warned_while_promoting
    assert caplog.messages == [
        "the copy of SugarWater/prod in eu-west-1 could not be written: it took more than 2 s"
    ]
    assert copy_in(account, AWS_REGIONS[0]) == "1.0.0"


def test_promotion_does_not_wait(account: AwsAccount, wire: Wire, make_file: MakeFile) -> None:
    """It returns while SSM has not answered, and the copy is written once it does."""
    promoted = threading.Event()
    in_time = []

    def answer_late(request: Request, forward: Forward) -> Answer | None:
        in_time.append(promoted.wait(20))
        return forward()

    session = Session(regions=AWS_REGIONS, limits=short_limits(mirror_wait_seconds=600.0))
    session.stage("SugarWater", "1.0.0", make_file())
    wire.add(when(is_slow, answer_late))

    session.promote("SugarWater", "1.0.0", "prod")

    promoted.set()
    session.close()
    assert in_time == [True]
    assert [copy_in(account, region) for region in AWS_REGIONS] == ["1.0.0"] * 3


def test_deadline_while_closing(
    account: AwsAccount, wire: Wire, make_file: MakeFile, caplog: pytest.LogCaptureFixture
) -> None:
    """What has been promoted stays so, and a deadline ends the wait for its copies, with a word."""
    limits = short_limits(mirror_wait_seconds=60.0)
    session = Session(regions=AWS_REGIONS, limits=limits)
    session.stage("SugarWater", "1.0.0", make_file())
    wire.add(when(is_slow, hanging(wire)))
    session.promote("SugarWater", "1.0.0", "prod")
    began = time.monotonic()

    with deadline(0.5):
        session.close()

    assert time.monotonic() - began < 30
    said = "the copies of SugarWater/prod in SSM may not be written: nobody waits for them any more"
    assert caplog.messages == [said]
    threads = [thread for thread in threading.enumerate() if thread.name == "startifact mirrors"]
    wire.stop()  # the thread of the copies ends with what it waits for
    for thread in threads:
        thread.join(30)
    assert caplog.messages == [said]


def test_command_tells_first(account: AwsAccount, wire: Wire, make_file: MakeFile) -> None:
    """The answer is printed before the copies are waited for."""
    Session(regions=AWS_REGIONS).stage("SugarWater", "1.0.0", make_file())
    wire.add(when(is_slow, hanging(wire)))

    done = subprocess.run(
        [sys.executable, "-m", "startifact", "promote", "SugarWater@1.0.0", "prod", "--json"],
        env={**os.environ, "STARTIFACT_REGIONS": ",".join(AWS_REGIONS), "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=60,
    )

    assert done.returncode == 0
    assert done.stdout.index('"changed": true') < done.stdout.index("it took more than 2 s")


def test_script_that_closes_nothing(account: AwsAccount, make_file: MakeFile) -> None:
    """A program that just ends has its copies written too."""
    Session(regions=AWS_REGIONS).stage("SugarWater", "1.0.0", make_file())
    script = "from startifact import Session; Session().promote('SugarWater', '1.0.0', 'prod')"

    subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, "STARTIFACT_REGIONS": ",".join(AWS_REGIONS)},
        check=True,
        timeout=60,
    )

    assert [copy_in(account, region) for region in AWS_REGIONS] == ["1.0.0"] * 3


def test_region_that_is_down(
    account: AwsAccount, make_file: MakeFile, caplog: pytest.LogCaptureFixture
) -> None:
    """One that does not have the move is not waited for once all others have their copies."""
    limits = short_limits(mirror_wait_seconds=600.0, quorum_wait_seconds=0.2)
    Session(regions=AWS_REGIONS).stage("SugarWater", "1.0.0", make_file())
    regions = faulty(AWS_REGIONS, limits)
    for operation in ("read_channel", "write_channel"):
        regions[2].hang(operation)

    with session_over(regions, limits=limits) as session:
        promotion = session.promote("SugarWater", "1.0.0", "prod")

    regions[2].release()
    assert promotion.regions == tuple(AWS_REGIONS[:2])
    assert [copy_in(account, region) for region in AWS_REGIONS[:2]] == ["1.0.0"] * 2
    assert (
        f"the copy of SugarWater/prod in {AWS_REGIONS[2]} could not be written: the region does "
        "not have the move yet"
    ) in caplog.messages


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["INT", "TERM"])
def test_signal_while_waiting(
    number: signal.Signals, account: AwsAccount, wire: Wire, make_file: MakeFile
) -> None:
    """It ends a command whose answer is printed: no other answer follows, and a warning does."""
    Session(regions=AWS_REGIONS).stage("SugarWater", "1.0.0", make_file())
    wire.add(when(is_slow, hanging(wire)))

    with subprocess.Popen(
        [sys.executable, "-m", "startifact", "promote", "SugarWater@1.0.0", "prod", "--json", "-v"],
        env={**os.environ, "STARTIFACT_REGIONS": ",".join(AWS_REGIONS)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdout
        assert process.stderr
        read_until(process.stderr, WAITS)
        process.send_signal(number)
        output, errors = process.stdout.read(), process.stderr.read()

    assert process.returncode == 128 + number
    assert json.loads(output)["changed"]
    assert b"warning: the copies of SugarWater/prod in SSM may not be written" in errors


def test_signal_while_a_step_waits(
    account: AwsAccount, wire: Wire, make_file: MakeFile, tmp_path: Path
) -> None:
    """The summary of what was promoted is written all the same."""
    Session(regions=AWS_REGIONS).stage("SugarWater", "1.0.0", make_file())
    wire.add(when(is_slow, hanging(wire)))
    step = Step(tmp_path / "step")
    process = step.start(
        {
            "command": "promote",
            "project": "SugarWater",
            "version": "1.0.0",
            "channel": "prod",
            "regions": "\n".join(AWS_REGIONS),
        },
        {"PYTHONPATH": os.environ.get("PYTHONPATH", ""), "RUNNER_DEBUG": "1"},
        ("-u", "-X", "utf8", "-m", "startifact.action"),
    )
    assert process.stdout
    read_until(process.stdout, WAITS)

    process.send_signal(signal.SIGINT)

    done = step.finish(process)
    assert done.exit_code == 130
    assert done.errors
    assert len(done.warnings) == 1
    assert "was moved to" in done.summary


def test_no_more_threads(
    account: AwsAccount,
    make_file: MakeFile,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Where no thread can be started for the copies, a promotion does not fail."""
    session = Session(regions=AWS_REGIONS)
    session.stage("SugarWater", "1.0.0", make_file())
    start = threading.Thread.start

    def refuse(thread: threading.Thread) -> None:
        if thread.name == "startifact mirrors":
            raise RuntimeError("can't start new thread")
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", refuse)

    promotion = session.promote("SugarWater", "1.0.0", "prod")
    session.close()

    assert promotion.changed
    assert caplog.messages == [
        "the copies of SugarWater/prod in SSM may not be written: can't start new thread"
    ]


def test_bug_while_copying(
    account: AwsAccount, make_file: MakeFile, caplog: pytest.LogCaptureFixture
) -> None:
    """What nobody expected while copying is a warning as well: the channel has moved."""
    Session(regions=AWS_REGIONS).stage("SugarWater", "1.0.0", make_file())
    regions = faulty(AWS_REGIONS)
    regions[1].fail("write_mirror", ValueError("what nobody expected"))

    with session_over(regions) as session:
        assert session.promote("SugarWater", "1.0.0", "prod").changed

    assert caplog.messages == [
        (
            "the copies of SugarWater/prod in SSM may not be written: "
            "this is a bug in Startifact: ValueError: 'what nobody expected'"
        )
    ]


class DictMirror:
    """A mirror of one channel in memory, which calls *on_first_write* before it is written."""

    def __init__(
        self, *, on_first_write: Callable[[], object] = lambda: None, mirrors: bool = True
    ) -> None:
        self.written: list[str] = []
        self._on_first_write = on_first_write
        self._mirrors = mirrors

    def read(self, project: str, channel: str) -> str | None:
        return self.written[-1] if self.written else None

    def write(self, project: str, channel: str, version: str) -> None:
        if not self.written:
            self._on_first_write()
        self.written.append(version)

    def delete(self, project: str, channel: str) -> None:
        raise NotImplementedError  # no test here removes a channel

    def mirrors(self, channel: str) -> bool:
        return self._mirrors


def stage_everywhere(directories: list[str], make_file: MakeFile) -> None:
    """Stage two versions to *directories*."""
    for version in ("1.0.0", "2.0.0"):
        Session(regions=directories).stage("SugarWater", version, make_file(version.encode()))


def test_channel_that_moves_while_it_is_copied(
    directories: list[str], make_file: MakeFile, caplog: pytest.LogCaptureFixture
) -> None:
    """Who copies after another one has moved the channel on looks again, and copies that."""
    stage_everywhere(directories[:1], make_file)
    region = faulty(directories[:1])[0]

    def move_on() -> None:
        Session(regions=directories[:1]).promote("SugarWater", "2.0.0", "prod")
        mirror.written.append("2.0.0")

    region.mirror = mirror = DictMirror(on_first_write=move_on)

    with session_over([region]) as session:
        session.promote("SugarWater", "1.0.0", "prod")

    assert mirror.written == ["2.0.0", "1.0.0", "2.0.0"]
    assert caplog.messages == []


def test_region_that_missed_the_move(
    directories: list[str], make_file: MakeFile, caplog: pytest.LogCaptureFixture
) -> None:
    """One that answers, and could not be moved, has a copy of what it holds, and a warning."""
    stage_everywhere(directories, make_file)
    Session(regions=directories).promote("SugarWater", "1.0.0", "prod")
    regions = faulty(directories)
    regions[2].mirror = mirror = DictMirror()
    regions[2].fail("write_channel", RegionUnavailableError("it is down"))

    with session_over(regions) as session:
        session.promote("SugarWater", "2.0.0", "prod")

    assert mirror.written == ["1.0.0"]
    assert caplog.messages == [
        (
            f"the copy of SugarWater/prod in {regions[2].name} could not be written: the region "
            "does not have the move yet"
        )
    ]


def test_channel_that_is_not_mirrored(
    directories: list[str], make_file: MakeFile, caplog: pytest.LogCaptureFixture
) -> None:
    """Nothing of its region is a reason to warn of a copy that nobody wants."""
    stage_everywhere(directories[:2], make_file)
    regions = faulty(directories)
    regions[2].mirror = mirror = DictMirror(mirrors=False)

    with session_over(regions) as session:
        session.promote("SugarWater", "2.0.0", "prod")

    assert mirror.written == []
    assert caplog.messages == []
