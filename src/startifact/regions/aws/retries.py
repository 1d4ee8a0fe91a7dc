"""Trying requests again that a service put off, or whose connection broke.

The SDK's own retries are taken out: they end after so many attempts, however short, and know
nothing of who waits. These last as long as a region may be idle, for every request of a client, and
end when nobody waits any more.
"""

import ssl
import threading
import time
from enum import Enum, auto
from typing import TYPE_CHECKING, Any

from botocore.client import BaseClient
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

from startifact.concurrency.backoff import pause_for, pause_seconds
from startifact.concurrency.heartbeat import (
    CURRENT_HEARTBEAT,
    Cancelled,
    check_cancelled,
    record_answer,
    record_failure,
)
from startifact.errors import StartifactError
from startifact.limits import Limits
from startifact.regions.aws.errors import code_of, said_by_aws

if TYPE_CHECKING:
    from botocore.awsrequest import AWSResponse

_NEVER = frozenset({"CompleteMultipartUpload", "PutObject"})
"""They are conditional: whoever makes them looks at what is there first (`write_once`)."""

_COUNTED = frozenset({"PutParameter"})
"""Whoever makes it tries again, so many times: the mirror is no reason to wait for long."""

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

_TIMED_OUT = frozenset({"RequestTimeout", "RequestTimeoutException"})


class Trouble(Enum):
    """What keeps a request from being answered, where another attempt may be."""

    LATER = auto()
    """The service is there, and asks to be asked later."""

    CUT = auto()
    """The connection broke, or the service failed: the request may have been carried out."""

    REFUSED = auto()
    """Nobody accepts connections, as while a service restarts."""

    DEAD = auto()
    """Nothing comes back at all, or the host has no address."""


def trouble_of_status(status: int, code: str) -> Trouble | None:
    """Return what an answer says of its request; ``None`` where another attempt changes nothing."""
    if code in _THROTTLING or status in {425, 429, 503}:
        return Trouble.LATER
    if code in _FINAL:
        return None
    if code in _TIMED_OUT or status == 408 or (status >= 500 and status != 501):
        return Trouble.CUT
    return None


def trouble_of_answer(error: ClientError | BotoCoreError) -> Trouble | None:
    """Return what *error*, which a client raised, says of its request."""
    if isinstance(error, ClientError):
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        return trouble_of_status(status, code_of(error))
    return trouble_of_error(error)


def trouble_of_error(error: BaseException) -> Trouble | None:
    """Return what kept an answer from coming; ``None`` where another attempt changes nothing."""
    if isinstance(error, IncompleteReadError):
        return Trouble.CUT
    if not isinstance(error, HTTPClientError | NoConnectionError):
        return None
    inner = error.kwargs.get("error")
    if isinstance(inner, StartifactError | Cancelled):  # raised by the body while it was sent
        return None
    if isinstance(error, SSLError):
        # A server that goes away in the middle of a handshake; a wrong certificate stays wrong.
        return Trouble.CUT if _was_caused_by(inner, ssl.SSLEOFError) else None
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


def _was_caused_by(error: object, *kinds: type[BaseException]) -> bool:
    """Say whether *error*, or what it was raised from, is one of *kinds*."""
    while isinstance(error, BaseException):
        if isinstance(error, kinds):
            return True
        # urllib3 wraps some errors in the arguments of others.
        wrapped = next((a for a in error.args if isinstance(a, BaseException)), None)
        error = error.__cause__ or error.__context__ or wrapped
    return False


