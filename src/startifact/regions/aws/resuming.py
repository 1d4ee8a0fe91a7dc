"""Reading on where a connection broke."""

import time
from collections.abc import Callable, Iterator

from startifact.concurrency.backoff import pause_for, pause_seconds
from startifact.concurrency.heartbeat import record_failure
from startifact.errors import RegionUnavailableError
from startifact.limits import Limits
from startifact.regions.aws.retries import may_repeat
from startifact.regions.aws.trouble import Trouble


def resumed(
    read: Callable[[int, int], Iterator[bytes]], start: int, stop: int, limits: Limits
) -> Iterator[bytes]:
    """Yield bytes *start* to *stop* as *read* yields them; where it breaks off, it is called again.

    Raises:
        RegionUnavailableError: It has, without a byte in between, for as long as any request may.
    """
    failures, failing_since = 0, 0.0
    while start < stop:
        try:
            for block in read(start, stop):
                start += len(block)
                failures = 0
                yield block
        except RegionUnavailableError as e:
            failures += 1
            record_failure(e.message)
            # Not what `record_failure` returns: other requests may be answered in between.
            if failures == 1:
                failing_since = time.monotonic()
            pause = pause_seconds(limits.request_retry, failures)
            failing = time.monotonic() - failing_since + pause
            if failures >= limits.read_attempts and not may_repeat(
                Trouble.CUT, failures, failing, limits, configured=0
            ):
                raise
            pause_for(pause)


def wrong_length(region: str, key: str, got: int, asked: int) -> RegionUnavailableError:
    """Return the error for an answer of *got* bytes of an object that is as it was described.

    None of them were read, so they say nothing of what is stored.
    """
    return RegionUnavailableError(
        f"{region} answered {got:,} bytes of {key}, asked for {asked:,}",
        hint="A proxy, or a store that does not know ranges, does this: look at what is between "
        "here and the region",
    )
