"""How a channel is read from several regions."""

import time
from collections.abc import Sequence
from functools import partial

from semver import Version

from startifact.channels.record import read_channel_record
from startifact.concurrency.fan_out import Failure, FanOut
from startifact.concurrency.heartbeat import Heartbeat
from startifact.errors import (
    NotFoundError,
    StartifactError,
    UndeterminedError,
    no_answer,
)
from startifact.limits import Limits
from startifact.model.quorum import required_to_read
from startifact.model.versions import highest
from startifact.regions.interface import Region


def read_channel(
    regions: Sequence[Region], project: str, channel: str, *, limits: Limits
) -> Version:
    """Return the version that *channel* of *project* points at.

    All regions are asked at once. Half of them, rounded up, have to answer; of those that do
    within a second of the last one needed, the highest is the answer. A region without the
    channel has not answered when another one has it.

    Raises:
        NotFoundError: Every region said that there is no such channel.
        SeveralRegionsError: Too few answered to know.
    """
    needed = required_to_read(len(regions))
    found: dict[str, Version] = {}
    absent: list[str] = []
    failed: list[Failure] = []
    until: float | None = None
    jobs = {r.name: partial(_ask, r, project, channel) for r in regions}
    with FanOut(jobs, limits=limits) as asked:
        while answer := asked.next(until):
            if isinstance(answer, Failure):
                failed.append(answer)
            elif answer.value is None:
                absent.append(answer.name)
            else:
                found[answer.name] = answer.value
            if until is None and len(found) >= needed:
                until = time.monotonic() + limits.quorum_wait_seconds
    if len(found) >= needed:
        return highest(found.values())
    raise _no_answer(project, channel, len(regions), found, absent, failed)


def _ask(region: Region, project: str, channel: str, heartbeat: Heartbeat) -> Version | None:
    heartbeat.beat()
    _, channel_record = read_channel_record(region, project, channel)
    return None if channel_record is None else channel_record.version


def _no_answer(
    project: str,
    channel: str,
    regions: int,
    found: dict[str, Version],
    absent: list[str],
    failed: list[Failure],
) -> StartifactError:
    if not found and not failed:
        return NotFoundError(
            f"{project} has no {channel}: nothing has been staged in {', '.join(absent)}",
            hint="Check the project's name and the regions",
        )
    said: list[tuple[str, object]] = [
        *((name, f"{channel} is {version}") for name, version in found.items()),
        *((name, f"has no {channel}") for name in absent),
        *((failure.name, failure.error) for failure in failed),
    ]
    only_undetermined = all(isinstance(f.error, UndeterminedError) for f in failed)
    elsewhere = "Ask for an exact version, which one region can answer, or try again"
    return no_answer(
        f"cannot tell the {channel} version of {project}: {len(found)} of {regions} regions "
        f"know it, {required_to_read(regions)} are needed",
        said,
        hint=elsewhere if only_undetermined else None,
    )
