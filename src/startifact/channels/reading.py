"""Which version a selector picks, and how ``latest`` is read from several regions."""

from collections.abc import Mapping, Sequence
from functools import partial

from semver import Version

from startifact.channels.record import ChannelRecord, read_channel_record
from startifact.channels.targets import read_version
from startifact.concurrency.heartbeat import Heartbeat
from startifact.concurrency.quorum import ask_until_enough
from startifact.errors import (
    NetworkSetupError,
    NotFoundError,
    StartifactError,
    UndeterminedError,
    no_answer,
)
from startifact.hints import Command, Hint
from startifact.limits import Limits
from startifact.model.keys import LATEST
from startifact.model.quorum import required_to_read
from startifact.model.selectors import Channel
from startifact.model.versions import highest, latest_first
from startifact.reading.listing import versions_of
from startifact.regions.interface import Region
from startifact.text import with_regions


def selected_version(
    regions: Sequence[Region], project: str, selector: Version | Channel, *, limits: Limits
) -> Version:
    """Return the version of *project* that *selector* picks; only a channel has to be read.

    Raises:
        NotFoundError: There is no such channel. Of ``latest`` it says whether versions are staged
            all the same, which are listed for that.
        SeveralRegionsError: Too few answered to know.
    """
    if not isinstance(selector, Channel):
        return selector
    if selector.name != LATEST:
        return read_version(regions, project, selector.name, limits=limits)
    try:
        return read_latest(regions, project, limits=limits).version
    except NotFoundError:
        versions, failures = versions_of(regions, project, limits=limits)
        names = ", ".join(region.name for region in regions)
        raise _no_latest(project, names, versions, failures) from None


def _no_latest(
    project: str,
    names: str,
    versions: Sequence[Version],
    failures: Mapping[str, StartifactError],
) -> NotFoundError:
    """Return the error that no region has ``latest``, with what is staged of *project*."""
    if versions:
        count = f"{len(versions)} {'version is' if len(versions) == 1 else 'versions are'}"
        return NotFoundError(
            f"{project} has no {LATEST} in {names}, although {count} staged, the highest "
            f"{latest_first(versions)[0]}: it was lost, or no staging has succeeded yet",
            hint=Hint.of(
                "Bring it back with ", Command("repair", project), ", or ask for an exact version"
            ),
        )
    if failures:
        reasons = [(name, error.message) for name, error in failures.items()]
        lines = "".join(f"\n  {with_regions([name], reason)}" for name, reason in reasons)
        return NotFoundError(
            f"{project} has no {LATEST} in {names}, and what else is staged could not be listed "
            f"everywhere:{lines}",
            hint="Check the project's name and the regions",
        )
    return NotFoundError(
        f"{project} has no {LATEST}: nothing has been staged in {names}",
        hint="Check the project's name and the regions",
    )


def read_latest(regions: Sequence[Region], project: str, *, limits: Limits) -> ChannelRecord:
    """Return what ``latest`` of *project* holds.

    All regions are asked at once. Half of them, rounded up, have to answer; of those that do
    within ``quorum_wait_seconds`` of the last one needed, the highest is the answer. Where one
    region has the channel, a region without it is behind, and does not count as an answer.

    Raises:
        NotFoundError: Every region said that there is no such channel.
        SeveralRegionsError: Too few answered to know.
    """
    needed = required_to_read(len(regions))
    jobs = {r.name: partial(_ask, r, project) for r in regions}
    answers, failed = ask_until_enough(
        jobs, needed=needed, limits=limits, counts=lambda record: record is not None
    )
    found = {name: record for name, record in answers.items() if record is not None}
    if len(found) >= needed:
        # In the configured order, and not as they came: asked again, the same one answers.
        ordered = [found[region.name] for region in regions if region.name in found]
        highest_version = highest(record.version for record in ordered)
        return next(record for record in ordered if record.version is highest_version)
    versions = {name: record.version for name, record in found.items()}
    raise _no_answer(project, [r.name for r in regions], versions, failed)


def _ask(region: Region, project: str, heartbeat: Heartbeat) -> ChannelRecord | None:
    heartbeat.beat()
    return read_channel_record(region, project, LATEST)[1]


def _no_answer(
    project: str,
    regions: Sequence[str],
    found: dict[str, Version],
    failed: dict[str, StartifactError],
) -> StartifactError:
    if not found and not failed:
        return NotFoundError(f"{project} has no {LATEST} in {', '.join(regions)}")
    known: dict[str, object] = {n: f"{LATEST} is {version}" for n, version in found.items()}
    reasons = [(name, (known | failed).get(name, f"has no {LATEST}")) for name in regions]
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
        f"cannot tell the {LATEST} version of {project}: {len(found)} of {len(regions)} regions "
        f"know it, {required_to_read(len(regions))} are needed",
        reasons,
        hint=hint,
    )
