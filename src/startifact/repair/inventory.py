"""Everything that all regions hold of one project, looked at without changing anything."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from semver import Version

from startifact.channels.latest import Pointer, parse_pointer
from startifact.concurrency.fan_out import Failed, Round, Watch, run_limited
from startifact.errors import (
    IntegrityError,
    NewerFormatError,
    NotFoundError,
    RemovedError,
    StartifactError,
)
from startifact.model.keys import LATEST, Key, artifact_key, channel_key
from startifact.model.quorum import refuse_one_place_twice
from startifact.model.record import MAX_SIZE_BYTES, NO_DIGEST
from startifact.model.versions import newest_first
from startifact.reading.listing import versions_in
from startifact.reading.resolution import Copy, interpret
from startifact.regions.interface import ChannelState, Region, Stored

WORKERS = 8
"""How many artifacts of one region are looked at at a time."""


@dataclass(frozen=True, slots=True)
class Held:
    """What one region holds of one version.

    ``trouble`` says why what is stored is not a sound copy; ``stored`` is there where there is
    something that can be taken out of the way. ``sha256`` is that of the bytes, where they were
    read.
    """

    stored: Stored | None = None
    copy: Copy | None = None
    trouble: StartifactError | None = None
    sha256: str | None = None

    @property
    def absent(self) -> bool:
        """Whether the region says that there is nothing."""
        return self.stored is None and self.trouble is None

    @property
    def recorded(self) -> bool:
        """Whether it is a sound copy with a record, which those of the first Startifact lack."""
        return self.copy is not None and self.copy.stored.document is not None


@dataclass(frozen=True, slots=True)
class Latest:
    """What one region's ``latest`` is: as stored, as read, and as it is shown elsewhere.

    ``trouble`` says why it could not be read; ``state`` is what a repair would replace.
    """

    state: ChannelState | None = None
    pointer: Pointer | None = None
    trouble: StartifactError | None = None
    shown: str | None = None

    @property
    def absent(self) -> bool:
        """Whether the region says that there is none."""
        return self.pointer is None and self.trouble is None


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

    glimpses: tuple[View, ...] = ()
    """What regions had told before they failed."""

    def held(self, version: Version) -> dict[str, Held]:
        """Return what each region holds of *version*."""
        return {view.region.name: view.held[str(version)] for view in self.views}

    def told(self, version: Version) -> dict[str, Held]:
        """Return the same, and what regions that failed had told that they hold of it."""
        glimpsed = {view.region.name: view.held.get(str(version)) for view in self.glimpses}
        return self.held(version) | {
            name: one for name, one in glimpsed.items() if one is not None and not one.absent
        }

    def pointers(self) -> list[Version]:
        """Return where ``latest`` is, in every region where it can be read."""
        return [v.latest.pointer.version for v in self.views if v.latest.pointer is not None]

    def check_found(self) -> None:
        """Return when there is something, or when there may be.

        Raises:
            NotFoundError: Every region said that there is nothing.
        """
        if self.failures or any(
            not view.latest.absent or any(not held.absent for held in view.held.values())
            for view in self.views
        ):
            return
        what = self.project if self.whole else artifact_key(self.project, self.versions[0])
        raise NotFoundError(
            f"nothing of {what} is staged in {', '.join(view.region.name for view in self.views)}",
            hint="Check the project's name, the version and the regions",
        )


def inspect(
    regions: Sequence[Region], project: str, version: Version | None, *, read_data: bool
) -> Inspection:
    """Return what *regions* hold of *project*, or of one *version* of it.

    With *read_data* every byte is read and compared with its record.

    Raises:
        InputError: Two regions are one place.
    """
    failures: dict[str, StartifactError] = {}
    versions = [version] if version is not None else _all(regions, project, failures)
    views = [View(region) for region in regions if region.name not in failures]
    look = partial(_look, project=project, versions=versions, read_data=read_data)
    jobs = {v.region.name: partial(look, v, whole=version is None) for v in views}
    with Round(jobs) as looking:
        for answer in looking:
            if isinstance(answer, Failed):
                failures[answer.name] = answer.error
    places = {v.region.name: v.region.place() for v in views if v.region.name not in failures}
    refuse_one_place_twice(places)
    return Inspection(
        project=project,
        versions=tuple(versions),
        views=tuple(view for view in views if view.region.name not in failures),
        failures={
            region.name: failures[region.name] for region in regions if region.name in failures
        },
        whole=version is None,
        glimpses=tuple(view for view in views if view.region.name in failures),
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
    view: View,
    watch: Watch,
    *,
    project: str,
    versions: Sequence[Version],
    whole: bool,
    read_data: bool,
) -> None:
    """Fill *view*, with each thing as soon as it is known: the region may fail before the rest."""

    def look_at(version: Version) -> None:
        key = artifact_key(project, version)
        held = view.held[str(version)] = _hold(view.region, key)
        watch.moved()
        if read_data and held.stored is not None and held.stored.size <= MAX_SIZE_BYTES:
            view.held[str(version)] = _read(view.region, key, held, held.stored, watch)

    run_limited([partial(look_at, version) for version in versions], workers=WORKERS)
    if whole:
        view.latest = _latest(view.region, project)
        pointer = view.latest.pointer
        if pointer is not None and view.held.get(str(pointer.version), Held()).absent:
            # It may have been staged since versions were listed.
            look_at(pointer.version)


def _hold(region: Region, key: Key) -> Held:
    stored: Stored | None = None
    try:
        stored = region.describe(key)
        return Held() if stored is None else Held(stored, interpret(region, key, stored))
    except (IntegrityError, NewerFormatError, RemovedError) as e:
        return Held(stored, trouble=e)


def _read(region: Region, key: Key, held: Held, stored: Stored, watch: Watch) -> Held:
    """Return *held* after a look at the bytes that *stored* describes."""
    try:
        sha256, md5 = _digests(region, key, stored, watch)
    except IntegrityError as e:
        return Held(stored, trouble=held.trouble or e)
    held = replace(held, sha256=sha256)
    return held if held.copy is None else _compared(held, held.copy, key, sha256, md5)


def _compared(held: Held, copy: Copy, key: Key, sha256: str, md5: str) -> Held:
    """Return *held* after a look at its bytes, which have *sha256* and *md5*."""
    record = copy.record
    got = f"sha256:{sha256}" if record.sha256 else f"md5:{md5}"
    if record.digest not in {got, NO_DIGEST}:
        trouble = IntegrityError(
            f"{key} in {copy.region.name} has bytes with {got}, recorded is {record.digest}"
        )
        return replace(held, copy=None, trouble=trouble)
    # Where none was recorded, they are known from now on.
    return replace(held, copy=replace(copy, record=replace(record, sha256=sha256)))


def _digests(region: Region, key: Key, stored: Stored, watch: Watch) -> tuple[str, str]:
    """Return the SHA-256 and the MD5 of the bytes that *stored* describes."""
    sha256, md5 = hashlib.sha256(), hashlib.md5(usedforsecurity=False)
    if stored.size:
        for block in region.read(key, stored, 0, stored.size):
            sha256.update(block)
            md5.update(block)
            watch.moved(len(block))
    return sha256.hexdigest(), md5.hexdigest()


def _latest(region: Region, project: str) -> Latest:
    shown = region.published(project, LATEST) if region.publishes else None
    state: ChannelState | None = None
    try:
        state = region.read_channel(channel_key(project, LATEST))
        if state is None:
            return Latest(shown=shown)
        pointer = parse_pointer(state.text, where=f"{project}/{LATEST} in {region.name}")
    except IntegrityError as e:
        return Latest(state=state, trouble=e, shown=shown)
    return Latest(state=state, pointer=pointer, shown=shown)
