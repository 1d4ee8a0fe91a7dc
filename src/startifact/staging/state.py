"""What is known about each region while a staging goes on."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from semver import Version

from startifact.channels.latest import highest
from startifact.concurrency.fan_out import Failed
from startifact.errors import (
    AlreadyStagedError,
    LocalFileError,
    RemovedError,
    StartifactError,
)
from startifact.model.keys import Key
from startifact.model.record import Record
from startifact.reading.resolution import Copy
from startifact.regions.interface import Region
from startifact.staging.outcomes import ConflictError, RegionOutcome, State
from startifact.staging.region_steps import Sight


@dataclass(slots=True)
class Ledger:
    """What is known about each region while a staging goes on."""

    regions: Sequence[Region]
    key: Key
    sights: dict[str, Sight] = field(default_factory=dict)
    glimpsed: dict[str, Copy] = field(default_factory=dict)
    copies: dict[str, Copy] = field(default_factory=dict)
    created: set[str] = field(default_factory=set)
    latest: dict[str, Version] = field(default_factory=dict)
    errors: dict[str, StartifactError] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)

    def spent(self, name: str, seconds: float) -> None:
        """Add to the time that the region has taken."""
        self.seconds[name] = self.seconds.get(name, 0.0) + seconds

    def glimpse(self, copy: Copy) -> None:
        """Record a copy before its region has answered, which it may never do."""
        self.glimpsed[copy.region.name] = copy

    def saw(self, name: str, seconds: float, sight: Sight) -> None:
        """Record what a region holds."""
        self.spent(name, seconds)
        self.sights[name] = sight
        if sight.copy is not None:
            self.copies[name] = sight.copy

    def wrote(self, name: str, seconds: float, copy: Copy, document: str) -> None:
        """Record that a region holds the artifact now, and whether it is what we wrote."""
        self.spent(name, seconds)
        self.copies[name] = copy
        if copy.stored.document == document:
            self.created.add(name)

    def failed(self, failure: Failed) -> None:
        """Record why a region dropped out."""
        self.spent(failure.name, failure.seconds)
        self.errors[failure.name] = failure.error

    def places(self) -> dict[str, str]:
        """Return what identifies each region that has answered, in the configured order."""
        return {r.name: self.sights[r.name].place for r in self.regions if r.name in self.sights}

    def to_write(self) -> list[Region]:
        """Return the regions that can be written to and do not hold the artifact."""
        return [
            r for r in self.regions if r.name in self.sights and self.sights[r.name].copy is None
        ]

    def holders(self) -> list[Region]:
        """Return the regions that hold the artifact."""
        return [r for r in self.regions if r.name in self.copies]

    def left_out(self, listed: frozenset[str]) -> list[str]:
        """Return what *listed* or any region's organisation names beyond this staging's list."""
        named = {region.name for region in self.regions}
        known = listed.union(*(sight.peers for sight in self.sights.values()))
        # Regions of which none is in the list are another list, not a part of it.
        return sorted(known - named) if named & known else []

    def copies_in_order(self) -> list[Copy]:
        """Return the copies in the configured order of their regions."""
        return [self.copies[region.name] for region in self.holders()]

    def known_copies(self) -> list[Copy]:
        """Return the copies and those that were only glimpsed, as far as their digest is known."""
        known = self.glimpsed | self.copies
        found = (known.get(region.name) for region in self.regions)
        return [copy for copy in found if copy is not None and copy.record.sha256]

    def unrecorded(self) -> dict[str, Copy]:
        """Return the copies, glimpsed ones included, whose digest nobody has recorded."""
        known = self.glimpsed | self.copies
        return {name: copy for name, copy in known.items() if not copy.record.sha256}

    def compared(self, copy: Copy) -> None:
        """Record what an unrecorded copy turned out to be."""
        known = self.copies if copy.region.name in self.copies else self.glimpsed
        known[copy.region.name] = copy

    def removed(self) -> RemovedError | None:
        """Return what the first region, in the configured order, says of a tombstone it holds."""
        errors = (self.errors.get(region.name) for region in self.regions)
        return next((error for error in errors if isinstance(error, RemovedError)), None)

    def first_copy(self) -> Copy | None:
        """Return the copy of the first region, in the configured order, that holds one."""
        return next(iter(self.copies_in_order()), None)

    def floor(self) -> Version | None:
        """Return the highest ``latest`` that any region had."""
        seen = [s.latest for s in self.sights.values() if s.latest is not None]
        return highest(seen) if seen else None

    def highest_latest(self) -> Version | None:
        """Return the highest ``latest`` of all regions, as far as it is known now."""
        known = {n: s.latest for n, s in self.sights.items() if s.latest} | self.latest
        return highest(known.values()) if known else None

    def outcomes(self, absent: State) -> tuple[RegionOutcome, ...]:
        """Return every region's outcome; *absent* is what to call it where nothing was written."""
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
        if (copy := self.copies.get(name)) is None:
            return common if error else replace(common, location=region.location(self.key))
        return replace(
            common,
            state=State.CREATED if name in self.created else State.PRESENT,
            location=region.location(self.key),
            object_version=copy.stored.object_version,
        )


def conflict(
    ledger: Ledger,
    record: Record,
    others: Sequence[Copy],
    removed: RemovedError | None = None,
) -> ConflictError:
    """Name what was to be staged, and what each region holds; *others* is other content."""
    different = {copy.region.name: copy for copy in others}
    ledger.copies |= different
    lines = [f"\n  this attempt: {_told(record)}"]
    outcomes = []
    for seen in ledger.outcomes(State.ABSENT):
        copy = ledger.copies.get(seen.region)
        said = _told(copy.record) if copy else str(seen.error or seen.state)
        if copy and (differences := record.differences(copy.record)):
            said += f"; differs in {' and '.join(differences)}"
        other = seen.region in different
        error = AlreadyStagedError(said) if other else seen.error
        outcomes.append(replace(seen, state=State.DIFFERENT if other else seen.state, error=error))
        lines.append(f"\n  {seen.region}: {said}")
    what = removed or f"{ledger.key} is already staged with other content"
    hint = removed.hint if removed else "A staged version never changes: stage under a new version"
    return ConflictError(
        f"{what}:{''.join(lines)}", hint=hint, outcomes=outcomes, removed=removed is not None
    )


def _told(record: Record) -> str:
    return f"{record.digest}, {record.size:,} bytes"


def changed_file(ledger: Ledger, error: LocalFileError) -> LocalFileError:
    """Say of *error* where the version is by now: under it, other bytes will be refused."""
    if not ledger.copies:
        return error
    return LocalFileError(
        f"{error}; {', '.join(sorted(ledger.copies))} had stored {ledger.key} as it was before",
        hint="Stage the file under a new version once nothing writes to it any more",
    )
