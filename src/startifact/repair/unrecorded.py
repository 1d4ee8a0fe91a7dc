"""Repairing from artifacts without a record: their metadata is completed, and a record is made.

The first Startifact stored them. What it had not written yet when it was interrupted is copied from
a region that has it; a region that lacks the artifact gets it with a record.
"""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from startifact.concurrency.fan_out import Failure, FanOut
from startifact.concurrency.heartbeat import Heartbeat
from startifact.errors import RefusedError, RegionUnavailableError
from startifact.files.source import Source
from startifact.files.temporary import temporary_folder
from startifact.limits import Limits
from startifact.model.keys import Key
from startifact.model.record import encode
from startifact.reading.replica import Replica, legacy_metadata
from startifact.repair.quarantine import NO_RECORD
from startifact.staging.region_steps import read_digest, write_and_read_back


def complete(
    project: str,
    key: Key,
    incomplete: Replica,
    whole: Replica,
    heartbeat: Heartbeat,
    *,
    limits: Limits,
) -> None:
    """Copy the metadata of *whole* to the region of *incomplete*, where there is none.

    Raises:
        RefusedError: The two have other bytes.
        RegionUnavailableError: The region has other metadata by now, or did not keep it.
    """
    region = incomplete.region
    ours, theirs = incomplete.record, whole.record
    if not (ours.sha256 and theirs.sha256) and not (ours.md5 and theirs.md5):
        digests = {read_digest(replica, key, heartbeat) for replica in (incomplete, whole)}
        if len(digests) > 1:
            raise RefusedError(
                f"{key} in {region.name} has other bytes than in {whole.region.name}",
                hint="Find out which is right",
            )
    metadata_key, text = legacy_metadata(whole, key)
    region.preflight(project)
    with temporary_folder() as folder:
        path = folder / "metadata"
        path.write_bytes(text)
        source = Source.scan(path, part_bytes=limits.part_bytes)
        create = partial(region.create, metadata_key, source, NO_RECORD, heartbeat.beat)
        stored = write_and_read_back(
            region, metadata_key, create, partial(region.describe, metadata_key)
        )
    if stored.size != source.size:
        raise RegionUnavailableError(
            f"{region.name} has other metadata of {key} by now", hint="Run it again"
        )


def with_record(replicas: Sequence[Replica], key: Key, source: Source, limits: Limits) -> Replica:
    """Return the first of *replicas*, which have none, with a record of the bytes in *source*.

    The time of staging was not recorded, and stays unknown.

    Raises:
        RefusedError: The regions of *replicas* have different bytes.
        InputError: The metadata is larger than a record can hold.
        StartifactError: A region could not be read.
    """
    for name, digest in _digests(replicas, key, limits).items():
        if digest != source.sha256:
            raise RefusedError(
                f"regions disagree about {key}, nothing of it was changed: {name} has "
                f"sha256:{digest}, another one sha256:{source.sha256}",
                hint="Find out which is right",
            )
    record = replace(replicas[0].record, sha256=source.sha256)
    encoded_record, _ = encode(record)
    stored = replace(replicas[0].stored, encoded_record=encoded_record)
    return replace(replicas[0], record=record, stored=stored)


def _digests(replicas: Sequence[Replica], key: Key, limits: Limits) -> dict[str, str]:
    """Return the SHA-256 of the bytes of those whose MD5 is not known, read from their regions."""
    jobs = {
        replica.region.name: partial(read_digest, replica, key)
        for replica in replicas
        if not replica.record.md5
    }
    digests: dict[str, str] = {}
    with FanOut(jobs, limits=limits) as reading:
        for answer in reading:
            if isinstance(answer, Failure):
                raise answer.error
            digests[answer.name] = answer.value
    return digests
