"""Everything that all regions hold of one project, looked at without changing anything."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from semver import Version

from startifact.channels.record import ChannelRecord, parse_channel_record
from startifact.concurrency.fan_out import Failure, FanOut
from startifact.concurrency.heartbeat import Heartbeat
from startifact.concurrency.worker_pool import run_in_pool
from startifact.errors import (
    IntegrityError,
    NewerFormatError,
    NotFoundError,
    RemovedError,
    StartifactError,
)
from startifact.limits import MAX_SIZE_BYTES, Limits
from startifact.model.keys import LATEST, Key, artifact_key, channel_key
from startifact.model.quorum import refuse_shared_store
from startifact.model.record import NO_DIGEST
from startifact.reading.listing import versions_of
from startifact.reading.replica import Replica, interpret
from startifact.regions.interface import Region, StoredArtifact, StoredChannel


@dataclass(frozen=True, slots=True)
class ReplicaStatus:
    """What one region holds of one version.

    ``trouble`` says why what is stored is not a sound copy; ``stored`` is there where there is
    something that can be taken out of the way. ``sha256`` is that of the bytes, where they were
    read.
    """

    stored: StoredArtifact | None = None
    replica: Replica | None = None
    trouble: StartifactError | None = None
    sha256: str | None = None

    @property
    def absent(self) -> bool:
        """Whether the region says that there is nothing."""
        return self.stored is None and self.trouble is None

    @property
    def recorded(self) -> bool:
        """Whether it is a sound copy with a record, which those of the first Startifact lack."""
        return self.replica is not None and self.replica.is_recorded


@dataclass(frozen=True, slots=True)
class LatestStatus:
    """What one region's ``latest`` is: as stored, as read, and as it is shown elsewhere.

    ``trouble`` says why it could not be read; ``state`` is what a repair would replace.
    """

    state: StoredChannel | None = None
    channel_record: ChannelRecord | None = None
    trouble: StartifactError | None = None
    mirrored: str | None = None

    @property
    def absent(self) -> bool:
        """Whether the region says that there is none."""
        return self.channel_record is None and self.trouble is None


@dataclass(slots=True)
class RegionInventory:
    """One region's holdings."""

    region: Region
    statuses: dict[str, ReplicaStatus] = field(default_factory=dict)
    latest: LatestStatus = field(default_factory=LatestStatus)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectInventory:
    """What every region that answered holds, and why the others did not answer."""

    project: str
    regions: tuple[str, ...]
    """The names of all regions, in the configured order, which everything else is in."""

    versions: tuple[Version, ...]
    inventories: tuple[RegionInventory, ...]
    failures: dict[str, StartifactError]
    whole: bool
    """Whether the whole project was looked at, its channels included."""

    partial_inventories: tuple[RegionInventory, ...] = ()
    """What regions had told before they failed."""

    def statuses(self, version: Version) -> dict[str, ReplicaStatus]:
        """Return what each region holds of *version*."""
        return {
            inventory.region.name: inventory.statuses[str(version)]
            for inventory in self.inventories
        }

    def statuses_with_early(self, version: Version) -> dict[str, ReplicaStatus]:
        """Return the same, and what regions that failed had told that they hold of it."""
        early = {
            inventory.region.name: inventory.statuses.get(str(version))
            for inventory in self.partial_inventories
        }
        known = self.statuses(version) | {
            name: one for name, one in early.items() if one is not None and not one.absent
        }
        return {name: known[name] for name in self.regions if name in known}

    def channel_records(self) -> list[Version]:
        """Return where ``latest`` is, in every region where it can be read."""
        return [
            v.latest.channel_record.version
            for v in self.inventories
            if v.latest.channel_record is not None
        ]

    def check_found(self) -> None:
        """Return when there is something, or when there may be.

        Raises:
            NotFoundError: Every region said that there is nothing.
        """
        if self.failures or any(
            not inventory.latest.absent
            or any(not held.absent for held in inventory.statuses.values())
            for inventory in self.inventories
        ):
            return
        what = self.project if self.whole else artifact_key(self.project, self.versions[0])
        names = ", ".join(inventory.region.name for inventory in self.inventories)
        raise NotFoundError(
            f"nothing of {what} is staged in {names}",
            hint="Check the project's name, the version and the regions",
        )


