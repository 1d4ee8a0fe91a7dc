"""Completing an upload may take minutes, in white space or in silence, and is settled then."""

import dataclasses
import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from startifact import Session, deadline
from startifact.errors import ConfigurationError, DeadlineError, StagingFailedError
from startifact.limits import Limits, RetryLimits
from tests.conftest import AWS_REGIONS, AwsAccount
from tests.faults.conftest import Served
from tests.faults.network_rules import reset, reset_after, throttled
from tests.faults.rules import is_completion, is_part, when, within
from tests.faults.store_rules import SlowCompletion
from tests.support.limits import PART
from tests.support.wire import Answer, Forward, Request, Wire, error

MakeFile = Callable[..., Path]

HERE = "eu-west-1"
PARTS = PART + 1
KEY = "SugarWater@1.0.0"

QUICK = Limits(
    part_bytes=PART,
    idle_timeout_seconds=2.5,
    quorum_idle_timeout_seconds=0.8,
    connect_seconds=0.5,
    read_seconds=1.2,
    completing_silence_seconds=6.0,
    completing_seconds=10.0,
    request_retry=RetryLimits(attempts=3, shortest_seconds=0.05, longest_seconds=0.5),
)
"""The times of real ones, ten times as fast, and small parts."""

LONG = 3.5
"""Seconds that are too long for any other request."""


def completions(wire: Wire) -> int:
    """Return how often S3 was asked to complete an upload."""
    return sum(is_completion(request) for request in wire.requests())


def stage(make_file: MakeFile, limits: Limits = QUICK) -> None:
    """Stage an artifact of two parts in one region."""
    session = Session(regions=HERE, limits=limits)
    session.stage("SugarWater", "1.0.0", make_file(os.urandom(PARTS)))


def test_white_space(wire: Wire, served: Served, make_file: MakeFile) -> None:
    """White space is bytes: a completion that sends it has not stalled, and is asked for once."""
    wire.add(SlowCompletion(wire, seconds=LONG, every=0.1))

    stage(make_file, dataclasses.replace(QUICK, completing_silence_seconds=1.0))

    assert served.stored(KEY, HERE) == 1
    assert completions(wire) == 1


def test_silence(wire: Wire, served: Served, make_file: MakeFile) -> None:
    """A completion that says nothing for longer than other requests may is waited for."""
    wire.add(SlowCompletion(wire, seconds=LONG, every=None))

    stage(make_file)

    assert served.stored(KEY, HERE) == 1
    assert completions(wire) == 1


@pytest.mark.parametrize("every", [None, 0.1], ids=["silence", "white-space"])
def test_answer_that_is_lost_while_s3_goes_on(
    wire: Wire, served: Served, make_file: MakeFile, every: float | None
) -> None:
    """After an answer is lost it is looked what is there until it is, though the upload is gone."""
    wire.add(SlowCompletion(wire, seconds=LONG, every=every, ending=Answer(500, head=False)))

    stage(make_file, dataclasses.replace(QUICK, completing_silence_seconds=1.0))

    assert served.stored(KEY, HERE) == 1


def test_lost_answer_to_what_is_under_way(wire: Wire, served: Served, make_file: MakeFile) -> None:
    """A conflict with the completion whose answer was lost is waited for: no part goes twice."""
    slow = SlowCompletion(wire, seconds=LONG, every=None)

    def conflicting(request: Request, forward: Forward) -> Answer | None:
        answer = slow(request, forward)
        if is_completion(request) and answer is not None and answer.status == 404:
            return error(409, "ConditionalRequestConflict")
        return answer

    wire.add(conflicting)

    stage(make_file, dataclasses.replace(QUICK, completing_silence_seconds=1.0))

    assert served.stored(KEY, HERE) == 1
    assert completions(wire) > 1
    assert sum(is_part(request) for request in wire.requests()) == 2


def test_error_inside_a_200(wire: Wire, served: Served, make_file: MakeFile) -> None:
    """A completion that ends in an error inside a 200 is looked at, and made again."""
    ending = error(500, "InternalError")
    failing = SlowCompletion(wire, seconds=0.2, every=0.1, ending=ending, stores=False)
    wire.add(when(is_completion, failing, times=1))

    stage(make_file)

    assert served.stored(KEY, HERE) == 1
    assert completions(wire) == 2