class Pace:
    """How far apart the requests to one region begin, in all threads together."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._lock = threading.Lock()
        self._apart = 0.0
        self._next = 0.0

    def throttled(self) -> None:
        """Slow down."""
        limits = self._limits
        with self._lock:
            wanted = max(limits.pace_first_seconds, 2 * self._apart)
            self._apart = min(wanted, limits.pace_longest_seconds)

    def accepted(self) -> None:
        """Speed up."""
        with self._lock:
            half = self._apart / 2
            self._apart = half if half >= self._limits.pace_first_seconds / 2 else 0.0

    def seconds_to_wait(self) -> float:
        """Take the next turn, and return how long it is until then."""
        with self._lock:
            now = time.monotonic()
            turn = max(now, self._next)
            self._next = turn + self._apart
            return turn - now if self._apart else 0.0


class Retries:
    """Decides which requests of one client are made again, and when."""

    def __init__(self, limits: Limits, *, attempts: int) -> None:
        self._limits = limits
        self._pace = Pace(limits)
        self._configured = attempts

    def wait_for_turn(self, **_: object) -> None:
        """Wait until the request may be made, where the region has throttled others."""
        if (seconds := self._pace.seconds_to_wait()) > 0:
            pause_for(seconds)

    def decide(
        self,
        *,
        response: "tuple[AWSResponse, dict[str, Any]] | None",
        caught_exception: BaseException | None,
        attempts: int,
        operation: Any,
        **_: object,
    ) -> float | None:
        """Return 0 after a pause where the request is to be made again, else ``None``.

        Raises:
            Cancelled: Nobody waits for the work of this thread any more.
        """
        trouble, said = _trouble(response, caught_exception)
        if trouble is None:
            if response is not None:
                self._pace.accepted()
                # Of a body that is still to come, whoever reads it says that it has come.
                if not operation.has_streaming_output or response[0].status_code >= 300:
                    record_answer()
            return None
        if trouble is Trouble.LATER:
            self._pace.throttled()
        failing = record_failure(said, later=trouble is Trouble.LATER)
        pause = pause_seconds(self._limits.request_retry, attempts)
        if not self._may_repeat(operation.name, trouble, attempts, failing + pause):
            return None
        pause_for(pause)
        return 0.0

    def _may_repeat(
        self, operation: str, trouble: Trouble, attempts: int, failing_seconds: float
    ) -> bool:
        if operation in _NEVER:
            return False
        if operation in _COUNTED:
            return attempts < self._limits.request_retry.attempts
        return may_repeat(trouble, attempts, failing_seconds, self._limits, self._configured)


def configured_attempts(client: BaseClient) -> int:
    """Return how many attempts somebody configured for *client*; 0 where nobody did."""
    retries: dict[str, Any] = getattr(client.meta.config, "retries", None) or {}
    return retries.get("total_max_attempts") or 0


def may_repeat(
    trouble: Trouble, attempts: int, failing_seconds: float, limits: Limits, configured: int
) -> bool:
    """Say whether a request may be made again after *attempts* of it.

    Args:
        trouble: What the last one met.
        attempts: How many there were.
        failing_seconds: How long the region will have failed by the next one.
        limits: How long it may.
        configured: How many attempts somebody configured.
    """
    if attempts < limits.request_retry.attempts:
        return True
    if attempts < configured:
        # Somebody wants it so, however long it takes.
        if trouble is not Trouble.DEAD and (heartbeat := CURRENT_HEARTBEAT.get()):
            heartbeat.last = time.monotonic()
        return True
    return has_time(trouble, failing_seconds, limits)


def has_time(trouble: Trouble, failing_seconds: float, limits: Limits) -> bool:
    """Say whether a region may be tried once more that has failed for *failing_seconds*."""
    heartbeat = CURRENT_HEARTBEAT.get()
    if heartbeat is None or not heartbeat.patient or trouble is Trouble.DEAD:
        return False
    # Less than until the region is given up as idle, so that the service's reason is told.
    idle = 0.9 * limits.idle_timeout_seconds
    return failing_seconds < (
        min(idle, limits.refused_seconds) if trouble is Trouble.REFUSED else idle
    )


def _trouble(
    response: "tuple[AWSResponse, dict[str, Any]] | None", error: BaseException | None
) -> tuple[Trouble | None, str]:
    """Return the trouble with a request, and what was said of it."""
    if response is not None:
        answer, parsed = response
        said = parsed.get("Error", {})
        code = str(said.get("Code", ""))
        return (
            trouble_of_status(answer.status_code, code),
            said_by_aws(f"{code}, {said.get('Message', '')}"),
        )
    return (None if error is None else trouble_of_error(error)), said_by_aws(error)


def retry_requests(client: BaseClient, limits: Limits) -> None:
    """Put `Retries` in the place of the SDK's own, for every request of *client*.

    What somebody configured (``AWS_MAX_ATTEMPTS``, ``AWS_RETRY_MODE``, a profile) holds where it
    asks for more: the mode "adaptive" goes on to limit the rate, and so many attempts are made.
    """
    service = client.meta.service_model.service_id.hyphenize()
    events = client.meta.events
    retries = Retries(limits, attempts=configured_attempts(client))
    events.unregister(f"needs-retry.{service}", unique_id=f"retry-config-{service}")
    events.register_first(f"needs-retry.{service}", retries.decide)  # type: ignore[arg-type]
    events.register_first(f"request-created.{service}", retries.wait_for_turn)


def stop_retries_with_worker(client: BaseClient) -> None:
    """Keep *client* from repeating a request whose answer nobody waits for any more.

    The first attempt is left alone: its answer counts if it still comes.
    """
    client.meta.events.register("request-created", _check)


def _check(request: Any, **_: object) -> None:
    if request.context.get("retries", {}).get("attempt", 1) > 1:
        check_cancelled()
