"""How a channel is read from several regions."""

import time
from collections.abc import Sequence
from functools import partial

from semver import Version

from startifact.channels.record import read_channel_record
from startifact.concurrency.fan_out import Failure, FanOut
from startifact.concurrency.heartbeat import Heartbeat
from startifact.errors import (
    NetworkSetupError,
    NotFoundError,
    StartifactError,
    UndeterminedError,
    no_answer,
)
from startifact.limits import Limits
from startifact.model.quorum import required_to_read
from startifact.model.versions import Channel, highest
from startifact.regions.interface import Region


def selected_version(
    regions: Sequence[Region], project: str, selector: Version | Channel, *, limits: Limits
) -> Version:
    """Return the version of *project* that *selector* picks; only a channel has to be read.

    Raises:
        NotFoundError: Every region said that there is no such channel.
        SeveralRegionsError: Too few answered to know.
    """
    if isinstance(selector, Channel):
        return read_channel(regions, project, selector.name, limits=limits)
    return selector


def read_channel(
    regions: Sequence[Region], project: str, channel: str, *, limits: Limits
) -> Version:
    """Return the version that *channel* of *project* points at.

    All regions are asked at once. Half of them, rounded up, have to answer; of those that do
    within ``quorum_wait_seconds`` of the last one needed, the highest is the answer. Where one
    region has the channel, a region without it is behind, and does not count as an answer.

    Raises:
        NotFoundError: Every region said that there is no such channel.
        SeveralRegionsError: Too few answered to know.
    """
    needed = required_to_read(len(regions))
    found: dict[str, Version] = {}
    failed: dict[str, StartifactError] = {}
    until: float | None = None
    jobs = {r.name: partial(_ask, r, project, channel) for r in regions}
    with FanOut(jobs, limits=limits, enough=needed) as asking:
        while answer := asking.next(until):
            if isinstance(answer, Failure):
                failed[answer.name] = answer.error
            elif answer.value is not None:
                found[answer.name] = answer.value
            # Not at once: the highest may be in a healthy region that is only slower.
            if until is None and len(found) >= needed:
                until = time.monotonic() + limits.quorum_wait_seconds
    if len(found) >= needed:
        return highest(found.values())
    raise _no_answer(project, channel, [r.name for r in regions], found, failed)


def _ask(region: Region, project: str, channel: str, heartbeat: Heartbeat) -> Version | None:
    heartbeat.beat()
    _, channel_record = read_channel_record(region, project, channel)
    return None if channel_record is None else channel_record.version


def _no_answer(
    project: str,
    channel: str,
    regions: Sequence[str],
    found: dict[str, Version],
    failed: dict[str, StartifactError],
) -> StartifactError:
    if not found and not failed:
        return NotFoundError(
            f"{project} has no {channel}: nothing has been staged in {', '.join(regions)}",
            hint="Check the project's name and the regions",
        )
    known: dict[str, object] = {n: f"{channel} is {version}" for n, version in found.items()}
    reasons = [(name, (known | failed).get(name, f"has no {channel}")) for name in regions]
    causes = [failed[name] for name in regions if name in failed]
    only_undetermined = all(isinstance(cause, UndeterminedError) for cause in causes)
    elsewhere = "Ask for an exact version, which one region can answer"
    if not any(isinstance(cause, NetworkSetupError) for cause in causes):
        elsewhere += ", or try again"
    return no_answer(
        f"cannot tell the {channel} version of {project}: {len(found)} of {len(regions)} regions "
        f"know it, {required_to_read(len(regions))} are needed",
        reasons,
        hint=elsewhere if only_undetermined else None,
    )
