"""How ``latest`` follows a staging, in all regions at a time."""

from functools import partial

from startifact.channels.latest import ChannelWriter, warn_mirror_failed
from startifact.concurrency.fan_out import Failure, FanOut
from startifact.staging import region_steps
from startifact.staging.outcomes import StageRequest
from startifact.staging.state import StagingState


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
            state.highest_known_latest(),
            channel_writer,
        )
        for r in state.holders()
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
