"""Which regions are sent the file, and which copy it from one that has it.

Bytes leave this machine once where the store can copy. Each region decides for itself when its turn
comes, so that no promise depends on a copy: where it fails, the region is sent the file.
"""

import threading
from collections.abc import Iterable

from startifact.concurrency.heartbeat import Heartbeat
from startifact.files.source import Source
from startifact.limits import CANCEL_POLL_SECONDS, Limits
from startifact.model.keys import Key
from startifact.reading.replica import Replica
from startifact.regions.interface import Region
from startifact.staging import region_steps
from startifact.staging.outcomes import Replicate, StageRequest


class Replication:
    """The writes of one artifact into several regions. *holders* have it already.

    Safe to use from several threads, of which each writes into one region.
    """

    def __init__(
        self,
        request: StageRequest,
        key: Key,
        source: Source,
        encoded_record: str,
        *,
        holders: Iterable[Replica],
        limits: Limits,
    ) -> None:
        self._project = request.project
        self._key = key
        self._source = source
        self._encoded_record = encoded_record
        self._limits = limits
        self._may_copy = request.replicate is Replicate.AUTO and source.size >= limits.copy_bytes
        self._changed = threading.Condition()
        self._holders = [replica for replica in holders if self._is_copy_of_source(replica)]
        self._sending: list[tuple[Region, Heartbeat]] = []

    def create(self, region: Region, heartbeat: Heartbeat) -> Replica:
        """Create the artifact in *region*; see `region_steps.create`."""
        origin = self._origin_for(region, heartbeat) if self._may_copy else None
        try:
            replica = region_steps.create(
                region, self._project, self._key, self._source, self._encoded_record, heartbeat,
                origin=origin,
            )  # fmt: skip
            if self._is_copy_of_source(replica):
                with self._changed:
                    self._holders.append(replica)
            return replica
        finally:
            with self._changed:
                self._sending = [s for s in self._sending if s[0] is not region]
                self._changed.notify_all()

    def _origin_for(self, region: Region, heartbeat: Heartbeat) -> Replica | None:
        """Return what *region* is to copy; ``None`` where it is to be sent the file.

        Where a region that it can copy from is being sent the file, that is waited for.
        """
        with self._changed:
            while True:
                for replica in self._holders:
                    if region.can_copy_from(replica.region):
                        return replica
                if not any(
                    region.can_copy_from(other) and self._is_alive(sender)
                    for other, sender in self._sending
                ):
                    self._sending.append((region, heartbeat))
                    return None
                self._changed.wait(CANCEL_POLL_SECONDS)
                heartbeat.beat()  # the other region's life is this one's

    def _is_alive(self, sender: Heartbeat) -> bool:
        stuck = sender.is_stuck(self._limits.copy_wait_seconds)
        return not stuck and not sender.cancelled.is_set()

    def _is_copy_of_source(self, replica: Replica) -> bool:
        record, source = replica.record, self._source
        is_same = (record.sha256, record.size) == (source.sha256, source.size)
        return is_same and replica.stored.archived is None
