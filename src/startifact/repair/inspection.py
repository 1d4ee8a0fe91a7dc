"""Reading what all regions hold of one project, without changing anything."""

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from semver import Version

from startifact.channels.record import parse_channel_record
from startifact.concurrency.fan_out import Failure, FanOut
from startifact.concurrency.heartbeat import Heartbeat
from startifact.concurrency.worker_pool import run_in_pool
from startifact.errors import (
    IntegrityError,
    NewerFormatError,
    RemovedError,
    StartifactError,
)
from startifact.limits import MAX_SIZE_BYTES, Limits
from startifact.model.keys import (
    LATEST,
    Key,
    artifact_key,
    artifact_prefix,
    channel_key,
    version_text,
)
from startifact.model.quorum import refuse_shared_store
from startifact.model.record import NO_DIGEST
from startifact.model.versions import newest_first, parse_version
from startifact.reading.listing import versions_of
from startifact.reading.replica import Replica, interpret
from startifact.regions.interface import Region, StoredArtifact, StoredChannel
from startifact.repair.inventory import (
    LatestStatus,
    ProjectInventory,
    RegionInventory,
    ReplicaStatus,
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


def with_removing(
    found: ProjectInventory, removing: frozenset[str], *, limits: Limits
) -> ProjectInventory:
    """Return *found* with what marks say is being removed: *removing*, as texts of versions.

    Where every region has lost its tombstone, none lists the version: it is described as well.
    """
    known = {str(version) for version in found.versions}
    more = [parse_version(text) for text in removing if text not in known]
    if not more:
        return replace(found, removing=removing)
    describe = partial(_describe_all, project=found.project, versions=more, limits=limits)
    jobs = {i.region.name: partial(describe, i) for i in found.inventories}
    failed: dict[str, StartifactError] = {}
    with FanOut(jobs, limits=limits) as describing:
        for answer in describing:
            if isinstance(answer, Failure):
                failed[answer.name] = answer.error
    failures = found.failures | failed
    return replace(
        found,
        removing=removing,
        versions=tuple(newest_first([*found.versions, *more])),
        inventories=tuple(i for i in found.inventories if i.region.name not in failed),
        failures={name: failures[name] for name in found.regions if name in failures},
        partial_inventories=(
            *found.partial_inventories,
            *(i for i in found.inventories if i.region.name in failed),
        ),
    )


def _describe_all(
    inventory: RegionInventory,
    heartbeat: Heartbeat,
    *,
    project: str,
    versions: Sequence[Version],
    limits: Limits,
) -> None:
    """Add to *inventory* what its region has of *versions*."""

    def describe(version: Version) -> None:
        key = artifact_key(project, version)
        inventory.statuses[str(version)] = _status_of(inventory.region, key)
        heartbeat.beat()

    jobs = (partial(describe, version) for version in versions)
    run_in_pool(jobs, workers=limits.inventory_workers, limits=limits)


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
