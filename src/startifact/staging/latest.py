"""How ``latest`` follows a staging, in all regions at a time."""

import logging
from collections.abc import Sequence
from functools import partial

from startifact.channels.latest import ChannelWriter, warn_mirror_failed
from startifact.concurrency.fan_out import Failure, FanOut
from startifact.errors import DeadlineError, StartifactError
from startifact.limits import Limits
from startifact.model.keys import LATEST
from startifact.model.quorum import required_to_read
from startifact.model.versions import highest, is_later, latest_first
from startifact.regions.interface import Region
from startifact.staging import region_steps
from startifact.staging.beginning import find_beginnings, regions_with_other_content
from startifact.staging.outcomes import StageRequest
from startifact.staging.state import StagingState

logger = logging.getLogger(__name__)


def look_for_lost_latest(
    state: StagingState, request: StageRequest, limits: Limits, required: int
) -> None:
    """Record where ``latest`` begins, where regions that answered have none.

    Not where so many have one that every successful staging is known by one of them. A region where
    it begins and that cannot be listed has failed: ``latest`` could go back there.
    """
    known = {name for name, s in state.snapshots.items() if s.latest is not None}
    if len(known) >= required_to_read(len(state.regions)):
        return
    found = find_beginnings(
        state.regions,
        request.project,
        request.version,
        answered=state.snapshots,
        begun={name: s.listing for name, s in state.snapshots.items() if s.listing is not None},
        required=required,
        limits=limits,
    )
    for failure in found.failures:
        if failure.name not in known:
            state.record_failure(failure)
    state.beginnings = {n: v for n, v in found.versions.items() if n not in known}
    for version in latest_first({str(v): v for v in state.beginnings.values()}.values())[:1]:
        names = ", ".join(r.name for r in state.regions if r.name in state.beginnings)
        logger.warning(
            "%s has no %s in %s, although %s was staged: it begins there again, in %s",
            request.project, LATEST, names if known else "any region that answered", version, names,
        )  # fmt: skip


def move_latest(
    state: StagingState, request: StageRequest, channel_writer: ChannelWriter, required: int
) -> None:
    """Move ``latest`` in every region that holds the artifact, and mirror it there.

    *state* says afterwards where it has moved. Once *required* regions have it, the others have
    less time.
    """
    holders = [r for r in state.holders() if r.name not in state.errors]
    first = _begin_first(state, holders)
    _move_in(state, first, request, channel_writer, required)
    others = [region for region in holders if region not in first]
    if first and not any(region.name in state.latest for region in first):
        for region in others:
            if state.snapshots[region.name].latest is None:
                state.record_failure(region_steps.not_begun(region, request.project))
        others = [region for region in others if region.name not in state.errors]
    _move_in(state, others, request, channel_writer, required)
    _mirror(state, request.project, channel_writer)


def _begin_first(state: StagingState, holders: Sequence[Region]) -> list[Region]:
    """Return the regions where ``latest`` begins highest, where it was lost; else none.

    If it began lower in another region first, a crash would leave only that one, and later it would
    begin no higher in these.
    """
    begun = [state.beginnings[r.name] for r in holders if r.name in state.beginnings]
    if not begun:
        return []
    top = highest(begun)
    return [r for r in holders if state.beginnings.get(r.name) == top]


def _move_in(
    state: StagingState,
    regions: Sequence[Region],
    request: StageRequest,
    channel_writer: ChannelWriter,
    required: int,
) -> None:
    limits = channel_writer.limits
    other_content = _with_other_content(state, regions, request, limits)
    jobs = {
        r.name: partial(
            region_steps.move_latest,
            r,
            request.project,
            request.version,
            state.beginning_in(r.name),
            channel_writer,
            has_other_content=r.name in other_content,
            known=state.snapshots[r.name].channel,
        )
        for r in regions
    }
    with FanOut(jobs, limits=limits, undo=True) as moving:
        while answer := moving.next():
            if isinstance(answer, Failure):
                state.record_failure(answer)
            elif answer.value is None:
                has_other = answer.name in other_content
                state.record_failure(
                    region_steps.behind(answer, request.project, has_other_content=has_other)
                )
            else:
                state.record_time(answer.name, answer.seconds)
                state.latest[answer.name] = answer.value.version
                state.moves[answer.name] = answer.value
            if len(state.latest) >= required:
                moving.shorten_idle_timeout(limits.quorum_idle_timeout_seconds)


def _with_other_content(
    state: StagingState, regions: Sequence[Region], request: StageRequest, limits: Limits
) -> set[str]:
    """Return which of *regions* hold another content of the version that ``latest`` begins at.

    That is asked only where one of them has no ``latest``, and others have it above the version
    that is staged.
    """
    top = state.highest_known_latest()
    has_latest = [state.snapshots[region.name].latest is not None for region in regions]
    if top is None or not is_later(top, request.version) or all(has_latest):
        return set()
    answered = [region for region in state.regions if region.name in state.snapshots]
    return regions_with_other_content(answered, request.project, top, limits=limits)


def _mirror(state: StagingState, project: str, channel_writer: ChannelWriter) -> None:
    """Mirror ``latest`` where it has moved; what ends that, a deadline too, is only logged."""
    limits = channel_writer.limits
    jobs = {
        r.name: partial(region_steps.mirror_latest, r, project, state.moves[r.name], channel_writer)
        for r in state.regions
        if r.name in state.latest and r.mirror is not None
    }
    failed: dict[str, StartifactError] = {}
    waiting = set(jobs)
    with FanOut(jobs, limits=limits) as mirroring:
        # No success depends on it.
        mirroring.shorten_idle_timeout(limits.quorum_idle_timeout_seconds)
        try:
            for answer in mirroring:
                waiting.discard(answer.name)
                if isinstance(answer, Failure):
                    failed[answer.name] = answer.error
        except DeadlineError as e:
            failed |= dict.fromkeys(waiting, e)
    for name in jobs:
        if error := failed.get(name):
            warn_mirror_failed(name, project, error)
