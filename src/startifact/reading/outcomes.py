"""How one region came out: of a staging, or when it was asked what it holds."""

from collections.abc import Sequence
from enum import StrEnum

from semver import Version

from startifact.errors import RemovedError, StartifactError
from startifact.lazy_dataclasses import dataclass
from startifact.model.keys import Key
from startifact.model.quorum import majority
from startifact.model.record import Record
from startifact.reading.replica import Replica
from startifact.regions.interface import Location
from startifact.text import quoted, quoted_list, redact


class State(StrEnum):
    """How one region came out of a staging, or what it holds of an artifact."""

    CREATED = "created"
    """This staging has put it there."""

    PRESENT = "present"
    """It was there."""

    WOULD_CREATE = "would-create"
    """It is not there, and without the dry run would be by now."""

    ARCHIVED = "archived"
    """It is there, in an archive, and cannot be delivered until it is restored."""

    ABSENT = "absent"
    """It is not there."""

    DIFFERENT = "different"
    """Other content is there under the same version."""

    FAILED = "failed"
    """The region did not answer, or not as it should."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RegionOutcome:
    """What happened in one region, or what it holds."""

    region: str
    """The region's name, as it is spelled."""

    state: State

    seconds: float = 0.0
    """How long the region took."""

    location: Location | None = None
    """Where the artifact is, or would be; ``None`` where the region did not say."""

    object_version: str | None = None
    """The bucket's own version of the object, where it keeps versions."""

    latest: Version | None = None
    """Where ``latest`` is after a staging; ``None`` where it was not moved."""

    error: StartifactError | None = None
    """Why the region failed, why its ``latest`` did not follow, what other content it holds, or why
    it cannot deliver what it holds."""

    def __repr__(self) -> str:
        facts = [f"{quoted(self.region, 200)} {self.state}"]
        if self.latest is not None:
            facts.append(f"latest {self.latest}")
        if self.error is not None:
            text = quoted(redact(str(self.error)))
            facts.append(f"{type(self.error).__name__} {text}")
        return f"<RegionOutcome {', '.join(facts)}>"


def may_be_majority(outcomes: Sequence[RegionOutcome]) -> bool:
    """Say whether a majority of all regions holds the artifact, as far as they have said.

    One that failed may hold it, unless it is by its tombstone that it has failed.
    """
    holders = sum(
        (o.state is State.FAILED and not isinstance(o.error, RemovedError))
        or o.state in {State.CREATED, State.PRESENT, State.ARCHIVED}
        for o in outcomes
    )
    return holders >= majority(len(outcomes))


def facts_in_short(key: Key, record: Record, holders: Sequence[str], regions: int) -> str:
    """Return what a debugger shows of an artifact that *holders* hold, of so many *regions*."""
    names = quoted_list(holders) or "none"
    return f"{key}: {shortened(record)}, known in {len(holders)} of {regions} regions: {names}"


def shortened(record: Record) -> str:
    """Return size and digest in *record*, the digest cut to what a person compares."""
    name, colon, digits = record.digest.partition(":")
    return f"{record.size:,} bytes, {name}{colon}{digits[:12]}"


def outcome_of(
    region: str,
    key: Key,
    answer: Replica | StartifactError | None,
    *,
    record: Record,
    seconds: float = 0.0,
) -> RegionOutcome:
    """Return what *region* holds at *key* by its *answer*, beside *record*, which is right."""
    if answer is None:
        return RegionOutcome(region=region, state=State.ABSENT, seconds=seconds)
    if isinstance(answer, StartifactError):
        return RegionOutcome(region=region, state=State.FAILED, seconds=seconds, error=answer)
    found = answer.record
    if found.sha256 and record.sha256:
        same = found.same_content(record)
    else:  # of the first Startifact: there is no digest to compare
        same = found.may_have_bytes_of(record)
    archived = answer.archived_error(key) if same else None
    return RegionOutcome(
        region=region,
        state=(State.ARCHIVED if archived else State.PRESENT) if same else State.DIFFERENT,
        seconds=seconds,
        location=answer.region.location(key),
        object_version=answer.stored.object_version,
        error=archived,
    )
