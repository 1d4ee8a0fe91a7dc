"""The rules of stores do what S3, a proxy before it, or a store that is not S3 does."""

import contextlib
import http.client
import threading
import time
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from tests.conftest import AwsAccount
from tests.faults.conftest import Served, upload_of
from tests.faults.network_rules import without_request_headers
from tests.faults.rules import is_completion
from tests.faults.store_rules import (
    SlowCompletion,
    archived,
    completed_once,
    not_atomic,
    weak_etags,
    weak_etags_never_match,
)
from tests.support.wire import Wire, error

HERE = "eu-west-1"
RESTORED = 'ongoing-request="false", expiry-date="Fri, 27 Nov 2026 00:00:00 GMT"'


@pytest.fixture
def bucket(account: AwsAccount) -> str:
    return account.buckets[HERE]


@pytest.fixture
def s3(wire: Wire) -> Any:
    """Return a client that asks once."""
    return client_of(wire)


def client_of(wire: Wire, *, read_timeout: float = 10) -> Any:
    config = Config(
        read_timeout=read_timeout, retries={"total_max_attempts": 1, "mode": "standard"}
    )
    return boto3.client("s3", region_name=HERE, endpoint_url=wire.endpoint, config=config)


def upload(s3: Any, bucket: str, key: str = "x") -> dict[str, Any]:
    """Return the arguments that complete an upload of one part, which is sent."""
    whose = {"Bucket": bucket, "Key": key}
    whose["UploadId"] = s3.create_multipart_upload(**whose)["UploadId"]
    etag = s3.upload_part(**whose, PartNumber=1, Body=b"x")["ETag"]
    return {**whose, "MultipartUpload": {"Parts": [{"PartNumber": 1, "ETag": etag}]}}


def code_of(problem: pytest.ExceptionInfo[ClientError]) -> str:
    return str(problem.value.response["Error"]["Code"])


def completions(wire: Wire) -> int:
    return len([request for request in wire.requests() if is_completion(request)])


# Completing -----------------------------------------------------------------------------------


def test_white_space(wire: Wire, s3: Any, bucket: str, served: Served) -> None:
    """The head comes at once, then white space, then the result; the object comes last."""
    arguments = upload(s3, bucket)
    wire.add(SlowCompletion(wire, 1.5, every=0.1))
    connection = http.client.HTTPConnection(wire.endpoint.removeprefix("http://"), timeout=10)
    body = (
        "<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>"
        f"{arguments['MultipartUpload']['Parts'][0]['ETag']}</ETag></Part>"
        "</CompleteMultipartUpload>"
    )
    credential = f"AWS4-HMAC-SHA256 Credential=AKIA/20261126/{HERE}/s3/aws4_request, x"

    connection.request(
        "POST",
        f"/{bucket}/x?uploadId={arguments['UploadId']}",
        body,
        {"Authorization": credential},
    )
    answer = connection.getresponse()
    first = answer.read(42)
    stored_early = served.stored("x", HERE)
    rest = answer.read()
    connection.close()

    assert answer.status == 200
    assert first == b'<?xml version="1.0" encoding="UTF-8"?>\n' + b" " * 3
    assert stored_early == 0
    assert rest.lstrip(b" ").startswith(b"<CompleteMultipartUploadResult")
    assert served.stored("x", HERE) == 1


def test_white_space_for_the_sdk(wire: Wire, s3: Any, bucket: str) -> None:
    """The SDK reads the result behind the white space; completed again, the upload is gone."""
    arguments = upload(s3, bucket)
    wire.add(SlowCompletion(wire, 0.3, every=0.1))

    assert s3.complete_multipart_upload(**arguments)["ETag"]
    with pytest.raises(ClientError) as problem:
        s3.complete_multipart_upload(**arguments)

    assert code_of(problem) == "NoSuchUpload"
    assert s3.head_object(Bucket=bucket, Key="x")["ContentLength"] == 1


@pytest.mark.parametrize("stores", [True, False])
def test_white_space_before_an_error(
    wire: Wire, s3: Any, bucket: str, served: Served, *, stores: bool
) -> None:
    """A 200 ends in an error; the upload is completed all the same, or stays as it was."""
    arguments = upload(s3, bucket)
    remove = wire.add(
        SlowCompletion(wire, 0.3, every=0.1, ending=error(500, "InternalError"), stores=stores)
    )

    with pytest.raises(ClientError) as problem:
        s3.complete_multipart_upload(**arguments)
    remove()

    assert code_of(problem) == "InternalError"
    assert served.stored("x", HERE) == stores
    if not stores:
        assert s3.complete_multipart_upload(**arguments)["ETag"]


