"""Copies of channels in SSM, where SSM or a region does not answer: no reason to delay anything."""

import logging
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from startifact.concurrency.deadline import deadline
from tests.conftest import AWS_REGIONS, AwsAccount
from tests.faults.rules import hanging, when
from tests.support.faulty_region import faulty, session_over
from tests.support.limits import Session, short_limits
from tests.support.wire import Answer, Forward, Request, Wire

MakeFile = Callable[..., Path]


def copy_in(account: AwsAccount, region: str) -> str:
    name = f"/team-{account.unique}/SugarWater/prod"
    return str(account.ssm(region).get_parameter(Name=name)["Parameter"]["Value"])


SLOW = ("PutParameter", AWS_REGIONS[1])


def is_slow(request: Request) -> bool:
    return (request.operation, request.region) == SLOW


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


def test_deadline_while_closing(account: AwsAccount, wire: Wire, make_file: MakeFile) -> None:
    """What has been promoted stays so, and a deadline ends the wait for its copies."""
    limits = short_limits(mirror_wait_seconds=60.0)
    session = Session(regions=AWS_REGIONS, limits=limits)
    session.stage("SugarWater", "1.0.0", make_file())
    wire.add(when(is_slow, hanging(wire)))
    session.promote("SugarWater", "1.0.0", "prod")
    began = time.monotonic()

    with deadline(0.5):
        session.close()

    assert time.monotonic() - began < 30
    wire.stop()  # the thread of the copies ends with what it waits for


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
