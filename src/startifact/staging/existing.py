"""What is staged already: comparing it with a file, and fetching it to fill regions."""

import contextlib
import logging
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial

from startifact.concurrency.fan_out import Failure, FanOut
from startifact.concurrency.progress import ProgressCallback
from startifact.files.source import Source
from startifact.files.temporary import needs_room, sweep, temporary_folder
from startifact.limits import Limits
from startifact.model.keys import Key
from startifact.model.record import Record, encode
from startifact.reading.download import Downloader
from startifact.reading.replica import Replica
from startifact.reading.resolution import KnownAnswers, Resolution
from startifact.regions.interface import Region
from startifact.staging.region_steps import read_digest
from startifact.staging.state import StagingState

logger = logging.getLogger(__name__)


@contextlib.contextmanager
def fetch_existing(
    regions: Sequence[Region],
    key: Key,
    replicas: Sequence[Replica],
    *,
    limits: Limits,
    progress: ProgressCallback | None = None,
) -> Iterator[Source]:
    """Yield the verified artifact of which all *replicas* are copies, from any that delivers it.

    It is in a temporary folder, which is gone afterwards.

    Raises:
        LocalFileError: There is no room for it.
        StartifactError: No region can deliver it.
    """
    known = KnownAnswers(replicas=replicas)
    resolution = Resolution(regions, key, limits=limits, known=known)
    downloader = Downloader(resolution, replicas[0].record, progress, limits=limits)
    with temporary_folder() as folder:
        with needs_room():
            path = downloader.download(folder / "artifact")
            source = Source.scan(path, part_bytes=limits.part_bytes)
        yield source


def read_missing_digests(state: StagingState, *, limits: Limits) -> None:
    """Record in *state* the digest of replicas for which the first Startifact recorded none.

    They are read whole. Those that lack the metadata that another region has fail from then on.
    """
    without_digest = state.replicas_without_digest()
    jobs = {n: partial(read_digest, replica, state.key) for n, replica in without_digest.items()}
    with FanOut(jobs, limits=limits) as reading:
        for answer in reading:
            if isinstance(answer, Failure):
                # Not a failure of one region only: unread, it may be other content.
                raise answer.error
            replica = without_digest[answer.name]
            found = replace(replica.record, sha256=answer.value)
            state.record_compared(replace(replica, record=found))
    state.set_incomplete_aside()


@contextlib.contextmanager
def to_fill_with(
    state: StagingState,
    source: Source,
    attempt: Record,
    chosen: Record,
    *,
    limits: Limits,
    progress: ProgressCallback | None,
) -> Iterator[tuple[Source, str]]:
    """Yield bytes and record of *chosen*, for regions that lack it; nothing of use where none does.

    The bytes are in *source* where *chosen* is the *attempt*, else they are brought here.

    Raises:
        InputError: It is of the first Startifact, and its metadata larger than a record can hold.
        LocalFileError: There is no room for it.
        StartifactError: No region can deliver it.
    """
    if not state.regions_to_write():
        yield source, ""
        return
    encoded_record = encoded_record_of(state, chosen, staged_at=attempt.staged_at)
    if chosen.same_content(attempt):
        yield source, encoded_record
        return
    replicas = [r for r in state.all_replicas() if r.record.same_content(chosen)]
    sweep()
    with fetch_existing(
        state.regions, state.key, replicas, limits=limits, progress=progress
    ) as existing:
        yield existing, encoded_record


def encoded_record_of(state: StagingState, record: Record, *, staged_at: str) -> str:
    """Return what to store: where the version exists, the existing record, byte for byte.

    Every region then has the time and origin of the first staging, and compares as equal. *record*
    has been staged at *staged_at* where it does not say when.
    """
    recorded = (
        replica.stored.encoded_record
        for replica in state.known_replicas()
        if replica.record.same_content(record)
    )
    if existing := next((text for text in recorded if text), None):
        return existing
    encoded_record, left_out = encode(replace(record, staged_at=record.staged_at or staged_at))
    if left_out:
        logger.warning(
            "%s: the metadata leaves no room for these facts: %s", state.key, ", ".join(left_out)
        )
    return encoded_record
