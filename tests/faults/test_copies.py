"""Large artifacts are copied by the store, and sent wherever a copy goes wrong.

moto copies parts, and honours no condition on them: rules stand for what S3 does.
"""

import base64
import logging
import os
import time
import zlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from urllib.parse import unquote

import pytest
from botocore.exceptions import ClientError

from startifact import Staging
from startifact.errors import (
    AlreadyStagedError,
    DamagedArtifactError,
    InputError,
    StagingFailedError,
)
from startifact.limits import MIB
from tests.conftest import AWS_REGIONS, AwsAccount
from tests.faults.rules import (
    answering,
    copied_to,
    hanging,
    is_completion,
    is_copy,
    is_part,
    lost,
    starting,
    when,
)
from tests.support.limits import PART, SMALL_PARTS, Session, short_limits
from tests.support.wire import Answer, Forward, Request, Rule, Wire, error

MakeFile = Callable[..., Path]

SIZE = PART + PART // 8
KEY = "team/SugarWater@1.0.0"
FIRST, SECOND, THIRD = AWS_REGIONS
LIMITS = short_limits(
    part_bytes=PART, copy_bytes=MIB, copy_wait_seconds=10.0, idle_timeout_seconds=20.0
)
HANGING = replace(
    LIMITS,
    copy_wait_seconds=0.5,
    idle_timeout_seconds=12.0,
    quorum_idle_timeout_seconds=2.0,
)
"""Limits for what hangs. The others leave the server time, where more tests are at work."""

pytestmark = pytest.mark.usefixtures("is_aws")


@pytest.fixture
def content() -> bytes:
    return os.urandom(SIZE)


@pytest.fixture
def session(account: AwsAccount, wire: Wire) -> Session:
    return Session(regions=AWS_REGIONS, limits=LIMITS)


def is_completion_of_a_copy(wire: Wire) -> Callable[[Request], bool]:
    """Return the condition that a request completes an upload whose parts were copied."""

    def condition(request: Request) -> bool:
        copied = {r.query["uploadId"][0] for r in wire.requests() if is_copy(r)}
        return is_completion(request) and request.query["uploadId"][0] in copied

    return condition


def sent(wire: Wire) -> int:
    """Return how many bytes of bodies were sent."""
    return sum(len(request.body) for request in wire.requests())


def copying_wrongly(account: AwsAccount) -> Rule:
    """Return the rule by which the store copies other bytes, and completes what has become of them.

    It answers 200 with the checksum of the whole, as S3 does: it is not the one that was sent.
    """

    def copy(request: Request, forward: Forward) -> Answer | None:
        if is_copy(request):
            headers = {k: v for k, v in request.headers.items() if "x-amz-copy-source" not in k}
            first, _, last = request.headers["x-amz-copy-source-range"][6:].partition("-")
            sent = forward(
                replace(request, headers=headers, body=bytes(int(last) + 1 - int(first)))
            )
            etag = sent.headers["ETag"]
            body = f"<CopyPartResult><ETag>{etag}</ETag></CopyPartResult>"
            return Answer(200, body.encode(), {"Content-Type": "application/xml"})
        return with_checksum(account, request, forward) if is_completion(request) else forward()

    return copy


def with_checksum(account: AwsAccount, request: Request, forward: Forward) -> Answer:
    """Answer a completion with the checksum of the whole that is stored, as S3 does."""
    answer = forward()
    bucket, _, key = request.path.lstrip("/").partition("/")
    stored = account.s3(request.region).get_object(Bucket=bucket, Key=key)["Body"].read()
    return saying(crc32(stored))(request, lambda _=None: answer)


def saying(checksum: str, kind: str = "FULL_OBJECT") -> Callable[[Request, Forward], Answer]:
    """Return the rule by which a completion is answered with *checksum*."""

    def say(request: Request, forward: Forward) -> Answer:
        answer = forward()
        said = f"<ChecksumCRC32>{checksum}</ChecksumCRC32><ChecksumType>{kind}</ChecksumType>"
        head, end, tail = answer.body.partition(b"</CompleteMultipartUploadResult>")
        assert end
        headers = {k: v for k, v in answer.headers.items() if k.lower() != "content-length"}
        return replace(answer, body=head + said.encode() + end + tail, headers=headers)

    return say


