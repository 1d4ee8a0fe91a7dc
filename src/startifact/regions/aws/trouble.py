"""What kept a request from being answered, and whether asking once more may help.

`retries` and `errors` both use it, so that people are advised to try again where it may help.
"""

import socket
from collections.abc import Iterator
from enum import Enum, auto
from typing import TypeAlias

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    EndpointConnectionError,
    HTTPClientError,
    IncompleteReadError,
    ProxyConnectionError,
    SSLError,
)
from botocore.exceptions import ConnectionError as NoConnectionError

from startifact.concurrency.heartbeat import Cancelled
from startifact.errors import StartifactError
from startifact.hints import Hint
from startifact.lazy_dataclasses import dataclass
from startifact.limits import SERVICE_TEXT_CHARACTERS
from startifact.regions.aws import advice
from startifact.regions.aws.answers import NoAnswerError
from startifact.regions.aws.tls import TlsTrouble, tls_trouble_of
from startifact.text import quoted, redact

_THROTTLING = frozenset(
    {
        "BandwidthLimitExceeded",
        "RequestLimitExceeded",
        "RequestThrottled",
        "RequestThrottledException",
        "SlowDown",
        "Throttling",
        "ThrottledException",
        "ThrottlingException",
        "TooManyRequestsException",
    }
)
CONFLICT = frozenset({"ConditionalRequestConflict", "OperationAborted", "409"})
"""Another operation on the object was under way. That says nothing about whether it exists."""

_ON_THE_WAY = frozenset(
    {
        "BadDigest",
        "IncompleteBody",
        "InvalidDigest",
        "InvalidPart",
        "NoSuchUpload",
        "XAmzContentChecksumMismatch",
        "XAmzContentSHA256Mismatch",
    }
)
"""What arrived is not what was sent: another attempt sends it again."""

_FINAL = frozenset(
    {
        "AccessDenied",
        "BadDigest",
        "ConditionalRequestConflict",
        "EntityTooLarge",
        "EntityTooSmall",
        "InvalidPart",
        "InvalidPartOrder",
        "InvalidRequest",
        "NoSuchBucket",
        "NoSuchKey",
        "NoSuchUpload",
        "PreconditionFailed",
    }
)
"""Their own statuses are 4xx. S3 may send them inside a 200 too, which the SDK makes a 500."""

_FAILED = frozenset(
    {
        "InternalError",
        "InternalFailure",
        "InternalServerError",
        "RequestTimeout",
        "RequestTimeoutException",
        "ServiceUnavailable",
        "ServiceUnavailableException",
    }
)
"""The service failed, or a request took it too long, whatever the status."""


RequestError: TypeAlias = ClientError | BotoCoreError | NoAnswerError
"""What a client raises where a request has failed."""


class Trouble(Enum):
    """What keeps a request from being answered, where another attempt may be answered."""

    LATER = auto()
    """The service is up, and wants the request later."""

    CUT = auto()
    """The connection broke, or the service failed: the request may have been executed."""

    REFUSED = auto()
    """Nobody accepts connections, as while a service restarts."""

    DEAD = auto()
    """Nothing comes back at all, or the host has no address."""


def trouble_of_status(status: int, code: str) -> Trouble | None:
    """Return what an answer says of its request; ``None`` where another attempt changes nothing."""
    # A key of KMS that is throttled is an error of S3, with the name of the other service.
    name = code.removeprefix("KMS.")
    if name in _THROTTLING or status in {425, 429, 503}:
        return Trouble.LATER
    if code in _FINAL:
        return None
    if code in _FAILED or status == 408 or (status >= 500 and status != 501):
        return Trouble.CUT
    return None


def may_pass(error: ClientError) -> bool:
    """Say whether the same request may succeed later, whoever makes it."""
    status, code = status_of(error), code_of(error)
    return (
        trouble_of_status(status, code) is not None
        or status == 409
        or code in _ON_THE_WAY | CONFLICT | _FAILED | {"TooManyUpdates"}
    )


def status_of(error: ClientError) -> int:
    """Return the status of the answer; 0 where *error* has none."""
    return int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))


def code_of(error: ClientError) -> str:
    """Return the service's name for what went wrong."""
    return str(error.response.get("Error", {}).get("Code", "Unknown"))


