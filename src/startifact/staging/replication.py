"""Which regions are sent the file, and which copy it from one that has it.

Bytes leave this machine once where the store can copy. Each region decides for itself when its turn
comes, so that no promise depends on a copy: where it fails, the region is sent the file.

Whoever waits for another region sees what is found there. Where that is other content, nothing more
is written, unless a majority holds this one already.
"""

import threading
from collections.abc import Sequence

from startifact.concurrency.heartbeat import Heartbeat
from startifact.errors import IndeterminateContentError, NewerFormatError, RemovedError
from startifact.files.source import Source
from startifact.limits import CANCEL_POLL_SECONDS, Limits
from startifact.model.keys import Key
from startifact.model.quorum import majority
from startifact.model.record import Record
from startifact.reading.replica import Replica
from startifact.regions.interface import Region
from startifact.staging import region_steps
from startifact.staging.outcomes import Replicate, StageRequest


class Replication:
    """The writes of one artifact, *record*, into some of *regions*. *holders* have it already.

    Safe to use from several threads, of which each writes into one region.
    """

    def __init__(
        self,
        request: StageRequest,
        key: Key,
        source: Source,
        record: Record,
        encoded_record: str,
        *,
        regions: int,
        holders: Sequence[Replica],
        limits: Limits,
    ) -> None:
        self._project = request.project
        self._key = key
        self._source = source
        self._record = record
        self._encoded_record = encoded_record
        self._missing_to_majority = majority(regions) - len(holders)
        self._has_met_others = False
        self._limits = limits
        self._may_copy = request.replicate is Replicate.AUTO and source.size >= limits.copy_bytes
        self._changed = threading.Condition()
        self._holders = [replica for replica in holders if self._is_copy_of_source(replica)]
        self._sending: list[tuple[Region, Heartbeat]] = []

    def create(self, region: Region, heartbeat: Heartbeat) -> Replica | None:
        """Create the artifact in *region*; see `region_steps.create`.

        Returns:
            What is there afterwards; ``None`` where nothing was written, as another region was
            found to hold other content before it was this one's turn.
        """
        try:
            origin = self._origin_for(region, heartbeat) if self._may_copy else None
            replica = region_steps.create(
                region, self._project, self._key, self._source, self._encoded_record, heartbeat,
                origin=origin, before_sending=self._check_undisputed,
            )  # fmt: skip
            self._record_found(replica)
            return replica
        except region_steps.Withheld:
            return None
        except (IndeterminateContentError, NewerFormatError, RemovedError):
            self._has_met_others = True  # or what may be other content
            raise
        finally:
            with self._changed:
                self._sending = [s for s in self._sending if s[0] is not region]
                self._changed.notify_all()

    def _record_found(self, replica: Replica) -> None:
        with self._changed:
            if not replica.record.same_content(self._record):
                self._has_met_others = True
                return
            self._missing_to_majority -= 1
            if self._is_copy_of_source(replica):
                self._holders.append(replica)

    def _check_undisputed(self) -> None:
        """Return when this content may be written still, for all that was found meanwhile.

        Artifacts that are sent to all regions at once have been sent when anything is found.
        """
        if self._may_copy and self._has_met_others and self._missing_to_majority > 0:
            raise region_steps.Withheld

    def _origin_for(self, region: Region, heartbeat: Heartbeat) -> Replica | None:
        """Return what *region* is to copy; ``None`` where it is to be sent the file.

        Where a region that it can copy from is being sent the file, that is waited for.
        """
        with self._changed:
            while True:
                self._check_undisputed()
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
