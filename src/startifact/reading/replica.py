"""One region's copy of an artifact, and what its record says."""

from dataclasses import replace

from startifact.errors import ArchivedError, IntegrityError
from startifact.lazy_dataclasses import dataclass
from startifact.limits import MAX_SIZE_BYTES
from startifact.model.keys import Key
from startifact.model.record import Record, decode
from startifact.regions.interface import Region, StoredArtifact
from startifact.regions.legacy import LegacyArtifact, legacy_metadata_key, legacy_record


@dataclass(frozen=True, slots=True)
class Replica:
    """One region's copy of an artifact."""

    region: Region
    stored: StoredArtifact
    record: Record

    @property
    def is_recorded(self) -> bool:
        """Whether it has a record, which those of the first Startifact lack."""
        return self.stored.encoded_record is not None

    def archived_error(self, key: Key) -> ArchivedError | None:
        """Return why its bytes cannot be read now; ``None`` where they can."""
        if self.stored.archived is None:
            return None
        return ArchivedError(
            f"{key} in {self.region.name} cannot be delivered: {self.stored.archived}"
        )


def legacy_metadata(replica: Replica, key: Key) -> tuple[Key, bytes]:
    """Return where the first Startifact kept metadata, and what *replica* has there, as stored."""
    stored = replica.stored
    text = stored.metadata if isinstance(stored, LegacyArtifact) else None
    return legacy_metadata_key(key), (text or "").encode()


def describe(region: Region, key: Key) -> Replica | None:
    """Return the copy at *key* in *region*, or ``None`` when the region says that there is none.

    Raises:
        IntegrityError: Its record is damaged, or its size is not the recorded one.
        RemovedError: It was removed on purpose.
    """
    stored = region.describe(key)
    return None if stored is None else interpret(region, key, stored)


def interpret(region: Region, key: Key, stored: StoredArtifact) -> Replica:
    """Return *stored* with what its record says.

    Raises:
        IntegrityError: Its record is damaged, or its size is not the recorded one, or none that
            can be.
        RemovedError: It was removed on purpose.
    """
    where = f"{key} in {region.name}"
    if stored.size > MAX_SIZE_BYTES:
        raise IntegrityError(
            f"{where} has {stored.size:,} bytes, {MAX_SIZE_BYTES:,} are what S3 allows"
        )
    if stored.encoded_record is None:
        return Replica(region, stored, legacy_record(stored, where=where))
    record = decode(stored.encoded_record, where=where)
    if record.size != stored.size:
        raise IntegrityError(
            f"{where} has {stored.size:,} bytes, {record.size:,} were recorded",
        )
    # Beside a copy of the first Startifact that is all there is to compare.
    return Replica(region, stored, replace(record, md5=stored.md5))
