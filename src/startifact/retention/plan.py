"""What a prune is going to do, and what one run of it did."""

from collections.abc import Iterator, Mapping
from dataclasses import field
from enum import StrEnum

from semver import Version

from startifact.errors import (
    SeveralRegionsError,
    StartifactError,
)
from startifact.lazy_dataclasses import dataclass
from startifact.limits import MAX_QUOTED_VERSIONS
from startifact.model.versions import newest_first, parse_version


class PlanState(StrEnum):
    """How far the removal of a version of a plan is."""

    NEW = "new"
    """It was not to be removed until now."""

    MARKED = "marked"
    """It is marked, and not due yet."""

    DUE = "due"
    """It is marked, and may be removed by now."""

    REMOVING = "removing"
    """Its removal has begun, and was not finished."""


class PruneOutcome(StrEnum):
    """What one run has done with a version, or would do."""

    MARKED = "marked"
    """It is to be removed from now on."""

    WAITING = "waiting"
    """It was marked before, and its time has not come."""

    REMOVED = "removed"
    """It is removed in every region."""

    LIFTED = "lifted"
    """It was marked before, and stays."""

    INCOMPLETE = "incomplete"
    """It could not be done; the next run goes on with it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedRemoval:
    """One version that is to be removed."""

    version: Version
    state: PlanState
    not_before: str
    """When it may be removed: RFC 3339, in UTC; remote text where it was marked before."""

    size: int | None = None
    """In bytes, in each region; ``None`` where it is not known."""

    staged_at: str = ""
    """When it was staged first, as it was recorded."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptVersion:
    """One version that is not removed, and not counted among those that stay, and *why*."""

    version: Version
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Pruning:
    """What one run of a prune did, or in a dry run would do. It is true where it is complete."""

    project: str
    plan: tuple[PlannedRemoval, ...]
    """What is to be removed, newest first, whether its time has come or not."""

    kept: tuple[KeptVersion, ...]
    """What is not, although its number and age say so, newest first."""

    marked: tuple[Version, ...]
    """What was marked by this run."""

    lifted: tuple[Version, ...]
    """What was marked before, and is not to be removed any more."""

    removed: tuple[Version, ...]
    """What was removed, in every region. Its numbers stay used."""

    incomplete: Mapping[str, StartifactError] = field(default_factory=dict)
    """Why the rest was not done, by the text of the version; run it again."""

    failures: Mapping[str, StartifactError] = field(default_factory=dict)
    """Why regions could not be asked, by region. Nothing is removed then."""

    dry_run: bool = False

    def __bool__(self) -> bool:
        return not self.incomplete and not self.failures

    def outcomes(self) -> Iterator[tuple[Version, PruneOutcome, PlannedRemoval | None]]:
        """Yield what became of each version, or would: of the plan, then what was taken back."""
        marked, removed = ({str(v) for v in found} for found in (self.marked, self.removed))
        planned = {str(p.version) for p in self.plan}
        for p in self.plan:
            text = str(p.version)
            outcome = PruneOutcome.WAITING
            if text in self.incomplete:
                outcome = PruneOutcome.INCOMPLETE
            elif text in removed:
                outcome = PruneOutcome.REMOVED
            elif text in marked:
                outcome = PruneOutcome.MARKED
            yield p.version, outcome, p
        for version in self.lifted:
            yield version, PruneOutcome.LIFTED, None
        for version in newest_first(parse_version(t) for t in self.incomplete if t not in planned):
            yield version, PruneOutcome.INCOMPLETE, None


def incomplete_error(pruning: Pruning) -> StartifactError | None:
    """Return the error of a run that is not complete; ``None`` where it is."""
    if not pruning.incomplete:
        return None
    items = list(pruning.incomplete.items())
    lines = [f"{text}: {error.message}" for text, error in items[:MAX_QUOTED_VERSIONS]]
    if len(items) > MAX_QUOTED_VERSIONS:
        lines.append(f"and {len(items) - MAX_QUOTED_VERSIONS:,} more")
    count = f"{len(items):,} {'version' if len(items) == 1 else 'versions'}"
    return SeveralRegionsError(
        f"{count} of {pruning.project} could not be pruned completely:"
        + "".join(f"\n  {line}" for line in lines),
        causes=list(dict.fromkeys(pruning.incomplete.values())),
    )