def test_refusal_inside_a_200(wire: Wire, served: Served, make_file: MakeFile) -> None:
    """A completion that is refused inside a 200 is as final as one refused with its own status."""
    ending = error(412, "PreconditionFailed")
    refused = SlowCompletion(wire, seconds=0.2, every=0.1, ending=ending, stores=False)
    wire.add(when(is_completion, refused))

    with pytest.raises(StagingFailedError) as caught:
        stage(make_file)

    assert caught.value.exit_code == ConfigurationError.exit_code
    assert completions(wire) == 2  # once more, since nothing is there


@pytest.mark.parametrize("rule", [reset, throttled(), throttled(429)], ids=["reset", "503", "429"])
def test_completion_that_is_put_off(
    wire: Wire, served: Served, make_file: MakeFile, rule: Callable[..., Answer | None]
) -> None:
    """A completion that is throttled or reset for a while is made again."""
    wire.add(when(is_completion, within(0.5, rule)))

    stage(make_file, Limits(part_bytes=PART))

    assert served.stored(KEY, HERE) == 1


def test_answer_that_is_always_lost(wire: Wire, served: Served, make_file: MakeFile) -> None:
    """An upload whose completion is done and never answered is found to be there."""
    wire.add(when(is_completion, reset_after))

    stage(make_file)

    assert served.stored(KEY, HERE) == 1
    assert completions(wire) == 1


def test_completion_that_never_comes(account: AwsAccount, wire: Wire, make_file: MakeFile) -> None:
    """An upload that is not completed within its time has failed, and is aborted."""
    limits = dataclasses.replace(QUICK, completing_silence_seconds=0.3, completing_seconds=1.5)

    def swallow(request: Request, forward: Forward) -> Answer | None:
        wire.closing.wait(2)
        return None

    wire.add(when(is_completion, swallow))
    began = time.monotonic()

    with pytest.raises(StagingFailedError) as caught:
        stage(make_file, limits)

    assert caught.value.exit_code == 5
    assert 1.0 < time.monotonic() - began < 8
    assert account.keys(HERE) == []
    uploads = account.s3(HERE).list_multipart_uploads(Bucket=account.buckets[HERE])
    assert not uploads.get("Uploads")


@pytest.mark.parametrize("every", [None, 0.1], ids=["silence", "white-space"])
def test_region_that_completes_slowly_is_not_dropped(
    wire: Wire, served: Served, make_file: MakeFile, every: float | None
) -> None:
    """A healthy region is not dropped because the others were quicker: it has its whole time."""
    slow = SlowCompletion(wire, seconds=LONG, every=every)
    wire.add(when(lambda r: r.region == HERE and "uploadId" in r.query, slow))

    staging = Session(regions=AWS_REGIONS, limits=QUICK).stage(
        "SugarWater", "1.0.0", make_file(os.urandom(PARTS))
    )

    assert [o.state for o in staging.outcomes] == ["created"] * 3
    assert served.stored(KEY, HERE) == 1


def test_region_whose_white_space_is_rare_is_not_dropped(
    wire: Wire, served: Served, make_file: MakeFile
) -> None:
    """Its time to be silent begins anew with all white space, however long it has sent that."""
    limits = dataclasses.replace(QUICK, connect_seconds=0.1, completing_silence_seconds=1.5)
    slow = SlowCompletion(wire, seconds=2 * LONG, every=1.2)
    wire.add(when(lambda r: r.region == HERE and "uploadId" in r.query, slow))

    staging = Session(regions=AWS_REGIONS, limits=limits).stage(
        "SugarWater", "1.0.0", make_file(os.urandom(PARTS))
    )

    assert [o.state for o in staging.outcomes] == ["created"] * 3
    assert served.stored(KEY, HERE) == 1


def test_deadline_in_white_space(account: AwsAccount, wire: Wire, make_file: MakeFile) -> None:
    """The deadline ends a completion that would send white space for longer."""
    wire.add(SlowCompletion(wire, seconds=30, every=0.1))
    began = time.monotonic()

    with pytest.raises(DeadlineError), deadline(5):
        stage(make_file)

    assert completions(wire) == 1
    assert time.monotonic() - began < 5 + 2
    assert account.keys(HERE) == []
