"""What is worth another attempt, and how long."""

import errno
import socket
import ssl
from typing import Any

import pytest
from botocore.exceptions import (
    ClientError,
    ConnectionClosedError,
    ConnectTimeoutError,
    EndpointConnectionError,
    HTTPClientError,
    IncompleteReadError,
    NoCredentialsError,
    ProxyConnectionError,
    ReadTimeoutError,
    ResponseStreamingError,
    SSLError,
)

from startifact.concurrency.heartbeat import CURRENT_HEARTBEAT, Heartbeat
from startifact.errors import LocalFileError
from startifact.limits import Limits
from startifact.regions.aws.completion import completing_seconds
from startifact.regions.aws.retries import has_time
from startifact.regions.aws.trouble import (
    Trouble,
    trouble_of_answer,
    trouble_of_error,
    trouble_of_status,
)

URL = "https://s3.example"


@pytest.mark.parametrize(
    ("status", "code", "trouble"),
    [
        (503, "SlowDown", Trouble.LATER),
        (503, "503", Trouble.LATER),
        (429, "TooManyRequests", Trouble.LATER),
        (425, "TooEarly", Trouble.LATER),
        (400, "ThrottlingException", Trouble.LATER),
        (400, "RequestLimitExceeded", Trouble.LATER),
        (500, "InternalError", Trouble.CUT),
        (502, "502", Trouble.CUT),
        (504, "504", Trouble.CUT),
        (507, "507", Trouble.CUT),
        (408, "408", Trouble.CUT),
        (400, "RequestTimeout", Trouble.CUT),
        (501, "NotImplemented", None),
        (403, "AccessDenied", None),
        (403, "InvalidObjectState", None),
        (404, "NoSuchKey", None),
        (405, "MethodNotAllowed", None),
        (409, "ConditionalRequestConflict", None),
        (412, "PreconditionFailed", None),
        (418, "Teapot", None),
        # The SDK gives an error inside a 200 the status 500.
        (500, "PreconditionFailed", None),
        (500, "ConditionalRequestConflict", None),
        (500, "AccessDenied", None),
        (500, "InvalidPart", None),
        (200, "", None),
    ],
)
def test_status(status: int, code: str, trouble: Trouble | None) -> None:
    """408, 425, 429, 5xx but 501, and throttling by name are worth another attempt."""
    answer: Any = {
        "Error": {"Code": code},
        "ResponseMetadata": {"HTTPStatusCode": status},
    }

    assert trouble_of_status(status, code) is trouble
    assert trouble_of_answer(ClientError(answer, "PutObject")) is trouble


def caused_by(error: Exception) -> Exception:
    """Return what urllib3 makes of *error*."""
    outer = OSError("urllib3 said so")
    outer.__cause__ = error
    return outer


REFUSED = caused_by(ConnectionRefusedError(errno.ECONNREFUSED, "refused"))
NO_ADDRESS = caused_by(socket.gaierror(-2, "Name or service not known"))


@pytest.mark.parametrize(
    ("error", "trouble"),
    [
        (EndpointConnectionError(endpoint_url=URL, error=REFUSED), Trouble.REFUSED),
        (EndpointConnectionError(endpoint_url=URL, error=NO_ADDRESS), Trouble.DEAD),
        (EndpointConnectionError(endpoint_url=URL), Trouble.DEAD),
        (ProxyConnectionError(proxy_url=URL, error=REFUSED), Trouble.REFUSED),
        (ConnectTimeoutError(endpoint_url=URL), Trouble.DEAD),
        (ReadTimeoutError(endpoint_url=URL), Trouble.DEAD),
        (ConnectionClosedError(endpoint_url=URL, request=None), Trouble.CUT),
        (ResponseStreamingError(error=OSError()), Trouble.CUT),
        (IncompleteReadError(actual_bytes=1, expected_bytes=2), Trouble.CUT),
        (SSLError(endpoint_url=URL, error=caused_by(ssl.SSLEOFError())), Trouble.CUT),
        (SSLError(endpoint_url=URL, error=caused_by(ssl.SSLZeroReturnError())), Trouble.CUT),
        (SSLError(endpoint_url=URL, error=caused_by(ConnectionResetError())), Trouble.CUT),
        (SSLError(endpoint_url=URL, error=caused_by(ssl.SSLCertVerificationError())), None),
        (SSLError(endpoint_url=URL, error=caused_by(ssl.SSLError(1, "[SSL] anything"))), None),
        (HTTPClientError(error=ValueError("Invalid header value b'a\\n'")), None),
        (HTTPClientError(error=ConnectionResetError()), Trouble.CUT),
        (HTTPClientError(error=LocalFileError("it has changed")), None),
        (NoCredentialsError(), None),
        (KeyError("ETag"), None),
    ],
    ids=lambda value: type(value).__name__,
)
def test_error(error: Exception, trouble: Trouble | None) -> None:
    """A connection that breaks is worth it, one that is refused too, and silence three times."""
    assert trouble_of_error(error) is trouble


@pytest.mark.parametrize(
    ("trouble", "seconds"),
    [(Trouble.LATER, 26), (Trouble.CUT, 26), (Trouble.REFUSED, 5), (Trouble.DEAD, None)],
)
def test_time(trouble: Trouble, seconds: float | None) -> None:
    """As long as a region may be idle; a refused connection for seconds; and silence not at all."""
    limits, heartbeat = Limits(), Heartbeat()
    token = CURRENT_HEARTBEAT.set(heartbeat)
    try:
        unlimited = [has_time(trouble, s, limits) for s in (0, seconds or 0, (seconds or 0) + 2)]
        heartbeat.retry_until_idle = False
        limited = has_time(trouble, 0, limits)
    finally:
        CURRENT_HEARTBEAT.reset(token)

    assert unlimited == ([False] * 3 if seconds is None else [True, True, False])
    assert not limited
    assert not has_time(trouble, 0, limits), "nobody waits for this thread"


def test_completing_grows_with_the_size() -> None:
    """Minutes for every upload, and more for one of more parts."""
    few, many = (completing_seconds(parts, Limits()) for parts in (2, 10_000))

    assert few >= 5 * 60
    assert many >= 15 * 60
