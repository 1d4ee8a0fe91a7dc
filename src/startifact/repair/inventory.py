"""What all regions hold of one project, read without changing anything."""

import hashlib
from collections.abc import Sequence
from dataclasses import field, replace
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
from startifact.lazy_dataclasses import dataclass
from startifact.limits import MAX_SIZE_BYTES, Limits
from startifact.model.keys import (
    LATEST,
    Key,
    artifact_key,
    artifact_prefix,
    channel_key,
    version_text,
)
from startifact.model.quorum import majority, refuse_shared_store
from startifact.model.record import NO_DIGEST, has_left_bytes
from startifact.reading.listing import versions_of
from startifact.reading.replica import Replica, interpret
from startifact.regions.interface import Region, StoredArtifact, StoredChannel


@dataclass(frozen=True, slots=True)
class ReplicaStatus:
    """What one region holds of one version.

    ``trouble`` says why what is stored is not a sound replica; ``stored`` describes it where it is
    an object that can be copied to quarantine and deleted. ``sha256`` is that of the bytes, where
    they were read.
    """

    stored: StoredArtifact | None = None
    replica: Replica | None = None
    trouble: StartifactError | None = None
    sha256: str | None = None
    has_separate_metadata: bool = False
    """Whether metadata is left beside a tombstone that the first Startifact stored there."""

    why_absent: str | None = None
    """What else is known of what is absent, as that it was deleted."""

    @property
    def absent(self) -> bool:
        """Whether the region says that there is nothing."""
        return self.stored is None and self.trouble is None

    @property
    def is_tombstone(self) -> bool:
        """Whether it says that the version was removed."""
        return isinstance(self.trouble, RemovedError)

    @property
    def is_removed(self) -> bool:
        """Whether it is a tombstone, and nothing is left of what was there before."""
        stored = self.stored
        left = stored is not None and has_left_bytes(stored.encoded_record, stored.size)
        return self.is_tombstone and not left and not self.has_separate_metadata

    @property
    def recorded(self) -> bool:
        """Whether it is a sound replica with a record, which those of the first Startifact lack."""
        return self.replica is not None and self.replica.is_recorded


@dataclass(frozen=True, slots=True)
class LatestStatus:
    """One region's ``latest``: as stored, as parsed, and its mirror.

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
    """What one region holds of the project."""

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
    """Whether it covers the whole project, its channels included."""

    partial_inventories: tuple[RegionInventory, ...] = ()
    """What is known of regions that failed later."""

    removing: frozenset[str] = frozenset()
    """The versions, as texts, whose marks say that they are being removed, in any region."""

    def is_removal(self, version: Version) -> bool:
        """Say whether *version* is to have a tombstone in every region.

        That is where its mark says so, most of all regions have one, or all have answered and none
        has anything else. One that most contradict, or may contradict, may be anybody's who can
        write to that region.
        """
        present = [s for s in self.statuses_with_early(version).values() if not s.absent]
        tombstones = sum(status.is_tombstone for status in present)
        return (
            str(version) in self.removing
            or tombstones >= majority(len(self.regions))
            or (not self.failures and 0 < tombstones == len(present))
        )

    def sound_versions(self) -> dict[str, set[str]]:
        """Return the versions that each region holds sound replicas of, by region."""
        return {
            inventory.region.name: {
                version
                for version, status in inventory.statuses.items()
                if status.replica is not None
            }
            for inventory in self.inventories
        }

    def statuses(self, version: Version) -> dict[str, ReplicaStatus]:
        """Return what each region holds of *version*."""
        return {
            inventory.region.name: inventory.statuses[str(version)]
            for inventory in self.inventories
        }

    def statuses_with_early(self, version: Version) -> dict[str, ReplicaStatus]:
        """Return the same, and what is known to be in regions that failed later."""
        early = {
            inventory.region.name: inventory.statuses.get(str(version))
            for inventory in self.partial_inventories
        }
        known = self.statuses(version) | {
            name: status
            for name, status in early.items()
            if status is not None and not status.absent
        }
        return {name: known[name] for name in self.regions if name in known}

    def channel_records(self) -> list[Version]:
        """Return where ``latest`` is, in every region where it can be read."""
        return [
            inventory.latest.channel_record.version
            for inventory in self.inventories
            if inventory.latest.channel_record is not None
        ]

    def check_found(self) -> None:
        """Return when a region holds something, or has not answered and may.

        Raises:
            NotFoundError: Every region said that there is nothing.
        """
        if self.failures or any(
            not inventory.latest.absent
            or any(not status.absent for status in inventory.statuses.values())
            for inventory in self.inventories
        ):
            return
        subject = self.project if self.whole else artifact_key(self.project, self.versions[0])
        names = ", ".join(inventory.region.name for inventory in self.inventories)
        raise NotFoundError(
            f"nothing of {subject} is staged in {names}",
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
        InputError: Two regions are one store.
    """
    versions, failures = (
        versions_of(regions, project, limits=limits, every=True)
        if version is None
        else ([version], {})
    )
    inventories = [RegionInventory(region) for region in regions if region.name not in failures]
    inspect = partial(
        _inspect_region, project=project, versions=versions, read_data=read_data, limits=limits
    )
    jobs = {
        inventory.region.name: partial(inspect, inventory, whole=version is None)
        for inventory in inventories
    }
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
    """Fill *inventory* step by step, so that what is known remains if the region fails."""

    def inspect_version(version: Version) -> None:
        key = artifact_key(project, version)
        status = inventory.statuses[str(version)] = _status_of(inventory.region, key)
        heartbeat.beat()
        # Larger than S3 allows is damage enough, and would never be read to its end; and what is
        # archived is not read at all.
        stored = status.stored
        readable = stored and stored.size <= MAX_SIZE_BYTES and stored.archived is None
        if read_data and stored is not None and readable:
            inventory.statuses[str(version)] = _read(
                inventory.region, key, status, stored, heartbeat
            )

    run_in_pool(
        [partial(inspect_version, version) for version in versions],
        workers=limits.inventory_workers,
        limits=limits,
    )
    if any(status.is_tombstone for status in inventory.statuses.values()):
        prefix = artifact_prefix(project) if whole else f"{artifact_key(project, versions[0])}/"
        _find_separate_metadata(inventory, project, prefix, heartbeat)
    if whole:
        inventory.latest = _latest(inventory.region, project)
        channel_record = inventory.latest.channel_record
        if (
            channel_record is not None
            and inventory.statuses.get(str(channel_record.version), ReplicaStatus()).absent
        ):
            # It may have been staged since versions were listed.
            inspect_version(channel_record.version)


