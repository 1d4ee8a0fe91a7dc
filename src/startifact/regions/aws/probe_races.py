"""Writers that come at once, of which a store lets exactly one succeed."""

import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from startifact.concurrency.backoff import pause_for, pause_seconds
from startifact.concurrency.worker_pool import run_in_pool
from startifact.errors import RegionUnavailableError
from startifact.regions.aws import advice
from startifact.regions.aws.answers import NoAnswerError
from startifact.regions.aws.bucket import Bucket
from startifact.regions.aws.conditional import NOT_DONE
from startifact.regions.aws.conditions import UNMET
from startifact.regions.aws.probe_requests import ProbeRequests, RefusedHeaderError
from startifact.regions.aws.probe_steps import (
    COMPLETE,
    PUT,
    RACED,
    REPLACE,
    DishonouredError,
    Steps,
)
from startifact.regions.aws.race import run_at_once
from startifact.regions.aws.retries import configured_attempts, may_repeat
from startifact.regions.aws.trouble import (
    CONFLICT,
    RequestError,
    code_of,
    said_by_aws,
    trouble_of_answer,
)


class Races(Steps):
    """Races of each kind of write that a staging relies on."""

    def __init__(self, bucket: Bucket, requests: ProbeRequests) -> None:
        super().__init__(bucket, requests)
        self._undecided = set(RACED)
        self._trouble: RequestError | None = None
        self._began = self._until = 0.0

    def run(self) -> None:
        """Return when each kind of race has had one winner.

        Raises:
            ConfigurationError: One had several, or none.
            RegionUnavailableError: The store had too much to do for as long as any request may.
        """
        self._began = time.monotonic()
        self._until = self._began + self.limits.probe_seconds
        for _ in range(self.limits.probe_rounds):
            if not self._is_over():
                self._round(RACED)
        # A store that has too much to do is asked for as long as by any other request.
        rounds = 0
        while self._undecided and self._trouble is not None:
            rounds += 1
            if not self._may_repeat(self._trouble, rounds):
                break
            self._trouble = None
            self._round(frozenset(self._undecided))
        if self._undecided:
            raise self._no_winner(min(self._undecided))

    def _is_over(self) -> bool:
        """Say whether its time is over; not before each kind of race has been decided."""
        return time.monotonic() > self._until and not self._undecided

    def _round(self, steps: frozenset[str]) -> None:
        """Race each of *steps* once, each at a fresh key."""
        requests, writers = self.requests, range(self.limits.probe_writers)
        put, complete, replace = (requests.new_key() for _ in range(3))
        etags: list[str] = []
        uploads: list[dict[str, Any]] = []

        def make_object() -> None:
            self.refuses(replace, PUT, partial(requests.put_channel, replace, IfNoneMatch="*"))
            etags.append(requests.read_channel(replace))

        def make_upload(number: int) -> None:
            uploads.append(requests.upload(complete, number))

        jobs: list[Callable[[], None]] = [make_object] if REPLACE in steps else []
        jobs += [partial(make_upload, n) for n in writers if COMPLETE in steps]
        with requests.errors("s3:PutObject", complete):
            run_in_pool(jobs, workers=len(jobs), limits=self.limits)
        if PUT in steps:
            self._race(PUT, put, [partial(requests.put, put, n, IfNoneMatch="*") for n in writers])
        if COMPLETE in steps:
            completions = [
                partial(requests.complete, complete, u, IfNoneMatch="*") for u in uploads
            ]
            self._race(COMPLETE, complete, completions)
        if REPLACE in steps:
            write = partial(requests.put_channel, replace, IfMatch=etags[0])
            self._race(REPLACE, replace, [partial(write, number=n + 1) for n in writers])

    def _race(self, step: str, key: str, writes: Sequence[Callable[[], object]]) -> None:
        """Let *writes* leave at once, of which exactly one may succeed.

        As long as nothing comes of it but that the store puts all of them off, they leave again,
        unless an earlier race of this kind has had its winner.
        """
        races = 0
        while not self._is_over():
            self.beat()
            with self.requests.errors("s3:PutObject", key):
                won, put_off = self._race_once(step, writes)
            if won > 1:
                raise DishonouredError(
                    f"lets {won} of {len(writes)} writers that come at once succeed with {step}"
                )
            if won:
                self._undecided.discard(step)
            races += 1
            if put_off is None or step not in self._undecided:
                break
            if not self._may_repeat(put_off, races):
                break

    def _race_once(
        self, step: str, writes: Sequence[Callable[[], object]]
    ) -> tuple[int, RequestError | None]:
        """Return how many of *writes* succeed, and the trouble of one where all were put off."""
        won: list[bool] = []
        refused: list[RequestError] = []

        def run(write: Callable[[], object]) -> None:
            try:
                write()
            except RefusedHeaderError as e:
                raise self.refused_header(e, step) from e
            except (ClientError, BotoCoreError, NoAnswerError) as e:
                if not isinstance(e, ClientError) and trouble_of_answer(e) is None:
                    raise
                refused.append(e)
            else:
                won.append(True)

        run_at_once([partial(run, write) for write in writes], limits=self.limits)
        troubles = [e for e in refused if not _is_refusal(e)]
        if troubles:  # some may have been done: that decides nothing
            self._trouble = troubles[0]
        put_off = len([e for e in troubles if trouble_of_answer(e) in NOT_DONE]) == len(writes)
        return len(won), troubles[0] if put_off else None

    def _may_repeat(self, error: RequestError, times: int) -> bool:
        """Pause, and say whether what met *error* *times* times may be repeated.

        All races together may take as long as one request, so that a busy store is given up once.
        """
        trouble = trouble_of_answer(error)
        if trouble is None:
            return False
        pause = pause_seconds(self.limits.request_retry, times)
        seconds, configured = (
            time.monotonic() + pause - self._began,
            configured_attempts(self.client),
        )
        # Each race is several requests, so that even a few attempts of each would take minutes.
        if seconds > self.limits.idle_timeout_seconds:
            return False
        if not may_repeat(trouble, times, seconds, self.limits, configured):
            return False
        pause_for(pause)
        return True

    def _no_winner(self, step: str) -> Exception:
        if self._trouble is not None:
            return RegionUnavailableError(
                f"{self.region} could not be shown to honour conditions: of several writers that "
                f"come at once none succeeded with {step}: "
                f"{said_by_aws(self._trouble)}",
                hint=advice.NO_ANSWER
                if isinstance(self._trouble, NoAnswerError)
                else "The store may have too much to do",
            )
        return DishonouredError(
            f"lets none of several writers that come at once succeed with {step}"
        )


def _is_refusal(error: RequestError) -> bool:
    """Say whether *error* is a refusal for the condition, or for another write at that moment."""
    return isinstance(error, ClientError) and code_of(error) in UNMET | CONFLICT
