"""The rules of the way do to whoever asks what they say, and to the server nothing else."""

import http.client
import socket
import time
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import (
    ClientError,
    ConnectionClosedError,
    IncompleteReadError,
    ResponseStreamingError,
)

from tests.conftest import AwsAccount
from tests.faults.conftest import Served
from tests.faults.network_rules import (
    captive_portal,
    cut,
    nothing,
    proxy_authentication,
    reset,
    reset_after,
    restarting,
    stalled,
    throttled,
    without_body,
    without_headers,
    without_request_headers,
)
from tests.faults.rules import answering, in_turn, is_part, sometimes, starting, when, within
from tests.support.wire import Answer, Rule, Wire, error

HERE = "eu-west-1"


@pytest.fixture
def bucket(account: AwsAccount) -> str:
    return account.buckets[HERE]


@pytest.fixture
def s3(wire: Wire) -> Any:
    """Return a client that asks once."""
    config = Config(
        connect_timeout=5, read_timeout=1, retries={"total_max_attempts": 1, "mode": "standard"}
    )
    return boto3.client("s3", region_name=HERE, endpoint_url=wire.endpoint, config=config)


def status_of(wire: Wire, path: str = "/", method: str = "GET") -> tuple[int, bytes]:
    """Return what an HTTP client that knows nothing of S3 is answered."""
    connection = http.client.HTTPConnection(wire.endpoint.removeprefix("http://"), timeout=5)
    try:
        connection.request(method, path)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


@pytest.mark.parametrize(("status", "code"), [(503, "SlowDown"), (429, "TooManyRequests")])
def test_throttled(wire: Wire, s3: Any, bucket: str, status: int, code: str) -> None:
    """S3 throttles with the status that is asked for, and SSM in its own way."""
    wire.add(throttled(status))
    config = Config(retries={"total_max_attempts": 1, "mode": "standard"})
    ssm = boto3.client("ssm", region_name=HERE, endpoint_url=wire.endpoint, config=config)

    with pytest.raises(ClientError) as of_s3:
        s3.head_bucket(Bucket=bucket)
    with pytest.raises(ClientError) as of_s3_in_full:
        s3.get_object(Bucket=bucket, Key="x")
    with pytest.raises(ClientError) as of_ssm:
        ssm.get_parameter(Name="x")

    assert of_s3.value.response["ResponseMetadata"]["HTTPStatusCode"] == status
    assert of_s3_in_full.value.response["Error"]["Code"] == code
    assert of_ssm.value.response["Error"]["Code"] == "ThrottlingException"


def test_sometimes(wire: Wire) -> None:
    """A share of requests is drawn, and the same ones each time."""
    drawn = []
    for _ in range(2):
        wire.clear()
        wire.add(answering(Answer(204)))
        wire.add(sometimes(0.3, answering(error(503, "SlowDown"))))
        drawn.append([status_of(wire)[0] for _ in range(100)])

    assert drawn[0] == drawn[1]
    assert 20 <= drawn[0].count(503) <= 40
    assert set(drawn[0]) == {204, 503}


