"""Completing an upload: one attempt, whose white space is seen; then the key is described.

S3 may take minutes. It answers 200 at once then, and sends white space until it is done. The SDK
reads the answer as a whole, and asks again where it was lost.
"""

import contextlib
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from botocore.awsrequest import AWSPreparedRequest, AWSRequest, AWSResponse
from botocore.client import BaseClient
from botocore.response import StreamingBody

from startifact.concurrency.heartbeat import CURRENT_HEARTBEAT
from startifact.limits import MAX_COMPLETION_BYTES, Limits
from startifact.regions.aws.conditional import write_once

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


class _Body:
    """Bytes that have been read, as the SDK reads them."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def stream(self, *_: object, **__: object) -> list[bytes]:
        return [self._data]


def watch_completions(client: BaseClient, limits: Limits) -> None:
    """Let every byte of the answer to CompleteMultipartUpload be a sign of life of the worker."""
    endpoint: Any = client._endpoint  # type: ignore[attr-defined]

    def wait_longer(request: AWSRequest, **_: object) -> None:
        request.context["read_timeout"] = limits.completing_silence_seconds

    def send(request: AWSPreparedRequest, **_: object) -> AWSResponse:
        request.stream_output = True  # the SDK's session returns once it has the head
        answer: AWSResponse = endpoint.http_session.send(request)
        with contextlib.closing(answer.raw):
            data = _read(answer)
        return AWSResponse(answer.url, answer.status_code, answer.headers, _Body(data))  # type: ignore[arg-type]

    client.meta.events.register("request-created.s3.CompleteMultipartUpload", wait_longer)
    client.meta.events.register_last("before-send.s3.CompleteMultipartUpload", send)  # type: ignore[arg-type]


def _read(answer: AWSResponse) -> bytes:
    heartbeat = CURRENT_HEARTBEAT.get()
    length: Any = answer.headers.get("content-length")
    body, data = StreamingBody(answer.raw, length), bytearray()
    while block := body.read(1):  # more would be waited for
        if heartbeat is not None:
            heartbeat.beat()
        data += block
        if len(data) > MAX_COMPLETION_BYTES:
            raise ValueError(f"more than {MAX_COMPLETION_BYTES:,} bytes")
    return bytes(data)


def complete(
    client: "S3Client",
    request: Callable[[], object],
    *,
    exists: Callable[[], bool],
    parts: int,
    limits: Limits,
) -> bool:
    """Make *request*, which completes an upload of *parts* parts; see `write_once`."""

    def waited_for() -> None:
        with _silence(limits):
            request()

    budget = completing_seconds(parts, limits)
    return write_once(client, waited_for, settled=exists, limits=limits, seconds_if_lost=budget)


def completing_seconds(parts: int, limits: Limits) -> float:
    """Return how long completing an upload of *parts* parts may take."""
    return limits.completing_seconds + parts * limits.completing_seconds_per_part


@contextlib.contextmanager
def _silence(limits: Limits) -> Iterator[None]:
    heartbeat = CURRENT_HEARTBEAT.get()
    seconds = limits.connect_seconds + limits.completing_silence_seconds
    with contextlib.nullcontext() if heartbeat is None else heartbeat.may_be_silent(seconds):
        yield
