"""What is not looked at again because the answer to a write proves it, and what is all the same.

On moto, which stands for both kinds of store: for Amazon S3, and for every other one.
"""

import base64
import os
import time
import zlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from startifact.errors import SeveralRegionsError, StagingFailedError
from startifact.files.source import Source
from startifact.model.keys import Key
from tests.conftest import AWS_REGIONS, AwsAccount
from tests.faults.rules import answering, is_artifact, is_part, lost, when
from tests.support.limits import PART
from tests.support.limits import SessionOfSmallParts as Session
from tests.support.wire import Answer, Forward, Request, Rule, Wire, error

MakeFile = Callable[..., Path]

HERE = AWS_REGIONS[0]
KEY = "team/SugarWater@1.0.0"
CHECKSUM = "x-amz-checksum-sha256"


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


def test_parts_are_sent_at_once(account: AwsAccount, wire: Wire, make_file: MakeFile) -> None:
    """No condition is decided by a part: it waits for nobody, whatever its size."""
    Session(regions=HERE).stage("SugarWater", "1.0.0", make_file(bytes(PART + 1)))

    parts = [request for request in wire.requests() if is_part(request)]
    assert len(parts) == 2
    assert not any("expect" in request.headers for request in parts)


@pytest.mark.usefixtures("is_aws")
def test_checksum_of_the_whole(account: AwsAccount, wire: Wire, make_file: MakeFile) -> None:
    """S3 is to compare the object it has made of the parts with the file."""
    content = os.urandom(PART + 1)

    Session(regions=HERE).stage("SugarWater", "1.0.0", make_file(content))

    begun, completed = [
        r.headers for r in wire.requests() if r.method == "POST" and r.service == "s3"
    ]
    checksum = base64.b64encode(zlib.crc32(content).to_bytes(4, "big")).decode()
    assert begun["x-amz-checksum-algorithm"] == "CRC32"
    assert begun["x-amz-checksum-type"] == completed["x-amz-checksum-type"] == "FULL_OBJECT"
    assert completed["x-amz-checksum-crc32"] == checksum
    assert account.keys(HERE)


def test_store_that_knows_no_checksum_of_the_whole(
    account: AwsAccount, wire: Wire, make_file: MakeFile
) -> None:
    """Other stores are not asked for it: R2, for one, does not have it."""
    Session(regions=HERE).stage("SugarWater", "1.0.0", make_file(bytes(PART + 1)))

    assert not [r for r in wire.requests() if "x-amz-checksum-type" in r.headers]
    assert [r for r in wire.requests() if "x-amz-checksum-algorithm" in r.headers]


# What another answer says -------------------------------------------------------------------------


def heads_of_the_bucket(account: AwsAccount, wire: Wire) -> int:
    """Return how often it was asked whether the bucket is there."""
    path = f"/{account.buckets[HERE]}"
    return sum(r.method == "HEAD" and r.path.rstrip("/") == path for r in wire.requests())


@pytest.mark.usefixtures("is_aws", "wire")
def test_bucket_that_is_missing(account: AwsAccount, make_file: MakeFile) -> None:
    """A bucket that is not there is not taken for one without the object."""
    account.ssm(HERE).put_parameter(
        Name=account.bucket_parameter, Value="no-such-bucket", Type="String", Overwrite=True
    )

    with pytest.raises(StagingFailedError, match="there is no bucket no-such-bucket"):
        Session(regions=HERE).stage("SugarWater", "1.0.0", make_file())
    with pytest.raises(SeveralRegionsError, match="there is no bucket no-such-bucket"):
        Session(regions=HERE).get("SugarWater", "1.0.0")


@pytest.mark.usefixtures("is_aws")
@pytest.mark.parametrize(("status", "asked"), [(None, 0), (403, 1)])
def test_bucket_is_asked_for_where_nothing_shows_it(
    account: AwsAccount, wire: Wire, make_file: MakeFile, status: int | None, asked: int
) -> None:
    """That an object is absent is believed of a bucket that has shown itself, or was asked for."""

    def slowly(request: Request, forward: Forward) -> Answer:
        time.sleep(0.2)
        return forward()

    if status is not None:
        refusal = answering(error(status, "AccessDenied"))
        wire.add(when(lambda r: r.method == "GET" and r.path.endswith("/latest"), refusal, times=1))
    wire.add(when(lambda r: r.method == "GET" and r.path.endswith("/latest"), slowly))

    Session(regions=HERE).stage("SugarWater", "1.0.0", make_file())

    assert heads_of_the_bucket(account, wire) == asked


def test_other_store_is_asked_for_its_bucket(
    account: AwsAccount, wire: Wire, make_file: MakeFile
) -> None:
    """Of a store other than Amazon S3, an absent object does not show that the bucket is there."""
    Session(regions=HERE).stage("SugarWater", "1.0.0", make_file())

    assert heads_of_the_bucket(account, wire) == 1


@pytest.mark.usefixtures("is_aws")
@pytest.mark.parametrize("refused", [False, True])
def test_region_with_another_parameter_for_its_bucket(
    account: AwsAccount, wire: Wire, make_file: MakeFile, *, refused: bool
) -> None:
    """What is guessed from another region's configuration counts only where it is right."""
    other = AWS_REGIONS[1]
    account.ssm(other).put_parameter(
        Name=f"{account.bucket_parameter}-of-its-own", Value=account.buckets[other], Type="String"
    )
    account.ssm(other).put_parameter(
        Name=account.bucket_parameter, Value="wrong-bucket", Type="String", Overwrite=True
    )
    value = account.ssm(HERE).get_parameter(Name=account.parameter)["Parameter"]["Value"]
    text = value.replace(account.bucket_parameter, f"{account.bucket_parameter}-of-its-own")
    account.configure(other, text)

    def is_guess(request: Request) -> bool:
        name = f'"{account.bucket_parameter}"'.encode()
        return request.region == other and name in request.body

    denied = Answer(400, b'{"__type":"AccessDeniedException"}')
    if refused:
        wire.add(when(is_guess, answering(denied)))

    staging = Session().stage("SugarWater", "1.0.0", make_file())

    assert [outcome.state for outcome in staging.outcomes] == ["created"] * 3
    assert KEY in account.keys(other)
    assert any(is_guess(request) for request in wire.requests())


@pytest.mark.parametrize("region", [HERE, AWS_REGIONS[2]])
def test_staged_between_the_listing_and_latest(
    account: AwsAccount, wire: Wire, make_file: MakeFile, region: str
) -> None:
    """What others stage while this one is written is not below the ``latest`` that is created."""
    later = make_file(b"later", "later")
    endpoint_of_others = account.endpoint

    def stage_later(request: Request, forward: Forward) -> Answer:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("AWS_ENDPOINT_URL", endpoint_of_others)
            with Session(regions=AWS_REGIONS) as others:
                others.stage("SugarWater", "2.0.0", later)
        return forward()

    wire.add(when(lambda r: r.region == region and is_artifact(r), stage_later, times=1))

    staging = Session(regions=AWS_REGIONS).stage("SugarWater", "1.0.0", make_file(b"it"))

    assert not staging.is_latest
    assert {account.latest(r, "SugarWater") for r in AWS_REGIONS} == {"2.0.0"}
    assert {account.parameter_value(r, "SugarWater") for r in AWS_REGIONS} == {"2.0.0"}