def test_within(wire: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    """All requests get the rule from the first on, until the time is over."""
    now = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    rule = within(4, answering(error(503, "SlowDown")))
    request: Any = None

    def status_at(second: float) -> int:
        now[0] = second
        answer = rule(request, lambda request=None: Answer(204))
        assert answer is not None
        return answer.status

    assert [status_at(second) for second in (200, 203.9, 204.1, 300)] == [503, 503, 204, 204]


def test_starting(wire: Wire) -> None:
    """What fulfils the condition is counted, and from the nth on every request gets the rule."""
    wire.add(answering(Answer(204)))
    counted = starting(2, lambda request: request.method == "PUT", answering(Answer(202)))
    wire.add(counted)

    statuses = [status_of(wire, method=method)[0] for method in ("PUT", "GET", "PUT", "GET")]

    assert statuses == [204, 204, 202, 202]


def test_in_turn(wire: Wire) -> None:
    """Rules in turn are one rule: the first stands before the others, and sees what they say."""
    both = in_turn(cut(lambda request, forward: forward(), after=1), answering(Answer(200, b"two")))
    wire.add(when(lambda request: request.path == "/both", both))
    wire.add(when(lambda request: request.path == "/none", in_turn()))

    with pytest.raises(http.client.IncompleteRead) as problem:
        status_of(wire, "/both")

    assert problem.value.partial == b"t"
    assert status_of(wire, "/none")[0] != 500


@pytest.mark.parametrize(("rule", "stored"), [(reset, False), (reset_after, True)])
def test_reset(
    wire: Wire, s3: Any, bucket: str, served: Served, rule: Rule, *, stored: bool
) -> None:
    """A reset connection says nothing; what was asked is done or is not."""
    wire.add(rule)

    with pytest.raises((ConnectionClosedError, ConnectionResetError)):
        s3.put_object(Bucket=bucket, Key="x", Body=b"x")

    assert served.stored("x", HERE) == stored


def test_reset_is_a_reset(wire: Wire) -> None:
    """The other side sees that the connection is reset, before any byte."""
    wire.add(reset)
    host, port = wire.endpoint.removeprefix("http://").split(":")

    with socket.create_connection((host, int(port)), timeout=5) as client:
        client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        with pytest.raises(ConnectionResetError):
            client.recv(1)


def test_restarting(wire: Wire) -> None:
    """Connections end and are refused for a time, and then come about at the same port."""
    wire.add(answering(Answer(204)))
    host = wire.endpoint.removeprefix("http://")
    kept = http.client.HTTPConnection(host, timeout=5)
    kept.request("GET", "/")
    kept.getresponse().read()
    wire.add(restarting(wire, 0.5))
    began = time.monotonic()

    with pytest.raises((ConnectionError, http.client.HTTPException)):
        status_of(wire)
    with pytest.raises(ConnectionRefusedError):
        status_of(wire)
    assert kept.sock.recv(1) == b""
    kept.close()
    end = time.monotonic() + 20
    status = 0
    while not status and time.monotonic() < end:
        time.sleep(0.05)
        try:
            status, _ = status_of(wire)
        except ConnectionRefusedError:
            continue

    assert status == 204
    assert time.monotonic() >= began + 0.5


def test_stop_while_connections_are_refused(account: AwsAccount) -> None:
    """A wire that is stopped meanwhile does not come back."""
    wire = Wire(account.endpoint)
    wire.refuse(60)

    wire.stop()

    with pytest.raises(ConnectionRefusedError):
        status_of(wire)


@pytest.mark.parametrize(("code", "status"), [("NoSuchKey", 404), ("SlowDown", 503)])
def test_cut(wire: Wire, code: str, status: int) -> None:
    """Of a body fewer bytes come than the head says, and the connection ends."""
    wire.add(cut(answering(error(status, code)), after=10))

    with pytest.raises(http.client.IncompleteRead) as problem:
        status_of(wire)

    assert problem.value.partial == error(status, code).body[:10]


def test_cut_with_a_reset(wire: Wire) -> None:
    """A body that is cut may end in a reset."""
    wire.add(cut(answering(error(404, "NoSuchKey")), after=10, with_reset=True))

    with pytest.raises(ConnectionResetError):
        status_of(wire)


def test_cut_of_a_success(wire: Wire, s3: Any, bucket: str) -> None:
    """What the server says is cut as well as what a rule says."""
    s3.put_object(Bucket=bucket, Key="x", Body=bytes(100))
    wire.add(cut(lambda request, forward: forward(), after=40))

    body = s3.get_object(Bucket=bucket, Key="x")["Body"]

    with pytest.raises((IncompleteReadError, ResponseStreamingError)):
        body.read()


def test_stalled(wire: Wire) -> None:
    """After so many bytes of a body nothing comes any more, and the connection stays."""
    wire.add(stalled(answering(error(503, "SlowDown")), after=10))
    connection = http.client.HTTPConnection(wire.endpoint.removeprefix("http://"), timeout=0.3)
    connection.request("GET", "/")
    answer = connection.getresponse()

    assert (answer.status, answer.read(10)) == (503, b"<Error><Co")
    with pytest.raises(TimeoutError):
        answer.read(1)
    connection.close()


def test_without_headers(wire: Wire, s3: Any, bucket: str, served: Served) -> None:
    """A write is done, and its answer has no ETag."""
    wire.add(without_headers("ETag"))

    answer = s3.put_object(Bucket=bucket, Key="x", Body=b"x")

    assert "ETag" not in answer
    assert served.stored("x", HERE) == 1


def test_without_request_headers(wire: Wire, s3: Any, bucket: str) -> None:
    """A condition does not reach the server."""
    s3.put_object(Bucket=bucket, Key="x", Body=b"x")
    with pytest.raises(ClientError, match="PreconditionFailed"):
        s3.put_object(Bucket=bucket, Key="x", Body=b"y", IfMatch='"other"')
    wire.add(without_request_headers("if-match"))

    s3.put_object(Bucket=bucket, Key="x", Body=b"y", IfMatch='"other"')

    assert s3.get_object(Bucket=bucket, Key="x")["Body"].read() == b"y"


def test_without_body(wire: Wire, s3: Any, bucket: str, served: Served) -> None:
    """What is asked is done, and the body of the answer is empty."""
    s3.put_object(Bucket=bucket, Key="x", Body=b"x")
    wire.add(without_body)

    assert s3.list_objects_v2(Bucket=bucket).get("Contents") is None
    assert s3.put_object(Bucket=bucket, Key="y", Body=b"x")["ETag"]
    assert served.stored("y", HERE) == 1


@pytest.mark.parametrize(
    ("rule", "status", "part"),
    [
        (nothing, 200, b""),
        (captive_portal, 200, b"<!DOCTYPE html>"),
        (proxy_authentication, 407, b"Proxy Authentication Required"),
    ],
)
def test_something_between(
    wire: Wire, bucket: str, served: Served, rule: Rule, status: int, part: bytes
) -> None:
    """What is between answers in its own name, and nothing reaches the server."""
    wire.add(rule)

    got, body = status_of(wire, f"/{bucket}/x", "PUT")

    assert got == status
    assert part in body
    assert bool(body) == bool(part)
    assert served.stored("x", HERE) == 0


def test_share_of_parts(wire: Wire, s3: Any, bucket: str) -> None:
    """Rules are put together: a share of the parts is throttled, and nothing else."""
    upload = s3.create_multipart_upload(Bucket=bucket, Key="x")["UploadId"]
    wire.add(when(is_part, sometimes(0.5, throttled())))

    statuses = set()
    for number in range(1, 21):
        try:
            s3.upload_part(Bucket=bucket, Key="x", UploadId=upload, PartNumber=number, Body=b"x")
            statuses.add(200)
        except ClientError as problem:
            statuses.add(problem.response["ResponseMetadata"]["HTTPStatusCode"])
        s3.list_parts(Bucket=bucket, Key="x", UploadId=upload)

    assert statuses == {200, 503}
