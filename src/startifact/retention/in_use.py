"""Which versions of a project are in use: what its channels point at, and where ``latest`` is.

Unlike where channels are shown, one that cannot be read is an error here: it may point at anything.
"""

from collections.abc import Mapping, Sequence
from functools import partial

from semver import Version

from startifact.channels.overview import names_in
from startifact.channels.record import read_channel_record
from startifact.channels.targets import Target, channel_register
from startifact.concurrency.heartbeat import Heartbeat
from startifact.concurrency.worker_pool import run_in_pool
from startifact.errors import RegionUnavailableError, StartifactError, no_answer
from startifact.hints import Command, Hint
from startifact.lazy_dataclasses import dataclass
from startifact.limits import Limits
from startifact.model.keys import LATEST, channel_key
from startifact.model.quorum import required_to_read
from startifact.model.versions import is_later
from startifact.reading.listing import ask_regions
from startifact.regions.interface import Region
from startifact.registers.attempt import Author
from startifact.registers.record import Accepted


@dataclass(frozen=True, slots=True)
class InUse:
    """What is in use, and why."""

    channels: Mapping[str, str]
    """Why a version, by its text, is held by a channel."""

    latest: Mapping[str, Version]
    """Where ``latest`` of each region is."""

    def why_kept(self, version: Version) -> str | None:
        """Return why *version* must not be removed; ``None`` where it may be.

        ``latest`` only rises. So no staging can move it to what is below it already in every
        region, however slow that staging is, and nobody has to be waited for.
        """
        if why := self.channels.get(str(version)):
            return why
        for region, latest in self.latest.items():
            if str(latest) == str(version):
                return f"{LATEST} points at it in {region}"
            if not is_later(latest, version):
                return f"{LATEST} of {region} is {latest}, which is not later"
        return None


def read_in_use(
    regions: Sequence[Region], project: str, failures: dict[str, StartifactError], *, limits: Limits
) -> InUse:
    """Return what is in use in *regions*; *failures* has afterwards why ``latest`` is not known.

    Raises:
        SeveralRegionsError: Too few regions say which channels there are, or where one is.
    """
    return InUse(
        channels=_reasons(_states(regions, project, None, required_to_read(len(regions)), limits)),
        latest=latest_by_region(regions, project, failures, limits=limits),
    )


def accept_again(
    regions: Sequence[Region], project: str, author: Author, *, limits: Limits
) -> dict[str, str]:
    """Make every promise void that a channel was given until now; return what channels hold.

    Each channel's state is accepted again under a new ballot, so that a promotion which had its
    promise before, and has not seen since that its version is being removed, does not succeed any
    more: it has to begin anew, and sees it then.

    Raises:
        SeveralRegionsError: Too few regions answered.
        UndeterminedError: It is not known whether each promise is void.
    """
    # A channel that is being created is promised by a majority before its promotion looks whether
    # the version is being removed, and so it is in each half of the regions by now.
    return _reasons(_states(regions, project, author, required_to_read(len(regions)), limits))


def _states(
    regions: Sequence[Region], project: str, author: Author | None, needed: int, limits: Limits
) -> dict[str, Accepted[Target]]:
    """Return the state of each channel but ``latest``; with an *author* it is accepted again."""
    jobs = {r.name: partial(names_in, r, project) for r in regions}
    listed, failed = ask_regions(jobs, limits, None)
    if len(listed) < needed:
        raise no_answer(
            f"cannot list the channels of {project}: {len(listed)} of {len(regions)} regions "
            f"answered, {needed} are needed:",
            [(failure.name, failure.error) for failure in failed],
        )
    states: dict[str, Accepted[Target]] = {}

    def look_up(name: str) -> None:
        register = channel_register(regions, project, name, limits=limits)
        if author is not None:
            # Also where there is nothing yet: a promotion may have its promise.
            state = register.change(lambda _: None, author, accepts_nothing=True).accepted
        else:
            reading = register.read()
            if not reading.is_known:
                raise reading.unknown(f"cannot tell what {register.key} points at")
            state = reading.accepted
        if state is not None:
            states[name] = state

    names = sorted({name for found in listed.values() for name in found} - {LATEST})
    jobs_of_names = [partial(look_up, name) for name in names]
    run_in_pool(jobs_of_names, workers=limits.inventory_workers, limits=limits)
    return states


def _reasons(states: Mapping[str, Accepted[Target]]) -> dict[str, str]:
    """Return why each version, by its text, is held by the channels in *states*."""
    found: dict[str, str] = {}
    for name, state in sorted(states.items()):
        current = state.value.version
        for move in state.history:
            if move.value.version is not None:
                found.setdefault(str(move.value.version), f"{name} has pointed at it")
        if current is not None:
            found[str(current)] = f"{name} points at it"
    return found


def latest_by_region(
    regions: Sequence[Region], project: str, failures: dict[str, StartifactError], *, limits: Limits
) -> dict[str, Version]:
    """Return where ``latest`` of each region is; *failures* has afterwards why it is not known."""
    living = [region for region in regions if region.name not in failures]
    jobs = {region.name: partial(_latest_in, region, project) for region in living}
    found, failed = ask_regions(jobs, limits, None)
    failures |= {failure.name: failure.error for failure in failed}
    return found


def _latest_in(region: Region, project: str, heartbeat: Heartbeat) -> Version:
    heartbeat.beat()
    _, record = read_channel_record(region, project, LATEST)
    if record is None:
        raise RegionUnavailableError(
            f"{region.name} has no {channel_key(project, LATEST)}, so that it is not known what "
            "it may come to point at",
            hint=Hint.of("Bring it back with ", Command("repair", project)),
        )
    return record.version
