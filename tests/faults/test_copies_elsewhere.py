"""Between which stores an artifact is copied, and between which it is sent to both."""

import os
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from startifact.limits import MIB
from startifact.regions.aws import endpoint
from tests.conftest import AwsAccount, percent
from tests.faults.rules import copied_to, is_copy, when
from tests.support.limits import PART, Session, short_limits
from tests.support.wire import Answer, Forward, Request, Wire, error

MakeFile = Callable[..., Path]

KEY = "SugarWater@1.0.0"
SIZE = PART + 1
LIMITS = short_limits(part_bytes=PART, copy_bytes=MIB)


@pytest.fixture
def is_aws(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the server stand for Amazon S3 by its number, and for other stores by its name."""
    monkeypatch.setattr(endpoint, "AWS_HOST", re.compile(r"^127\.0\.0\.1$"))


def bucket(account: AwsAccount, wire: Wire, region: str, host: str) -> str:
    """Return the spelling of the bucket in *region*, behind the wire as *host*."""
    where = wire.endpoint.replace("127.0.0.1", host)
    return f"s3://{account.buckets[region]}?region={region}&endpoint={percent(where)}"


def stage_twice(regions: Sequence[str], path: Path) -> None:
    """Stage to the first of *regions*, and then to all, which may copy it from there."""
    Session(regions=regions[:1], limits=LIMITS).stage("SugarWater", "1.0.0", path)
    staging = Session(regions=regions, limits=LIMITS).stage("SugarWater", "1.0.0", path)
    assert not [outcome for outcome in staging.outcomes if outcome.error]
    assert Session(regions=regions).verify("SugarWater", read_data=True)


@pytest.mark.usefixtures("is_aws")
@pytest.mark.parametrize(
    ("hosts", "copied"),
    [
        (("127.0.0.1", "127.0.0.1"), {"eu-west-1"}),
        (("127.0.0.1", "localhost"), set()),
        (("localhost", "127.0.0.1"), set()),
        (("localhost", "localhost"), set()),
    ],
    ids=["both AWS", "to another store", "from another store", "in another store"],
)
def test_only_amazon_s3_copies(
    account: AwsAccount,
    wire: Wire,
    make_file: MakeFile,
    hosts: tuple[str, str],
    copied: set[str],
) -> None:
    """Neither is another store asked to copy, nor S3 to copy from one, nor one from itself."""
    regions = [
        bucket(account, wire, region, host)
        for region, host in zip(("us-east-1", "eu-west-1"), hosts, strict=True)
    ]

    stage_twice(regions, make_file(os.urandom(SIZE)))

    assert copied_to(wire) == copied


@pytest.mark.usefixtures("is_aws")
@pytest.mark.parametrize(("host", "copied"), [("127.0.0.1", {"eu-west-1"}), ("localhost", set())])
def test_two_endpoints(
    account: AwsAccount, wire: Wire, make_file: MakeFile, host: str, copied: set[str]
) -> None:
    """AWS has several, behind which is one store; of others nothing is known."""
    other = Wire(account.endpoint)
    regions = [
        bucket(account, wire, "us-east-1", host),
        bucket(account, other, "eu-west-1", host),
    ]

    stage_twice(regions, make_file(os.urandom(SIZE)))

    assert copied_to(other) == copied
    assert not copied_to(wire)
    other.stop()


@pytest.mark.usefixtures("is_aws")
@pytest.mark.parametrize(
    ("region", "copied"),
    [("eu-west-1", {"eu-west-1"}), ("cn-north-1", set()), ("us-gov-west-1", set())],
)
def test_copies_stay_in_the_partition(
    account: AwsAccount, wire: Wire, make_file: MakeFile, region: str, copied: set[str]
) -> None:
    """What is in one partition is sent to another: S3 reads nothing across."""
    name = f"elsewhere-{account.unique}"
    s3: Any = account.s3(region)
    s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": region})
    regions = [
        f"s3://{account.buckets['us-east-1']}?region=us-east-1",
        f"s3://{name}?region={region}",
    ]

    stage_twice(regions, make_file(os.urandom(SIZE)))

    assert copied_to(wire) == copied


@pytest.mark.usefixtures("is_aws")
def test_bucket_of_another_account(account: AwsAccount, wire: Wire, make_file: MakeFile) -> None:
    """Who may write to one and not read the other is refused a copy, and sends the file."""

    def refuse(request: Request, forward: Forward) -> Answer | None:
        return error(403, "AccessDenied", "not authorized to perform: s3:GetObject")

    wire.add(when(is_copy, refuse))
    regions = [f"s3://{account.buckets[r]}?region={r}" for r in ("us-east-1", "eu-west-1")]

    stage_twice(regions, make_file(os.urandom(SIZE)))

    assert copied_to(wire) == {"eu-west-1"}
    assert KEY in account.keys("eu-west-1")
