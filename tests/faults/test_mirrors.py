"""Copies of channels in SSM, where SSM or a region does not answer: no reason to delay anything."""

import logging
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import AWS_REGIONS, AwsAccount
from tests.faults.rules import hanging, when
from tests.support.faulty_region import faulty, session_over
from tests.support.limits import Session, short_limits
from tests.support.wire import Wire

MakeFile = Callable[..., Path]


def copy_in(account: AwsAccount, region: str) -> str:
    name = f"/team-{account.unique}/SugarWater/prod"
    return str(account.ssm(region).get_parameter(Name=name)["Parameter"]["Value"])


def test_slow_ssm(
    account: AwsAccount, wire: Wire, make_file: MakeFile, caplog: pytest.LogCaptureFixture
) -> None:
    """A promotion waits two seconds for it, and succeeds; a warning names the copy."""
    session = Session(regions=AWS_REGIONS)
    session.stage("SugarWater", "1.0.0", make_file())
    slow = ("PutParameter", AWS_REGIONS[1])
    wire.add(when(lambda r: (r.operation, r.region) == slow, hanging(wire)))

    with caplog.at_level(logging.WARNING):
        promotion = session.promote("SugarWater", "1.0.0", "prod")

    assert promotion.changed
    assert caplog.messages == [
        "the copy of SugarWater/prod in eu-west-1 could not be written: it took more than 2 s"
    ]
    assert copy_in(account, AWS_REGIONS[0]) == "1.0.0"


def test_region_that_is_down(
    account: AwsAccount, make_file: MakeFile, caplog: pytest.LogCaptureFixture
) -> None:
    """One that does not have the move is not waited for once all others have their copies."""
    limits = short_limits(mirror_wait_seconds=600.0, quorum_wait_seconds=0.2)
    Session(regions=AWS_REGIONS).stage("SugarWater", "1.0.0", make_file())
    regions = faulty(AWS_REGIONS, limits)
    for operation in ("read_channel", "write_channel"):
        regions[2].hang(operation)

    promotion = session_over(regions, limits=limits).promote("SugarWater", "1.0.0", "prod")

    regions[2].release()
    assert promotion.regions == tuple(AWS_REGIONS[:2])
    assert [copy_in(account, region) for region in AWS_REGIONS[:2]] == ["1.0.0"] * 2
    assert (
        f"the copy of SugarWater/prod in {AWS_REGIONS[2]} could not be written: the region does "
        "not have the move yet"
    ) in caplog.messages
