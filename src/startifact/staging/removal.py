"""Whether the version that is staged is being removed: then its number is used, for good.

A removal is finished once every region has a tombstone in the place of the artifact, so that a
staging which has not seen it begin is refused by the store. What is looked for here is one that is
under way, or was left unfinished.
"""

import logging
from collections.abc import Callable
from functools import partial

from startifact.concurrency.fan_out import Failure, FanOut
from startifact.concurrency.heartbeat import Heartbeat
from startifact.errors import RemovedError
from startifact.limits import Limits
from startifact.model.quorum import required_to_read
from startifact.model.record import Record
from startifact.reading.replica import Replica, describe
from startifact.regions.interface import Region
from startifact.registers.marks import Mark
from startifact.staging.content import conflict
from startifact.staging.state import StagingState
from startifact.text import with_regions

logger = logging.getLogger(__name__)


def check_marks(state: StagingState, attempt: Record, limits: Limits) -> None:
    """Return unless a region says that the version is being removed; each is asked once.

    Where a region does not say it, as the role may not read it, that is a warning: what is stored
    while a removal is under way, the removal replaces as well.

    Raises:
        ConflictError: One says so.
    """
    jobs = {
        name: partial(_mark, snapshot.mark)
        for name, snapshot in state.snapshots.items()
        if snapshot.mark is not None and name not in state.marked
    }
    state.marked |= jobs.keys()
    with FanOut(jobs, limits=limits) as reading:
        for answer in reading:
            if isinstance(answer, Failure):
                logger.warning(
                    "%s", with_regions([answer.name], f"it is not known whether {state.key} is "
                    f"being removed: {answer.error.message}")
                )  # fmt: skip
            elif not answer.value.is_being_removed:
                state.not_marked.add(answer.name)
            else:
                error = RemovedError(
                    f"{state.key} is being removed in {answer.name}",
                    hint="Choose another version; the number of a removed version stays used",
                )
                state.record_failure(Failure(answer.name, answer.seconds, error))
    _refuse_removed(state, attempt)


def warn_of_few_marks(state: StagingState) -> None:
    """Warn where too few regions answered to know that the version was not removed before.

    A removal begins in a majority of the regions. All of them may be among those that did not
    answer, where fewer than half did: only with fewer required regions than a majority, or where
    marks cannot be read.
    """
    known, needed = len(state.not_marked), required_to_read(len(state.regions))
    if known < needed:
        logger.warning(
            "%s: %d of %d regions said that this version was not removed before, %d are needed to "
            "know: if it was, its number is used again, and the next prune or repair removes what "
            "is staged now", state.key, known, len(state.regions), needed,
        )  # fmt: skip


def describe_again(state: StagingState, attempt: Record, limits: Limits) -> None:
    """Return unless a region has a tombstone by now: it may have got it while others were filled.

    Raises:
        ConflictError: One has.
    """
    answered = [region for region in state.regions if region.name in state.snapshots]
    jobs = {region.name: partial(_describe, region, state) for region in answered}
    with FanOut(jobs, limits=limits) as describing:
        for answer in describing:
            if isinstance(answer, Failure) and isinstance(answer.error, RemovedError):
                state.record_failure(answer)
    _refuse_removed(state, attempt)


def _refuse_removed(state: StagingState, attempt: Record) -> None:
    removed = state.removed()
    if removed is not None:
        raise conflict(state, attempt, removed=removed)


def _mark(read: Callable[[], Mark], heartbeat: Heartbeat) -> Mark:
    heartbeat.beat()
    return read()


def _describe(region: Region, state: StagingState, heartbeat: Heartbeat) -> Replica | None:
    heartbeat.beat()
    return describe(region, state.key)