def said_by_aws(what: object) -> str:
    """Return a text of the SDK or a service for a message: quoted, and without credentials."""
    if isinstance(what, SSLError):  # it calls everything a failure of validation
        what = f"{what.kwargs.get('error')} ({what.kwargs.get('endpoint_url')})"
    return quoted(redact(str(what)), SERVICE_TEXT_CHARACTERS)


def trouble_of_answer(error: RequestError) -> Trouble | None:
    """Return what *error*, which a client raised, says of its request."""
    if isinstance(error, ClientError):
        return trouble_of_status(status_of(error), code_of(error))
    return trouble_of_error(error)


def trouble_of_error(error: BaseException) -> Trouble | None:
    """Return what kept an answer from coming; ``None`` where another attempt changes nothing."""
    if isinstance(error, IncompleteReadError | NoAnswerError):
        return Trouble.CUT
    if not isinstance(error, HTTPClientError | NoConnectionError):
        return None
    inner = error.kwargs.get("error")
    if isinstance(inner, StartifactError | Cancelled):  # raised by the body while it was sent
        return None
    if isinstance(error, SSLError):
        # A server that goes away in the middle of a handshake; a wrong certificate stays wrong.
        is_cut = tls_trouble_of(list(_causes(inner))) is TlsTrouble.CUT
        return Trouble.CUT if is_cut else None
    if isinstance(error, EndpointConnectionError | ProxyConnectionError):
        refused = _was_caused_by(inner, ConnectionRefusedError, ConnectionResetError)
        return Trouble.REFUSED if refused else Trouble.DEAD
    if type(error) is HTTPClientError:
        # What could not be sent at all, as a header with a line break, cannot be sent again.
        return Trouble.CUT if isinstance(inner, OSError) else None
    # Both kinds of time-out are subclasses of ConnectionError that mean silence.
    if "timeout" in type(error).__name__.lower():
        return Trouble.DEAD
    return Trouble.CUT


@dataclass(frozen=True, slots=True)
class Obstacle:
    """What on the network kept a request from its host, and what to do about it."""

    what: str
    hint: Hint | str
    may_pass: bool


_OF_TLS = {
    TlsTrouble.UNTRUSTED: Obstacle(
        "its certificate is not trusted", advice.CERTIFICATES, may_pass=False
    ),
    TlsTrouble.NO_TLS: Obstacle("what answered does not speak TLS", advice.NO_TLS, may_pass=False),
    TlsTrouble.NOT_AGREED: Obstacle(
        "its host and this machine could not agree on TLS", advice.TLS, may_pass=False
    ),
    TlsTrouble.CUT: Obstacle(
        "the connection was cut while it was being secured", advice.NETWORK, may_pass=True
    ),
}


def obstacle_of(error: BaseException) -> Obstacle | None:
    """Return what kept a request from its host; ``None`` where that is not known."""
    causes = list(_causes(getattr(error, "kwargs", {}).get("error")))
    if isinstance(error, SSLError):
        return _OF_TLS[tls_trouble_of(causes)]
    by_proxy = isinstance(error, ProxyConnectionError)
    # Not in the SDK's text of it, which has an address alone, and that may have the number in it.
    if by_proxy and any("Tunnel connection failed: 407" in str(cause) for cause in causes):
        return Obstacle("a proxy answered 407 in its place", advice.PROXY, may_pass=False)
    if any(isinstance(cause, socket.gaierror) for cause in causes):
        if by_proxy:
            what = "the name of the proxy cannot be resolved"
            return Obstacle(what, advice.PROXY_ADDRESS, may_pass=False)
        return Obstacle("the name of its host cannot be resolved", advice.NAME, may_pass=True)
    if any(isinstance(cause, ConnectionRefusedError) for cause in causes):
        if by_proxy:
            what = "the proxy refused the connection"
            return Obstacle(what, advice.PROXY_REFUSES, may_pass=True)
        return Obstacle("its host refused the connection", advice.NETWORK, may_pass=True)
    return None


def _was_caused_by(error: object, *kinds: type[BaseException]) -> bool:
    """Say whether *error*, or what it was raised from, is one of *kinds*."""
    return any(isinstance(cause, kinds) for cause in _causes(error))


def _causes(error: object) -> Iterator[BaseException]:
    """Yield *error*, and what it was raised from, one after the other."""
    while isinstance(error, BaseException):
        yield error
        # urllib3 wraps some errors in the arguments of others.
        wrapped = next((a for a in error.args if isinstance(a, BaseException)), None)
        error = error.__cause__ or error.__context__ or wrapped
