"""Requests that leave at the same moment, to see what a store makes of that."""

import contextlib
import threading
from collections.abc import Callable, Sequence
from functools import partial

from botocore.client import BaseClient

from startifact.concurrency.worker_pool import run_in_pool
from startifact.limits import RACE_START_SECONDS, Limits


class _Thread(threading.local):
    start: threading.Barrier | None = None


_THIS = _Thread()


def hold_back(client: BaseClient) -> None:
    """Make requests of *client* wait for each other in `run_at_once`, built and signed already."""
    client.meta.events.register("before-send.s3", wait_for_others)


def run_at_once(jobs: Sequence[Callable[[], None]], *, limits: Limits) -> None:
    """Run *jobs*, each of which sends one request to S3; the requests leave at the same moment."""
    start = threading.Barrier(len(jobs))
    waiting = [partial(_run, job, start) for job in jobs]
    run_in_pool(waiting, workers=len(jobs), limits=limits)


def _run(job: Callable[[], None], start: threading.Barrier) -> None:
    _THIS.start = start
    try:
        job()
    finally:
        if _THIS.start is not None:
            start.abort()  # nothing was sent: the others need not wait for it
        _THIS.start = None


def wait_for_others(**_: object) -> None:
    """Return when those that this thread's request is to leave with are ready, or have failed."""
    start, _THIS.start = _THIS.start, None  # once: a second attempt does not race
    if start is not None:
        with contextlib.suppress(threading.BrokenBarrierError):
            start.wait(RACE_START_SECONDS)
