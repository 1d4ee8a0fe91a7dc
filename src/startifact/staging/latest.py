"""How ``latest`` follows a staging, in all regions at a time."""

import logging
from functools import partial

from startifact.channels.latest import ChannelWriter, warn_mirror_failed
from startifact.concurrency.fan_out import Failure, FanOut
from startifact.limits import Limits
from startifact.model.keys import LATEST
from startifact.model.versions import latest_first
from startifact.staging import region_steps
from startifact.staging.beginning import find_beginnings
from startifact.staging.outcomes import StageRequest
from startifact.staging.state import StagingState

logger = logging.getLogger(__name__)


def look_for_lost_latest(
    state: StagingState, request: StageRequest, limits: Limits, required: int
) -> None:
    """Record where ``latest`` begins, where no region that answered has one.

    A region that cannot be listed has failed: ``latest`` could go back there.
    """
    if state.highest_known_latest() is not None:
        return
    found = find_beginnings(
        state.regions,
        request.project,
        request.version,
        answered=state.snapshots,
        required=required,
        limits=limits,
    )
    for failure in found.failures:
        state.record_failure(failure)
    state.beginnings = found.versions
    for version in latest_first({str(v): v for v in found.versions.values()}.values())[:1]:
        names = [r.name for r in state.regions if r.name in found.versions]
        logger.warning(
            "%s has no %s in any region that answered, although %s was staged: it begins there "
            "again, in %s", request.project, LATEST, version, ", ".join(names),
        )  # fmt: skip


def move_latest(
    state: StagingState, request: StageRequest, channel_writer: ChannelWriter, required: int
) -> None:
    """Move ``latest`` in every region that holds the artifact, and mirror it there.

    *state* says afterwards where it has moved. Once *required* regions have it, the others have
    less time.
    """
    limits = channel_writer.limits
    jobs = {
        r.name: partial(
            region_steps.move_latest,
            r,
            request.project,
            request.version,
            state.beginnings.get(r.name) or state.highest_known_latest(),
            channel_writer,
        )
        for r in state.holders()
        if r.name not in state.errors
    }
    with FanOut(jobs, limits=limits, undo=True) as moving:
        while answer := moving.next():
            if isinstance(answer, Failure):
                state.record_failure(answer)
            elif answer.value is None:
                state.record_failure(region_steps.behind(answer, request.project))
            else:
                state.record_time(answer.name, answer.seconds)
                state.latest[answer.name] = answer.value
            if len(state.latest) >= required:
                moving.shorten_idle_timeout(limits.quorum_idle_timeout_seconds)
    _mirror(state, request.project, channel_writer)


def _mirror(state: StagingState, project: str, channel_writer: ChannelWriter) -> None:
    """Mirror ``latest`` where it has moved; an error is only logged."""
    jobs = {
        r.name: partial(region_steps.mirror_latest, r, project, channel_writer)
        for r in state.regions
        if r.name in state.latest and r.mirror is not None
    }
    with FanOut(jobs, limits=channel_writer.limits) as mirroring:
        failed = {a.name: a.error for a in mirroring if isinstance(a, Failure)}
    for name in jobs:
        if error := failed.get(name):
            warn_mirror_failed(name, project, error)
