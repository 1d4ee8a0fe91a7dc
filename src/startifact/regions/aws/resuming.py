"""Reading on, or once more, where a connection broke in the middle of an answer.

`retries` knows nothing of it: the SDK has handed the answer out by then.
"""

import time
from collections.abc import Callable, Iterator
from typing import TypeVar

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    IncompleteReadError,
    ResponseStreamingError,
)
from urllib3.exceptions import ProtocolError

from startifact.concurrency.backoff import pause_for, pause_seconds
from startifact.concurrency.heartbeat import CURRENT_HEARTBEAT, record_failure
from startifact.errors import RegionUnavailableError
from startifact.limits import Limits
from startifact.regions.aws.answers import NoAnswerError
from startifact.regions.aws.retries import may_repeat
from startifact.regions.aws.trouble import Trouble, said_by_aws, trouble_of_answer

T = TypeVar("T")

_ASKED_AGAIN = frozenset({Trouble.LATER, Trouble.CUT, Trouble.REFUSED})

# Of urllib3's own errors, those in the body of an answer that is an error come through.
_BROKEN = (NoAnswerError, IncompleteReadError, ProtocolError, ResponseStreamingError)


def asked_again(ask: Callable[[], T], limits: Limits, *, configured: int) -> T:
    """Return what *ask* does; where an answer breaks off, or is none, it is called again.

    That lasts as long as with any request of a client with *configured* attempts.

    Raises:
        NoAnswerError, BotoCoreError, ProtocolError: All answers broke off, or were none.
    """
    failures, failing_since = 0, time.monotonic()
    while True:
        try:
            return ask()
        except _BROKEN as e:
            if isinstance(e, NoAnswerError) and e.asked_again:
                raise
            failures += 1
            record_failure(said_by_aws(e))
            if failures == 1:
                failing_since = time.monotonic()
            pause = pause_seconds(limits.request_retry, failures)
            failing = time.monotonic() - failing_since + pause
            if not may_repeat(Trouble.CUT, failures, failing, limits, configured):
                raise
            pause_for(pause)


class _BrokenAnswers:
    """The answers about one part that have broken off."""

    def __init__(self, limits: Limits, configured: int) -> None:
        self._limits = limits
        self._configured = configured
        self._count = 0
        self._in_a_row = 0
        self._without_bytes = 0
        self._bytes = 0
        self._bytes_since_first = 0
        self._since = 0.0

    def may_read_on(self, got: int) -> bool:
        """Pause, and say whether the part is asked for once more after an answer of *got* bytes.

        Nobody waits for another region where there is one: it delivers sooner than this recovers.
        """
        limits, now = self._limits, time.monotonic()
        self._bytes += got
        self._bytes_since_first += got
        if self._bytes_since_first >= limits.part_bytes:  # one request may ask for several
            self._count = self._bytes_since_first = 0
        if self._count == 0 or self._bytes >= limits.read_progress_bytes:
            self._in_a_row, self._bytes, self._since = 0, 0, now
        self._count += 1
        self._in_a_row += 1
        self._without_bytes = 1 if got else self._without_bytes + 1
        heartbeat = CURRENT_HEARTBEAT.get()
        others_can_deliver = heartbeat is not None and not heartbeat.retry_until_idle
        if others_can_deliver and self._count >= max(limits.broken_answers, self._configured):
            return False
        pause = pause_seconds(limits.request_retry, self._without_bytes)
        # Not what `record_failure` returns: other requests may be answered in between.
        failing = now - self._since + pause
        if self._in_a_row >= limits.read_attempts and not may_repeat(
            Trouble.CUT, self._in_a_row, failing, limits, self._configured
        ):
            return False
        pause_for(pause)
        return True


def resumed(
    read: Callable[[int, int], Iterator[bytes]],
    start: int,
    stop: int,
    limits: Limits,
    *,
    configured: int,
) -> Iterator[bytes]:
    """Yield bytes *start* to *stop* as *read* yields them; where it breaks off, it is called again.

    Raises:
        RegionUnavailableError: It has, with hardly a byte in between, for as long as any request
            may; or several times, with bytes, where another region can deliver them.
    """
    broken = _BrokenAnswers(limits, configured)
    while start < stop:
        began = start
        try:
            for block in read(start, stop):
                start += len(block)
                yield block
        except RegionUnavailableError as e:
            if _has_been_asked_again(e.__cause__):
                raise
            record_failure(e.message)
            if not broken.may_read_on(start - began):
                raise


def _has_been_asked_again(cause: BaseException | None) -> bool:
    """Say whether the client has made the request again by itself, as long as it may be made.

    Then it is given up: its time is not to begin once more. What cuts or stalls the body of an
    answer it knows nothing of.
    """
    if isinstance(cause, NoAnswerError):
        return cause.asked_again
    if isinstance(cause, IncompleteReadError | ResponseStreamingError):
        return False
    if isinstance(cause, ClientError | BotoCoreError):
        return trouble_of_answer(cause) in _ASKED_AGAIN
    return False


def wrong_length(region: str, key: str, got: int, asked: int) -> RegionUnavailableError:
    """Return the error for an answer of *got* bytes of an object that is as it was described.

    None of them were read, so they say nothing of what is stored.
    """
    return RegionUnavailableError(
        f"{region} answered {got:,} bytes of {key}, asked for {asked:,}",
        hint="A proxy, or a store that does not know ranges, does this: look at what is between "
        "here and the region",
    )
