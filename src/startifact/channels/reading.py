"""How a channel is read from several regions."""

import time
from collections.abc import Callable, Mapping, Sequence
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
from startifact.hints import Command, Hint
from startifact.limits import Limits
from startifact.model.quorum import required_to_read
from startifact.model.versions import Channel, highest, latest_first
from startifact.regions.interface import Region
from startifact.text import with_regions

ListVersions = Callable[..., tuple[list[Version], dict[str, StartifactError]]]
"""Lists the versions of a project in regions, newest first, and says why others were not listed."""


def selected_version(
    regions: Sequence[Region],
    project: str,
    selector: Version | Channel,
    *,
    limits: Limits,
    list_versions: ListVersions,
) -> Version:
    """Return the version of *project* that *selector* picks; only a channel has to be read.

    Raises:
        NotFoundError: Every region said that there is no such channel. It says whether versions
            are staged all the same, which are listed for that.
        SeveralRegionsError: Too few answered to know.
    """
    if not isinstance(selector, Channel):
        return selector
    try:
        return read_channel(regions, project, selector.name, limits=limits)
    except NotFoundError:
        versions, failures = list_versions(regions, project, limits=limits)
        names = ", ".join(region.name for region in regions)
        raise _no_channel(project, selector.name, names, versions, failures) from None


def _no_channel(
    project: str,
    channel: str,
    names: str,
    versions: Sequence[Version],
    failures: Mapping[str, StartifactError],
) -> NotFoundError:
    """Return the error that no region has *channel*, with what is staged of *project*."""
    if versions:
        count = f"{len(versions)} {'version is' if len(versions) == 1 else 'versions are'}"
        return NotFoundError(
            f"{project} has no {channel} in {names}, although {count} staged, the highest "
            f"{latest_first(versions)[0]}: it was lost, or no staging has succeeded yet",
            hint=Hint.of(
                "Bring it back with ", Command("repair", project), ", or ask for an exact version"
            ),
        )
    if failures:
        reasons = [(name, error.message) for name, error in failures.items()]
        lines = "".join(f"\n  {with_regions([name], reason)}" for name, reason in reasons)
        return NotFoundError(
            f"{project} has no {channel} in {names}, and what else is staged could not be listed "
            f"everywhere:{lines}",
            hint="Check the project's name and the regions",
        )
    return NotFoundError(
        f"{project} has no {channel}: nothing has been staged in {names}",
        hint="Check the project's name and the regions",
    )


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
        return NotFoundError(f"{project} has no {channel} in {', '.join(regions)}")
    known: dict[str, object] = {n: f"{channel} is {version}" for n, version in found.items()}
    reasons = [(name, (known | failed).get(name, f"has no {channel}")) for name in regions]
    causes = [failed[name] for name in regions if name in failed]
    only_undetermined = all(isinstance(cause, UndeterminedError) for cause in causes)
    elsewhere = "Ask for an exact version, which one region can answer"
    if not any(isinstance(cause, NetworkSetupError) for cause in causes):
        elsewhere += ", or try again"
    hint: Hint | str | None = elsewhere if only_undetermined else None
    if not causes:  # all have answered: they would say the same again
        repair = Command("repair", project)
        hint = Hint.of("Bring it to the others with ", repair, ", or ask for an exact version")
    return no_answer(
        f"cannot tell the {channel} version of {project}: {len(found)} of {len(regions)} regions "
        f"know it, {required_to_read(len(regions))} are needed",
        reasons,
        hint=hint,
    )
