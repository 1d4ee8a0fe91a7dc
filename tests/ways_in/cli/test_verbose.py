"""What -v says of where a command works, and what it meets there."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import AWS_REGIONS, AwsAccount
from tests.faults.network_rules import throttled
from tests.faults.rules import answering, hanging, is_read, lost, when
from tests.support.limits import SHORT
from tests.support.wire import Answer, Request, Rule, Wire
from tests.ways_in.cli.conftest import Run

MakeFile = Callable[..., Path]
HERE = "eu-west-1"
IDENTITY = "the identity: account '123456789012', 'arn:aws:sts::123456789012:user/moto'"


def test_verbose(
    run: Run, account: AwsAccount, wire: Wire, make_file: MakeFile, tmp_path: Path
) -> None:
    """It says which regions, configuration and bucket are used, who serves, and every retry."""
    assert run("stage", "SugarWater@1.0.0", make_file(), "--regions", HERE).code == 0
    download = ("download", "SugarWater", tmp_path / "back", "--regions", HERE)
    wire.add(when(is_read, throttled(503), times=1))

    verbose, plain = run(*download, "-v"), run(*download)

    lines = verbose.err.splitlines()
    assert f"regions: '{HERE}'" in lines
    assert lines.count(IDENTITY) == 1
    assert any(x.startswith(f"the configuration in {account.parameter} in {HERE}: ") for x in lines)
    assert any(x.startswith(f"{HERE}: the bucket is {account.buckets[HERE]}, ") for x in lines)
    assert any(
        x.startswith(f"S3 in {HERE}: GetObject is made again in ") and "SlowDown" in x
        for x in lines
    )
    assert f"{HERE} served SugarWater@1.0.0" in lines
    assert not any(
        word in plain.err
        for word in ("made again", "served", "the bucket is", "regions: ", "identity")
    )
    assert "test-secret" not in verbose.err


def refused(code: str) -> Rule:
    """Return a rule that answers with the error *code*, as STS does."""
    body = f"<ErrorResponse><Error><Code>{code}</Code></Error></ErrorResponse>"
    return answering(Answer(400, body.encode(), {"Content-Type": "text/xml"}))


def is_for_identity(request: Request) -> bool:
    return request.service == "sts"


def test_identity_only_where_it_is_wanted(
    run: Run, account: AwsAccount, wire: Wire, make_file: MakeFile
) -> None:
    """Nobody but who wants to see what is done has STS asked, and it is asked once."""
    stage = ("stage", "SugarWater@1.0.0", make_file(), "--regions", ",".join(AWS_REGIONS))

    plain = run(*stage)
    before = [r for r in wire.requests() if is_for_identity(r)]
    verbose = run(*stage, "-v")

    assert (plain.code, verbose.code) == (0, 0)
    assert before == []
    assert len([r for r in wire.requests() if is_for_identity(r)]) == 1


@pytest.mark.parametrize(
    ("rule", "line"),
    [
        (refused("Throttling"), "the identity: not known: STS refused with 'Throttling'"),
        (refused("ExpiredToken"), "the identity: not known: STS refused with 'ExpiredToken'"),
        (lost, "the identity: not known: 'Connection was closed before we received a valid "),
        (
            answering(Answer(200, b"<html>", {"Content-Type": "text/html"})),
            "the identity: not known: ",
        ),
    ],
    ids=["throttled", "refused", "lost", "no answer"],
)
def test_identity_that_is_not_known(
    rule: Rule, line: str, run: Run, account: AwsAccount, wire: Wire, make_file: MakeFile
) -> None:
    """A command succeeds whoever it is that asks, and nothing is asked twice for it."""
    wire.add(when(is_for_identity, rule))

    done = run("stage", "SugarWater@1.0.0", make_file(), "--regions", HERE, "-v")

    assert done.code == 0
    assert any(said.startswith(line) for said in done.err.splitlines()), done.err
    assert len([r for r in wire.requests() if is_for_identity(r)]) == 1


def test_identity_that_hangs(
    run: Run, account: AwsAccount, wire: Wire, make_file: MakeFile
) -> None:
    """STS is not waited for longer than a moment."""
    wire.add(when(is_for_identity, hanging(wire)))

    done = run("stage", "SugarWater@1.0.0", make_file(), "--regions", HERE, "-v")

    assert done.code == 0
    assert f"the identity: not known: STS did not answer within {SHORT.identity_seconds:g} s" in (
        done.err.splitlines()
    )


def test_identity_at_another_store(
    run: Run, account: AwsAccount, wire: Wire, make_file: MakeFile
) -> None:
    """Where a region's own spelling names a store, STS does not know who asks it."""
    bucket = f"s3://{account.buckets[HERE]}?region={HERE}&endpoint={wire.endpoint}"

    done = run("stage", "SugarWater@1.0.0", make_file(), "--regions", bucket, "-v")

    assert done.code == 0
    assert "identity" not in done.err
