"""What is not looked at again because the answer to a write proves it, and what is all the same.

On moto, which stands for both kinds of store: for Amazon S3, and for every other one.
"""

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from startifact.errors import StagingFailedError
from startifact.files.source import Source
from startifact.model.keys import Key
from startifact.regions.aws import endpoint
from tests.conftest import AWS_REGIONS, AwsAccount
from tests.faults.rules import answering, is_artifact, lost, when
from tests.support.limits import Session
from tests.support.wire import Answer, Forward, Request, Rule, Wire

MakeFile = Callable[..., Path]

HERE = AWS_REGIONS[0]
KEY = "team/SugarWater@1.0.0"
CHECKSUM = "x-amz-checksum-sha256"


@pytest.fixture
def is_aws(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the server stand for Amazon S3."""
    monkeypatch.setattr(endpoint, "AWS_HOST", re.compile(""))


def with_header(name: str, value: str | None) -> Rule:
    """Return a rule that does what is asked, and answers with another header, or without it."""

    def rule(request: Request, forward: Forward) -> Answer:
        answer = forward()
        kept = {n: v for n, v in answer.headers.items() if n.lower() != name.lower()}
        return replace(answer, headers=kept if value is None else kept | {name: value})

    return rule


def looks(wire: Wire) -> int:
    """Return how often the artifact was described."""
    return sum(r.method == "HEAD" and r.path.endswith("@1.0.0") for r in wire.requests())


@pytest.mark.usefixtures("is_aws")
def test_clean_answer_of_aws(account: AwsAccount, wire: Wire, make_file: MakeFile) -> None:
    """What Amazon S3 says it has stored, with our checksum, is not looked at again."""
    staging = Session(regions=HERE).stage("SugarWater", "1.0.0", make_file(b"it"))

    assert staging.created
    assert looks(wire) == 1
    assert KEY in account.keys(HERE)
    assert Session(regions=HERE).get("SugarWater").sha256 == staging.artifact.sha256


@pytest.mark.usefixtures("is_aws", "wire")
@pytest.mark.parametrize("versioning", ["Suspended", "Enabled"])
def test_proof_is_what_is_described(
    account: AwsAccount, make_file: MakeFile, versioning: str
) -> None:
    """What the answer of Amazon S3 proves is what it describes, its version included."""
    account.s3(HERE).put_bucket_versioning(
        Bucket=account.buckets[HERE], VersioningConfiguration={"Status": versioning}
    )
    (region,) = Session(regions=HERE)._regions()
    key, source = Key("SugarWater@1.0.0"), Source.scan(make_file(b"it"))

    proved = region.create(key, source, "{}", lambda _: None)

    assert proved is not None
    assert proved == region.describe(key)


@pytest.mark.usefixtures("is_aws")
@pytest.mark.parametrize(
    "rule",
    [with_header(CHECKSUM, None), with_header(CHECKSUM, "AAAA"), with_header("ETag", None), lost],
    ids=["no checksum", "another checksum", "no ETag", "lost"],
)
def test_unclear_answer_of_aws(
    account: AwsAccount, wire: Wire, make_file: MakeFile, rule: Rule
) -> None:
    """Where the answer lacks what proves the write, what is there decides."""
    wire.add(when(is_artifact, rule, times=1))

    staging = Session(regions=HERE).stage("SugarWater", "1.0.0", make_file(b"it"))

    assert staging.created
    assert looks(wire) >= 2
    assert KEY in account.keys(HERE)


@pytest.mark.usefixtures("is_aws")
def test_unclear_answer_and_nothing_stored(
    account: AwsAccount, wire: Wire, make_file: MakeFile
) -> None:
    """A 200 of something else on the way, without what proves the write, is no success."""
    wire.add(when(is_artifact, answering(Answer(200, b"", {"ETag": '"1"'}))))

    with pytest.raises(StagingFailedError, match="and then that it is not there"):
        Session(regions=HERE).stage("SugarWater", "1.0.0", make_file(b"it"))

    assert account.keys(HERE) == []


def test_other_store_that_lies(account: AwsAccount, wire: Wire, make_file: MakeFile) -> None:
    """A store other than Amazon S3 proves nothing by its answer: what is there decides."""

    def lie(request: Request, forward: Forward) -> Answer:
        return Answer(200, b"", {"ETag": '"1"', CHECKSUM: request.headers[CHECKSUM]})

    wire.add(when(is_artifact, lie))

    with pytest.raises(StagingFailedError, match="and then that it is not there"):
        Session(regions=HERE).stage("SugarWater", "1.0.0", make_file(b"it"))

    assert account.keys(HERE) == []


@pytest.mark.parametrize(("size", "waits"), [(1000, False), (256 * 1024 + 1, True)])
def test_small_bodies_are_sent_at_once(
    account: AwsAccount, wire: Wire, make_file: MakeFile, size: int, *, waits: bool
) -> None:
    """Only a large body waits until S3 has said that it may come."""
    Session(regions=HERE).stage("SugarWater", "1.0.0", make_file(b"x" * size))

    puts = [r for r in wire.requests() if r.method == "PUT" and "/SugarWater" in r.path]
    waiting = [request.path.endswith(KEY) for request in puts if "expect" in request.headers]
    assert len(puts) == 2
    assert waiting == ([True] if waits else [])
    assert KEY in account.keys(HERE)