def crc32(content: bytes) -> str:
    """Return the checksum of *content* as S3 writes it."""
    return base64.b64encode(zlib.crc32(content).to_bytes(4, "big")).decode()


def failures(staging: Staging) -> set[str]:
    """Return the regions that do not hold what was staged."""
    return {outcome.region for outcome in staging.outcomes if outcome.error}


def check_staged(account: AwsAccount, session: Session, content: bytes) -> None:
    """Return when every region holds *content*, and nothing is left of an attempt."""
    for region, bucket in account.buckets.items():
        s3 = account.s3(region)
        assert s3.get_object(Bucket=bucket, Key=KEY)["Body"].read() == content
        assert not s3.list_multipart_uploads(Bucket=bucket).get("Uploads")
    assert session.verify("SugarWater")


def test_bytes_are_sent_once(
    account: AwsAccount, wire: Wire, session: Session, make_file: MakeFile, content: bytes
) -> None:
    """The store copies to the others what one region has, on the conditions of an upload."""
    staging = session.stage("SugarWater", "1.0.0", make_file(content), metadata={"a": "b"})

    assert staging.created
    assert sent(wire) < 1.02 * SIZE
    assert len(copied_to(wire)) == 2
    (origin,) = {r.region for r in wire.requests() if is_part(r) and r.body}
    etag = account.s3(origin).head_object(Bucket=account.buckets[origin], Key=KEY)["ETag"]
    whole = crc32(content)
    for request in wire.requests():
        if is_copy(request):
            assert request.headers["x-amz-copy-source-if-match"] == etag
            source = unquote(request.headers["x-amz-copy-source"])
            assert source == f"{account.buckets[origin]}/{KEY}"
        if is_completion_of_a_copy(wire)(request):
            assert request.headers["if-none-match"] == "*"
            assert request.headers["x-amz-checksum-crc32"] == whole
            assert request.headers["x-amz-checksum-type"] == "FULL_OBJECT"
    check_staged(account, session, content)
    assert session.get("SugarWater")["a"] == "b"


def test_added_region_is_copied_to(
    account: AwsAccount, wire: Wire, session: Session, make_file: MakeFile, content: bytes
) -> None:
    """What a region has is not sent again."""
    Session(regions=FIRST, limits=LIMITS).stage("SugarWater", "1.0.0", make_file(content))
    before = sent(wire)

    session.stage("SugarWater", "1.0.0", make_file(content))

    assert sent(wire) - before < PART // 8
    assert copied_to(wire) == {SECOND, THIRD}
    check_staged(account, session, content)


def test_direct(
    account: AwsAccount, wire: Wire, session: Session, make_file: MakeFile, content: bytes
) -> None:
    """Whoever wants it has the file sent to every region."""
    session.stage("SugarWater", "1.0.0", make_file(content), replicate="direct")

    assert copied_to(wire) == set()
    assert sent(wire) >= 3 * SIZE
    check_staged(account, session, content)


def test_no_such_way(session: Session, make_file: MakeFile) -> None:
    with pytest.raises(InputError, match="replicate is 'never', expected auto or direct"):
        session.stage("SugarWater", "1.0.0", make_file(), replicate="never")


def test_small_artifacts_are_sent(wire: Wire, account: AwsAccount, make_file: MakeFile) -> None:
    """Below 64 MiB a copy would come later than what is sent."""
    session = Session(regions=AWS_REGIONS, limits=SMALL_PARTS)

    session.stage("SugarWater", "1.0.0", make_file(bytes(SIZE)))

    assert copied_to(wire) == set()


