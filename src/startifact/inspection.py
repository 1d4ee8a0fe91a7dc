"""Everything that all regions hold of one project, looked at without changing anything."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial

from semver import Version

from startifact.channels import Pointer, parse_pointer
from startifact.errors import (
    IntegrityError,
    NewerFormatError,
    RemovedError,
    StartifactError,
)
from startifact.listing import versions_in
from startifact.names import LATEST, artifact_key, channel_key
from startifact.parallel import Failed, Round, Watch, run_limited
from startifact.regional import digest
from startifact.regions.interface import ChannelState, Region, Stored
from startifact.survey import Copy, interpret
from startifact.versions import newest_first

WORKERS = 8
"""How many artifacts of one region are looked at at a time."""


@dataclass(frozen=True, slots=True)
class Held:
    """What one region holds of one version.

    ``trouble`` says why what is stored is not a sound copy; ``stored`` is there where there is
    something that can be taken out of the way.
    """

    stored: Stored | None = None
    copy: Copy | None = None
    trouble: StartifactError | None = None

    @property
    def absent(self) -> bool:
        """Whether the region says that there is nothing."""
        return self.stored is None and self.trouble is None


@dataclass(frozen=True, slots=True)
class Latest:
    """What one region's ``latest`` is: as stored, as read, and as it is shown elsewhere."""

    state: ChannelState | None = None
    pointer: Pointer | None = None
    trouble: StartifactError | None = None
    shown: str | None = None


@dataclass(slots=True)
class View:
    """One region's holdings."""

    region: Region
    held: dict[str, Held] = field(default_factory=dict)
    latest: Latest = field(default_factory=Latest)


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspection:
    """What every region that answered holds, and why the others did not answer."""

    project: str
    versions: tuple[Version, ...]
    views: tuple[View, ...]
    failures: dict[str, StartifactError]
    whole: bool
    """Whether the whole project was looked at, its channels included."""


def inspect(
    regions: Sequence[Region], project: str, version: Version | None, *, read_data: bool
) -> Inspection:
    """Return what *regions* hold of *project*, or of one *version* of it.

    With *read_data* every byte is read and compared with its record.
    """
    failures: dict[str, StartifactError] = {}
    versions = [version] if version is not None else _all(regions, project, failures)
    asked = [region for region in regions if region.name not in failures]
    jobs = {r.name: partial(_look, r, project, versions, version is None, read_data) for r in asked}
    views: dict[str, View] = {}
    with Round(jobs) as looking:
        for answer in looking:
            if isinstance(answer, Failed):
                failures[answer.name] = answer.error
            else:
                views[answer.name] = answer.value
    return Inspection(
        project=project,
        versions=tuple(versions),
        views=tuple(views[region.name] for region in regions if region.name in views),
        failures=failures,
        whole=version is None,
    )


def _all(
    regions: Sequence[Region], project: str, failures: dict[str, StartifactError]
) -> list[Version]:
    """Return every version that any region lists, newest first."""
    found: dict[str, Version] = {}
    with Round({r.name: partial(versions_in, r, project) for r in regions}) as listing:
        for answer in listing:
            if isinstance(answer, Failed):
                failures[answer.name] = answer.error
            else:
                found |= {str(version): version for version in answer.value}
    return newest_first(found.values())


def _look(
    region: Region,
    project: str,
    versions: Sequence[Version],
    whole: bool,
    read_data: bool,
    watch: Watch,
) -> View:
    view = View(region)

    def look_at(version: Version) -> None:
        view.held[str(version)] = _hold(region, project, version, read_data, watch)
        watch.moved()

    run_limited([partial(look_at, version) for version in versions], workers=WORKERS)
    if whole:
        view.latest = _latest(region, project)
    return view


def _hold(region: Region, project: str, version: Version, read_data: bool, watch: Watch) -> Held:
    key = artifact_key(project, version)
    stored = None
    try:
        stored = region.describe(key)
        if stored is None:
            return Held()
        copy = interpret(region, key, stored)
        if (
            read_data
            and copy.record.sha256
            and (got := digest(copy, key, watch)) != (copy.record.sha256)
        ):
            raise IntegrityError(
                f"{key} in {region.name} has bytes with sha256:{got}, "
                f"recorded is sha256:{copy.record.sha256}"
            )
    except (IntegrityError, NewerFormatError, RemovedError) as e:
        return Held(stored=stored, trouble=e)
    return Held(stored=stored, copy=copy)


def _latest(region: Region, project: str) -> Latest:
    shown = region.published(project, LATEST)
    state = region.read_channel(channel_key(project, LATEST))
    if state is None:
        return Latest(shown=shown)
    try:
        pointer = parse_pointer(state.text, where=f"{project}/{LATEST} in {region.name}")
    except IntegrityError as e:
        return Latest(state=state, trouble=e, shown=shown)
    return Latest(state=state, pointer=pointer, shown=shown)