def test_silence(wire: Wire, s3: Any, bucket: str, served: Served) -> None:
    """Nothing comes for a time; whoever asks again meanwhile hears that the upload is gone."""
    arguments = upload(s3, bucket)
    wire.add(SlowCompletion(wire, 2, every=None))
    began = time.monotonic()

    with pytest.raises(Exception, match="Read timeout"):
        client_of(wire, read_timeout=0.5).complete_multipart_upload(**arguments)
    with pytest.raises(ClientError) as problem:
        s3.complete_multipart_upload(**arguments)
    with pytest.raises(ClientError) as of_abort:
        s3.abort_multipart_upload(
            **{name: arguments[name] for name in ("Bucket", "Key", "UploadId")}
        )

    assert (code_of(problem), code_of(of_abort)) == ("NoSuchUpload", "NoSuchUpload")
    while not served.stored("x", HERE):
        assert time.monotonic() < began + 20
        time.sleep(0.05)
    assert time.monotonic() >= began + 2
    assert completions(wire) == 2


def test_stored_at_once(wire: Wire, s3: Any, bucket: str, served: Served) -> None:
    """The object may appear at the beginning, and a failed condition be reported in place of it."""
    first, second = upload(s3, bucket), upload(s3, bucket)
    wire.add(SlowCompletion(wire, 30, every=None, at_once=True))

    def complete() -> None:
        with contextlib.suppress(BotoCoreError):
            s3.complete_multipart_upload(**first)

    thread = threading.Thread(target=complete, daemon=True)
    thread.start()
    end = time.monotonic() + 10
    while not served.stored("x", HERE):
        assert time.monotonic() < end
        time.sleep(0.02)
    with pytest.raises(ClientError) as problem:
        s3.complete_multipart_upload(**second, IfNoneMatch="*")

    assert code_of(problem) == "PreconditionFailed"
    assert thread.is_alive(), "it was answered before its time"


def test_completed_once(wire: Wire, s3: Any, bucket: str, served: Served) -> None:
    """An upload that was completed is gone, and one that was refused is not."""
    wire.add(completed_once(wire))
    first, second = upload(s3, bucket), upload(s3, bucket)

    s3.complete_multipart_upload(**first)
    with pytest.raises(ClientError) as again:
        s3.complete_multipart_upload(**first)
    with pytest.raises(ClientError) as refused:
        s3.complete_multipart_upload(**second, IfNoneMatch="*")
    s3.complete_multipart_upload(**second)

    assert (code_of(again), code_of(refused)) == ("NoSuchUpload", "PreconditionFailed")
    asked = [upload_of(request) for request in wire.requests() if is_completion(request)]
    assert asked == [first["UploadId"]] * 2 + [second["UploadId"]] * 2
    assert served.stored("x", HERE) == 2


# ETags ----------------------------------------------------------------------------------------


def test_weak_etags(wire: Wire, s3: Any, bucket: str) -> None:
    """Every answer has a weak tag, and conditions and parts with it are understood."""
    wire.add(weak_etags)

    tag = s3.put_object(Bucket=bucket, Key="x", Body=b"x")["ETag"]
    assert tag.startswith('W/"')
    assert s3.head_object(Bucket=bucket, Key="x")["ETag"] == tag
    assert s3.get_object(Bucket=bucket, Key="x", IfMatch=tag)["ETag"] == tag
    s3.put_object(Bucket=bucket, Key="x", Body=b"y", IfMatch=tag)
    with pytest.raises(ClientError) as problem:
        s3.put_object(Bucket=bucket, Key="x", Body=b"z", IfMatch=tag)
    s3.complete_multipart_upload(**upload(s3, bucket))

    assert code_of(problem) == "PreconditionFailed"


def test_weak_etags_never_match(wire: Wire, s3: Any, bucket: str) -> None:
    """A condition with a weak tag never holds, although the tag is the object's."""
    wire.add(weak_etags_never_match)
    tag = s3.put_object(Bucket=bucket, Key="x", Body=b"x")["ETag"]

    with pytest.raises(ClientError) as of_write:
        s3.put_object(Bucket=bucket, Key="x", Body=b"y", IfMatch=tag)
    with pytest.raises(ClientError) as of_read:
        s3.get_object(Bucket=bucket, Key="x", IfMatch=tag)

    assert tag.startswith('W/"')
    assert (code_of(of_write), code_of(of_read)) == ("PreconditionFailed", "PreconditionFailed")
    assert s3.head_object(Bucket=bucket, Key="x")["ETag"] == tag


def test_weak_etags_without_conditions(wire: Wire, s3: Any, bucket: str) -> None:
    """Two rules make a proxy that weakens tags and drops conditions: a stale one holds."""
    wire.add(weak_etags)
    wire.add(without_request_headers("if-match"))
    tag = s3.put_object(Bucket=bucket, Key="x", Body=b"x")["ETag"]
    s3.put_object(Bucket=bucket, Key="x", Body=b"y")

    s3.put_object(Bucket=bucket, Key="x", Body=b"z", IfMatch=tag)

    assert s3.get_object(Bucket=bucket, Key="x")["Body"].read() == b"z"