SAID = {
    "denied": (403, "AccessDenied", "not authorized to perform: s3:GetObject"),
    "key disabled": (400, "KMS.DisabledException", "the key is disabled"),
    "replaced": (412, "PreconditionFailed", "was replaced or removed while it was copied"),
    "removed": (404, "NoSuchKey", "was replaced or removed while it was copied"),
    "not implemented": (501, "NotImplemented", "A header you provided"),
    "wrong checksum": (400, "BadDigest", "The CRC32 you specified did not match"),
}
"""What S3 says to a copy, or to its completion."""


def refusing(name: str) -> Rule:
    """Return the rule by which it is said."""
    return answering(error(*SAID[name]))


@pytest.mark.parametrize(
    "name", ["denied", "key disabled", "replaced", "removed", "not implemented"]
)
@pytest.mark.represented_by("denied", "replaced", "not implemented")
def test_copy_that_is_refused(
    account: AwsAccount,
    wire: Wire,
    session: Session,
    make_file: MakeFile,
    content: bytes,
    caplog: pytest.LogCaptureFixture,
    name: str,
) -> None:
    """Where the store does not copy, the file is sent, and the log says why."""
    wire.add(when(lambda r: is_copy(r) and r.region == SECOND, refusing(name)))
    Session(regions=FIRST, limits=LIMITS).stage("SugarWater", "1.0.0", make_file(content))

    with caplog.at_level(logging.INFO):
        staging = session.stage("SugarWater", "1.0.0", make_file(content))

    assert not failures(staging)
    (line,) = (m for m in caplog.messages if "SugarWater@1.0.0 is sent, as it was not copied:" in m)
    assert SECOND in line
    assert SAID[name][2] in line
    check_staged(account, session, content)


def test_source_that_is_replaced_midway(
    account: AwsAccount, wire: Wire, session: Session, make_file: MakeFile, content: bytes
) -> None:
    """Parts of two objects never become one: the second part is refused, and the file sent."""
    later = when(lambda r: is_copy(r) and r.query["partNumber"] != ["1"], refusing("replaced"))
    wire.add(later)

    staging = session.stage("SugarWater", "1.0.0", make_file(content))

    assert not failures(staging)
    check_staged(account, session, content)


def comparing_the_source(account: AwsAccount) -> Rule:
    """Return the rule that honours the condition on the source, as S3 does and moto does not."""

    def compare(request: Request, forward: Forward) -> Answer | None:
        source = unquote(request.headers["x-amz-copy-source"])
        bucket, _, key = source.partition("/")
        try:
            etag = account.s3().head_object(Bucket=bucket, Key=key)["ETag"]
        except ClientError:
            return error(404, "NoSuchKey", "The specified key does not exist.")
        if etag != request.headers.get("x-amz-copy-source-if-match", etag):
            return error(412, "PreconditionFailed", "At least one of the conditions did not hold")
        return forward()

    return when(is_copy, compare)


@pytest.mark.parametrize("is_removed", [False, True], ids=["replaced", "removed"])
def test_source_that_somebody_replaces(
    account: AwsAccount,
    wire: Wire,
    session: Session,
    make_file: MakeFile,
    content: bytes,
    caplog: pytest.LogCaptureFixture,
    *,
    is_removed: bool,
) -> None:
    """Behind our back between two parts: nothing is made of both, and the file is sent."""
    path = make_file(content)
    Session(regions=FIRST, limits=LIMITS).stage("SugarWater", "1.0.0", path)
    wire.add(comparing_the_source(account))
    s3, bucket = account.s3(FIRST), account.buckets[FIRST]

    def replace_it(request: Request, forward: Forward) -> Answer | None:
        answer = forward()  # the first part is copied
        s3.delete_object(Bucket=bucket, Key=KEY)
        if not is_removed:
            s3.put_object(Bucket=bucket, Key=KEY, Body=bytes(SIZE))
        return answer

    wire.add(when(is_copy, replace_it, times=1))
    session = Session(regions=AWS_REGIONS, limits=replace(LIMITS, part_workers=1))

    with caplog.at_level(logging.INFO):
        staging = session.stage("SugarWater", "1.0.0", path)

    assert {o.region for o in staging.outcomes if o.state == "created"} == {SECOND, THIRD}
    assert "was replaced or removed while it was copied" in caplog.text
    for region in (SECOND, THIRD):
        other = account.s3(region)
        assert other.get_object(Bucket=account.buckets[region], Key=KEY)["Body"].read() == content
        assert not other.list_multipart_uploads(Bucket=account.buckets[region]).get("Uploads")