def _find_separate_metadata(
    inventory: RegionInventory, project: str, prefix: str, heartbeat: Heartbeat
) -> None:
    """Add to tombstones that metadata is left beside them: one listing says it of all."""
    for key in inventory.region.separate_metadata(prefix):
        heartbeat.beat()
        text = version_text(project, key)
        status = None if text is None else inventory.statuses.get(text)
        if text is not None and status is not None and status.is_tombstone:
            inventory.statuses[text] = replace(status, has_separate_metadata=True)


def _status_of(region: Region, key: Key) -> ReplicaStatus:
    stored: StoredArtifact | None = None
    try:
        stored = region.describe(key)
        return (
            ReplicaStatus(why_absent=region.why_absent(key))
            if stored is None
            else ReplicaStatus(stored, interpret(region, key, stored))
        )
    except (IntegrityError, NewerFormatError, RemovedError) as e:
        return ReplicaStatus(stored, trouble=e)


def _read(
    region: Region, key: Key, status: ReplicaStatus, stored: StoredArtifact, heartbeat: Heartbeat
) -> ReplicaStatus:
    """Return *status* with what the bytes that *stored* describes are."""
    try:
        sha256, md5 = _digests(region, key, stored, heartbeat)
    except IntegrityError as e:
        return ReplicaStatus(stored, trouble=status.trouble or e)
    status = replace(status, sha256=sha256)
    return status if status.replica is None else _compared(status, status.replica, key, sha256, md5)


def _compared(
    status: ReplicaStatus, replica: Replica, key: Key, sha256: str, md5: str
) -> ReplicaStatus:
    """Return *status* with the result of comparing its record with *sha256* and *md5*."""
    record = replica.record
    got = f"sha256:{sha256}" if record.sha256 else f"md5:{md5}"
    if record.digest not in {got, NO_DIGEST}:
        trouble = IntegrityError(
            f"{key} in {replica.region.name} has bytes with {got}, recorded is {record.digest}"
        )
        return replace(status, replica=None, trouble=trouble)
    # Where no SHA-256 was recorded, it is known from now on.
    return replace(status, replica=replace(replica, record=replace(record, sha256=sha256)))


def _digests(
    region: Region, key: Key, stored: StoredArtifact, heartbeat: Heartbeat
) -> tuple[str, str]:
    """Return the SHA-256 and the MD5 of the bytes that *stored* describes."""
    sha256, md5 = hashlib.sha256(), hashlib.md5(usedforsecurity=False)
    if stored.size:  # an empty object has no range that could be asked for
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