def take_inventory(
    regions: Sequence[Region],
    project: str,
    version: Version | None,
    *,
    read_data: bool,
    limits: Limits,
) -> ProjectInventory:
    """Return what *regions* hold of *project*, or of one *version* of it.

    With *read_data* every byte is read and compared with its record.

    Raises:
        InputError: Two regions are one place.
    """
    versions, failures = (
        versions_of(regions, project, limits=limits) if version is None else ([version], {})
    )
    inventories = [RegionInventory(region) for region in regions if region.name not in failures]
    inspect = partial(
        _inspect_region, project=project, versions=versions, read_data=read_data, limits=limits
    )
    jobs = {v.region.name: partial(inspect, v, whole=version is None) for v in inventories}
    with FanOut(jobs, limits=limits) as inspecting:
        for answer in inspecting:
            if isinstance(answer, Failure):
                failures[answer.name] = answer.error
    refuse_shared_store({r.name: r.store_identity() for r in regions if r.name not in failures})
    return ProjectInventory(
        project=project,
        regions=tuple(region.name for region in regions),
        versions=tuple(versions),
        inventories=tuple(
            inventory for inventory in inventories if inventory.region.name not in failures
        ),
        failures={
            region.name: failures[region.name] for region in regions if region.name in failures
        },
        whole=version is None,
        partial_inventories=tuple(
            inventory for inventory in inventories if inventory.region.name in failures
        ),
    )


def _inspect_region(
    inventory: RegionInventory,
    heartbeat: Heartbeat,
    *,
    project: str,
    versions: Sequence[Version],
    whole: bool,
    read_data: bool,
    limits: Limits,
) -> None:
    """Fill *inventory* step by step, so that what is known stays if the region fails."""

    def inspect_version(version: Version) -> None:
        key = artifact_key(project, version)
        held = inventory.statuses[str(version)] = _status_of(inventory.region, key)
        heartbeat.beat()
        if read_data and held.stored is not None and held.stored.size <= MAX_SIZE_BYTES:
            inventory.statuses[str(version)] = _read(
                inventory.region, key, held, held.stored, heartbeat
            )

    run_in_pool(
        [partial(inspect_version, version) for version in versions],
        workers=limits.inventory_workers,
        limits=limits,
    )
    if whole:
        inventory.latest = _latest(inventory.region, project)
        channel_record = inventory.latest.channel_record
        if (
            channel_record is not None
            and inventory.statuses.get(str(channel_record.version), ReplicaStatus()).absent
        ):
            # It may have been staged since versions were listed.
            inspect_version(channel_record.version)


def _status_of(region: Region, key: Key) -> ReplicaStatus:
    stored: StoredArtifact | None = None
    try:
        stored = region.describe(key)
        return (
            ReplicaStatus()
            if stored is None
            else ReplicaStatus(stored, interpret(region, key, stored))
        )
    except (IntegrityError, NewerFormatError, RemovedError) as e:
        return ReplicaStatus(stored, trouble=e)


def _read(
    region: Region, key: Key, held: ReplicaStatus, stored: StoredArtifact, heartbeat: Heartbeat
) -> ReplicaStatus:
    """Return *held* after a look at the bytes that *stored* describes."""
    try:
        sha256, md5 = _digests(region, key, stored, heartbeat)
    except IntegrityError as e:
        return ReplicaStatus(stored, trouble=held.trouble or e)
    held = replace(held, sha256=sha256)
    return held if held.replica is None else _compared(held, held.replica, key, sha256, md5)


def _compared(
    held: ReplicaStatus, replica: Replica, key: Key, sha256: str, md5: str
) -> ReplicaStatus:
    """Return *held* after a look at its bytes, which have *sha256* and *md5*."""
    record = replica.record
    got = f"sha256:{sha256}" if record.sha256 else f"md5:{md5}"
    if record.digest not in {got, NO_DIGEST}:
        trouble = IntegrityError(
            f"{key} in {replica.region.name} has bytes with {got}, recorded is {record.digest}"
        )
        return replace(held, replica=None, trouble=trouble)
    # Where none was recorded, they are known from now on.
    return replace(held, replica=replace(replica, record=replace(record, sha256=sha256)))


def _digests(
    region: Region, key: Key, stored: StoredArtifact, heartbeat: Heartbeat
) -> tuple[str, str]:
    """Return the SHA-256 and the MD5 of the bytes that *stored* describes."""
    sha256, md5 = hashlib.sha256(), hashlib.md5(usedforsecurity=False)
    if stored.size:
        for block in region.read(key, stored, 0, stored.size):
            sha256.update(block)
            md5.update(block)
            heartbeat.beat(len(block))
    return sha256.hexdigest(), md5.hexdigest()


def _latest(region: Region, project: str) -> LatestStatus:
    mirrored = None if region.mirror is None else region.mirror.read(project, LATEST)
    state: StoredChannel | None = None
    try:
        state = region.read_channel(channel_key(project, LATEST))
        if state is None:
            return LatestStatus(mirrored=mirrored)
        channel_record = parse_channel_record(
            state.text, where=f"{project}/{LATEST} in {region.name}"
        )
    except IntegrityError as e:
        return LatestStatus(state=state, trouble=e, mirrored=mirrored)
    return LatestStatus(state=state, channel_record=channel_record, mirrored=mirrored)