def test_other_content_that_comes_first(
    account: AwsAccount, wire: Wire, session: Session, make_file: MakeFile, content: bytes
) -> None:
    """Regions that wait for one in which other content comes up are not written to."""
    path, other = make_file(content), make_file(b"other", "other")

    def come_first(request: Request, forward: Forward) -> Answer | None:
        Session(regions=request.region).stage("SugarWater", "1.0.0", other)
        return forward()

    wire.add(when(is_completion, come_first, times=1))

    with pytest.raises(AlreadyStagedError):
        session.stage("SugarWater", "1.0.0", path)

    assert [KEY in account.keys(region) for region in AWS_REGIONS].count(True) == 1


def test_kept_content_that_comes_first(
    account: AwsAccount, wire: Wire, session: Session, make_file: MakeFile, content: bytes
) -> None:
    """Whoever keeps what exists brings it to the regions that waited."""
    path, other = make_file(content), make_file(content[:-1], "other")

    def come_first(request: Request, forward: Forward) -> Answer | None:
        other_job = Session(regions=request.region, limits=SMALL_PARTS)
        other_job.stage("SugarWater", "1.0.0", other)
        return forward()

    wire.add(when(is_completion, come_first, times=1))

    staging = session.stage("SugarWater", "1.0.0", path, if_exists="keep")

    assert not staging.created
    check_staged(account, session, content[:-1])


def test_copy_with_another_checksum(
    account: AwsAccount, wire: Wire, session: Session, make_file: MakeFile, content: bytes
) -> None:
    """S3 refuses to complete what is not the file, and the file is sent."""
    wire.add(when(is_completion_of_a_copy(wire), refusing("wrong checksum")))

    staging = session.stage("SugarWater", "1.0.0", make_file(content))

    assert not failures(staging)
    check_staged(account, session, content)


def test_copy_of_other_bytes_that_is_completed(
    account: AwsAccount, wire: Wire, session: Session, make_file: MakeFile, content: bytes
) -> None:
    """Where a store says itself that it holds other bytes, that region does not count as staged.

    Nothing is deleted: the others are read, and a repair replaces it.
    """
    path = make_file(content)
    Session(regions=[FIRST, SECOND], limits=LIMITS).stage(
        "SugarWater", "1.0.0", path, replicate="direct"
    )
    restore = wire.add(when(lambda r: r.region == THIRD, copying_wrongly(account)))

    staging = session.stage("SugarWater", "1.0.0", path)
    restore()

    assert failures(staging) == {THIRD}
    (error,) = (outcome.error for outcome in staging.outcomes if outcome.error)
    assert isinstance(error, DamagedArtifactError)
    assert f"{THIRD} says that it has stored {KEY} with other bytes" in error.message
    assert len(copied_to(wire)) == 1
    assert not [r for r in wire.requests() if r.method == "DELETE" and "uploadId" not in r.query]
    assert account.keys(THIRD) == [KEY]
    digest = staging.artifact.sha256
    assert not session.verify("SugarWater", "1.0.0", read_data=True)
    assert session.repair("SugarWater", "1.0.0", keep=f"sha256:{digest}")
    session.repair("SugarWater")
    check_staged(account, session, content)


