"""Writing on a condition: after a lost answer, the key is described before the next attempt.

Otherwise the second attempt would be refused for what the first one has done, and the answer to
that may be lost in turn.
"""

import time
from collections.abc import Callable

from botocore.client import BaseClient
from botocore.exceptions import BotoCoreError, ClientError

from startifact.concurrency.backoff import pause_for, pause_seconds
from startifact.limits import Limits
from startifact.regions.aws.answers import NoAnswerError
from startifact.regions.aws.retries import configured_attempts, may_repeat
from startifact.regions.aws.trouble import (
    CONFLICT,
    RequestError,
    Trouble,
    code_of,
    trouble_of_answer,
)

NOT_DONE = frozenset({Trouble.LATER, Trouble.REFUSED})
"""The trouble of a request of which nothing was done."""

_UNDER_WAY = CONFLICT | {"NoSuchUpload"}
"""What a request is answered that comes beside the one before it, whose answer was lost."""


def write_once(
    client: BaseClient,
    request: Callable[[], object],
    *,
    settled: Callable[[], bool],
    limits: Limits,
    seconds_if_lost: float = 0.0,
) -> bool:
    """Make *request*, again only where nothing has come of it; ``False`` where something has.

    Args:
        client: The client that makes it.
        request: A conditional write. It is made with a new body each time.
        settled: Says whether another attempt is in vain, because of what is there by now.
        limits: How long it is tried.
        seconds_if_lost: How long from the beginning on, at least, after an answer was lost: the
            service may still be at it.

    Raises:
        ClientError, BotoCoreError, NoAnswerError: It was refused, or came to nothing in time.
    """
    began = time.monotonic()
    first_failure: float | None = None
    lost, failures = False, 0
    while True:
        try:
            request()
        except (ClientError, BotoCoreError, NoAnswerError) as e:
            failures += 1
            trouble = _trouble(e, lost=lost)
            if trouble is None:
                raise
            lost = lost or trouble not in NOT_DONE
            if lost and settled():
                return False
            pause = pause_seconds(limits.request_retry, failures)
            then = time.monotonic() + pause
            first_failure = first_failure or time.monotonic()
            if not (lost and then - began < seconds_if_lost) and not may_repeat(
                trouble, failures, then - first_failure, limits, configured_attempts(client)
            ):
                raise
            pause_for(pause)
        else:
            return True


def _trouble(error: RequestError, *, lost: bool) -> Trouble | None:
    if lost and isinstance(error, ClientError) and code_of(error) in _UNDER_WAY:
        return Trouble.CUT  # it is being done, or was
    return trouble_of_answer(error)