# Archives -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("storage_class", "restore", "archive_status"),
    [
        ("GLACIER", None, None),
        ("DEEP_ARCHIVE", 'ongoing-request="true"', None),
        ("INTELLIGENT_TIERING", None, "DEEP_ARCHIVE_ACCESS"),
    ],
)
def test_archived(
    wire: Wire,
    s3: Any,
    bucket: str,
    storage_class: str,
    restore: str | None,
    archive_status: str | None,
) -> None:
    """An archived object is described and listed, and neither read nor copied."""
    s3.put_object(Bucket=bucket, Key="x", Body=b"x")
    wire.add(archived(storage_class, restore=restore, archive_status=archive_status))

    described = s3.head_object(Bucket=bucket, Key="x")
    with pytest.raises(ClientError) as of_read:
        s3.get_object(Bucket=bucket, Key="x")
    with pytest.raises(ClientError) as of_copy:
        s3.copy_object(Bucket=bucket, Key="y", CopySource={"Bucket": bucket, "Key": "x"})
    with pytest.raises(ClientError) as of_absent:
        s3.get_object(Bucket=bucket, Key="absent")

    states = [described.get(name) for name in ("StorageClass", "Restore", "ArchiveStatus")]
    assert states == [storage_class, restore, archive_status]
    assert of_read.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403
    assert code_of(of_read) == "InvalidObjectState"
    assert of_read.value.response["Error"]["StorageClass"] == storage_class  # type: ignore[typeddict-item]
    assert of_read.value.response["Error"].get("AccessTier") == archive_status
    assert code_of(of_copy) == "ObjectNotInActiveTierError"
    assert code_of(of_absent) == "NoSuchKey"
    assert [listed["Key"] for listed in s3.list_objects_v2(Bucket=bucket)["Contents"]] == ["x"]


@pytest.mark.parametrize(
    ("storage_class", "restore"), [("GLACIER", RESTORED), ("STANDARD_IA", None)]
)
def test_not_archived(
    wire: Wire, s3: Any, bucket: str, storage_class: str, restore: str | None
) -> None:
    """An object that is restored, or in a class without an archive, is read as any other."""
    s3.put_object(Bucket=bucket, Key="x", Body=b"x")
    wire.add(archived(storage_class, restore=restore))

    answer = s3.get_object(Bucket=bucket, Key="x")

    assert answer["Body"].read() == b"x"
    assert (answer["StorageClass"], answer.get("Restore")) == (storage_class, restore)


# Conditions -----------------------------------------------------------------------------------


def test_not_atomic_one_after_the_other(wire: Wire, s3: Any, bucket: str) -> None:
    """Conditions of writes that come one after the other hold."""
    first, second = upload(s3, bucket), upload(s3, bucket)
    wire.add(not_atomic(wire, 0))

    tag = s3.put_object(Bucket=bucket, Key="y", Body=b"1", IfNoneMatch="*")["ETag"]
    s3.complete_multipart_upload(**first, IfNoneMatch="*")
    s3.put_object(Bucket=bucket, Key="y", Body=b"2", IfMatch=tag)

    def code(ask: Any, **arguments: Any) -> str:
        with pytest.raises(ClientError) as problem:
            ask(**arguments)
        return code_of(problem)

    codes = [
        code(s3.put_object, Bucket=bucket, Key="y", Body=b"3", IfNoneMatch="*"),
        code(s3.put_object, Bucket=bucket, Key="y", Body=b"3", IfMatch=tag),
        code(s3.put_object, Bucket=bucket, Key="absent", Body=b"3", IfMatch=tag),
        code(s3.complete_multipart_upload, **second, IfNoneMatch="*"),
    ]
    assert codes == [*["PreconditionFailed"] * 2, "NoSuchKey", "PreconditionFailed"]
    assert s3.get_object(Bucket=bucket, Key="y")["Body"].read() == b"2"


@pytest.mark.parametrize("kind", ["create", "replace", "complete"])
def test_not_atomic_at_once(wire: Wire, s3: Any, bucket: str, kind: str) -> None:
    """Of writes that come at once several succeed."""
    tag = s3.put_object(Bucket=bucket, Key="y", Body=b"0")["ETag"]
    uploads = [upload(s3, bucket, "z") for _ in range(4)]
    wire.add(not_atomic(wire, 1))
    start = threading.Barrier(4)
    succeeded: list[int] = []

    def write(number: int) -> None:
        start.wait()
        if kind == "complete":
            s3.complete_multipart_upload(**uploads[number], IfNoneMatch="*")
        elif kind == "create":
            s3.put_object(Bucket=bucket, Key="x", Body=b"%d" % number, IfNoneMatch="*")
        else:
            s3.put_object(Bucket=bucket, Key="y", Body=b"%d" % number, IfMatch=tag)
        succeeded.append(number)

    threads = [threading.Thread(target=write, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(succeeded) > 1
