"""Trying requests again that a service put off, or whose connection broke.

The SDK's own retries are taken out: they end after a few attempts, however short, and know
nothing of who waits. These last as long as a region may be idle, for every request of a client, and
end when nobody waits any more.
"""

import logging
import threading
import time
from typing import TYPE_CHECKING, Any

from botocore.client import BaseClient

from startifact.concurrency.backoff import pause_for, pause_seconds
from startifact.concurrency.heartbeat import (
    CURRENT_HEARTBEAT,
    check_cancelled,
    record_answer,
    record_failure,
)
from startifact.limits import Limits
from startifact.regions.aws.answers import no_answer_in
from startifact.regions.aws.trouble import (
    Trouble,
    said_by_aws,
    trouble_of_error,
    trouble_of_status,
)

if TYPE_CHECKING:
    from botocore.awsrequest import AWSResponse

logger = logging.getLogger(__name__)

_NEVER = frozenset({"CompleteMultipartUpload", "PutObject"})
"""They are conditional: whoever makes them looks at what is there first (`write_once`)."""

_COUNTED = frozenset({"PutParameter"})
"""Their caller counts its attempts: the mirror is no reason to wait for long."""


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

    def __init__(self, limits: Limits, *, attempts: int, service: str = "the service") -> None:
        self._service = service
        self._limits = limits
        self._pace = Pace(limits)
        self._configured = attempts

    def wait_for_turn(self, **_: object) -> None:
        """Wait until the request may be made, where the region has throttled others.

        What undoes something does not wait: it has a moment, and the turns before it may be those
        of requests that nobody waits for any more.
        """
        if CURRENT_HEARTBEAT.get() is None:
            return
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
            NoAnswerError: What came is not the service's answer, and it is not made again.
        """
        foreign = None if response is None else no_answer_in(response[1])
        trouble, said = _trouble(response, foreign or caught_exception)
        if trouble is None:
            if response is not None:
                self._pace.accepted()
                # A body that is still to come is recorded by whoever reads it.
                if not operation.has_streaming_output or response[0].status_code >= 300:
                    record_answer()
            return None
        if trouble is Trouble.LATER:
            self._pace.throttled()
        failing = record_failure(said, later=trouble is Trouble.LATER)
        pause = pause_seconds(self._limits.request_retry, attempts)
        if not self._may_repeat(operation.name, trouble, attempts, failing + pause):
            if foreign is None:
                return None
            foreign.asked_again = operation.name not in _NEVER
            raise foreign
        logger.debug(
            "%s: %s is made again in %.1f s, after attempt %d: %s",
            self._service, operation.name, pause, attempts, said,
        )  # fmt: skip
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
    if heartbeat is None or not heartbeat.retry_until_idle or trouble is Trouble.DEAD:
        return False
    seconds = limits.retry_share * limits.idle_timeout_seconds
    return failing_seconds < (
        min(seconds, limits.refused_seconds) if trouble is Trouble.REFUSED else seconds
    )


def _trouble(
    response: "tuple[AWSResponse, dict[str, Any]] | None", error: BaseException | None
) -> tuple[Trouble | None, str]:
    """Return the trouble with a request, and what was said of it.

    An *error* counts before the *response* that it is about.
    """
    if response is None or error is not None:
        return (None if error is None else trouble_of_error(error)), said_by_aws(error)
    answer, parsed = response
    said = parsed.get("Error", {})
    code = str(said.get("Code", ""))
    # The SDK makes a 500 of a 200 with an error, or with what is cut.
    status = parsed.get("ResponseMetadata", {}).get("HTTPStatusCode", answer.status_code)
    return trouble_of_status(status, code), said_by_aws(f"{code}, {said.get('Message', '')}")


def retry_requests(client: BaseClient, limits: Limits) -> None:
    """Put `Retries` in the place of the SDK's own, for every request of *client*.

    What somebody configured (``AWS_MAX_ATTEMPTS``, ``AWS_RETRY_MODE``, a profile) holds where it
    asks for more: the mode "adaptive" still limits the rate, and as many attempts are made.
    """
    service = client.meta.service_model.service_id.hyphenize()
    events = client.meta.events
    name = f"{client.meta.service_model.service_id} in {client.meta.region_name}"
    retries = Retries(limits, attempts=configured_attempts(client), service=name)
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