def test_only_copy_is_of_other_bytes(
    account: AwsAccount, wire: Wire, session: Session, make_file: MakeFile, content: bytes
) -> None:
    """Where too few regions are left, the staging fails, and latest does not move."""
    path = make_file(content)
    Session(regions=FIRST, limits=LIMITS).stage("SugarWater", "1.0.0", path)
    wire.add(copying_wrongly(account))

    with pytest.raises(StagingFailedError, match="with other bytes") as e:
        session.stage("SugarWater", "1.0.0", path)

    assert e.value.exit_code == 7
    assert {o.region for o in e.value.outcomes if o.error} == {SECOND, THIRD}
    assert account.keys(SECOND) == account.keys(THIRD) == [KEY]


@pytest.mark.parametrize("replicate", ["auto", "direct"])
def test_checksum_of_what_was_sent(
    account: AwsAccount,
    wire: Wire,
    session: Session,
    make_file: MakeFile,
    content: bytes,
    replicate: str,
) -> None:
    """What the file's own completion says is compared as well, and equal where all is well."""
    rule = when(is_completion, lambda r, forward: with_checksum(account, r, forward))
    restore = wire.add(rule)
    staging = session.stage("SugarWater", "1.0.0", make_file(content), replicate=replicate)
    restore()
    wire.add(when(is_completion, saying("AAAAAA==")))

    with pytest.raises(StagingFailedError, match="AAAAAA==, that of the file is ") as e:
        session.stage("SugarWater", "1.0.1", make_file(content), replicate=replicate)

    assert not failures(staging)
    assert e.value.exit_code == 7
    assert session.get("SugarWater").version == staging.artifact.version


@pytest.mark.parametrize(
    ("checksum", "kind"), [("AAAAAA==-2", "FULL_OBJECT"), ("AAAAAA==", "COMPOSITE")]
)
def test_checksum_of_checksums(
    wire: Wire, session: Session, make_file: MakeFile, content: bytes, checksum: str, kind: str
) -> None:
    """A checksum of those of the parts says nothing of the whole."""
    wire.add(when(is_completion, saying(checksum, kind)))

    assert not failures(session.stage("SugarWater", "1.0.0", make_file(content)))


@pytest.mark.parametrize("what", ["part", "completion"])
def test_answer_that_is_lost(
    account: AwsAccount,
    wire: Wire,
    session: Session,
    make_file: MakeFile,
    content: bytes,
    what: str,
) -> None:
    """A part is copied again, and a completion is looked at."""
    condition = is_copy if what == "part" else is_completion_of_a_copy(wire)
    wire.add(when(condition, lost, times=2))

    staging = session.stage("SugarWater", "1.0.0", make_file(content))

    assert not failures(staging)
    assert sent(wire) < 1.02 * SIZE
    check_staged(account, session, content)


def test_error_after_a_200(
    account: AwsAccount, wire: Wire, session: Session, make_file: MakeFile, content: bytes
) -> None:
    """S3 says 200 before it has copied a part, and may say that it could not after that."""
    late = error(500, "InternalError", "We encountered an internal error. Please try again.")
    wire.add(when(is_copy, answering(Answer(200, late.body, late.headers)), times=3))

    staging = session.stage("SugarWater", "1.0.0", make_file(content))

    assert not failures(staging)
    assert sent(wire) < 1.02 * SIZE
    check_staged(account, session, content)


@pytest.mark.parametrize("after", [0, 1])
def test_copy_that_hangs(
    account: AwsAccount,
    wire: Wire,
    make_file: MakeFile,
    content: bytes,
    caplog: pytest.LogCaptureFixture,
    after: int,
) -> None:
    """Where a copy makes no progress, the file is sent before the region is given up.

    Two regions have it: nobody waits long for the third.
    """
    Session(regions=[FIRST, SECOND], limits=HANGING).stage(
        "SugarWater", "1.0.0", make_file(content), replicate="direct"
    )
    wire.add(starting(after + 1, is_copy, when(is_copy, hanging(wire))))
    session = Session(regions=AWS_REGIONS, limits=HANGING)

    with caplog.at_level(logging.INFO):
        staging = session.stage("SugarWater", "1.0.0", make_file(content))

    assert not failures(staging)
    assert f"{THIRD} has copied nothing for 0.5 s" in caplog.text
    check_staged(account, session, content)


