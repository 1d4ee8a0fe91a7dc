"""How regions that lack what is staged get it, all at a time."""

import contextlib
from functools import partial

from startifact.concurrency.fan_out import Failure, FanOut
from startifact.concurrency.progress import ProgressCallback, Tally
from startifact.errors import DeadlineError, LocalFileError, StartifactError
from startifact.files.source import Source
from startifact.limits import Limits
from startifact.model.record import Record
from startifact.reading.replica import Replica
from startifact.staging.existing import to_fill_with
from startifact.staging.outcomes import StageRequest
from startifact.staging.replication import Replication
from startifact.staging.state import StagingState, changed_file


def fill(
    state: StagingState,
    request: StageRequest,
    source: Source,
    attempt: Record,
    chosen: Record,
    *,
    required: int,
    limits: Limits,
    progress: ProgressCallback | None,
) -> bool:
    """Write *chosen* where it is absent; it is in *source*, or else brought here first.

    Returns:
        Whether a region was left as it is, and is still to be written to: other content came up
        elsewhere before it was its turn.

    Where that cannot be, and *required* regions hold it, those that lack it have failed.

    Raises:
        LocalFileError: The file changed, or cannot be read.
        StartifactError: It cannot, and too few regions hold it.
    """
    with contextlib.ExitStack() as stack:
        try:
            source, encoded_record = stack.enter_context(
                to_fill_with(state, source, attempt, chosen, limits=limits, progress=progress)
            )
        except (DeadlineError, LocalFileError):
            raise
        except StartifactError as e:
            if len(state.replicas) < required:
                raise
            for region in state.regions_to_write():
                state.record_failure(Failure(region.name, 0.0, e))
            return False
        tally = Tally(progress, verb="stage", artifact=state.key, total=source.size)
        replication = Replication(
            request, state.key, source, chosen, encoded_record,
            regions=len(state.regions), holders=state.replicas_in_order(), limits=limits,
        )  # fmt: skip
        jobs = {r.name: partial(replication.create, r) for r in state.regions_to_write()}
        with FanOut(jobs, limits=limits, notify=tally.add, undo=True) as writing:
            return _record_written(state, writing, chosen, encoded_record, required, limits)


def _record_written(
    state: StagingState,
    writing: FanOut[Replica | None],
    record: Record,
    encoded_record: str,
    required: int,
    limits: Limits,
) -> bool:
    """Record how *writing* ends in each region; what another one has created there is different.

    Once *required* regions hold *record*, the others have less time.

    Returns:
        Whether one was left as it is.

    Raises:
        LocalFileError: The file changed, or cannot be read.
    """
    was_left = False
    while answer := writing.next():
        if isinstance(answer, Failure):
            # All regions are sent the same file, so none can do better.
            if isinstance(answer.error, LocalFileError):
                raise changed_file(state, answer.error)
            state.record_failure(answer)
        elif answer.value is None:
            was_left = True
            state.record_time(answer.name, answer.seconds)
        elif answer.value.record.same_content(record):
            state.record_written(answer.name, answer.seconds, answer.value, encoded_record)
        else:
            state.record_time(answer.name, answer.seconds)
            state.different[answer.name] = answer.value
        if len(state.replicas) >= required:
            writing.shorten_idle_timeout(limits.quorum_idle_timeout_seconds)
    return was_left
