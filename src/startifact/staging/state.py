"""What is known about each region while a staging goes on."""

from collections.abc import Sequence
from dataclasses import field, replace

from semver import Version

from startifact.channels.latest import Move
from startifact.concurrency.fan_out import Failure
from startifact.errors import (
    AlreadyStagedError,
    FileChangedError,
    IntegrityError,
    LocalFileError,
    RemovedError,
    StartifactError,
)
from startifact.hints import Command, Hint
from startifact.lazy_dataclasses import dataclass
from startifact.model.keys import Key
from startifact.model.quorum import left_out
from startifact.model.record import Record
from startifact.model.versions import highest
from startifact.model.voting import is_incomplete
from startifact.reading.outcomes import RegionOutcome, State
from startifact.reading.replica import Replica
from startifact.regions.interface import Region
from startifact.staging.region_steps import RegionSnapshot


@dataclass(slots=True)
class StagingState:
    """What is known about each region while a staging goes on."""

    regions: Sequence[Region]
    key: Key
    snapshots: dict[str, RegionSnapshot] = field(default_factory=dict)
    early_replicas: dict[str, Replica] = field(default_factory=dict)
    replicas: dict[str, Replica] = field(default_factory=dict)
    different: dict[str, Replica] = field(default_factory=dict)
    """What regions hold that is not the content of *replicas*."""

    created: set[str] = field(default_factory=set)
    latest: dict[str, Version] = field(default_factory=dict)
    moves: dict[str, Move] = field(default_factory=dict)
    """How it got there, for each of *latest*."""

    beginnings: dict[str, Version] = field(default_factory=dict)
    """Where ``latest`` begins above the version that is staged, as it was lost there."""

    marked: set[str] = field(default_factory=set)
    """Regions that were asked whether the version is being removed."""

    not_marked: set[str] = field(default_factory=set)
    """Those of them that said that it is not."""

    errors: dict[str, StartifactError] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)

    def record_time(self, name: str, seconds: float) -> None:
        """Add to the time that the region has taken."""
        self.seconds[name] = self.seconds.get(name, 0.0) + seconds

    def record_early_replica(self, replica: Replica) -> None:
        """Record a replica before its region has answered in full, which it may never do."""
        self.early_replicas[replica.region.name] = replica

    def record_snapshot(self, name: str, seconds: float, snapshot: RegionSnapshot) -> None:
        """Record what a region holds before anything is written."""
        self.record_time(name, seconds)
        self.snapshots[name] = snapshot
        if snapshot.replica is not None:
            self.replicas[name] = snapshot.replica

    def record_written(
        self, name: str, seconds: float, replica: Replica, encoded_record: str
    ) -> None:
        """Record that a region holds the artifact, and whether this run created it.

        The record shows it: it has the time of staging in microseconds.
        """
        self.record_time(name, seconds)
        self.replicas[name] = replica
        if replica.stored.encoded_record == encoded_record:
            self.created.add(name)

    def record_failure(self, failure: Failure) -> None:
        """Record why a region failed."""
        self.record_time(failure.name, failure.seconds)
        self.errors[failure.name] = failure.error

    def store_identities(self) -> dict[str, str]:
        """Return the store identity of each region that has answered, in the configured order."""
        return {
            r.name: self.snapshots[r.name].store_identity
            for r in self.regions
            if r.name in self.snapshots
        }

    def regions_to_write(self) -> list[Region]:
        """Return the regions that have answered, have not failed since, and hold nothing."""
        done = self.replicas.keys() | self.different.keys() | self.errors.keys()
        return [
            r
            for r in self.regions
            if r.name in self.snapshots
            and self.snapshots[r.name].replica is None
            and r.name not in done
        ]

    def holders(self) -> list[Region]:
        """Return the regions that hold the artifact."""
        return [r for r in self.regions if r.name in self.replicas]

    def left_out(self, listed: Sequence[str]) -> list[str]:
        """Return what *listed* or a region's organisation configuration names beyond *regions*.

        They are in the order of those lists.
        """
        configured = [
            name
            for region in self.regions
            if (snapshot := self.snapshots.get(region.name))
            for name in snapshot.configured_regions
        ]
        return left_out([region.name for region in self.regions], [*listed, *configured])

    def replicas_in_order(self) -> list[Replica]:
        """Return the replicas in the configured order of their regions."""
        return [self.replicas[region.name] for region in self.holders()]

    def known_replicas(self) -> list[Replica]:
        """Return the replicas of every content, early ones included, whose digest is known."""
        return [replica for replica in self.all_replicas() if replica.record.sha256]

    def all_replicas(self) -> list[Replica]:
        """Return the replicas of every content, early ones included, in the configured order."""
        known = self.early_replicas | self.replicas | self.different
        return [known[region.name] for region in self.regions if region.name in known]

    def replicas_without_digest(self) -> dict[str, Replica]:
        """Return the replicas, early ones included, without a recorded digest."""
        return {
            replica.region.name: replica
            for replica in self.all_replicas()
            if not replica.record.sha256
        }

    def record_compared(self, replica: Replica) -> None:
        """Record *replica*, whose bytes have been compared, in place of what was known of it."""
        for known in (self.replicas, self.different):
            if replica.region.name in known:
                known[replica.region.name] = replica
                return
        self.early_replicas[replica.region.name] = replica

    def choose(self, record: Record) -> None:
        """Let the content of *record* be the version: what other regions hold is different."""
        known = {replica.region.name: replica for replica in self.all_replicas()}
        same = {n for n, replica in known.items() if replica.record.same_content(record)}
        self.different = {n: replica for n, replica in known.items() if n not in same}
        # One that was only reported early has failed since, and cannot be relied on.
        self.replicas = {n: r for n, r in known.items() if n in same and n in self.snapshots}
        self.created &= same

    def set_incomplete_aside(self) -> None:
        """Let regions fail whose replica lacks the metadata that another region has.

        They neither hold the artifact nor other content.
        """
        known = self.all_replicas()
        for replica in known:
            if is_incomplete(replica, known):
                name = replica.region.name
                for replicas in (self.early_replicas, self.replicas, self.different):
                    replicas.pop(name, None)
                self.errors.setdefault(name, _incomplete(replica, self.key))

    def removed(self) -> RemovedError | None:
        """Return the error of the first region, in the configured order, that holds a tombstone."""
        errors = (self.errors.get(region.name) for region in self.regions)
        return next((error for error in errors if isinstance(error, RemovedError)), None)

    def first_replica(self) -> Replica | None:
        """Return the replica of the first region, in the configured order, that holds one."""
        return next(iter(self.replicas_in_order()), None)

    def highest_known_latest(self) -> Version | None:
        """Return the highest ``latest`` of any region before anything was written."""
        known = [s.latest for s in self.snapshots.values() if s.latest is not None]
        return highest(known) if known else None

    def beginning_in(self, name: str) -> Version | None:
        """Return what ``latest`` is never created below in the region *name*; ``None`` if any."""
        known = [self.highest_known_latest(), self.beginnings.get(name)]
        versions = [version for version in known if version is not None]
        return highest(versions) if versions else None

    def highest_latest(self) -> Version | None:
        """Return the highest ``latest`` of all regions, as far as it is known now."""
        known = {n: s.latest for n, s in self.snapshots.items() if s.latest}
        known |= self.beginnings | self.latest
        return highest(known.values()) if known else None

    def outcomes(self, absent: State) -> tuple[RegionOutcome, ...]:
        """Return every region's outcome; *absent* is the state of regions that hold nothing."""
        return tuple(self._outcome(region, absent) for region in self.regions)

    def _outcome(self, region: Region, absent: State) -> RegionOutcome:
        name, error = region.name, self.errors.get(region.name)
        common = RegionOutcome(
            region=name,
            state=State.FAILED if error else absent,
            seconds=self.seconds.get(name, 0.0),
            latest=self.latest.get(name),
            error=error,
        )
        if (other := self.different.get(name)) is not None:
            return replace(
                common,
                state=State.DIFFERENT,
                location=region.location(self.key),
                object_version=other.stored.object_version,
                error=AlreadyStagedError(f"{other.record.digest}, {other.record.size:,} bytes"),
            )
        if (replica := self.replicas.get(name)) is None:
            return common if error else replace(common, location=region.location(self.key))
        return replace(
            common,
            state=self._state_of(replica),
            location=region.location(self.key),
            object_version=replica.stored.object_version,
        )

    def _state_of(self, replica: Replica) -> State:
        if replica.region.name in self.created:
            return State.CREATED
        return State.PRESENT if replica.stored.archived is None else State.ARCHIVED


def _incomplete(replica: Replica, key: Key) -> IntegrityError:
    return IntegrityError(
        f"{key} in {replica.region.name} lacks the metadata that other regions have",
        hint=Hint.of("Complete it with ", Command("repair", key)),
    )


def changed_file(state: StagingState, error: LocalFileError) -> LocalFileError:
    """Return *error*; of a file that changed with the regions that hold the version by now.

    They refuse other bytes.
    """
    if not state.replicas or not isinstance(error, FileChangedError):
        return error
    holders = ", ".join(region.name for region in state.holders())
    return FileChangedError(
        f"{error.message}; {holders} had stored {state.key} as it was before",
        hint="Stage the file under a new version once nothing writes to it any more",
    )