def test_copy_that_is_slow(account: AwsAccount, wire: Wire, make_file: MakeFile) -> None:
    """As long as it gets on, a copy may take longer than one that does not is waited for."""
    content = os.urandom(3 * PART + 1)
    limits = replace(LIMITS, part_workers=1, copy_wait_seconds=2.0)
    session = Session(regions=[FIRST, SECOND], limits=limits)
    Session(regions=FIRST, limits=limits).stage("SugarWater", "1.0.0", make_file(content))
    before = sent(wire)

    def slow(request: Request, forward: Forward) -> Answer | None:
        time.sleep(0.8)
        return forward()

    wire.add(when(is_copy, slow))

    staging = session.stage("SugarWater", "1.0.0", make_file(content))

    copies = [request for request in wire.requests() if is_copy(request)]
    assert len(copies) * 0.8 > limits.copy_wait_seconds
    assert sent(wire) - before < PART // 8
    assert not failures(staging)


@pytest.mark.parametrize("after", [1, 2])
def test_upload_that_hangs(
    account: AwsAccount, wire: Wire, make_file: MakeFile, content: bytes, after: int
) -> None:
    """Where the region that is sent the file shows no life, the others do not wait for it."""
    limits = replace(HANGING, quorum_idle_timeout_seconds=1.0)
    parts: list[str] = []

    def hang(request: Request, forward: Forward) -> Answer | None:
        parts.append(request.region)
        return forward() if len(parts) < after else hanging(wire)(request, forward)

    wire.add(when(lambda r: is_part(r) and r.region == (parts or [r.region])[0], hang))

    staging = Session(regions=AWS_REGIONS, limits=limits).stage(
        "SugarWater", "1.0.0", make_file(content)
    )

    assert failures(staging) == {parts[0]}
    for outcome in staging.outcomes:
        if outcome.region != parts[0]:
            assert outcome.seconds < limits.idle_timeout_seconds
            assert KEY in account.keys(outcome.region)


@pytest.mark.parametrize("said", [(503, "SlowDown"), (500, "InternalError")])
def test_upload_that_fails_slowly(
    account: AwsAccount,
    wire: Wire,
    make_file: MakeFile,
    content: bytes,
    said: tuple[int, str],
) -> None:
    """A region that is sent every part again and again is tried longer than the others wait."""
    limits = replace(HANGING, retry_share=0.9)
    refused: list[str] = []

    def refuse(request: Request, forward: Forward) -> Answer | None:
        refused.append(request.region)
        return error(*said, "Please try again")

    wire.add(when(lambda r: is_part(r) and r.region == (refused or [r.region])[0], refuse))

    staging = Session(regions=AWS_REGIONS, limits=limits).stage(
        "SugarWater", "1.0.0", make_file(content)
    )

    assert failures(staging) == {refused[0]}
    for outcome in staging.outcomes:
        if outcome.region != refused[0]:
            assert outcome.seconds < limits.retry_share * limits.idle_timeout_seconds / 2


def test_upload_that_fails(
    account: AwsAccount, wire: Wire, session: Session, make_file: MakeFile, content: bytes
) -> None:
    """Where it fails, another region is sent the file, and the third copies from that one."""
    refused: list[str] = []

    def refuse(request: Request, forward: Forward) -> Answer | None:
        refused.append(request.region)
        return error(403, "AccessDenied", "not authorized to perform: s3:PutObject")

    wire.add(when(lambda r: is_part(r) and r.region == (refused or [r.region])[0], refuse))

    staging = session.stage("SugarWater", "1.0.0", make_file(content))

    assert failures(staging) == {refused[0]}
    assert len(copied_to(wire)) == 1
    for region in set(AWS_REGIONS) - {refused[0]}:
        assert KEY in account.keys(region)
